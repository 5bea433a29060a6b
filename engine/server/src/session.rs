//! A session: the names and settings that statements build up one by one.

use std::sync::Arc;

use wasmill_connectors as connectors;
use wasmill_expr::UserFunctions;
use wasmill_plan::{ChangelogMode, Operator, Plan, Table};
use wasmill_sql::show::{self, Listing};
use wasmill_sql::statement::{
    CreateFunction, CreateModel, CreateTable, CreateView, Drop, DropKind, Explain, ExplainTarget, Name, Setting, Show,
};
use wasmill_sql::{
    Catalog, InsertStatement, ParsedStatement, QueryError, QueryStatement, Settings, Statement, ddl, explain, planner,
};

use crate::dead_letters::DeadLetterTables;
use crate::error::SessionError;
use crate::functions::Functions;
use crate::job::{Job, Progress, tables_together};
use crate::jobs::{EndedJob, Jobs};
use crate::listing;

/// The catalog, settings and functions of one user's session.
#[derive(Default)]
pub struct Session {
    pub(crate) catalog: Catalog,
    settings: Settings,
    pub(crate) functions: Functions,
    pub(crate) jobs: Jobs,
}

/// What a statement gives.
pub enum Answer {
    /// It is done; a note for the user where there is one.
    Done(Option<String>),
    /// A small table.
    Listing(Listing),
    /// Lines of text: EXPLAIN.
    Text(String),
    /// A planned job, for the caller to start.
    Job(Box<Job>),
}

impl Session {
    /// An empty session with default settings.
    pub fn new() -> Self {
        Self::default()
    }
    /// The tables, views and functions, for completion.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }
    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
    /// The users' functions and models as they are now, for a job that the caller runs itself.
    pub fn functions(&self) -> Arc<dyn UserFunctions + Send + Sync> {
        Arc::new(self.functions.clone())
    }
    /// Sets a key as SET does; gives a note for the user where the key has no effect.
    ///
    /// # Errors
    /// An unknown key or a wrong value.
    pub fn set(&mut self, key: &str, value: &str) -> Result<Option<String>, QueryError> {
        self.settings.set(key, value)
    }

    /// Starts a job that [`Job::is_in_background`], and gives its id.
    ///
    /// # Errors
    /// As [`Job::start`].
    pub fn run_in_background(&mut self, job: Job) -> Result<Listing, SessionError> {
        Ok(Listing::one("job id", [self.jobs.start(job)?]))
    }
    /// How many jobs of the background have not been seen to end.
    pub fn background_jobs(&self) -> usize {
        self.jobs.count()
    }
    /// Their figures, added up.
    pub fn background_progress(&self) -> Progress {
        self.jobs.progress()
    }
    /// Asks all jobs of the background to end their sources where they are.
    pub fn stop_background(&self) {
        self.jobs.stop_all();
    }
    /// Ends them at once.
    pub fn cancel_background(&self) {
        self.jobs.cancel_all();
    }
    /// The jobs of the background that have ended since they were asked for last.
    pub fn take_ended_jobs(&mut self) -> Vec<EndedJob> {
        self.jobs.take_ended()
    }

    /// Executes one statement, but for the job that it may ask for. A statement that fails changes nothing.
    ///
    /// # Errors
    /// What is wrong with the statement, at its place in the script.
    pub fn execute(&mut self, parsed: &ParsedStatement) -> Result<Answer, SessionError> {
        match &parsed.statement {
            Statement::CreateTable(statement) => self.create_table(statement, &parsed.text),
            Statement::CreateView(statement) => self.create_view(statement, &parsed.text),
            Statement::CreateFunction(statement) => self.create_function(statement, &parsed.text),
            Statement::CreateModel(statement) => self.create_model(statement, &parsed.text),
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.inserts(std::slice::from_ref(insert)),
            Statement::StatementSet(inserts) => self.inserts(inserts),
            Statement::Explain(statement) => Ok(Answer::Text(self.explain(statement)?)),
            Statement::Alter(statement) => self.alter(statement, &parsed.text),
            Statement::Show(Show::Jobs) => {
                self.jobs.take_ended();
                Ok(Answer::Listing(self.jobs.listing(&self.settings)))
            }
            Statement::Show(Show::Functions { user_only }) => {
                Ok(Answer::Listing(listing::functions(&self.catalog, &self.functions, *user_only)))
            }
            Statement::Show(Show::Models) => Ok(Answer::Listing(listing::models(&self.catalog, &self.functions))),
            Statement::DescribeFunction(name) => {
                Ok(Answer::Listing(listing::describe(name, &self.catalog, &self.functions)?))
            }
            Statement::StopJob(id) => {
                let ended = self.jobs.stop(id)?;
                ended.outcome.map(|_| Answer::Done(None))
            }
            Statement::Show(what) => Ok(Answer::Listing(show::show(what, &self.catalog, &self.settings)?)),
            Statement::Describe(name) => Ok(Answer::Listing(show::describe(name, &self.catalog, &self.settings)?)),
            Statement::DescribeModel(name) => Ok(Answer::Listing(show::describe_model(name, &self.catalog)?)),
            Statement::Set(None) => Ok(Answer::Listing(show::settings(&self.settings))),
            Statement::Set(Some(Setting { key, value })) => {
                let place = |error: QueryError| {
                    let span = if error.message.contains("cannot be") { value.span } else { key.span };
                    error.or_span(span)
                };
                Ok(Answer::Done(self.settings.set(&key.text, &value.text).map_err(place)?))
            }
            Statement::Reset(key) => {
                self.reset(key.as_ref())?;
                Ok(Answer::Done(None))
            }
            Statement::Drop(statement) => self.drop(statement),
            Statement::Use(_) => Ok(Answer::Done(None)),
        }
    }

    fn reset(&mut self, key: Option<&Name>) -> Result<(), QueryError> {
        match key {
            None => self.settings.reset_all(),
            Some(key) => self.settings.reset(&key.text).map_err(|error| error.or_span(key.span))?,
        }
        Ok(())
    }

    fn create_table(&mut self, statement: &CreateTable, text: &str) -> Result<Answer, SessionError> {
        if !ddl::is_free(&self.catalog, &statement.name, statement.if_not_exists)? {
            return Ok(exists(&statement.name));
        }
        let table = ddl::table(statement, &self.catalog, &self.settings)?;
        check_options(statement, &table)?;
        self.catalog.add_table(table);
        self.catalog.set_text(&statement.name.text, text);
        let Some(query) = &statement.query else { return Ok(Answer::Done(None)) };
        let insert = InsertStatement {
            into_model: false,
            table: statement.name.clone(),
            columns: Vec::new(),
            query: query.clone(),
            span: statement.name.span,
        };
        let planned = self.inserts(&[insert]);
        if planned.is_err() {
            self.catalog.remove_table(&statement.name.text);
        }
        planned
    }

    fn create_view(&mut self, statement: &CreateView, text: &str) -> Result<Answer, SessionError> {
        if !ddl::is_free(&self.catalog, &statement.name, statement.if_not_exists)? {
            return Ok(exists(&statement.name));
        }
        let view = ddl::view(statement, &self.catalog, &self.settings)?;
        self.catalog.add_view(view);
        self.catalog.set_text(&statement.name.text, text);
        Ok(Answer::Done(None))
    }

    fn create_function(&mut self, statement: &CreateFunction, text: &str) -> Result<Answer, SessionError> {
        if let (Some(_), false) = (self.catalog.function(&statement.name.text), statement.or_replace) {
            if statement.if_not_exists {
                return Ok(exists(&statement.name));
            }
            return Err(QueryError::new(format!("there is a function '{}' already", statement.name.text))
                .with_span(statement.name.span)
                .with_hint("write CREATE OR REPLACE FUNCTION")
                .into());
        }
        let function = self.functions.create(statement)?;
        self.catalog.add_function(function);
        self.catalog.set_text(&statement.name.text, text);
        Ok(Answer::Done(None))
    }

    fn create_model(&mut self, statement: &CreateModel, text: &str) -> Result<Answer, SessionError> {
        if let (Some(_), false) = (self.catalog.model(&statement.name.text), statement.or_replace) {
            if statement.if_not_exists {
                return Ok(exists(&statement.name));
            }
            return Err(QueryError::new(format!("there is a model '{}' already", statement.name.text))
                .with_span(statement.name.span)
                .with_hint("write CREATE OR REPLACE MODEL")
                .into());
        }
        let model = self.functions.create_model(statement)?;
        self.catalog.add_model(model);
        self.catalog.set_text(&statement.name.text, text);
        Ok(Answer::Done(None))
    }

    fn drop(&mut self, statement: &Drop) -> Result<Answer, SessionError> {
        let dropped = ddl::drop(statement, &mut self.catalog)?;
        match statement.kind {
            DropKind::Function => self.functions.remove(&statement.name.text),
            DropKind::Model => self.functions.remove_model(&statement.name.text),
            DropKind::Table | DropKind::View => {}
        }
        Ok(Answer::Done((!dropped).then(|| format!("there is no '{}'", statement.name.text))))
    }

    fn query(&self, query: &QueryStatement) -> Result<Answer, SessionError> {
        let plan = planner::plan_query(query, &self.catalog, &self.settings)?;
        Ok(self.job("select".to_owned(), plan)?)
    }

    fn inserts(&self, inserts: &[InsertStatement]) -> Result<Answer, SessionError> {
        let plan = planner::plan_inserts(inserts, &self.catalog, &self.settings)?;
        let tables: Vec<&str> = inserts.iter().map(|i| i.table.text.as_str()).collect();
        let name = format!("insert into {}", tables.join(", "));
        Ok(self.job(name, plan).map_err(|error| error.or_span(inserts.first().and_then(|i| i.table.span)))?)
    }

    fn job(&self, name: String, plan: Plan) -> Result<Answer, QueryError> {
        let dead_letters = DeadLetterTables::of(&plan, &self.catalog)?;
        check_tables(&plan, &dead_letters)?;
        Ok(Answer::Job(Box::new(Job::new(name, plan, &self.settings, self.functions.clone(), dead_letters))))
    }

    fn explain(&self, statement: &Explain) -> Result<String, SessionError> {
        let plan = match &statement.target {
            ExplainTarget::Query(query) => planner::plan_query(query, &self.catalog, &self.settings)?,
            ExplainTarget::Inserts(inserts) => planner::plan_inserts(inserts, &self.catalog, &self.settings)?,
        };
        Ok(explain::plan(&plan))
    }
}

fn exists(name: &Name) -> Answer {
    Answer::Done(Some(format!("'{}' is there already", name.text)))
}

/// The connector's opinion on a new table, at the option it is about.
fn check_options(statement: &CreateTable, table: &Table) -> Result<(), QueryError> {
    connectors::validate(table, None).map_err(|error| {
        let is_value = !error.message.contains("has no option");
        let span = ddl::option_span(&statement.options, &error.key, is_value).or(statement.name.span);
        QueryError { hint: error.hint, ..QueryError::new(error.message).with_span(span) }
    })
}

/// Whether every table of the plan can play its role.
fn check_tables(plan: &Plan, dead_letters: &DeadLetterTables) -> Result<(), QueryError> {
    let refuse = |error: connectors::OptionError| QueryError { hint: error.hint, ..QueryError::new(error.message) };
    for node in &plan.nodes {
        match &node.operator {
            Operator::Source(source) => {
                connectors::validate(&source.table, Some(connectors::Role::Source)).map_err(refuse)?;
            }
            Operator::Sink(sink) => {
                let Some(table) = &sink.table else { continue };
                connectors::validate(table, Some(connectors::Role::Sink)).map_err(refuse)?;
                if node.changelog == ChangelogMode::Retract && !connectors::takes_updates(table) {
                    return Err(QueryError::new(format!(
                        "table '{}' takes only new rows, and the query updates rows that it gave before",
                        table.name
                    ))
                    .with_hint("aggregate over a window, or write to a table that takes updates, such as 'print'"));
                }
            }
            _ => {}
        }
    }
    tables_together(plan, dead_letters.tables())
}
