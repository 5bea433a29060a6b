//! The users' functions of a session, from CREATE FUNCTION to the evaluators of a job.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use wasmill_expr::{Context, UserFunctions, UserScalar};
use wasmill_plan::{Error, Result};
use wasmill_sql::statement::CreateFunction;
use wasmill_sql::{FunctionKind, QueryError, UserFunction, ddl};
use wasmill_wasm::{Function, FunctionOptions, FunctionSpec, WasmScalar};

/// Functions by their name in lower case. Cloning shares their code; a job keeps the functions that it started with.
#[derive(Clone, Default)]
pub(crate) struct Functions {
    by_name: HashMap<String, Function>,
}

impl Functions {
    /// Loads and checks the module that a CREATE FUNCTION names.
    pub fn create(&mut self, statement: &CreateFunction) -> Result<UserFunction, QueryError> {
        let path_error = |error: wasmill_wasm::Error| QueryError {
            message: error.message,
            span: statement.path.span,
            detail: error.detail,
            hint: error.hint,
        };
        let Some((args, returns)) = statement.signature.clone() else {
            return Err(QueryError::unsupported(
                "CREATE FUNCTION without a signature",
                format!("declare it: CREATE FUNCTION {}(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM …", statement.name.text),
            )
            .with_span(statement.name.span));
        };
        let options: Vec<(&str, &str)> =
            statement.options.iter().map(|o| (o.key.text.as_str(), o.value.text.as_str())).collect();
        let parsed = FunctionOptions::parse(options.iter().copied()).map_err(|error| {
            let wrong = options.iter().find(|(key, _)| error.message.contains(&format!("'{key}'")));
            let is_value = !error.message.starts_with("unknown");
            let span = wrong.and_then(|(key, _)| ddl::option_span(&statement.options, key, is_value));
            QueryError {
                message: error.message,
                span: span.or(statement.name.span),
                detail: error.detail,
                hint: error.hint,
            }
        })?;
        let export = statement.export.as_ref().map_or(&statement.name.text, |e| &e.text).clone();
        let function = Function::create(FunctionSpec {
            name: statement.name.text.clone(),
            export: export.clone(),
            path: statement.path.text.clone().into(),
            args: args.clone(),
            returns: returns.clone(),
            options: parsed,
        })
        .map_err(path_error)?;
        self.by_name.insert(statement.name.text.to_lowercase(), function);
        Ok(UserFunction {
            name: statement.name.text.clone(),
            kind: FunctionKind::Scalar,
            args,
            returns,
            path: statement.path.text.clone(),
            export,
            options: options.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        })
    }
    /// Forgets a function.
    pub fn remove(&mut self, name: &str) {
        self.by_name.remove(&name.to_lowercase());
    }
}

impl UserFunctions for Functions {
    fn scalar(&self, name: &str) -> Result<Box<dyn UserScalar>> {
        match self.by_name.get(&name.to_lowercase()) {
            Some(function) => Ok(Box::new(Scalar(function.scalar()))),
            None => Err(Error::query(format!("there is no function '{name}'"))),
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
