//! Functions in components, for languages whose toolchains make nothing else: Python, JavaScript. udf-sdk/ABI.md, "Components".
//!
//! ```text
//! file ──load.rs──> Component: read, compiled or from the cache, no imports
//!      ──entry.rs──> how it is called: by the world of udf-sdk/udf.wit, or by an export with a type of its own
//!      ──instance.rs──> ComponentInstance: limits and deadline as for core modules
//!                         world: a batch as one list of bytes (columns/image.rs)      typed: a call a row (value.rs)
//! ```

mod entry;
mod instance;
mod load;
mod value;

use std::path::Path;
use std::sync::Arc;

use wasmill_plan::{DataType, Field};
use wasmtime::component::InstancePre;

use crate::descriptor::Description;
use crate::error::{Error, Result};
use crate::instance::{Failure, Limits};
use crate::options::FunctionOptions;
use crate::usage::Usage;
use entry::Entry;
pub(crate) use instance::ComponentInstance;
pub(crate) use load::is_component;

/// A component that passed the checks, without a declaration yet.
pub(crate) struct Loaded {
    code: wasmtime::component::Component,
    pre: InstancePre<Limits>,
    pub sha256: [u8; 32],
}

/// A function of a component.
pub(crate) struct Component {
    pre: InstancePre<Limits>,
    entry: Entry,
}

impl Loaded {
    /// Compiles the file's bytes, or finds them compiled, and asks the component what it holds.
    ///
    /// # Errors
    /// It is invalid, imports something, was built for another version of the world, or does not describe itself as it should.
    pub(crate) fn new(path: &Path, bytes: &[u8], options: &FunctionOptions) -> Result<(Self, Vec<Description>)> {
        let (code, sha256) = load::load(path, bytes, options)?;
        let loaded = Self { pre: load::link(path, &code)?, code, sha256 };
        let descriptions = match entry::world(path, &loaded.code)? {
            None => entry::typed_descriptions(&loaded.code),
            Some(entry) => {
                let refused =
                    |why: String| Error::new(format!("the component '{}' cannot be used", path.display())).detail(why);
                let text = ComponentInstance::new(&loaded.pre, &entry, options, &Arc::default())
                    .and_then(|mut instance| instance.describe())
                    .map_err(|failure| refused(failure.text()))?;
                crate::descriptor::parse(text.as_bytes())
                    .map_err(|why| refused(format!("its own description ('describe') is wrong: {why}")))?
            }
        };
        Ok((loaded, descriptions))
    }

    /// Checks a declaration against what the component exports and says of itself.
    ///
    /// # Errors
    /// There is no such function, or it is another one.
    pub(crate) fn function(
        &self,
        path: &Path,
        described: &[Description],
        (name, export): (&str, &str),
        args: &[Field],
        returns: &DataType,
    ) -> Result<Component> {
        let entry = entry::find(path, &self.code, export)?;
        match &entry {
            Entry::World { .. } => entry::check_described(path, described, (name, export), args, returns)?,
            Entry::Typed { parameters, returns: result, .. } => {
                entry::check_typed(path, (name, export), parameters, result, args, returns)?;
            }
        }
        Ok(Component { pre: self.pre.clone(), entry })
    }
}

impl Loaded {
    /// A function that is not scalar, which only the world has; its declaration was checked against the component's description.
    ///
    /// # Errors
    /// The component does not describe it.
    pub(crate) fn described(&self, path: &Path, described: &[Description], export: &str) -> Result<Component> {
        let entry = entry::find(path, &self.code, export)?;
        entry::find_described(path, described, export)?;
        Ok(Component { pre: self.pre.clone(), entry })
    }
}

impl Component {
    /// A fresh instance.
    pub(crate) fn start(&self, options: &FunctionOptions, usage: &Arc<Usage>) -> Result<ComponentInstance, Failure> {
        ComponentInstance::new(&self.pre, &self.entry, options, usage)
    }
    /// Whether rows with NULL arguments may give NULL without a call.
    pub(crate) fn is_strict(&self) -> bool {
        matches!(self.entry, Entry::Typed { .. })
    }
}
