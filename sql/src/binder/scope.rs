//! The columns that names can mean at one place of a query.

use sqlparser::ast::Ident;
use wasmill_plan::{DataType, Expr, TypeKind, Value};

use crate::error::{QueryError, Span, nearest};

/// What a column says about time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeAttribute {
    /// Event time with watermarks.
    Rowtime,
    /// `PROCTIME()`.
    Proctime,
}

/// A column in scope.
#[derive(Clone, Debug)]
pub struct ScopeColumn {
    /// The table's name or alias.
    pub qualifier: Option<String>,
    /// The column's name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether it is a time attribute.
    pub time: Option<TimeAttribute>,
}

/// The columns in scope; a column's position is its index in the input.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// In the order of the input's columns.
    pub columns: Vec<ScopeColumn>,
}

impl ScopeColumn {
    /// A column that is no time attribute.
    pub fn new(qualifier: Option<String>, name: &str, data_type: DataType) -> Self {
        Self { qualifier, name: name.to_owned(), data_type, time: None }
    }
}

impl Scope {
    /// A scope of those columns.
    pub fn new(columns: Vec<ScopeColumn>) -> Self {
        Self { columns }
    }

    /// Resolves `a`, `t.a`, `a.field` or `t.a.field…` to a column and the accesses into its rows.
    pub fn resolve(&self, parts: &[Ident]) -> Result<Expr, QueryError> {
        let (index, used) = self.find(parts)?;
        let column = Expr::column(index, self.columns[index].data_type.clone());
        parts[used..].iter().try_fold(column, |expr, part| field(expr, part))
    }

    /// The column's index and how many parts named it.
    fn find(&self, parts: &[Ident]) -> Result<(usize, usize), QueryError> {
        if let [table, column, ..] = parts {
            if let Some(index) = self.unique(column, |c| c.qualifier.as_deref() == Some(&table.value))? {
                return Ok((index, 2));
            }
        }
        if let Some(index) = self.unique(&parts[0], |_| true)? {
            return Ok((index, 1));
        }
        Err(self.unknown(parts))
    }

    fn unique(&self, name: &Ident, wanted: impl Fn(&ScopeColumn) -> bool) -> Result<Option<usize>, QueryError> {
        let mut found = self.columns.iter().enumerate().filter(|(_, c)| c.name == name.value && wanted(c));
        let first = found.next();
        if let (Some((_, a)), Some((_, b))) = (first, found.next()) {
            let side = |c: &ScopeColumn| c.qualifier.clone().unwrap_or_else(|| "the input".to_owned());
            return Err(QueryError::new(format!("column '{name}' is ambiguous", name = name.value))
                .with_span(Span::from_parser(name.span))
                .with_hint(format!(
                    "both '{}' and '{}' have it: write '{}.{}'",
                    side(a),
                    side(b),
                    side(a),
                    name.value
                )));
        }
        Ok(first.map(|(index, _)| index))
    }

    fn unknown(&self, parts: &[Ident]) -> QueryError {
        let tables: Vec<&str> = self.columns.iter().filter_map(|c| c.qualifier.as_deref()).collect();
        if let [table, column, ..] = parts {
            if tables.contains(&table.value.as_str()) {
                let names = self.columns.iter().filter(|c| c.qualifier.as_deref() == Some(&table.value));
                return QueryError::new(format!("table '{}' has no column '{}'", table.value, column.value))
                    .with_span(Span::from_parser(column.span))
                    .with_hint(suggestion(&column.value, names.map(|c| c.name.as_str())));
            }
        }
        let name = &parts[0];
        QueryError::new(format!("column '{}' not found", name.value))
            .with_span(Span::from_parser(name.span))
            .with_hint(suggestion(&name.value, self.columns.iter().map(|c| c.name.as_str())))
    }
}

/// `did you mean …`, or the list of what there is.
fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = candidates.collect();
    all.dedup();
    match nearest(name, all.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None if all.is_empty() => "there is no column in scope here".to_owned(),
        None => format!("columns here: {}", all.join(", ")),
    }
}

/// `row.name`.
pub(crate) fn field(row: Expr, name: &Ident) -> Result<Expr, QueryError> {
    let TypeKind::Row(fields) = &row.data_type.kind else {
        return Err(QueryError::new(format!(
            "cannot take field '{}' of a value of type {}",
            name.value, row.data_type
        ))
        .with_span(Span::from_parser(name.span))
        .with_hint("only a ROW has fields; use [ ] for an ARRAY or a MAP"));
    };
    let Some(index) = fields.iter().position(|f| f.name == name.value) else {
        return Err(QueryError::new(format!("the row has no field '{}'", name.value))
            .with_span(Span::from_parser(name.span))
            .with_hint(suggestion(&name.value, fields.iter().map(|f| f.name.as_str()))));
    };
    let nullable = row.data_type.nullable || fields[index].data_type.nullable;
    let data_type = fields[index].data_type.clone().with_nullable(nullable);
    let position = Expr::literal(Value::Int(index as i64), DataType::not_null(TypeKind::Int));
    Ok(Expr::call("FIELD", vec![row, position], data_type))
}
