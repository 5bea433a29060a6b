//! FROM: tables, subqueries, window functions; users' functions are in [`super::functions`], joins in [`super::join`].

use sqlparser::ast::{self, JoinConstraint, TableFactor, TableWithJoins};
use wasmill_plan::JoinKind;

use super::Planner;
use super::relation::Relation;
use crate::catalog::FunctionKind;
use crate::error::{QueryError, Span};

/// Window table functions.
pub(super) const WINDOW_FUNCTIONS: [&str; 4] = ["TUMBLE", "HOP", "CUMULATE", "SESSION"];

impl Planner<'_> {
    pub(super) fn table_with_joins(&mut self, source: &TableWithJoins) -> Result<Relation, QueryError> {
        let mut relation = self.factor(&source.relation)?;
        for join in &source.joins {
            relation = self.join(relation, join)?;
        }
        Ok(relation)
    }

    /// One entry of FROM.
    pub(super) fn factor(&mut self, factor: &TableFactor) -> Result<Relation, QueryError> {
        let span = Span::of(factor);
        match factor {
            TableFactor::Table { name, alias, args: Some(args), .. } => {
                let function = last_name(name);
                let args: Vec<&ast::FunctionArg> = args.args.iter().collect();
                let relation = self.table_function(&function, &args, span)?;
                Ok(aliased(relation, alias.as_ref()))
            }
            TableFactor::Table {
                name, alias, version, with_ordinality: false, sample: None, json_path: None, ..
            } => {
                if version.is_some() {
                    return Err(QueryError::new("FOR SYSTEM_TIME AS OF stands only behind JOIN")
                        .with_span(span)
                        .with_hint(
                            "SELECT … FROM events AS e JOIN accounts FOR SYSTEM_TIME AS OF e.proctime AS a ON …",
                        ));
                }
                let relation = self.named(&last_name(name), span)?;
                Ok(aliased(relation, alias.as_ref()))
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                let mut relation = self.query(subquery)?;
                relation.scope.columns.iter_mut().for_each(|c| c.qualifier = None);
                Ok(aliased(relation, alias.as_ref()))
            }
            TableFactor::Derived { lateral: true, .. } => Err(QueryError::unsupported(
                "LATERAL (SELECT …)",
                "use UNNEST for collections, or a Top-N by ROW_NUMBER",
            )
            .with_span(span)),
            TableFactor::TableFunction { expr: whole @ ast::Expr::Function(function), alias }
                if self
                    .catalog
                    .function(&last_name(&function.name))
                    .is_some_and(|f| f.kind != FunctionKind::Process) =>
            {
                self.table_of_constants(whole, function, alias.as_ref())
            }
            TableFactor::TableFunction { expr: ast::Expr::Function(function), alias } => {
                let args: Vec<&ast::FunctionArg> = match &function.args {
                    ast::FunctionArguments::List(list) => list.args.iter().collect(),
                    _ => Vec::new(),
                };
                let relation = self.table_function(&last_name(&function.name), &args, span)?;
                Ok(aliased(relation, alias.as_ref()))
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let relation = self.table_with_joins(table_with_joins)?;
                Ok(aliased(relation, alias.as_ref()))
            }
            TableFactor::UNNEST { .. } => {
                // A collection of constants: joined to one row, of which nothing is seen.
                let one = self.one_row();
                let relation = self.unnest(one, factor, JoinKind::Inner, &JoinConstraint::None)?;
                let mut items = super::relation::pass_through(&relation);
                items.remove(0);
                Ok(self.calc(&relation, None, items))
            }
            TableFactor::MatchRecognize { .. } => Err(QueryError::unsupported(
                "MATCH_RECOGNIZE",
                "for simple sequences, LAG(…) OVER (PARTITION BY … ORDER BY ts) sees the rows before",
            )
            .with_span(span)),
            TableFactor::Function { .. } => Err(QueryError::new("LATERAL TABLE(…) needs a table before it")
                .with_span(span)
                .with_hint("FROM t CROSS JOIN LATERAL TABLE(f(t.x)) AS r (a, b); of constants: FROM TABLE(f('x'))")),
            other => Err(QueryError::at(other, format!("{other} is not supported in FROM"))),
        }
    }

    fn table_function(
        &mut self,
        name: &str,
        args: &[&ast::FunctionArg],
        span: Option<Span>,
    ) -> Result<Relation, QueryError> {
        let upper = name.to_uppercase();
        if WINDOW_FUNCTIONS.contains(&upper.as_str()) {
            return self.window_function(&upper, args, span);
        }
        if upper == "ML_PREDICT" {
            return self.predict(args, span);
        }
        if let Some(function) = self.catalog.function(name).filter(|f| f.kind == FunctionKind::Process) {
            return self.process(function, args, span);
        }
        let users = self
            .catalog
            .functions()
            .filter(|f| matches!(f.kind, FunctionKind::Table | FunctionKind::Process))
            .map(|f| f.name.as_str());
        let known = WINDOW_FUNCTIONS.into_iter().chain(["ML_PREDICT"]).chain(users);
        let error = QueryError::unknown("table function", name, known).with_span(span);
        Err(match self.catalog.function(name) {
            Some(function) => error.with_hint(format!("write TABLE({}(…)), or LATERAL behind a table", function.name)),
            None => error,
        })
    }
}

/// The last part of a name: `catalog.database.t` is `t`.
pub(super) fn last_name(name: &ast::ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()).unwrap_or_default()
}

/// The relation under its alias.
pub(super) fn aliased(relation: Relation, alias: Option<&ast::TableAlias>) -> Relation {
    match alias {
        None => relation,
        Some(alias) => {
            let columns: Vec<String> = alias.columns.iter().map(|c| c.name.value.clone()).collect();
            relation.renamed(Some(&alias.name.value), &columns)
        }
    }
}
