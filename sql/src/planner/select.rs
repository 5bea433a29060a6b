//! One SELECT.

use sqlparser::ast::{self, Distinct, SelectItem, SelectItemQualifiedWildcardKind};
use wasmill_plan::{DataType, Expr, TypeKind, Value};

use super::Planner;
use super::relation::{Item, Relation};
use crate::binder::{Binder, ScopeColumn, WindowFunctions};
use crate::error::{QueryError, Span};

/// An output column before it is bound.
pub(super) struct Output<'e> {
    pub name: String,
    pub qualifier: Option<String>,
    pub what: OutputExpr<'e>,
}

pub(super) enum OutputExpr<'e> {
    /// As written.
    Written(&'e ast::Expr),
    /// A column of `*`.
    Column(usize),
}

impl Planner<'_> {
    pub(super) fn select(&mut self, select: &ast::Select) -> Result<Relation, QueryError> {
        refuse_clauses(select)?;
        let (mut input, has_from) = self.from_clause(select)?;
        if let Some(condition) = &select.selection {
            let scope = input.scope.clone();
            let predicate = Binder::new(self.catalog, &scope, "WHERE").bind_condition(condition)?;
            input = self.filter_or_rank(&input, predicate, Span::of(condition))?;
        }
        let outputs = self.outputs(select, &input, has_from)?;
        let grouping = self.grouping(select, &input)?;
        let scope = input.scope.clone();
        let mut binder = Binder::new(self.catalog, &scope, "the SELECT list");
        binder.aggregates = Some(Vec::new());
        binder.overs = Some(Vec::new());
        binder.named_windows = &select.named_window;
        binder.window_functions = grouping.window.as_ref().map(|w| WindowFunctions {
            kind: w.name,
            time_type: scope.columns[w.spec.time_column].data_type.clone(),
            clock: w.clock,
        });
        let mut items = Vec::with_capacity(outputs.len());
        for output in &outputs {
            let expr = match output.what {
                OutputExpr::Column(column) => input.column(column),
                OutputExpr::Written(expr) => binder.bind(expr)?,
            };
            items.push(Item { name: output.name.clone(), qualifier: output.qualifier.clone(), expr });
        }
        binder.at("HAVING");
        let having = match &select.having {
            Some(having) => {
                let overs = binder.overs.take();
                let bound = binder.bind_condition(having)?;
                binder.overs = overs;
                Some(bound)
            }
            None => None,
        };
        let aggregates = binder.aggregates.take().unwrap_or_default();
        let mut overs = binder.overs.take().unwrap_or_default();
        let span = Span::of(select);
        if !aggregates.is_empty() || !grouping.is_empty() || having.is_some() {
            let grouped = self.aggregate(&input, grouping, aggregates, span)?;
            for (item, output) in items.iter_mut().zip(&outputs) {
                let place = match output.what {
                    OutputExpr::Written(expr) => Span::of(expr),
                    OutputExpr::Column(_) => span,
                };
                grouped.rewrite(&mut item.expr, place)?;
            }
            for over in &mut overs {
                for expr in over.exprs_mut() {
                    grouped.rewrite(expr, span)?;
                }
            }
            input = grouped.relation.clone();
            if let Some(mut having) = having {
                grouped.rewrite(&mut having, select.having.as_ref().and_then(Span::of))?;
                input = self.filtered(&input, having);
            }
        }
        if !overs.is_empty() {
            let (with_overs, first) = self.overs(&input, overs)?;
            input = with_overs;
            for item in &mut items {
                let place = |column: usize| match column.checked_sub(crate::binder::OVER_BASE) {
                    Some(over) => first[over],
                    None => column,
                };
                item.expr =
                    std::mem::replace(&mut item.expr, Expr::literal(Value::Null, DataType::nullable(TypeKind::Null)))
                        .map_columns(&place);
            }
        }
        let projected = self.calc(&input, None, items);
        Ok(if select.distinct.is_some() && !matches!(select.distinct, Some(Distinct::All)) {
            self.distinct(&projected)
        } else {
            projected
        })
    }

    fn from_clause(&mut self, select: &ast::Select) -> Result<(Relation, bool), QueryError> {
        let mut sources = select.from.iter();
        let Some(first) = sources.next() else {
            return Ok((self.one_row(), false));
        };
        let mut relation = self.table_with_joins(first)?;
        for source in sources {
            relation = self.comma_join(relation, source)?;
        }
        Ok((relation, true))
    }

    /// One row without a usable column: what `SELECT 1 + 1` reads.
    pub(super) fn one_row(&mut self) -> Relation {
        let zero = Expr::literal(Value::Int(0), DataType::not_null(TypeKind::Int));
        let column = ScopeColumn::new(None, "", zero.data_type.clone());
        self.constant_rows(vec![vec![zero]], vec![column])
    }

    /// The columns of the SELECT list, `*` spread out; unnamed ones are `EXPR$i` as in Flink.
    fn outputs<'e>(
        &self,
        select: &'e ast::Select,
        input: &Relation,
        has_from: bool,
    ) -> Result<Vec<Output<'e>>, QueryError> {
        let mut outputs: Vec<Output> = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => outputs.push(Output {
                    name: implied_name(expr).unwrap_or_else(|| format!("EXPR${}", outputs.len())),
                    qualifier: None,
                    what: OutputExpr::Written(expr),
                }),
                SelectItem::ExprWithAlias { expr, alias } => {
                    outputs.push(Output { name: alias.value.clone(), qualifier: None, what: OutputExpr::Written(expr) })
                }
                SelectItem::Wildcard(_) if has_from => spread(input, None, &mut outputs),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    let table = name.0.last().and_then(|p| p.as_ident()).map(|i| i.value.clone()).unwrap_or_default();
                    let before = outputs.len();
                    spread(input, Some(&table), &mut outputs);
                    if outputs.len() == before {
                        let known = input.scope.columns.iter().filter_map(|c| c.qualifier.as_deref());
                        return Err(QueryError::unknown("table", &table, known).with_span(Span::of(name)));
                    }
                }
                SelectItem::Wildcard(_) => {
                    return Err(QueryError::new("SELECT * needs FROM").with_span(Span::of(item)));
                }
                other => return Err(QueryError::at(other, format!("{other} is not supported in a SELECT list"))),
            }
        }
        Ok(outputs)
    }
}

fn spread(input: &Relation, table: Option<&str>, outputs: &mut Vec<Output>) {
    for (index, column) in input.scope.columns.iter().enumerate() {
        if table.is_none() || column.qualifier.as_deref() == table {
            outputs.push(Output { name: column.name.clone(), qualifier: None, what: OutputExpr::Column(index) });
        }
    }
}

/// The name of a column that is only referred to.
fn implied_name(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::Identifier(name) => Some(name.value.clone()),
        ast::Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.clone()),
        ast::Expr::Nested(inner) => implied_name(inner),
        ast::Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
            Some(ast::AccessExpr::Dot(ast::Expr::Identifier(name))) => Some(name.value.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Clauses of other dialects that the grammar takes and this one does not have.
fn refuse_clauses(select: &ast::Select) -> Result<(), QueryError> {
    let refuse = |what: &str, instead: &str, span: Option<Span>| {
        Err(QueryError::unsupported(what, instead).with_span(span.or_else(|| Span::of(select))))
    };
    if let Some(Distinct::On(on)) = &select.distinct {
        return refuse("DISTINCT ON", "use ROW_NUMBER() OVER (…) and filter on 1", on.first().and_then(Span::of));
    }
    if let Some(qualify) = &select.qualify {
        return refuse("QUALIFY", "put the OVER call in a subquery and filter on its column", Span::of(qualify));
    }
    if select.top.is_some() || !select.lateral_views.is_empty() || select.prewhere.is_some() || select.into.is_some() {
        return refuse("this clause", "write it in Flink's dialect", None);
    }
    if !select.cluster_by.is_empty() || !select.distribute_by.is_empty() || !select.sort_by.is_empty() {
        return refuse("CLUSTER BY, DISTRIBUTE BY and SORT BY", "rows are distributed by the keys of the query", None);
    }
    if !select.connect_by.is_empty() || select.value_table_mode.is_some() || select.exclude.is_some() {
        return refuse("this clause", "write it in Flink's dialect", None);
    }
    if !select.optimizer_hints.is_empty() {
        return refuse("an optimizer hint", "remove it: plans do not depend on hints here", None);
    }
    Ok(())
}
