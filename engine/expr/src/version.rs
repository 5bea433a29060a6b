//! What names of users' functions and models stand for: which module, by its digest. Checkpoints record it, so that rows are
//! worked on again by the code that worked on them before.

/// Functions and models have names of their own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    /// A scalar, aggregate, table or process function.
    Function,
    /// A model.
    Model,
}

/// The name of a user's function or model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserName {
    /// Which kind of names.
    pub kind: NameKind,
    /// Of a function in lower case, of a model as it was written.
    pub name: String,
}

impl UserName {
    /// Of a function, in any case.
    pub fn function(name: &str) -> Self {
        Self { kind: NameKind::Function, name: name.to_lowercase() }
    }
    /// Of a model.
    pub fn model(name: &str) -> Self {
        Self { kind: NameKind::Model, name: name.to_owned() }
    }
}

impl std::fmt::Display for UserName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            NameKind::Function => "function",
            NameKind::Model => "model",
        };
        write!(f, "{kind} '{}'", self.name)
    }
}

/// The module that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleVersion {
    /// The function or model.
    pub name: UserName,
    /// SHA-256 of the module's file.
    pub sha256: [u8; 32],
    /// SHA-256 of a model's artifact, where it has one.
    pub artifact_sha256: Option<[u8; 32]>,
}
