//! What the session knows by name at a moment, for completion and highlighting.

use wasmill_server::Session;
use wasmill_sql::query_schema;

/// A table or view with its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// Whether it is a view.
    pub is_view: bool,
    /// Names and types.
    pub columns: Vec<(String, String)>,
}

/// The names of a session; built-in functions are known without it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Tables and views.
    pub relations: Vec<Relation>,
    /// The users' functions, with how they are called.
    pub functions: Vec<(String, String)>,
    /// Settings: key, value, meaning.
    pub settings: Vec<(&'static str, String, &'static str)>,
}

impl Names {
    /// Those of now.
    pub fn of(session: &Session) -> Self {
        let (catalog, settings) = (session.catalog(), session.settings());
        let tables = catalog.tables().map(|table| Relation {
            name: table.name.clone(),
            is_view: false,
            columns: table.columns.iter().map(|c| (c.name.clone(), c.data_type.to_string())).collect(),
        });
        let views = catalog.views().map(|view| {
            // A view whose table was dropped has no columns any more.
            let schema = query_schema(&view.query, catalog, settings).unwrap_or_default();
            let name = |i: usize, name: &str| view.columns.get(i).cloned().unwrap_or_else(|| name.to_owned());
            let fields = schema.fields.iter().enumerate();
            Relation {
                name: view.name.clone(),
                is_view: true,
                columns: fields.map(|(i, f)| (name(i, &f.name), f.data_type.to_string())).collect(),
            }
        });
        let functions = catalog.functions().map(|f| {
            let args: Vec<String> = f.args.iter().map(|a| format!("{} {}", a.name, a.data_type)).collect();
            (f.name.clone(), format!("{}({}) RETURNS {}", f.name, args.join(", "), f.returns))
        });
        let keys = wasmill_sql::settings::KEYS.iter();
        Self {
            relations: tables.chain(views).collect(),
            functions: functions.collect(),
            settings: keys.map(|k| (k.name, settings.get(k.name).unwrap_or(k.default).to_owned(), k.help)).collect(),
        }
    }
    /// The table or view of that name.
    pub fn relation(&self, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|r| r.name == name)
    }
    /// Whether a function, built in or the user's, has that name.
    pub fn is_function(&self, name: &str) -> bool {
        wasmill_expr::registry::find(name).is_some()
            || wasmill_expr::aggregate::find(&name.to_uppercase()).is_some()
            || self.functions.iter().any(|(f, _)| f.eq_ignore_ascii_case(name))
    }
}
