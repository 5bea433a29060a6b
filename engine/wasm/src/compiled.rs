//! What functions of all kinds have in common once CREATE has checked them: their code, limits and counters.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cache;
use crate::columns::Guest;
use crate::component::{Component, ComponentInstance};
use crate::error::{Error, Result};
use crate::instance::{Failure, Instance};
use crate::module::Module;
use crate::options::FunctionOptions;
use crate::usage::{Usage, UsageSnapshot};

/// See the module.
pub(crate) struct Compiled {
    pub name: String,
    pub export: String,
    pub path: PathBuf,
    pub options: FunctionOptions,
    pub sha256: [u8; 32],
    pub usage: Arc<Usage>,
    code: Code,
}

enum Code {
    Module { code: wasmtime::Module, guest_functions: u32 },
    Component(Component),
}

/// An instance of one or the other.
pub(crate) enum Started {
    Module(Guest),
    Component(ComponentInstance),
}

impl Compiled {
    /// Compiles a module that takes columns, as it is.
    pub(crate) fn new(module: &Module, name: &str, export: &str, options: &FunctionOptions) -> Result<Self> {
        let code = cache::compile_for(module.bytes(), export).map_err(|e| {
            Error::new(format!("the module '{}' cannot be compiled", module.path().display())).detail(format!("{e:#}"))
        })?;
        let code = Code::Module { code, guest_functions: module.functions.len() as u32 };
        Ok(Self::of(module, code, name, export, options))
    }

    /// The same for a module or a component that has the function in its world.
    pub(crate) fn new_of_either(module: &Module, name: &str, export: &str, options: &FunctionOptions) -> Result<Self> {
        let Some(loaded) = &module.component else { return Self::new(module, name, export, options) };
        let component = loaded.described(module.path(), &module.descriptors, export)?;
        Ok(Self::of(module, Code::Component(component), name, export, options))
    }

    fn of(module: &Module, code: Code, name: &str, export: &str, options: &FunctionOptions) -> Self {
        Self {
            name: name.to_owned(),
            export: export.to_owned(),
            path: module.path().to_owned(),
            options: options.clone(),
            sha256: module.sha256(),
            usage: Arc::default(),
            code,
        }
    }

    /// A fresh instance of either.
    pub(crate) fn start(&self) -> Result<Started, Failure> {
        Ok(match &self.code {
            Code::Module { code, guest_functions } => {
                Started::Module(Guest::new(Instance::new(code, 0, *guest_functions, &self.options, &self.usage)?)?)
            }
            Code::Component(component) => Started::Component(component.start(&self.options, &self.usage)?),
        })
    }

    /// A fresh instance of a module.
    pub(crate) fn guest(&self) -> Result<Guest, Failure> {
        match self.start()? {
            Started::Module(guest) => Ok(guest),
            Started::Component(_) => unreachable!("made by Compiled::new"),
        }
    }

    /// What was used so far, over all instances.
    pub(crate) fn usage(&self) -> UsageSnapshot {
        self.usage.snapshot()
    }

    /// The error of CREATE where the first instance fails.
    pub(crate) fn does_not_start(&self, failure: &Failure) -> Error {
        Error::new(format!("the module '{}' does not start", self.path.display())).detail(failure.text())
    }

    /// The job's error.
    pub(crate) fn failed(&self, why: &str) -> wasmill_plan::Error {
        wasmill_plan::Error::Function {
            function: self.name.clone(),
            message: format!("{why} (module '{}', export '{}')", self.path.display(), self.export),
        }
    }
}
