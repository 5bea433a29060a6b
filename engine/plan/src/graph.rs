//! The graph of operators that a job runs.

use serde::{Deserialize, Serialize};

use crate::{AggregateCall, DataType, Expr, OverGroup, Schema, SortKey, Table, Value, WindowSpec, Windowing};

/// Index of a node in [`Plan::nodes`].
pub type NodeId = usize;

/// A job: a directed acyclic graph, sources first. Every path ends in a [`Operator::Sink`].
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// In topological order: a node's inputs come before it.
    pub nodes: Vec<Node>,
}

/// One operator with its inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Stable name for state and metrics, unique in the plan: `window-aggregate-3`.
    pub uid: String,
    /// What it does.
    pub operator: Operator,
    /// Where its rows come from; the index is the operator's input port.
    pub inputs: Vec<Input>,
    /// The columns of its main output.
    pub schema: Schema,
    /// Whether its output carries row kinds.
    pub changelog: ChangelogMode,
}

/// An edge into a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The producer.
    pub node: NodeId,
    /// Which of its outputs.
    pub port: Port,
    /// Rows are sent to instances by the hash of these columns; `Some([])` sends all to one instance; `None` keeps a row on
    /// its instance (the operator is stateless, or the input is already so distributed).
    pub exchange: Option<Vec<usize>>,
}

/// An output of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Port {
    /// Its results.
    Main,
    /// Rows of its input that came too late, in the input's schema.
    Late,
}

/// Whether an edge only adds rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangelogMode {
    /// Only +I.
    Append,
    /// +I, -U, +U and -D.
    Retract,
}

/// What a node does. The runtime builds each from exactly one `match`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Operator {
    /// Reads a table.
    Source(SourceNode),
    /// Fixed rows, then the end.
    Values {
        /// Row by row, constant expressions of the schema's types.
        rows: Vec<Vec<Expr>>,
    },
    /// Filters, then projects.
    Calc {
        /// BOOLEAN over the input; only TRUE passes.
        filter: Option<Expr>,
        /// One per output column, over the input.
        projection: Vec<Expr>,
    },
    /// Gives watermarks: after each row, `expr` raises them (see `wasmill-runtime`).
    Watermark {
        /// The time attribute's column (milliseconds); NULL in it is an error.
        time_column: usize,
        /// Over the input; NULL does not raise.
        expr: Expr,
    },
    /// Appends the time at which a row arrives, by the job's clock, as TIMESTAMP_LTZ(3) NOT NULL; watermarks follow that clock
    /// from here on. Stands before windows in processing time.
    ProcessingTime,
    /// Passes the rows of all inputs.
    Union,
    /// One output row per set: columns outside the set become NULL, and the set's `GROUPING_ID` bits are appended as BIGINT
    /// column `$e` (the bit of a column is 1 where it is not in the set; the first grouping column has the highest bit).
    Expand {
        /// The columns that grouping sets are made of, in order.
        columns: Vec<usize>,
        /// Which of them (positions into `columns`) are kept, per set.
        sets: Vec<Vec<usize>>,
    },
    /// One output row per element of a collection column.
    Unnest(Unnest),
    /// Any number of output rows for each row, from a user's table function.
    TableFunction(TableFunction),
    /// Appends the output columns of a model.
    Predict(Predict),
    /// A user's function over the rows of each key, with state and timers.
    Process(Process),
    /// Appends window_start, window_end (TIMESTAMP(3)) and window_time (the type of the time attribute); a row once per
    /// window it belongs to. SESSION waits for the session's end.
    WindowTable(WindowTable),
    /// Aggregates per window.
    WindowAggregate(WindowAggregate),
    /// Unwindowed GROUP BY: updates per key, with retractions.
    GroupAggregate {
        /// Key columns; none for one group (which gives no row before the first input).
        keys: Vec<usize>,
        /// The aggregates; output is keys, then aggregates.
        aggregates: Vec<AggregateCall>,
    },
    /// OVER in the order of a time attribute.
    Over(Over),
    /// OVER in the order of other columns: a new row may update the results of rows already given.
    OverByColumn(OverByColumn),
    /// ROW_NUMBER over a window, filtered to a range (Top-N and deduplication per window).
    WindowRank(WindowRank),
    /// ROW_NUMBER over a partition, filtered to a range (Top-N), with retractions.
    Rank(Rank),
    /// First or last row per key in the order of a time attribute.
    Deduplicate(Deduplicate),
    /// Joins each row with the matching rows of a bounded table held in memory.
    LookupJoin(LookupJoin),
    /// Writes a table, or hands rows to the caller.
    Sink(SinkNode),
}

/// A source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceNode {
    /// The table.
    pub table: Box<Table>,
    /// The columns (indexes into [`Table::columns`], physical or metadata) that are read, in output order; may be empty.
    pub projection: Vec<usize>,
    /// For each column of the projection: the fields of its ROW that are read, where not all are. A source may give NULL for the
    /// others. Empty where all columns are read whole.
    #[serde(default)]
    pub row_fields: Vec<Option<Vec<usize>>>,
}

impl SourceNode {
    /// Reads those columns of a table, whole.
    pub fn new(table: Box<Table>, projection: Vec<usize>) -> Self {
        Self { table, projection, row_fields: Vec::new() }
    }
}

/// A sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SinkNode {
    /// The table; `None` for a bare SELECT, whose rows go to the caller.
    pub table: Option<Box<Table>>,
}

/// What happens to rows behind the watermark.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lateness {
    /// `ALLOW LATENESS`, ms: a window's state is kept that long after it fired, and a late row gives an updated result.
    pub allowed_ms: i64,
}

/// See [`Operator::Unnest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unnest {
    /// The ARRAY, MAP or MULTISET, over the input.
    pub collection: Expr,
    /// Keep a row whose collection is empty or NULL, with NULLs.
    pub outer: bool,
    /// Append the position, from 1, as INT.
    pub ordinality: bool,
    /// How many columns an element becomes: a ROW's fields, 2 for a map's entry, else 1. Output is the input's columns, then
    /// these, then the ordinality.
    pub width: usize,
}

/// A user's table function beside its input: output is the input's columns, then the function's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableFunction {
    /// The name in the catalog.
    pub function: String,
    /// Over the input, of the declared types.
    pub args: Vec<Expr>,
    /// Keep a row for which it gives none, with NULLs.
    pub outer: bool,
    /// How many columns it gives.
    pub width: usize,
}

/// ML_PREDICT: output is the input's columns, then the model's. A model that learns has one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predict {
    /// The name in the catalog.
    pub model: String,
    /// Over the input, of the types of the model's INPUT.
    pub args: Vec<Expr>,
    /// Types of the model's OUTPUT.
    pub outputs: Vec<DataType>,
    /// The model's LABEL columns over the input: it learns from each row after it has predicted it, in order of arrival, if
    /// none of them is NULL. Empty where it does not learn.
    pub labels: Vec<Expr>,
    /// INSERT INTO MODEL: it learns from the rows of input port 1.
    #[serde(default)]
    pub feedback: Option<Feedback>,
}

/// The rows that a model learns from, beside those that it predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// Over input port 1, of the types of the model's INPUT.
    pub args: Vec<Expr>,
    /// Over input port 1, of the types of its LABEL.
    pub labels: Vec<Expr>,
    /// The time attributes (ms) of ports 0 and 1: rows wait for the watermark, and are worked on in the order of time, predictions
    /// first. `None`: in the order of arrival.
    pub time_columns: Option<(usize, usize)>,
}

/// A process function: output is the partition's columns, the function's columns, and the time (of the row, or of the timer) where
/// there is a [`Process::time_column`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// The name in the catalog.
    pub function: String,
    /// What the user calls this use of it: the node's uid is `process:` and this.
    pub uid: Option<String>,
    /// PARTITION BY columns.
    pub partition: Vec<usize>,
    /// Over the input, of the declared types.
    pub args: Vec<Expr>,
    /// What is kept for each key.
    pub state: Vec<StateField>,
    /// The time attribute's column (ms): the time of rows; timers of event time need it.
    pub time_column: Option<usize>,
    /// ORDER BY the time attribute: rows wait for the watermark and come in the order of time, those of one time in this order, and
    /// rows behind the watermark are late. `None`: rows come as they arrive, late ones too.
    pub order: Option<Vec<SortKey>>,
    /// Types of the columns that the function gives.
    pub outputs: Vec<DataType>,
}

/// A field of what a process function keeps for each key; NULL before it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateField {
    /// Its name.
    pub name: String,
    /// Its type, nullable. Lists are ARRAY, maps MAP.
    pub data_type: DataType,
    /// It is NULL again so long after it was written last, by the job's clock, in ms.
    pub ttl_ms: Option<i64>,
}

/// See [`Operator::WindowTable`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowTable {
    /// The windows.
    pub window: WindowSpec,
}

/// Aggregates per window and key. Output columns: keys, aggregates, then window_start, window_end (TIMESTAMP(3)) and
/// window_time (TIMESTAMP(3), or TIMESTAMP_LTZ(3) with a zone), in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowAggregate {
    /// Where the windows come from. With SESSION, the keys include the session's partition.
    pub windowing: Windowing,
    /// Key columns beside the window.
    pub keys: Vec<usize>,
    /// The aggregates.
    pub aggregates: Vec<AggregateCall>,
    /// With allowed lateness, the output is a changelog: -U and +U of a window that fired before.
    pub lateness: Lateness,
}

/// OVER in event time: output is the input's columns, then one column per function, group by group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Over {
    /// PARTITION BY columns.
    pub partition: Vec<usize>,
    /// The time attribute's column (ms).
    pub time_column: usize,
    /// The frames and functions; all share the partition's rows.
    pub groups: Vec<OverGroup>,
    /// When the rows are answered.
    pub answer: OverAnswer,
    /// With [`OverAnswer::AtWatermark`], the order in which rows of one time come out; else that of their arrival.
    pub ties: Vec<SortKey>,
}

/// When the rows of an [`Over`] are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverAnswer {
    /// When the watermark passes them, in the order of their time.
    AtWatermark,
    /// `EMIT ON ARRIVAL`: when they come, from the rows that came before. How far behind the watermark rows are still taken in
    /// is bounded by the largest frame.
    OnArrival,
    /// The time is processing time: in the order in which they come, whatever the watermark.
    ProcessingTime,
}

/// OVER in the order of plain columns; output as [`Over`], a changelog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverByColumn {
    /// PARTITION BY columns.
    pub partition: Vec<usize>,
    /// ORDER BY.
    pub order: Vec<SortKey>,
    /// Frames (RANGE frames are unbounded preceding here) and functions.
    pub groups: Vec<OverGroup>,
}

/// See [`Operator::WindowRank`]: output is the input's columns, then the rank as BIGINT where asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowRank {
    /// The rows' windows.
    pub windowing: Windowing,
    /// PARTITION BY beside the window.
    pub partition: Vec<usize>,
    /// ORDER BY; ties keep the order of arrival, or its reverse.
    pub order: Vec<SortKey>,
    /// Of ties, the row that came last is first: the last row by time.
    pub last_of_ties: bool,
    /// First rank given, from 1.
    pub from: u64,
    /// Last rank given.
    pub to: u64,
    /// Append the rank.
    pub with_rank: bool,
}

/// See [`Operator::Rank`]; output as [`WindowRank`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// PARTITION BY.
    pub partition: Vec<usize>,
    /// ORDER BY.
    pub order: Vec<SortKey>,
    /// First rank given, from 1.
    pub from: u64,
    /// Last rank given.
    pub to: u64,
    /// Append the rank.
    pub with_rank: bool,
}

/// See [`Operator::Deduplicate`]: output is the input's columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deduplicate {
    /// PARTITION BY.
    pub partition: Vec<usize>,
    /// The time attribute's column (ms).
    pub time_column: usize,
    /// Keep the last row (a changelog: an equal time replaces) instead of the first (given when the watermark passes it).
    pub keep_last: bool,
    /// With [`Deduplicate::keep_last`]: the time is processing time, and every row is newer than those before.
    pub processing_time: bool,
}

/// Which rows of a join come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinKind {
    /// Only rows with a match.
    Inner,
    /// Every left row, with NULLs where there is no match.
    Left,
}

/// A join with a bounded table that is read whole at the start. Output: the input's columns, then the table's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LookupJoin {
    /// What is held in memory.
    pub build: LookupBuild,
    /// INNER or LEFT.
    pub kind: JoinKind,
    /// Equal columns: (input column, column of the build side). SQL equality: NULL matches nothing.
    pub keys: Vec<(usize, usize)>,
    /// A further condition over input columns followed by build columns.
    pub residual: Option<Expr>,
}

/// The side of a [`LookupJoin`] that is held in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LookupBuild {
    /// A bounded table: `source` read to its end, then `projection` over its columns.
    Table {
        /// What is read.
        source: SourceNode,
        /// Types of the columns that are read.
        source_types: Vec<DataType>,
        /// Filter over the columns read.
        filter: Option<Expr>,
        /// The columns of the build side.
        projection: Vec<Expr>,
    },
    /// Constant rows.
    Values {
        /// Row by row.
        rows: Vec<Vec<Value>>,
        /// Types of the columns.
        types: Vec<DataType>,
    },
}

impl Plan {
    /// Adds a node, whose inputs must be there already, and gives its id. The uid is `name-id`.
    pub fn add(
        &mut self,
        name: &str,
        operator: Operator,
        inputs: Vec<Input>,
        schema: Schema,
        changelog: ChangelogMode,
    ) -> NodeId {
        let id = self.nodes.len();
        assert!(inputs.iter().all(|i| i.node < id), "an input of node {id} comes after it");
        self.nodes.push(Node { uid: format!("{name}-{id}"), operator, inputs, schema, changelog });
        id
    }
}

impl Input {
    /// The main output of `node`, row for row on the same instance.
    pub fn forward(node: NodeId) -> Self {
        Self { node, port: Port::Main, exchange: None }
    }
    /// The main output of `node`, sent by the hash of `keys`; all to one instance where there is none.
    pub fn by_key(node: NodeId, keys: Vec<usize>) -> Self {
        Self { node, port: Port::Main, exchange: Some(keys) }
    }
}
