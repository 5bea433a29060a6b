//! The users' functions and models of a session, from CREATE to the evaluators of a job.
//!
//! ```text
//! CREATE … FUNCTION, CREATE MODEL --options, Module::load--> signature: declared, or the module's own description
//!                                 --create------------------> Function | AggregateFunction | TableFunction | ProcessFunction | ModelFunction
//! ```

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::ArrayRef;
use wasmill_expr::{
    Context, ModuleVersion, NameKind, UserAggregate, UserFunctions, UserModel, UserName, UserProcess, UserScalar,
    UserTable,
};
use wasmill_plan::{DataType, Error, Field, Result, StateField, Table, TypeKind};
use wasmill_sql::statement::{CreateFunction, CreateKind, CreateModel, Name, OptionDef};
use wasmill_sql::{FunctionKind, Model, QueryError, UserFunction, ddl, types};
use wasmill_wasm::{
    AggregateFunction, AggregateSpec, Description, Function, FunctionOptions, FunctionSpec, Kind, ModelFunction,
    ModelSpec, Module, Part, ProcessFunction, ProcessSpec, Returns, TableFunction, TableSpec, UsageSnapshot,
    WasmScalar,
};

use crate::shadow::{Shadow, ShadowedModel, ShadowedScalar};

/// Names of functions that stand before OVER and are no aggregates, which none may be called.
const OVER_FUNCTIONS: [&str; 4] = ["ROW_NUMBER", "RANK", "DENSE_RANK", "LAG"];

/// Functions by their name in lower case, models by their name. Cloning shares their code; a job keeps those that it
/// started with.
#[derive(Clone, Default)]
pub(crate) struct Functions {
    functions: HashMap<String, Entry<Loaded>>,
    models: HashMap<String, Entry<ModelFunction>>,
}

/// A function's code.
#[derive(Clone)]
pub(crate) enum Loaded {
    Scalar(Function),
    Aggregate(AggregateFunction),
    Table(TableFunction),
    Process(ProcessFunction),
}

/// A function or model, what is known of it, and the candidate beside it.
#[derive(Clone)]
pub(crate) struct Entry<T> {
    pub loaded: T,
    pub about: About,
    pub shadow: Option<Arc<Shadow<T>>>,
}

/// What is known of a version of a function or model.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub kind: Kind,
    /// Types, without names: `(DOUBLE) RETURNS DOUBLE`.
    pub signature: String,
    pub sha256: [u8; 32],
    pub artifact_sha256: Option<[u8; 32]>,
    /// The language that the module says it was written in.
    pub language: Option<&'static str>,
    pub options: FunctionOptions,
}

impl About {
    fn new(kind: Kind, module: &Module, options: &FunctionOptions, signature: String) -> Self {
        Self {
            kind,
            signature,
            sha256: module.sha256(),
            artifact_sha256: None,
            language: module.language().or(module.is_component().then_some("component")),
            options: options.clone(),
        }
    }
}

impl<T> Entry<T> {
    fn new(loaded: T, about: About) -> Self {
        Self { loaded, about, shadow: None }
    }
}

impl Loaded {
    /// What was used so far.
    pub fn usage(&self) -> UsageSnapshot {
        match self {
            Self::Scalar(function) => function.usage(),
            Self::Aggregate(function) => function.usage(),
            Self::Table(function) => function.usage(),
            Self::Process(function) => function.usage(),
        }
    }
}

impl Functions {
    /// Loads and checks the module that a CREATE FUNCTION names.
    pub fn create(&mut self, statement: &CreateFunction) -> Result<UserFunction, QueryError> {
        let kind = match statement.kind {
            CreateKind::Scalar => Kind::Scalar,
            CreateKind::Aggregate => Kind::Aggregate,
            CreateKind::Table => Kind::Table,
            CreateKind::Process => Kind::Process,
        };
        let name = statement.name.text.clone();
        refuse_name(kind, &statement.name)?;
        let options = options(kind, &statement.options, &statement.name)?;
        let path_error = |error: wasmill_wasm::Error| at(error, &statement.path);
        let path = Path::new(&statement.path.text).to_owned();
        let module = Module::load(&path, &options).map_err(path_error)?;
        let export = statement.export.as_ref().map_or(&name, |e| &e.text).clone();
        let (args, returns) = match &statement.signature {
            Some(declared) => declared.clone(),
            None => described(&module, kind, &statement.name, &export, &statement.path)?,
        };
        let columns = || match &returns.kind {
            TypeKind::Row(fields) => fields.clone(),
            _ => Vec::new(),
        };
        let state = state(statement, &module, &export, &options)?;
        let about = About::new(kind, &module, &options, format!("({}) RETURNS {returns}", types_of(&args)));
        let (loaded, kind) = match statement.kind {
            CreateKind::Scalar => {
                let (name, export, args, returns) = (name.clone(), export.clone(), args.clone(), returns.clone());
                let spec = FunctionSpec { name, export, path, args, returns, options };
                let function = Function::from_module(spec, &module).map_err(path_error)?;
                (Loaded::Scalar(function), FunctionKind::Scalar)
            }
            CreateKind::Aggregate => {
                let (name, export, args, returns) = (name.clone(), export.clone(), args.clone(), returns.clone());
                let spec = AggregateSpec { name, export, path, args, returns, options };
                let function = AggregateFunction::from_module(spec, &module).map_err(path_error)?;
                let (retracts, merges) = (function.can_retract(), function.can_merge());
                (Loaded::Aggregate(function), FunctionKind::Aggregate { retracts, merges })
            }
            CreateKind::Table => {
                let (name, export, args) = (name.clone(), export.clone(), args.clone());
                let spec = TableSpec { name, export, path, args, returns: columns(), options };
                let function = TableFunction::from_module(spec, &module).map_err(path_error)?;
                (Loaded::Table(function), FunctionKind::Table)
            }
            CreateKind::Process => {
                let (name, export, args, state) = (name.clone(), export.clone(), args.clone(), state.clone());
                let spec = ProcessSpec { name, export, path, args, returns: columns(), state, options };
                let function = ProcessFunction::from_module(spec, &module).map_err(path_error)?;
                (Loaded::Process(function), FunctionKind::Process)
            }
        };
        self.functions.insert(name.to_lowercase(), Entry::new(loaded, about));
        let (path, options) = (statement.path.text.clone(), texts(&statement.options));
        Ok(UserFunction { name, kind, args, returns, path, export, state, options })
    }

    /// Loads and checks the module and the artifact that a CREATE MODEL names.
    pub fn create_model(&mut self, statement: &CreateModel) -> Result<Model, QueryError> {
        let name = statement.name.text.clone();
        let options = options(Kind::Model, &statement.options, &statement.name)?;
        let error = |error: wasmill_wasm::Error| {
            // What is wrong with the artifact is shown there.
            let artifact = error.message.contains("artifact");
            let span = ddl::option_span(&statement.options, "artifact", true).filter(|_| artifact);
            QueryError { span: span.or(statement.path.span), ..at(error, &statement.path) }
        };
        let path = Path::new(&statement.path.text).to_owned();
        let module = Module::load(&path, &options).map_err(error)?;
        let export = statement.export.as_ref().map_or(&name, |e| &e.text).clone();
        let (input, output) = match &statement.signature {
            Some(declared) => declared.clone(),
            None => {
                let (input, output) = described(&module, Kind::Model, &statement.name, &export, &statement.path)?;
                let TypeKind::Row(output) = output.kind else { unreachable!("the OUTPUT of a model is columns") };
                (input, output)
            }
        };
        let labels = match (&statement.labels, &statement.signature) {
            (Some(labels), _) => Some(labels.clone()),
            (None, Some(_)) => None,
            (None, None) => match module.description(&export).and_then(|d| d.labels.as_deref()) {
                Some(labels) => Some(described_fields(labels, "label", &export, &statement.name, &statement.path)?),
                None => None,
            },
        };
        let spec = ModelSpec {
            name: name.clone(),
            export: export.clone(),
            path,
            input: input.clone(),
            output: output.clone(),
            labels,
            options,
        };
        let limits = spec.options.clone();
        let model = ModelFunction::from_module(spec, &module).map_err(error)?;
        let labels = model.labels().to_vec();
        let mut signature = format!("INPUT ({}) OUTPUT ({})", types_of(&input), types_of(&output));
        if !labels.is_empty() {
            signature.push_str(&format!(" LABEL ({})", types_of(&labels)));
        }
        let artifact_sha256 = model.artifact_sha256();
        let about = About { artifact_sha256, ..About::new(Kind::Model, &module, &limits, signature) };
        self.models.insert(name.clone(), Entry::new(model, about));
        let (path, options) = (statement.path.text.clone(), texts(&statement.options));
        Ok(Model { name, input, output, labels, path, export, options })
    }

    /// Forgets a function.
    pub fn remove(&mut self, name: &str) {
        self.functions.remove(&name.to_lowercase());
    }
    /// Forgets a model.
    pub fn remove_model(&mut self, name: &str) {
        self.models.remove(name);
    }

    /// A function, in any case of its name.
    pub fn function(&self, name: &str) -> Option<&Entry<Loaded>> {
        self.functions.get(&name.to_lowercase())
    }
    /// The same, to be changed.
    pub fn function_mut(&mut self, name: &str) -> Option<&mut Entry<Loaded>> {
        self.functions.get_mut(&name.to_lowercase())
    }
    /// A model.
    pub fn model_entry(&self, name: &str) -> Option<&Entry<ModelFunction>> {
        self.models.get(name)
    }
    /// The same, to be changed.
    pub fn model_entry_mut(&mut self, name: &str) -> Option<&mut Entry<ModelFunction>> {
        self.models.get_mut(name)
    }
    /// What is known of what a name stands for.
    pub fn about(&self, name: &UserName) -> Option<&About> {
        match name.kind {
            NameKind::Function => self.function(&name.name).map(|entry| &entry.about),
            NameKind::Model => self.models.get(&name.name).map(|entry| &entry.about),
        }
    }

    fn loaded(&self, name: &str) -> Result<&Entry<Loaded>> {
        self.function(name).ok_or_else(|| Error::query(format!("there is no function '{name}'")))
    }
}

fn types_of(fields: &[Field]) -> String {
    fields.iter().map(|field| field.data_type.to_string()).collect::<Vec<_>>().join(", ")
}

/// An aggregate cannot have the name of a built-in one: a call of it would mean either.
fn refuse_name(kind: Kind, name: &Name) -> Result<(), QueryError> {
    let built_in = wasmill_expr::aggregate::find(&name.text).is_some()
        || OVER_FUNCTIONS.iter().any(|known| known.eq_ignore_ascii_case(&name.text));
    if kind != Kind::Aggregate || !built_in {
        return Ok(());
    }
    Err(QueryError::new(format!("'{}' is a built-in aggregate function", name.text))
        .with_span(name.span)
        .with_hint("give the function another name, and name the export with AS"))
}

fn options(kind: Kind, options: &[OptionDef], name: &Name) -> Result<FunctionOptions, QueryError> {
    let pairs: Vec<(&str, &str)> = options.iter().map(|o| (o.key.text.as_str(), o.value.text.as_str())).collect();
    FunctionOptions::parse(kind, pairs.iter().copied()).map_err(|error| {
        let wrong = pairs.iter().find(|(key, _)| error.message.contains(&format!("'{key}'")));
        let is_value = !error.message.starts_with("unknown");
        let span = wrong.and_then(|(key, _)| ddl::option_span(options, key, is_value));
        QueryError { span: span.or(name.span), ..at(error, name) }
    })
}

fn texts(options: &[OptionDef]) -> wasmill_plan::Options {
    options.iter().map(|o| (o.key.text.clone(), o.value.text.clone())).collect()
}

fn at(error: wasmill_wasm::Error, place: &Name) -> QueryError {
    QueryError { message: error.message, span: place.span, detail: error.detail, hint: error.hint }
}

/// The signature that a module gives itself; what table functions and models give is a ROW of columns.
fn described(
    module: &Module,
    kind: Kind,
    name: &Name,
    export: &str,
    path: &Name,
) -> Result<(Vec<Field>, DataType), QueryError> {
    let wrong = |message: String| QueryError::new(message).with_span(name.span);
    let form = match kind {
        Kind::Model => format!("{} {} INPUT (x DOUBLE) OUTPUT (y DOUBLE)", kind.statement(), name.text),
        Kind::Table | Kind::Process => {
            format!("{} {}(x DOUBLE) RETURNS TABLE (y DOUBLE)", kind.statement(), name.text)
        }
        _ => format!("{} {}(x DOUBLE) RETURNS DOUBLE", kind.statement(), name.text),
    };
    let declare = format!("declare them: {form} LANGUAGE WASM …");
    let Some(description) = module.description(export) else {
        let all: Vec<&str> = module.descriptions().iter().map(|d| d.name.as_str()).collect();
        let error = wrong(format!("the arguments and results of '{}' are not declared", name.text)).with_hint(declare);
        return Err(match all.as_slice() {
            [] => error.with_detail(format!("'{}' does not describe itself", path.text)),
            all => error.with_detail(format!("'{}' describes {}, not '{export}'", path.text, all.join(", "))),
        });
    };
    if description.kind != kind {
        return Err(wrong(format!("'{export}' of '{}' is {}", path.text, description.kind.text()))
            .with_hint(format!("write {}", description.kind.statement())));
    }
    let Description { arguments: Some(arguments), returns: Some(returns), .. } = description else {
        return Err(wrong(format!("'{}' does not describe the arguments and results of '{export}'", path.text))
            .with_hint(declare));
    };
    let data_type = |text: &str| described_type(text, export, name, path);
    let fields = |parts: &[Part], prefix: &str| described_fields(parts, prefix, export, name, path);
    let args = fields(arguments, "arg")?;
    let columns = matches!(kind, Kind::Table | Kind::Process | Kind::Model);
    let returns = match returns {
        Returns::Type(text) if columns => row(vec![Field::new("f0", data_type(text)?)]),
        Returns::Type(text) => data_type(text)?,
        Returns::Columns(parts) if columns && !parts.is_empty() => row(fields(parts, "f")?),
        Returns::Columns(_) => {
            return Err(wrong(format!(
                "'{}' describes other results for '{export}' than {} has",
                path.text,
                kind.text()
            )));
        }
    };
    Ok((args, returns))
}

/// What a process function keeps for each key: as declared, or as the module describes it; how long is said by the options, or by
/// the module.
fn state(
    statement: &CreateFunction,
    module: &Module,
    export: &str,
    options: &FunctionOptions,
) -> Result<Vec<StateField>, QueryError> {
    if statement.kind != CreateKind::Process {
        return Ok(Vec::new());
    }
    let (name, path) = (&statement.name, &statement.path);
    let described = module.description(export).map_or(&[][..], |d| &d.state);
    let mut fields = Vec::new();
    match &statement.state {
        Some(declared) => fields.extend(declared.iter().map(|field| {
            let data_type = field.data_type.clone().with_nullable(true);
            StateField { name: field.name.clone(), data_type, ttl_ms: None }
        })),
        None => {
            for field in described {
                let data_type = described_type(&field.data_type, export, name, path)?.with_nullable(true);
                let fits = match field.kind.as_str() {
                    "list" => matches!(data_type.kind, TypeKind::Array(_)),
                    "map" => matches!(data_type.kind, TypeKind::Map(..)),
                    "value" => true,
                    _ => false,
                };
                if !fits {
                    let message = format!("'{}' describes the state of '{export}' wrongly", path.text);
                    let detail = format!("'{}' is {}, and of the kind '{}'", field.name, data_type.kind, field.kind);
                    let hint = "kinds are 'value', 'list' (of an ARRAY) and 'map' (of a MAP)";
                    return Err(QueryError::new(message).with_span(name.span).with_detail(detail).with_hint(hint));
                }
                fields.push(StateField { name: field.name.clone(), data_type, ttl_ms: None });
            }
        }
    }
    if let Some((i, twice)) = fields.iter().enumerate().find(|(i, f)| fields[..*i].iter().any(|g| g.name == f.name)) {
        let message = format!("field {} of the state is another '{}'", i + 1, twice.name);
        return Err(QueryError::new(message).with_span(name.span));
    }
    for field in described {
        let Some(ttl) = &field.ttl else { continue };
        let own = FunctionOptions::parse(Kind::Process, [(format!("state.{}.ttl", field.name).as_str(), ttl.as_str())]);
        let own = own.map_err(|error| at(error, path))?;
        set_ttls(&mut fields, &own);
    }
    set_ttls(&mut fields, options);
    if let Some((unknown, _)) = options.state_ttls.iter().find(|(field, _)| fields.iter().all(|f| f.name != *field)) {
        let span = ddl::option_span(&statement.options, &format!("state.{unknown}.ttl"), false);
        let error = QueryError::unknown("field of the state", unknown, fields.iter().map(|f| f.name.as_str()));
        return Err(error.with_span(span.or(name.span)));
    }
    Ok(fields)
}

fn set_ttls(fields: &mut [StateField], options: &FunctionOptions) {
    for (name, ttl) in &options.state_ttls {
        let of_name = fields.iter_mut().filter(|field| field.name == *name);
        of_name.for_each(|field| field.ttl_ms = Some(ttl.as_millis() as i64));
    }
}

/// A type as a module's description writes it.
fn described_type(text: &str, export: &str, name: &Name, path: &Name) -> Result<DataType, QueryError> {
    types::parse_text(text).map_err(|error| {
        QueryError::new(format!("'{}' describes '{export}' with a type that is none", path.text))
            .with_span(name.span)
            .with_detail(error.message)
    })
}

fn described_fields(
    parts: &[Part],
    prefix: &str,
    export: &str,
    name: &Name,
    path: &Name,
) -> Result<Vec<Field>, QueryError> {
    let field = |(i, part): (usize, &Part)| {
        Ok(Field::new(part.name(prefix, i), described_type(part.type_text(), export, name, path)?))
    };
    parts.iter().enumerate().map(field).collect()
}

fn row(columns: Vec<Field>) -> DataType {
    DataType::not_null(TypeKind::Row(columns))
}

impl UserFunctions for Functions {
    fn scalar(&self, name: &str) -> Result<Box<dyn UserScalar>> {
        let entry = self.loaded(name)?;
        let scalar = |loaded: &Loaded| -> Result<Box<dyn UserScalar>> {
            match loaded {
                Loaded::Scalar(function) => Ok(Box::new(Scalar(function.scalar()))),
                _ => Err(Error::query(format!("'{name}' is no scalar function"))),
            }
        };
        let current = scalar(&entry.loaded)?;
        Ok(match &entry.shadow {
            None => current,
            Some(shadow) => Box::new(ShadowedScalar::new(current, scalar(&shadow.candidate)?, shadow.table.clone())),
        })
    }
    fn aggregate(&self, name: &str) -> Result<Box<dyn UserAggregate>> {
        match &self.loaded(name)?.loaded {
            Loaded::Aggregate(function) => Ok(Box::new(function.aggregate())),
            _ => Err(Error::query(format!("'{name}' is no aggregate function"))),
        }
    }
    fn table(&self, name: &str) -> Result<Box<dyn UserTable>> {
        match &self.loaded(name)?.loaded {
            Loaded::Table(function) => Ok(Box::new(function.table())),
            _ => Err(Error::query(format!("'{name}' is no table function"))),
        }
    }
    fn process(&self, name: &str) -> Result<Box<dyn UserProcess>> {
        match &self.loaded(name)?.loaded {
            Loaded::Process(function) => Ok(Box::new(function.process())),
            _ => Err(Error::query(format!("'{name}' is no process function"))),
        }
    }
    fn model(&self, name: &str) -> Result<Box<dyn UserModel>> {
        let Some(entry) = self.models.get(name) else {
            return Err(Error::query(format!("there is no model '{name}'")));
        };
        let current = Box::new(entry.loaded.model());
        Ok(match &entry.shadow {
            None => current,
            Some(shadow) => {
                Box::new(ShadowedModel::new(current, Box::new(shadow.candidate.model()), shadow.table.clone()))
            }
        })
    }
    fn version(&self, name: &UserName) -> Option<ModuleVersion> {
        let About { sha256, artifact_sha256, .. } = *self.about(name)?;
        Some(ModuleVersion { name: name.clone(), sha256, artifact_sha256 })
    }
    fn shadow_table(&self, name: &UserName) -> Option<Table> {
        let table = match name.kind {
            NameKind::Function => &self.function(&name.name)?.shadow.as_ref()?.table,
            NameKind::Model => &self.models.get(&name.name)?.shadow.as_ref()?.table,
        };
        Some(table.table.clone())
    }
}

/// An evaluator in the form the expressions call.
struct Scalar(WasmScalar);

impl UserScalar for Scalar {
    fn call(&mut self, args: &[ArrayRef], rows: usize, _context: &Context) -> Result<ArrayRef> {
        self.0.evaluate(args, rows)
    }
}
