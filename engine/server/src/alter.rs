//! ALTER FUNCTION and ALTER MODEL: a new version, checked as at CREATE, for the session and for the jobs that run.
//!
//! ```text
//! ALTER … USING FILE, SET --Functions::create of a copy--> new version --all jobs that use it, at a barrier each--> in force
//! … SHADOW INTO t         ----------------------------->  candidate beside the version of now ------^
//! ```
//! A statement that fails, or that a job refuses, changes nothing.

use std::sync::Arc;

use wasmill_expr::UserName;
use wasmill_plan::{Field, Options};
use wasmill_sql::statement::{Alter, AlterChange, CreateFunction, CreateKind, CreateModel, Name, OptionDef, Version};
use wasmill_sql::{FunctionKind, Model, QueryError, UserFunction};

use crate::error::SessionError;
use crate::functions::Functions;
use crate::session::{Answer, Session};
use crate::shadow::{Shadow, ShadowTable};

impl Session {
    pub(crate) fn alter(&mut self, statement: &Alter, text: &str) -> Result<Answer, SessionError> {
        let name = &statement.name;
        let found = match statement.is_model {
            true => self.catalog.model(&name.text).map(|_| ()).ok_or_else(|| self.catalog.unknown_model(name)),
            false => self.catalog.function(&name.text).map(|_| ()).ok_or_else(|| {
                QueryError::unknown("function", &name.text, self.catalog.functions().map(|f| f.name.as_str()))
                    .with_span(name.span)
            }),
        };
        match found {
            Err(_) if statement.if_exists => return Ok(Answer::Done(Some(format!("there is no '{}'", name.text)))),
            found => found?,
        }
        let mut functions = self.functions.clone();
        let note = if statement.is_model {
            let old = self.catalog.model(&name.text).expect("found above").clone();
            let new = self.altered_model(&mut functions, &old, statement)?;
            let note = self.jobs.swap(&UserName::model(&old.name), &functions)?;
            self.catalog.add_model(new);
            note
        } else {
            let old = self.catalog.function(&name.text).expect("found above").clone();
            let new = self.altered_function(&mut functions, &old, statement)?;
            let note = self.jobs.swap(&UserName::function(&old.name), &functions)?;
            self.catalog.add_function(new);
            note
        };
        self.functions = functions;
        if let AlterChange::Version(_) = statement.change {
            let before = self.catalog.text(&name.text).map(|before| format!("{before};\n")).unwrap_or_default();
            self.catalog.set_text(&name.text, &format!("{before}{text}"));
        }
        Ok(Answer::Done(note))
    }

    /// Changes `functions`, and gives what the catalog says then.
    fn altered_function(
        &self,
        functions: &mut Functions,
        old: &UserFunction,
        statement: &Alter,
    ) -> Result<UserFunction, QueryError> {
        match &statement.change {
            AlterChange::Version(version) => {
                let new = functions.create(&function_statement(old, &statement.name, version))?;
                keeps_abilities(old, &new, &statement.name)?;
                Ok(new)
            }
            AlterChange::Shadow { candidate, table } => {
                if old.kind != FunctionKind::Scalar {
                    return Err(only_some_run_in_shadow(&statement.name));
                }
                let mut other = functions.clone();
                other.create(&function_statement(old, &statement.name, candidate))?;
                let entry = other.function(&old.name).expect("created above");
                let result = Field::new("", old.returns.clone());
                let what = format!("function '{}'", old.name);
                let table = self.shadow_table(&what, table, &old.args, &[result])?;
                let shadow = Shadow { candidate: entry.loaded.clone(), about: entry.about.clone(), table };
                functions.function_mut(&old.name).expect("it is in the catalog").shadow = Some(Arc::new(shadow));
                Ok(old.clone())
            }
            AlterChange::DropShadow => {
                let entry = functions.function_mut(&old.name).expect("it is in the catalog");
                entry.shadow.take().ok_or_else(|| no_shadow(&statement.name))?;
                Ok(old.clone())
            }
        }
    }

    /// The same for a model.
    fn altered_model(&self, functions: &mut Functions, old: &Model, statement: &Alter) -> Result<Model, QueryError> {
        match &statement.change {
            AlterChange::Version(version) => functions.create_model(&model_statement(old, &statement.name, version)),
            AlterChange::Shadow { candidate, table } => {
                let mut other = functions.clone();
                other.create_model(&model_statement(old, &statement.name, candidate))?;
                let entry = other.model_entry(&old.name).expect("created above");
                let table = self.shadow_table(&format!("model '{}'", old.name), table, &old.input, &old.output)?;
                let shadow = Shadow { candidate: entry.loaded.clone(), about: entry.about.clone(), table };
                functions.model_entry_mut(&old.name).expect("it is in the catalog").shadow = Some(Arc::new(shadow));
                Ok(old.clone())
            }
            AlterChange::DropShadow => {
                let entry = functions.model_entry_mut(&old.name).expect("it is in the catalog");
                entry.shadow.take().ok_or_else(|| no_shadow(&statement.name))?;
                Ok(old.clone())
            }
        }
    }

    fn shadow_table(
        &self,
        what: &str,
        name: &Name,
        args: &[Field],
        results: &[Field],
    ) -> Result<ShadowTable, QueryError> {
        let Some(table) = self.catalog.table(&name.text) else {
            let unknown = QueryError::unknown("table", &name.text, self.catalog.tables().map(|t| t.name.as_str()));
            return Err(unknown.with_span(name.span));
        };
        ShadowTable::new(what, table, args, results).map_err(|error| error.or_span(name.span))
    }
}

/// The version as a CREATE FUNCTION would make it.
fn function_statement(old: &UserFunction, name: &Name, version: &Version) -> CreateFunction {
    let (export, path, options) = merged(&old.export, &old.path, &old.options, name, version);
    CreateFunction {
        name: Name { text: old.name.clone(), span: name.span },
        kind: match old.kind {
            FunctionKind::Scalar => CreateKind::Scalar,
            FunctionKind::Aggregate { .. } => CreateKind::Aggregate,
            FunctionKind::Table => CreateKind::Table,
            FunctionKind::Process => CreateKind::Process,
        },
        if_not_exists: false,
        or_replace: true,
        signature: Some((old.args.clone(), old.returns.clone())),
        // The state stays as it is; a module that describes another one is refused.
        state: match old.kind {
            FunctionKind::Process => Some(old.state.iter().map(|f| Field::new(&f.name, f.data_type.clone())).collect()),
            _ => None,
        },
        export,
        path,
        options,
    }
}

/// The same for a model.
fn model_statement(old: &Model, name: &Name, version: &Version) -> CreateModel {
    let (export, path, options) = merged(&old.export, &old.path, &old.options, name, version);
    CreateModel {
        name: Name { text: old.name.clone(), span: name.span },
        if_not_exists: false,
        or_replace: true,
        signature: Some((old.input.clone(), old.output.clone())),
        labels: (!old.labels.is_empty()).then(|| old.labels.clone()),
        export,
        path,
        options,
    }
}

/// What the version says, and what it leaves as it was.
fn merged(
    export: &str,
    path: &str,
    options: &Options,
    name: &Name,
    version: &Version,
) -> (Option<Name>, Name, Vec<OptionDef>) {
    let kept = |text: &str| Name { text: text.to_owned(), span: name.span };
    let replaced = |key: &String| version.options.iter().any(|o| o.key.text == *key);
    let old = options.iter().filter(|(key, _)| !replaced(key));
    let old = old.map(|(key, value)| OptionDef { key: kept(key), value: kept(value) });
    (
        Some(version.export.clone().unwrap_or_else(|| kept(export))),
        version.path.clone().unwrap_or_else(|| kept(path)),
        old.chain(version.options.iter().cloned()).collect(),
    )
}

/// An aggregate function must do what queries may have been planned with.
fn keeps_abilities(old: &UserFunction, new: &UserFunction, name: &Name) -> Result<(), QueryError> {
    let (FunctionKind::Aggregate { retracts: took_back, merges: merged }, FunctionKind::Aggregate { retracts, merges }) =
        (old.kind, new.kind)
    else {
        return Ok(());
    };
    let lost = match (took_back && !retracts, merged && !merges) {
        (true, _) => ("take rows back", "retract"),
        (_, true) => ("merge groups", "merge"),
        _ => return Ok(()),
    };
    Err(QueryError::new(format!("the new version of '{}' cannot {}, and the one of now can", old.name, lost.0))
        .with_span(name.span)
        .with_detail(format!("'{}' does not export '{}__{}'", new.path, new.export, lost.1)))
}

fn only_some_run_in_shadow(name: &Name) -> QueryError {
    QueryError::new(format!("'{}' is no scalar function", name.text))
        .with_span(name.span)
        .with_hint("scalar functions and models can run in shadow; compare others in a query of both")
}

fn no_shadow(name: &Name) -> QueryError {
    QueryError::new(format!("nothing runs in shadow beside '{}'", name.text)).with_span(name.span)
}
