//! CREATE and DROP: from what was written to what the catalog holds.

use sqlparser::ast::Ident;
use wasmill_plan::{Column, ColumnKind, DataType, Expr, Options, Table, TypeKind, Value, Watermark};

use crate::binder::bind_table_expr;
use crate::catalog::{Catalog, View};
use crate::error::{QueryError, Result, Span};
use crate::planner::query_schema;
use crate::settings::Settings;
use crate::statement::{
    ColumnDefKind, CreateTable, CreateView, Drop, DropKind, LikeClause, LikeFeature, Merging, Name, OptionDef,
    WatermarkDef,
};

/// Whether a name is free for a new table or view; `false` where it is taken and `IF NOT EXISTS` says that this is fine.
///
/// # Errors
/// The name is taken.
pub fn is_free(catalog: &Catalog, name: &Name, if_not_exists: bool) -> Result<bool> {
    let kind = match (catalog.table(&name.text), catalog.view(&name.text)) {
        (Some(_), _) => "table",
        (None, Some(_)) => "view",
        (None, None) => return Ok(true),
    };
    if if_not_exists {
        return Ok(false);
    }
    Err(QueryError::new(format!("there is a {kind} '{}' already", name.text)).with_span(name.span).with_hint(format!(
        "write DROP {0} `{1}` before, or CREATE … IF NOT EXISTS",
        kind.to_uppercase(),
        name.text
    )))
}

/// The table that CREATE TABLE declares; its options are checked by the connector, not here.
///
/// # Errors
/// A column, key, watermark or LIKE clause that is wrong, at its place.
pub fn table(statement: &CreateTable, catalog: &Catalog, settings: &Settings) -> Result<Table> {
    let mut table = Table {
        name: statement.name.text.clone(),
        columns: Vec::new(),
        watermark: None,
        primary_key: Vec::new(),
        options: Options::new(),
    };
    let like = statement.like.as_ref().map(|clause| Like::new(clause, catalog)).transpose()?;
    if let Some(like) = &like {
        like.start(statement, &mut table)?;
    }
    if let Some(query) = &statement.query {
        if let Some(column) = statement.columns.first() {
            return Err(QueryError::unsupported(
                "a list of columns before AS SELECT",
                "name and cast the columns in the SELECT",
            )
            .with_span(place(&column.name)));
        }
        let schema = query_schema(query, catalog, settings)?;
        for field in schema.fields {
            let kind = ColumnKind::Physical;
            table.columns.push(Column { name: field.name, data_type: storable(field.data_type), kind });
        }
        if let Some(repeated) = repeated(&table) {
            return Err(QueryError::new(format!("the query gives two columns '{repeated}'"))
                .with_span(Span::of(query.query.as_ref()))
                .with_hint("rename one with AS"));
        }
    }
    declared_columns(statement, &mut table)?;
    computed_columns(statement, &mut table, catalog)?;
    if table.columns.is_empty() {
        return Err(QueryError::new(format!("table '{}' has no columns", table.name)).with_span(statement.name.span));
    }
    if let Some(definition) = &statement.watermark {
        table.watermark = Some(watermark(definition, &table, catalog)?);
    }
    if let Some(key) = &statement.primary_key {
        table.primary_key = primary_key(key, &mut table)?;
    }
    for option in &statement.options {
        table.options.insert(option.key.text.clone(), option.value.text.clone());
    }
    Ok(table)
}

/// The view that CREATE VIEW declares; its query is planned once to check it.
///
/// # Errors
/// The query is wrong, or has another number of columns than are named.
pub fn view(statement: &CreateView, catalog: &Catalog, settings: &Settings) -> Result<View> {
    let schema = query_schema(&statement.query, catalog, settings)?;
    let columns: Vec<String> = statement.columns.iter().map(|c| c.value.clone()).collect();
    if !columns.is_empty() && columns.len() != schema.len() {
        return Err(QueryError::new(format!(
            "view '{}' names {} columns, and its query gives {}",
            statement.name.text,
            columns.len(),
            schema.len()
        ))
        .with_span(statement.columns.first().and_then(place)));
    }
    let names: Vec<&str> = if columns.is_empty() {
        schema.fields.iter().map(|f| f.name.as_str()).collect()
    } else {
        columns.iter().map(String::as_str).collect()
    };
    if let Some(name) = names.iter().enumerate().find_map(|(i, n)| names[..i].contains(n).then_some(n)) {
        return Err(QueryError::new(format!("view '{}' has two columns '{name}'", statement.name.text))
            .with_span(statement.name.span)
            .with_hint("rename one with AS in the SELECT"));
    }
    Ok(View {
        name: statement.name.text.clone(),
        text: statement.text.clone(),
        query: statement.query.clone(),
        columns,
    })
}

/// Removes what DROP names; `false` where it is not there and `IF EXISTS` says that this is fine.
///
/// # Errors
/// There is none of that name, or it is of another kind.
pub fn drop(statement: &Drop, catalog: &mut Catalog) -> Result<bool> {
    let name = &statement.name.text;
    let found = match statement.kind {
        DropKind::Table => catalog.remove_table(name).is_some(),
        DropKind::View => catalog.remove_view(name).is_some(),
        DropKind::Function => catalog.remove_function(name).is_some(),
        DropKind::Model => catalog.remove_model(name).is_some(),
    };
    if found || statement.if_exists {
        return Ok(found);
    }
    let error = match statement.kind {
        DropKind::Table => QueryError::unknown("table", name, catalog.tables().map(|t| t.name.as_str())),
        DropKind::View => QueryError::unknown("view", name, catalog.views().map(|v| v.name.as_str())),
        DropKind::Function => QueryError::unknown("function", name, catalog.functions().map(|f| f.name.as_str())),
        DropKind::Model => catalog.unknown_model(&statement.name),
    };
    let other = match statement.kind {
        DropKind::Table if catalog.view(name).is_some() => Some("VIEW"),
        DropKind::View if catalog.table(name).is_some() => Some("TABLE"),
        _ => None,
    };
    let error = error.with_span(statement.name.span);
    Err(match other {
        Some(kind) => error.with_hint(format!("write DROP {kind} `{name}`")),
        None => error,
    })
}

/// The place of an option's key or, for a wrong value, of its value.
pub fn option_span(options: &[OptionDef], key: &str, value: bool) -> Option<Span> {
    let option = options.iter().find(|o| o.key.text == key)?;
    if value { option.value.span } else { option.key.span }
}

/// Where a name stands.
fn place(name: &Ident) -> Option<Span> {
    Span::from_parser(name.span)
}

/// A type that a table can hold: a bare NULL is STRING.
fn storable(data_type: DataType) -> DataType {
    match data_type.kind {
        TypeKind::Null => DataType::string(),
        _ => data_type,
    }
}

fn repeated(table: &Table) -> Option<&str> {
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    names.iter().enumerate().find_map(|(i, name)| names[..i].contains(name).then_some(*name))
}

/// Adds the columns as they were written; computed ones have no expression yet.
fn declared_columns(statement: &CreateTable, table: &mut Table) -> Result<()> {
    let inherited = table.columns.len();
    for definition in &statement.columns {
        let name = &definition.name.value;
        if let Some(index) = table.columns.iter().position(|c| c.name == *name) {
            let error = QueryError::new(format!("table '{}' has two columns '{name}'", table.name))
                .with_span(place(&definition.name));
            return Err(match &statement.like {
                Some(like) if index < inherited => error.with_hint(format!("'{}' has it already", like.source.text)),
                _ => error,
            });
        }
        let (data_type, kind) = match &definition.kind {
            ColumnDefKind::Physical(data_type) => (data_type.clone(), ColumnKind::Physical),
            ColumnDefKind::Metadata { data_type, key, is_virtual } => {
                let key = key.clone().unwrap_or_else(|| name.clone());
                (data_type.clone(), ColumnKind::Metadata { key, is_virtual: *is_virtual })
            }
            ColumnDefKind::Computed(_) => {
                let data_type = DataType::nullable(TypeKind::Null);
                (data_type.clone(), ColumnKind::Computed(Expr::literal(Value::Null, data_type)))
            }
        };
        table.columns.push(Column { name: name.clone(), data_type, kind });
    }
    Ok(())
}

/// Binds the computed columns over the physical and metadata columns, as Flink does.
fn computed_columns(statement: &CreateTable, table: &mut Table, catalog: &Catalog) -> Result<()> {
    let sources = table.source_columns();
    let columns: Vec<(String, DataType)> =
        sources.iter().map(|&i| (table.columns[i].name.clone(), table.columns[i].data_type.clone())).collect();
    let inherited = table.columns.len() - statement.columns.len();
    let is_computed = |name: &str| {
        let computed = |c: &&crate::statement::ColumnDef| matches!(c.kind, ColumnDefKind::Computed(_));
        statement.columns.iter().filter(computed).any(|c| c.name.value == name)
    };
    for (position, definition) in statement.columns.iter().enumerate() {
        let ColumnDefKind::Computed(syntax) = &definition.kind else { continue };
        let expr = bind_table_expr(syntax, &columns, catalog).map_err(|error| {
            match error.message.split('\'').nth(1).filter(|name| is_computed(name)) {
                Some(other) => {
                    let hint =
                        format!("'{other}' is a computed column: repeat its expression, or compute it in a view");
                    error.with_hint(hint)
                }
                None => error,
            }
        })?;
        let column = &mut table.columns[inherited + position];
        column.data_type = storable(expr.data_type.clone());
        column.kind = ColumnKind::Computed(expr.map_columns(&|i| sources[i]));
    }
    Ok(())
}

fn column_index(table: &Table, name: &Ident) -> Result<usize> {
    table.columns.iter().position(|c| c.name == name.value).ok_or_else(|| {
        QueryError::unknown("column", &name.value, table.columns.iter().map(|c| c.name.as_str())).with_span(place(name))
    })
}

fn watermark(definition: &WatermarkDef, table: &Table, catalog: &Catalog) -> Result<Watermark> {
    let column = column_index(table, &definition.column)?;
    let data_type = &table.columns[column].data_type;
    let suits = |t: &DataType| matches!(t.kind, TypeKind::Timestamp(0..=3) | TypeKind::TimestampLtz(0..=3));
    if !suits(data_type) {
        return Err(QueryError::new(format!(
            "the time attribute '{}' must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), not {data_type}",
            definition.column.value
        ))
        .with_span(place(&definition.column))
        .with_hint(format!(
            "declare it so, or add a computed column: event_time AS {}",
            match data_type.kind {
                TypeKind::BigInt => format!("TO_TIMESTAMP_LTZ({}, 3)", definition.column.value),
                TypeKind::Char(_) | TypeKind::Varchar(_) => format!("TO_TIMESTAMP({})", definition.column.value),
                _ => format!("CAST({} AS TIMESTAMP(3))", definition.column.value),
            }
        )));
    }
    let columns: Vec<(String, DataType)> =
        table.columns.iter().map(|c| (c.name.clone(), c.data_type.clone())).collect();
    let expr = bind_table_expr(&definition.expr, &columns, catalog)?;
    if !suits(&expr.data_type) || !same_family(&expr.data_type, data_type) {
        return Err(QueryError::new(format!(
            "the watermark must be of the type of its column, {data_type}, not {}",
            expr.data_type
        ))
        .with_span(Span::of(&definition.expr))
        .with_hint(format!("write {0} - INTERVAL '5' SECOND", definition.column.value)));
    }
    Ok(Watermark { column, expr })
}

fn same_family(a: &DataType, b: &DataType) -> bool {
    matches!(
        (&a.kind, &b.kind),
        (TypeKind::Timestamp(_), TypeKind::Timestamp(_)) | (TypeKind::TimestampLtz(_), TypeKind::TimestampLtz(_))
    )
}

/// The key's columns, which become NOT NULL.
fn primary_key(key: &[Ident], table: &mut Table) -> Result<Vec<usize>> {
    let mut columns = Vec::new();
    for name in key {
        let index = column_index(table, name)?;
        if !matches!(table.columns[index].kind, ColumnKind::Physical) {
            return Err(QueryError::new(format!("column '{}' of the primary key must be physical", name.value))
                .with_span(place(name)));
        }
        if columns.contains(&index) {
            return Err(QueryError::new(format!("column '{}' stands twice in the primary key", name.value))
                .with_span(place(name)));
        }
        table.columns[index].data_type.nullable = false;
        columns.push(index);
    }
    Ok(columns)
}

/// A LIKE clause with its source.
struct Like<'a> {
    source: &'a Table,
    clause: &'a LikeClause,
}

impl<'a> Like<'a> {
    fn new(clause: &'a LikeClause, catalog: &'a Catalog) -> Result<Self> {
        let name = &clause.source;
        let Some(source) = catalog.table(&name.text) else {
            if catalog.view(&name.text).is_some() {
                return Err(QueryError::new(format!("'{}' is a view, and LIKE takes a table", name.text))
                    .with_span(name.span)
                    .with_hint("CREATE TABLE … AS SELECT takes the columns of a query"));
            }
            return Err(catalog.unknown_relation(name));
        };
        for option in &clause.options {
            let allowed = match option.feature {
                LikeFeature::All | LikeFeature::Constraints | LikeFeature::Distribution | LikeFeature::Partitions => {
                    option.merging != Merging::Overwriting
                }
                _ => true,
            };
            if !allowed {
                return Err(QueryError::new("this part of a table cannot be overwritten")
                    .with_span(option.span)
                    .with_hint("write EXCLUDING, and declare it anew"));
            }
        }
        Ok(Self { source, clause })
    }

    /// Flink's default is INCLUDING ALL OVERWRITING OPTIONS.
    fn merging(&self, feature: LikeFeature) -> Merging {
        let of = |feature| self.clause.options.iter().find(|o| o.feature == feature).map(|o| o.merging);
        let default = if feature == LikeFeature::Options { Merging::Overwriting } else { Merging::Including };
        of(feature).or_else(|| of(LikeFeature::All)).unwrap_or(default)
    }

    fn takes(&self, feature: LikeFeature) -> bool {
        self.merging(feature) != Merging::Excluding
    }

    /// Puts what is taken from the source into the new table.
    fn start(&self, statement: &CreateTable, table: &mut Table) -> Result<()> {
        let declared = |name: &str| statement.columns.iter().find(|c| c.name.value == name);
        let mut places = vec![None; self.source.columns.len()];
        for (i, column) in self.source.columns.iter().enumerate() {
            let overwritten =
                |feature| self.merging(feature) == Merging::Overwriting && declared(&column.name).is_some();
            let taken = match column.kind {
                ColumnKind::Physical => true,
                ColumnKind::Computed(_) => self.takes(LikeFeature::Generated) && !overwritten(LikeFeature::Generated),
                ColumnKind::Metadata { .. } => self.takes(LikeFeature::Metadata) && !overwritten(LikeFeature::Metadata),
            };
            if taken {
                places[i] = Some(table.columns.len());
                table.columns.push(column.clone());
            }
        }
        let map = |expr: &Expr, what: &str| self.moved(expr, &places, what);
        for column in &mut table.columns {
            if let ColumnKind::Computed(expr) = &column.kind {
                let moved = map(expr, &format!("column '{}'", column.name))?;
                column.kind = ColumnKind::Computed(moved);
            }
        }
        if let Some(watermark) = &self.source.watermark
            && self.takes(LikeFeature::Watermarks)
        {
            match (&statement.watermark, self.merging(LikeFeature::Watermarks)) {
                (Some(_), Merging::Overwriting) => {}
                (Some(own), _) => {
                    return Err(QueryError::new(format!("'{}' has a watermark already", self.source.name))
                        .with_span(place(&own.column))
                        .with_hint("write LIKE … (OVERWRITING WATERMARKS)"));
                }
                (None, _) => {
                    let expr = map(&watermark.expr, "the watermark")?;
                    let column =
                        places[watermark.column].ok_or_else(|| self.lost("the watermark", watermark.column))?;
                    table.watermark = Some(Watermark { column, expr });
                }
            }
        }
        if !self.source.primary_key.is_empty() && self.takes(LikeFeature::Constraints) {
            if let Some(key) = statement.primary_key.as_ref().and_then(|k| k.first()) {
                return Err(QueryError::new(format!("'{}' has a primary key already", self.source.name))
                    .with_span(place(key))
                    .with_hint("write LIKE … (EXCLUDING CONSTRAINTS)"));
            }
            table.primary_key = self.source.primary_key.iter().filter_map(|&i| places[i]).collect();
        }
        if self.takes(LikeFeature::Options) {
            if self.merging(LikeFeature::Options) == Merging::Including
                && let Some(option) = statement.options.iter().find(|o| self.source.options.contains_key(&o.key.text))
            {
                return Err(QueryError::new(format!(
                    "'{}' has option '{}' already",
                    self.source.name, option.key.text
                ))
                .with_span(option.key.span)
                .with_hint("write LIKE … (OVERWRITING OPTIONS)"));
            }
            table.options = self.source.options.clone();
        }
        Ok(())
    }

    fn moved(&self, expr: &Expr, places: &[Option<usize>], what: &str) -> Result<Expr> {
        let mut lost = None;
        expr.visit_columns(&mut |i| {
            if places[i].is_none() {
                lost = Some(i);
            }
        });
        match lost {
            Some(column) => Err(self.lost(what, column)),
            None => Ok(expr.clone().map_columns(&|i| places[i].unwrap_or(i))),
        }
    }

    fn lost(&self, what: &str, column: usize) -> QueryError {
        let name = &self.source.columns[column].name;
        QueryError::new(format!("{what} of '{}' needs column '{name}', which is excluded", self.source.name))
            .with_span(self.clause.source.span)
    }
}
