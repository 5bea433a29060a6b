//! What the session knows by name: tables, views and functions. Data only.

use std::collections::BTreeMap;

use wasmill_plan::{DataType, Field, Options, StateField, Table, TypeKind};

use crate::error::{QueryError, Result};
use crate::statement::{Name, QueryStatement};

/// The names of a session. Tables and views share one name space, names are case-sensitive; function names are not.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    tables: BTreeMap<String, Table>,
    views: BTreeMap<String, View>,
    functions: BTreeMap<String, UserFunction>,
    models: BTreeMap<String, Model>,
    /// The statements that made tables, views and functions, for SHOW CREATE.
    texts: BTreeMap<String, String>,
}

/// A view: planned anew wherever it is read.
#[derive(Clone, Debug)]
pub struct View {
    /// The name.
    pub name: String,
    /// The text of its query, as written. Spans inside [`View::query`] are of the script that made the view, so an error in
    /// it must not be shown under the text of a later statement.
    pub text: String,
    /// The query.
    pub query: QueryStatement,
    /// New names for its columns; empty where it keeps the query's.
    pub columns: Vec<String>,
}

/// What CREATE FUNCTION declared, checked against its module.
#[derive(Clone, Debug, PartialEq)]
pub struct UserFunction {
    /// The name as it was written.
    pub name: String,
    /// What it is called with and gives.
    pub kind: FunctionKind,
    /// The arguments, in order.
    pub args: Vec<Field>,
    /// The type of the result; of a table function, a ROW of its columns.
    pub returns: DataType,
    /// The file of the module.
    pub path: String,
    /// The module's export.
    pub export: String,
    /// What a process function keeps for each key.
    pub state: Vec<StateField>,
    /// `memory.max`, `timeout`, `on-error`, `sha256`.
    pub options: Options,
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// One value per row.
    Scalar,
    /// One value per group of rows.
    Aggregate {
        /// Rows can be taken back: for inputs that update rows.
        retracts: bool,
        /// Groups can be merged: for windows that are made of parts.
        merges: bool,
    },
    /// Any number of rows per row.
    Table,
    /// Rows of a key, with state and timers.
    Process,
}

/// What CREATE MODEL declared, checked against its module.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The name as it was written.
    pub name: String,
    /// The columns that it takes, in order.
    pub input: Vec<Field>,
    /// The columns that it gives, in order.
    pub output: Vec<Field>,
    /// The columns that it learns from, beside its input; empty where it cannot learn.
    pub labels: Vec<Field>,
    /// The file of the module.
    pub path: String,
    /// The export.
    pub export: String,
    /// `artifact`, `memory.max`, `timeout`, `on-error`, `sha256`.
    pub options: Options,
}

impl UserFunction {
    /// The columns that a table or process function gives.
    pub fn columns(&self) -> &[Field] {
        match &self.returns.kind {
            TypeKind::Row(fields) => fields,
            _ => &[],
        }
    }
}

/// What a name in FROM stands for.
#[derive(Clone, Copy, Debug)]
pub enum Relation<'a> {
    /// A table.
    Table(&'a Table),
    /// A view.
    View(&'a View),
}

impl Catalog {
    /// What `name` stands for in FROM.
    pub fn relation(&self, name: &str) -> Option<Relation<'_>> {
        let view = || self.views.get(name).map(Relation::View);
        self.tables.get(name).map(Relation::Table).or_else(view)
    }
    /// As [`Catalog::relation`], with an error that suggests the nearest name.
    ///
    /// # Errors
    /// There is neither a table nor a view of that name.
    pub fn require(&self, name: &Name) -> Result<Relation<'_>> {
        self.relation(&name.text).ok_or_else(|| self.unknown_relation(name))
    }
    /// The error for a name in FROM that nothing has.
    pub fn unknown_relation(&self, name: &Name) -> QueryError {
        let names = self.tables.keys().chain(self.views.keys()).map(String::as_str);
        let error = QueryError::unknown("table", &name.text, names).with_span(name.span);
        let same = |n: &&String| n.eq_ignore_ascii_case(&name.text);
        match self.tables.keys().chain(self.views.keys()).find(same) {
            Some(near) => error.with_hint(format!("names are case-sensitive: did you mean '{near}'?")),
            None if self.tables.is_empty() && self.views.is_empty() => {
                error.with_hint("no table is declared yet: start with CREATE TABLE … WITH ('connector' = '…')")
            }
            None => error,
        }
    }
    /// A table, not a view.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }
    /// A view.
    pub fn view(&self, name: &str) -> Option<&View> {
        self.views.get(name)
    }
    /// A user's function, whatever the case of `name`.
    pub fn function(&self, name: &str) -> Option<&UserFunction> {
        self.functions.get(&name.to_lowercase())
    }
    /// A model. Names are case-sensitive, as those of tables.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }
    /// All models by name.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }
    /// Adds or replaces a model.
    pub fn add_model(&mut self, model: Model) {
        self.models.insert(model.name.clone(), model);
    }
    /// Removes a model and gives it.
    pub fn remove_model(&mut self, name: &str) -> Option<Model> {
        self.models.remove(name)
    }
    /// The error for a model that is not there.
    pub fn unknown_model(&self, name: &Name) -> QueryError {
        let error = QueryError::unknown("model", &name.text, self.models.keys().map(String::as_str));
        let error = error.with_span(name.span);
        match self.models.is_empty() {
            true => error.with_hint("no model is declared yet: CREATE MODEL m INPUT (…) OUTPUT (…) LANGUAGE WASM …"),
            false => error,
        }
    }
    /// All tables by name.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }
    /// All views by name.
    pub fn views(&self) -> impl Iterator<Item = &View> {
        self.views.values()
    }
    /// All users' functions by name.
    pub fn functions(&self) -> impl Iterator<Item = &UserFunction> {
        self.functions.values()
    }
    /// Adds or replaces a table.
    pub fn add_table(&mut self, table: Table) {
        self.tables.insert(table.name.clone(), table);
    }
    /// Adds or replaces a view.
    pub fn add_view(&mut self, view: View) {
        self.views.insert(view.name.clone(), view);
    }
    /// Adds or replaces a function.
    pub fn add_function(&mut self, function: UserFunction) {
        self.functions.insert(function.name.to_lowercase(), function);
    }
    /// Keeps the statement that made `name`, for SHOW CREATE.
    pub fn set_text(&mut self, name: &str, text: &str) {
        self.texts.insert(name.to_owned(), text.to_owned());
    }
    /// The statement that made `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }
    /// Removes a table and gives it.
    pub fn remove_table(&mut self, name: &str) -> Option<Table> {
        self.tables.remove(name)
    }
    /// Removes a view and gives it.
    pub fn remove_view(&mut self, name: &str) -> Option<View> {
        self.views.remove(name)
    }
    /// Removes a function and gives it.
    pub fn remove_function(&mut self, name: &str) -> Option<UserFunction> {
        self.functions.remove(&name.to_lowercase())
    }
}
