//! Planning: from a parsed query to the graph of operators.
//!
//! ```text
//! QueryStatement --query, select, from--> nodes of a Plan (built bottom up, equal nodes shared)
//!                --rewrite-------------> fused windows, merged projections, unused columns gone
//! ```
//!
//! A [`relation::Relation`] is a node of the plan under construction with the names, time attributes and window columns of
//! its output. Every clause of a query turns one relation into the next, in the order SQL gives them:
//! FROM ([`from`], [`functions`]), WHERE, GROUP BY and aggregates ([`aggregate`]), HAVING, OVER ([`over`]), SELECT, DISTINCT ([`select`]),
//! UNION, ORDER BY, LIMIT ([`query`]). ROW_NUMBER under a filter becomes a Top-N or deduplication ([`rank`]).

mod aggregate;
mod from;
mod functions;
mod grouping;
mod insert;
mod join;
mod learn;
mod over;
mod process;
mod query;
mod rank;
mod relation;
mod rewrite;
mod scan;
mod select;
mod window;

use std::collections::HashMap;

use wasmill_plan::{ChangelogMode, Input, NodeId, Operator, Plan, Schema};

use crate::catalog::Catalog;
use crate::error::{QueryError, Span};
use crate::settings::Settings;
use crate::statement::{InsertStatement, QueryStatement};
use relation::{Relation, WindowColumns};

/// Plans a bare query: the plan ends in a sink without a table.
///
/// # Errors
/// What is wrong with the query, at its place.
pub fn plan_query(statement: &QueryStatement, catalog: &Catalog, settings: &Settings) -> Result<Plan, QueryError> {
    let mut planner = Planner::new(catalog, settings);
    let relation = planner.statement(statement)?;
    planner.collect(&relation);
    planner.late_sinks()?;
    Ok(rewrite::rewrite(planner.plan))
}

/// Plans the inserts of one job; sources and views are shared among them.
///
/// # Errors
/// As [`plan_query`].
pub fn plan_inserts(inserts: &[InsertStatement], catalog: &Catalog, settings: &Settings) -> Result<Plan, QueryError> {
    let mut planner = Planner::new(catalog, settings);
    // What a model learns from is planned before what it predicts.
    for insert in inserts.iter().filter(|insert| insert.into_model) {
        planner.learn(insert)?;
    }
    for insert in inserts.iter().filter(|insert| !insert.into_model) {
        planner.insert(insert)?;
    }
    planner.learnt()?;
    planner.late_sinks()?;
    Ok(rewrite::rewrite(planner.plan))
}

/// The columns that a query gives, without planning a job: for CREATE VIEW, CREATE TABLE AS and DESCRIBE.
///
/// # Errors
/// As [`plan_query`].
pub fn query_schema(statement: &QueryStatement, catalog: &Catalog, settings: &Settings) -> Result<Schema, QueryError> {
    let mut planner = Planner::new(catalog, settings);
    let relation = planner.statement(statement)?;
    Ok(relation.schema())
}

/// The state of planning one job.
struct Planner<'a> {
    catalog: &'a Catalog,
    settings: &'a Settings,
    plan: Plan,
    /// Common table expressions in scope, innermost last.
    ctes: Vec<HashMap<String, Relation>>,
    /// Views planned so far, so that a job computes each once.
    views: HashMap<String, Relation>,
    /// Views being planned, to refuse a view that contains itself.
    open_views: Vec<String>,
    /// The trailing clauses of the statement being planned.
    clauses: Clauses,
    /// Operators that can have late rows, with the relation whose columns their input begins with.
    late_sources: Vec<(NodeId, Relation)>,
    /// `LATE ROWS INTO`: which late source goes where.
    late_into: Vec<(NodeId, Relation, String, Span)>,
    /// INSERT INTO MODEL: what each model learns from.
    lessons: Vec<learn::Lesson>,
    /// The windows of the rows that an OVER node reads.
    over_windows: HashMap<NodeId, Option<WindowColumns>>,
}

/// EMIT ON ARRIVAL and ALLOW LATENESS of one statement.
#[derive(Clone, Default)]
struct Clauses {
    on_arrival: bool,
    on_arrival_used: bool,
    lateness_ms: i64,
    lateness_used: bool,
}

impl<'a> Planner<'a> {
    fn new(catalog: &'a Catalog, settings: &'a Settings) -> Self {
        Self {
            catalog,
            settings,
            plan: Plan::default(),
            ctes: Vec::new(),
            views: HashMap::new(),
            open_views: Vec::new(),
            clauses: Clauses::default(),
            lessons: Vec::new(),
            late_sources: Vec::new(),
            late_into: Vec::new(),
            over_windows: HashMap::new(),
        }
    }

    /// Adds a node, or finds the equal one that is there: tables and views used twice are computed once.
    fn add(
        &mut self,
        name: &str,
        operator: Operator,
        inputs: Vec<Input>,
        schema: Schema,
        changelog: ChangelogMode,
    ) -> NodeId {
        let same =
            |node: &&wasmill_plan::Node| node.inputs == inputs && node.schema == schema && node.operator == operator;
        if !matches!(operator, Operator::Sink(_)) {
            if let Some(id) = self.plan.nodes.iter().position(|n| same(&n)) {
                return id;
            }
        }
        self.plan.add(name, operator, inputs, schema, changelog)
    }

    fn changelog(&self, node: NodeId) -> ChangelogMode {
        self.plan.nodes[node].changelog
    }

    /// Refuses a changelog where only appended rows can be worked on.
    fn require_append(&self, relation: &Relation, what: &str, span: Option<Span>) -> Result<(), QueryError> {
        if self.changelog(relation.node) == ChangelogMode::Append {
            return Ok(());
        }
        Err(QueryError::new(format!("{what} cannot work on a query that updates its rows"))
            .with_span(span)
            .with_hint("aggregate over a window (TUMBLE, HOP, …) below it, which gives each row once"))
    }

    /// The session's zone, as windows on TIMESTAMP_LTZ use it.
    fn time_zone(&self) -> String {
        self.settings.time_zone().to_owned()
    }

    /// Plans a query with its trailing clauses.
    fn statement(&mut self, statement: &QueryStatement) -> Result<Relation, QueryError> {
        let clauses = Clauses {
            on_arrival: statement.emit_on_arrival.is_some(),
            lateness_ms: statement.allow_lateness_ms.as_ref().map_or(0, |(ms, _)| *ms),
            ..Clauses::default()
        };
        let outer = std::mem::replace(&mut self.clauses, clauses);
        let first_late = self.late_sources.len();
        let relation = self.query(&statement.query)?;
        let clauses = std::mem::replace(&mut self.clauses, outer);
        if let (Some(span), false) = (&statement.emit_on_arrival, clauses.on_arrival_used) {
            return Err(QueryError::new("EMIT ON ARRIVAL needs a query with OVER windows on a time attribute")
                .with_span(*span)
                .with_hint("other queries are answered on arrival already, or when their window closes"));
        }
        if let (Some((_, span)), false) = (&statement.allow_lateness_ms, clauses.lateness_used) {
            return Err(QueryError::new("ALLOW LATENESS needs an aggregation over windows in event time")
                .with_span(*span)
                .with_hint("it keeps a fired window open for late rows: use TUMBLE, HOP or CUMULATE with GROUP BY"));
        }
        if let Some((table, span)) = &statement.late_rows_into {
            let Some((node, input)) = self.late_sources[first_late.min(self.late_sources.len())..].last().cloned()
            else {
                return Err(QueryError::new("LATE ROWS INTO needs a query with windows in event time")
                    .with_span(*span)
                    .with_hint("put the clause behind the query that has the window or OVER, not behind one that reads its view"));
            };
            self.late_into.push((node, input, table.clone(), *span));
        }
        Ok(relation)
    }
}
