//! What functions of all kinds have in common once CREATE has checked them: their code, limits and counters.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cache;
use crate::columns::Guest;
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
    code: wasmtime::Module,
    guest_functions: u32,
}

impl Compiled {
    /// Compiles a module that takes columns, as it is.
    pub(crate) fn new(module: &Module, name: &str, export: &str, options: &FunctionOptions) -> Result<Self> {
        let code = cache::compile(module.bytes()).map_err(|e| {
            Error::new(format!("the module '{}' cannot be compiled", module.path().display())).detail(format!("{e:#}"))
        })?;
        Ok(Self {
            name: name.to_owned(),
            export: export.to_owned(),
            path: module.path().to_owned(),
            options: options.clone(),
            sha256: module.sha256(),
            usage: Arc::default(),
            code,
            guest_functions: module.functions.len() as u32,
        })
    }

    /// A fresh instance.
    pub(crate) fn guest(&self) -> Result<Guest, Failure> {
        Guest::new(Instance::new(&self.code, 0, self.guest_functions, &self.options, &self.usage)?)
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
