//! A created function: checked, compiled, with its settings and counters; makes the evaluators of the operators.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use wasmill_plan::{DataType, Field};

use crate::cache::{self, belongs_to};
use crate::columns::ColumnsInstance;
use crate::component::{Component, ComponentInstance};
use crate::error::{Error, Result};
use crate::instance::{Failure, Instance};
use crate::module::{COLUMNS_SUFFIX, Module};
use crate::options::FunctionOptions;
use crate::plain::{PlainCall, PlainInstance};
use crate::prune::prune;
use crate::rewrite::layout::Layout;
use crate::rewrite::{self, Effort, Shape};
use crate::scalar::WasmScalar;
use crate::signature::{self, Entry};
use crate::usage::{Usage, UsageSnapshot};

/// What CREATE FUNCTION declares.
#[derive(Clone, Debug)]
pub struct FunctionSpec {
    /// The name in SQL.
    pub name: String,
    /// The export: AS, or else the name.
    pub export: String,
    /// The module: USING FILE.
    pub path: PathBuf,
    /// Names and types of the arguments.
    pub args: Vec<Field>,
    /// The result's type.
    pub returns: DataType,
    /// WITH (…).
    pub options: FunctionOptions,
}

/// A scalar function in Wasm. Cloning is cheap and shares code and counters.
#[derive(Clone)]
pub struct Function {
    pub(crate) inner: Arc<Inner>,
}

/// What the evaluators of one function share.
pub(crate) struct Inner {
    pub spec: FunctionSpec,
    pub arg_types: Vec<DataType>,
    pub sha256: [u8; 32],
    pub usage: Arc<Usage>,
    way: Way,
    /// The instance that CREATE FUNCTION made for its checks, for the first evaluator.
    first: Mutex<Option<Running>>,
}

/// How the function is run.
enum Way {
    Plain { code: wasmtime::Module, guest_functions: u32, layout: Layout, total: bool, shape: Shape },
    Columns { code: wasmtime::Module, guest_functions: u32, export: String },
    Component(Component),
}

/// An instance, of one way or the other.
pub(crate) enum Running {
    Plain(PlainInstance),
    Columns(ColumnsInstance),
    Component(ComponentInstance),
}

impl Function {
    /// Does what CREATE FUNCTION promises: loads and checks the module, checks the declaration against it, compiles it,
    /// and instantiates it once, so that nothing of that can fail at the first row.
    ///
    /// # Errors
    /// As [`Module::load`]; the export is missing or does not fit; the start function fails; another ABI version.
    pub fn create(spec: FunctionSpec) -> Result<Self> {
        let module = Module::load(&spec.path, &spec.options)?;
        Self::from_module(spec, &module)
    }

    /// The same with a module that is loaded already.
    ///
    /// # Errors
    /// As [`Function::create`].
    pub fn from_module(spec: FunctionSpec, module: &Module) -> Result<Self> {
        Self::with_effort(spec, module, Effort::Full)
    }

    /// The same, with less rewriting: to compare the ways.
    ///
    /// # Errors
    /// As [`Function::create`].
    pub fn with_effort(spec: FunctionSpec, module: &Module, effort: Effort) -> Result<Self> {
        if let Some(loaded) = &module.component {
            let names = (spec.name.as_str(), spec.export.as_str());
            let way = loaded.function(module.path(), &module.descriptors, names, &spec.args, &spec.returns)?;
            return Self::started(spec, module, Way::Component(way));
        }
        let entry = signature::check(module, &spec.name, &spec.export, &spec.args, &spec.returns)?;
        let cannot_compile = |e: &dyn std::fmt::Display| {
            Error::new(format!("the module '{}' cannot be compiled", module.path().display())).detail(e)
        };
        let guest_functions = module.functions.len() as u32;
        let way = match entry {
            Entry::Plain { function, args, returns } => {
                let layout = Layout::new(&args, returns);
                let rewritten = rewrite::rewrite(module, function, &layout, effort).map_err(|e| cannot_compile(&e))?;
                let needed =
                    prune(&rewritten.bytes, |name| belongs_to(name, &spec.export)).map_err(|e| cannot_compile(&e))?;
                let code = cache::compile(&needed).map_err(|e| cannot_compile(&format!("{e:#}")))?;
                let (total, shape) = (rewritten.total, rewritten.shape);
                Way::Plain { code, guest_functions, layout, total, shape }
            }
            Entry::Columns => {
                let types = spec.args.iter().map(|a| &a.data_type).chain([&spec.returns]);
                signature::check_types(&spec.name, types)?;
                let code =
                    cache::compile_for(module.bytes(), &spec.export).map_err(|e| cannot_compile(&format!("{e:#}")))?;
                Way::Columns { code, guest_functions, export: format!("{}{COLUMNS_SUFFIX}", spec.export) }
            }
        };
        Self::started(spec, module, way)
    }

    /// With its first instance.
    fn started(spec: FunctionSpec, module: &Module, way: Way) -> Result<Self> {
        let inner = Inner {
            arg_types: spec.args.iter().map(|a| a.data_type.clone()).collect(),
            sha256: module.sha256(),
            usage: Arc::default(),
            way,
            first: Mutex::new(None),
            spec,
        };
        let first = inner.start().map_err(|failure| {
            Error::new(format!("the module '{}' does not start", inner.spec.path.display())).detail(failure.text())
        })?;
        *inner.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The declaration.
    pub fn spec(&self) -> &FunctionSpec {
        &self.inner.spec
    }
    /// The digest of the module's file.
    pub fn sha256(&self) -> [u8; 32] {
        self.inner.sha256
    }
    /// What has been used so far, over all evaluators.
    pub fn usage(&self) -> UsageSnapshot {
        self.inner.usage.snapshot()
    }
    /// How a plain export is run; `None` for a column function.
    pub fn shape(&self) -> Option<Shape> {
        match &self.inner.way {
            Way::Plain { shape, .. } => Some(*shape),
            Way::Columns { .. } | Way::Component(_) => None,
        }
    }
    /// An evaluator with an instance of its own: one for each place in each operator's instance.
    pub fn scalar(&self) -> WasmScalar {
        WasmScalar::new(self.inner.clone())
    }
}

impl Inner {
    /// The instance made by CREATE FUNCTION if nobody has it yet, or a fresh one.
    pub(crate) fn take_or_start(&self) -> Result<Running, Failure> {
        match self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(first) => Ok(first),
            None => self.start(),
        }
    }

    /// A fresh instance.
    pub(crate) fn start(&self) -> Result<Running, Failure> {
        let (options, usage) = (&self.spec.options, &self.usage);
        Ok(match &self.way {
            Way::Plain { code, guest_functions, layout, .. } => {
                let arena_bytes = u64::from(layout.bytes).next_multiple_of(64 << 10);
                let guest = Instance::new(code, arena_bytes, *guest_functions, options, usage)?;
                Running::Plain(PlainInstance::new(guest)?)
            }
            Way::Columns { code, guest_functions, export } => Running::Columns(ColumnsInstance::new(
                Instance::new(code, 0, *guest_functions, options, usage)?,
                export,
            )?),
            Way::Component(component) => Running::Component(component.start(options, usage)?),
        })
    }

    /// Whether a row with a NULL argument gives NULL without a call.
    pub(crate) fn is_strict(&self) -> bool {
        match &self.way {
            Way::Plain { .. } => true,
            Way::Columns { .. } => false,
            Way::Component(component) => component.is_strict(),
        }
    }

    /// How a plain export is called; `None` for a column function.
    pub(crate) fn plain_call(&self) -> Option<PlainCall<'_>> {
        match &self.way {
            Way::Plain { layout, total, .. } => {
                Some(PlainCall { layout, total: *total, export: &self.spec.export, returns: &self.spec.returns })
            }
            Way::Columns { .. } | Way::Component(_) => None,
        }
    }
}
