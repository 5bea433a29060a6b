//! The statements of the dialect, parsed and not yet checked against a catalog.
//!
//! Expressions and queries are sqlparser's syntax tree; `parser/mod.rs` lists the shapes that Flink's own forms take in it.

use sqlparser::ast::{Expr, Ident, Query};
use wasmill_plan::{DataType, Field};

use crate::error::Span;

/// A statement with its place in the script.
#[derive(Clone, Debug)]
pub struct ParsedStatement {
    /// What it says.
    pub statement: Statement,
    /// Its own text, without the semicolon.
    pub text: String,
    /// Where it stands in the script.
    pub span: Span,
}

/// One statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `CREATE TABLE …`, with LIKE and AS SELECT.
    CreateTable(Box<CreateTable>),
    /// `CREATE [TEMPORARY] VIEW …`.
    CreateView(CreateView),
    /// `CREATE [AGGREGATE | TABLE] FUNCTION … LANGUAGE WASM …`.
    CreateFunction(CreateFunction),
    /// `CREATE MODEL … LANGUAGE WASM …`.
    CreateModel(CreateModel),
    /// `ALTER FUNCTION …`, `ALTER MODEL …`.
    Alter(Alter),
    /// `INSERT INTO …`.
    Insert(InsertStatement),
    /// `EXECUTE STATEMENT SET BEGIN … END`: one job.
    StatementSet(Vec<InsertStatement>),
    /// A bare query: its rows are shown.
    Query(QueryStatement),
    /// `EXPLAIN …`.
    Explain(Explain),
    /// `SHOW …`.
    Show(Show),
    /// `DESCRIBE t`.
    Describe(Name),
    /// `DESCRIBE MODEL m`.
    DescribeModel(Name),
    /// `DESCRIBE FUNCTION f`.
    DescribeFunction(Name),
    /// `STOP JOB 'id'`.
    StopJob(Name),
    /// `SET 'key' = 'value'`; `SET` alone shows all.
    Set(Option<Setting>),
    /// `RESET 'key'`; `RESET` alone resets all.
    Reset(Option<Name>),
    /// `DROP …`.
    Drop(Drop),
    /// `USE [CATALOG] name`, of the only catalog and database there are.
    Use(Name),
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Without quotes.
    pub text: String,
    /// Its place.
    pub span: Option<Span>,
}

/// A query with the clauses that wasmill adds behind it, in any order.
#[derive(Clone, Debug)]
pub struct QueryStatement {
    /// The query.
    pub query: Box<Query>,
    /// `EMIT ON ARRIVAL`: its place.
    pub emit_on_arrival: Option<Span>,
    /// `ALLOW LATENESS INTERVAL '…' UNIT`, not negative.
    pub allow_lateness_ms: Option<(i64, Span)>,
    /// `LATE ROWS INTO t`.
    pub late_rows_into: Option<(String, Span)>,
}

/// `INSERT INTO table [(columns)] query`.
#[derive(Clone, Debug)]
pub struct InsertStatement {
    /// The table, or the model.
    pub table: Name,
    /// `INSERT INTO MODEL`: it learns from the rows.
    pub into_model: bool,
    /// The columns that are given; empty for all.
    pub columns: Vec<Ident>,
    /// The rows.
    pub query: QueryStatement,
    /// The whole statement.
    pub span: Option<Span>,
}

/// `CREATE [TEMPORARY] TABLE [IF NOT EXISTS] …`.
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// The name.
    pub name: Name,
    /// Not an error where the table is there already.
    pub if_not_exists: bool,
    /// In order.
    pub columns: Vec<ColumnDef>,
    /// `WATERMARK FOR column AS expr`.
    pub watermark: Option<WatermarkDef>,
    /// `PRIMARY KEY (columns) NOT ENFORCED`.
    pub primary_key: Option<Vec<Ident>>,
    /// `WITH (…)`.
    pub options: Vec<OptionDef>,
    /// `LIKE source (…)`.
    pub like: Option<LikeClause>,
    /// `AS query`.
    pub query: Option<QueryStatement>,
}

/// A column of CREATE TABLE.
#[derive(Clone, Debug)]
pub struct ColumnDef {
    /// The name.
    pub name: Ident,
    /// What it is.
    pub kind: ColumnDefKind,
}

/// The three kinds of columns.
#[derive(Clone, Debug)]
pub enum ColumnDefKind {
    /// `name TYPE [PRIMARY KEY NOT ENFORCED]`.
    Physical(DataType),
    /// `name AS expr`.
    Computed(Expr),
    /// `name TYPE METADATA [FROM 'key'] [VIRTUAL]`.
    Metadata {
        /// Its type.
        data_type: DataType,
        /// `FROM 'key'`; the column's name where absent.
        key: Option<String>,
        /// `VIRTUAL`.
        is_virtual: bool,
    },
}

/// `WATERMARK FOR column AS expr`.
#[derive(Clone, Debug)]
pub struct WatermarkDef {
    /// The time attribute.
    pub column: Ident,
    /// What the watermark is after a row.
    pub expr: Expr,
}

/// `'key' = 'value'` of a WITH clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionDef {
    /// The key.
    pub key: Name,
    /// The value.
    pub value: Name,
}

/// `LIKE source (INCLUDING … EXCLUDING … OVERWRITING …)`.
#[derive(Clone, Debug)]
pub struct LikeClause {
    /// The table whose parts are taken.
    pub source: Name,
    /// In the order written.
    pub options: Vec<LikeOption>,
}

/// One `INCLUDING`, `EXCLUDING` or `OVERWRITING` of a LIKE clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LikeOption {
    /// What is done.
    pub merging: Merging,
    /// With which part.
    pub feature: LikeFeature,
    /// Its place.
    pub span: Option<Span>,
}

/// What LIKE does with a part of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merging {
    /// Take it; a duplicate is an error.
    Including,
    /// Leave it.
    Excluding,
    /// Take it; the new table's own part wins.
    Overwriting,
}

/// The parts of a table that LIKE can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LikeFeature {
    /// Every part.
    All,
    /// The primary key.
    Constraints,
    /// `DISTRIBUTED BY`, which no table here has.
    Distribution,
    /// Computed columns.
    Generated,
    /// Metadata columns.
    Metadata,
    /// Options.
    Options,
    /// `PARTITIONED BY`, which no table here has.
    Partitions,
    /// The watermark.
    Watermarks,
}

/// `CREATE [TEMPORARY] VIEW [IF NOT EXISTS] name [(columns)] AS query`.
#[derive(Clone, Debug)]
pub struct CreateView {
    /// The name.
    pub name: Name,
    /// Not an error where it is there already.
    pub if_not_exists: bool,
    /// New names for the query's columns.
    pub columns: Vec<Ident>,
    /// The query.
    pub query: QueryStatement,
    /// The query's text.
    pub text: String,
}

/// `CREATE [AGGREGATE | TABLE | PROCESS] FUNCTION name [(args) RETURNS type [STATE (fields)]] LANGUAGE WASM [AS 'export'] USING FILE 'path' [WITH (…)]`.
#[derive(Clone, Debug)]
pub struct CreateFunction {
    /// The name.
    pub name: Name,
    /// The word before FUNCTION.
    pub kind: CreateKind,
    /// Not an error where it is there already.
    pub if_not_exists: bool,
    /// Replaces a function of that name.
    pub or_replace: bool,
    /// Arguments and result; `None` where the module describes itself. A table function's result is a ROW of its columns.
    pub signature: Option<(Vec<Field>, DataType)>,
    /// `STATE (…)` of a process function; `None` where the module describes itself, or there is none.
    pub state: Option<Vec<Field>>,
    /// `AS 'export'`; the function's name where absent.
    pub export: Option<Name>,
    /// The module's file.
    pub path: Name,
    /// `WITH (…)`.
    pub options: Vec<OptionDef>,
}

/// Which kind of function CREATE makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateKind {
    /// `CREATE FUNCTION`.
    Scalar,
    /// `CREATE AGGREGATE FUNCTION`.
    Aggregate,
    /// `CREATE TABLE FUNCTION`.
    Table,
    /// `CREATE PROCESS FUNCTION`.
    Process,
}

/// `CREATE MODEL name [INPUT (…) OUTPUT (…) [LABEL (…)]] LANGUAGE WASM [AS 'export'] USING FILE 'path' [WITH (…)]`.
#[derive(Clone, Debug)]
pub struct CreateModel {
    /// The name.
    pub name: Name,
    /// Not an error where it is there already.
    pub if_not_exists: bool,
    /// Replaces a model of that name.
    pub or_replace: bool,
    /// INPUT and OUTPUT; `None` where the module describes itself.
    pub signature: Option<(Vec<Field>, Vec<Field>)>,
    /// LABEL: what the model learns from; its OUTPUT where absent.
    pub labels: Option<Vec<Field>>,
    /// `AS 'export'`; the model's name where absent.
    pub export: Option<Name>,
    /// The module's file.
    pub path: Name,
    /// `WITH (…)`.
    pub options: Vec<OptionDef>,
}

/// `ALTER FUNCTION | MODEL [IF EXISTS] name …`.
#[derive(Clone, Debug)]
pub struct Alter {
    /// Whether it is a model.
    pub is_model: bool,
    /// Its name.
    pub name: Name,
    /// Not an error where it is not there.
    pub if_exists: bool,
    /// What becomes of it.
    pub change: AlterChange,
}

/// What ALTER changes.
#[derive(Clone, Debug)]
pub enum AlterChange {
    /// Takes its place.
    Version(Version),
    /// `… SHADOW INTO table`: runs beside it.
    Shadow {
        /// The version beside it.
        candidate: Version,
        /// Where the results of both go.
        table: Name,
    },
    /// `DROP SHADOW`.
    DropShadow,
}

/// `[AS 'export'] USING FILE 'path' [WITH (…)]`, or `SET (…)`; what is not given stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// The export.
    pub export: Option<Name>,
    /// The module's file.
    pub path: Option<Name>,
    /// Options that replace those of the same key.
    pub options: Vec<OptionDef>,
}

/// `EXPLAIN [PLAN FOR] query | insert | statement set`.
#[derive(Clone, Debug)]
pub struct Explain {
    /// What is explained.
    pub target: ExplainTarget,
}

/// What EXPLAIN shows the plan of.
#[derive(Clone, Debug)]
pub enum ExplainTarget {
    /// A query.
    Query(QueryStatement),
    /// One INSERT, or those of a statement set.
    Inserts(Vec<InsertStatement>),
}

/// What SHOW lists.
#[derive(Clone, Debug)]
pub enum Show {
    /// Tables and views.
    Tables,
    /// Views.
    Views,
    /// The users' functions, or all.
    Functions {
        /// `SHOW USER FUNCTIONS`.
        user_only: bool,
    },
    /// The models.
    Models,
    /// The jobs in the background.
    Jobs,
    /// The statement that makes the table or view.
    Create(Name),
    /// The columns, as DESCRIBE.
    Columns(Name),
    /// The only catalog.
    Catalogs,
    /// The only database.
    Databases,
    /// `SHOW CURRENT CATALOG`.
    CurrentCatalog,
    /// `SHOW CURRENT DATABASE`.
    CurrentDatabase,
}

/// `SET 'key' = 'value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: Name,
    /// The value.
    pub value: Name,
}

/// `DROP [TEMPORARY] kind [IF EXISTS] name`.
#[derive(Clone, Debug)]
pub struct Drop {
    /// What is dropped.
    pub kind: DropKind,
    /// Its name.
    pub name: Name,
    /// Not an error where it is not there.
    pub if_exists: bool,
}

/// What DROP drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropKind {
    /// A table.
    Table,
    /// A view.
    View,
    /// A user's function.
    Function,
    /// A model.
    Model,
}

impl Name {
    /// From an identifier.
    pub fn from_ident(ident: &Ident) -> Self {
        Self { text: ident.value.clone(), span: Span::from_parser(ident.span) }
    }
}

impl QueryStatement {
    /// A query without trailing clauses.
    pub fn plain(query: Box<Query>) -> Self {
        Self { query, emit_on_arrival: None, allow_lateness_ms: None, late_rows_into: None }
    }
}
