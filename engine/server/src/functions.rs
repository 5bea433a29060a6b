//! The users' functions and models of a session, from CREATE to the evaluators of a job.
//!
//! ```text
//! CREATE … FUNCTION, CREATE MODEL --options, Module::load--> signature: declared, or the module's own description
//!                                 --create------------------> Function | AggregateFunction | TableFunction | ModelFunction
//! ```

use std::collections::HashMap;
use std::path::Path;

use arrow::array::ArrayRef;
use wasmill_expr::{Context, UserAggregate, UserFunctions, UserModel, UserScalar, UserTable};
use wasmill_plan::{DataType, Error, Field, Result, TypeKind};
use wasmill_sql::statement::{CreateFunction, CreateKind, CreateModel, Name, OptionDef};
use wasmill_sql::{FunctionKind, Model, QueryError, UserFunction, ddl, types};
use wasmill_wasm::{
    AggregateFunction, AggregateSpec, Description, Function, FunctionOptions, FunctionSpec, Kind, ModelFunction,
    ModelSpec, Module, Part, Returns, TableFunction, TableSpec, WasmScalar,
};

/// Names of functions that stand before OVER and are no aggregates, which none may be called.
const OVER_FUNCTIONS: [&str; 4] = ["ROW_NUMBER", "RANK", "DENSE_RANK", "LAG"];

/// Functions by their name in lower case, models by their name. Cloning shares their code; a job keeps those that it
/// started with.
#[derive(Clone, Default)]
pub(crate) struct Functions {
    functions: HashMap<String, Loaded>,
    models: HashMap<String, ModelFunction>,
}

#[derive(Clone)]
enum Loaded {
    Scalar(Function),
    Aggregate(AggregateFunction),
    Table(TableFunction),
}

impl Functions {
    /// Loads and checks the module that a CREATE FUNCTION names.
    pub fn create(&mut self, statement: &CreateFunction) -> Result<UserFunction, QueryError> {
        let kind = match statement.kind {
            CreateKind::Scalar => Kind::Scalar,
            CreateKind::Aggregate => Kind::Aggregate,
            CreateKind::Table => Kind::Table,
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
        };
        self.functions.insert(name.to_lowercase(), loaded);
        let (path, options) = (statement.path.text.clone(), texts(&statement.options));
        Ok(UserFunction { name, kind, args, returns, path, export, options })
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
        let model = ModelFunction::from_module(spec, &module).map_err(error)?;
        let labels = model.labels().to_vec();
        self.models.insert(name.clone(), model);
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

    fn loaded(&self, name: &str) -> Result<&Loaded> {
        let found = self.functions.get(&name.to_lowercase());
        found.ok_or_else(|| Error::query(format!("there is no function '{name}'")))
    }
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
        Kind::Table => format!("{} {}(x DOUBLE) RETURNS TABLE (y DOUBLE)", kind.statement(), name.text),
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
    let columns = matches!(kind, Kind::Table | Kind::Model);
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
        match self.loaded(name)? {
            Loaded::Scalar(function) => Ok(Box::new(Scalar(function.scalar()))),
            _ => Err(Error::query(format!("'{name}' is no scalar function"))),
        }
    }
    fn aggregate(&self, name: &str) -> Result<Box<dyn UserAggregate>> {
        match self.loaded(name)? {
            Loaded::Aggregate(function) => Ok(Box::new(function.aggregate())),
            _ => Err(Error::query(format!("'{name}' is no aggregate function"))),
        }
    }
    fn table(&self, name: &str) -> Result<Box<dyn UserTable>> {
        match self.loaded(name)? {
            Loaded::Table(function) => Ok(Box::new(function.table())),
            _ => Err(Error::query(format!("'{name}' is no table function"))),
        }
    }
    fn model(&self, name: &str) -> Result<Box<dyn UserModel>> {
        match self.models.get(name) {
            Some(model) => Ok(Box::new(model.model())),
            None => Err(Error::query(format!("there is no model '{name}'"))),
        }
    }
}

/// An evaluator in the form the expressions call.
struct Scalar(WasmScalar);

impl UserScalar for Scalar {
    fn call(&mut self, args: &[ArrayRef], rows: usize, _context: &Context) -> Result<ArrayRef> {
        self.0.evaluate(args, rows)
    }
}
