//! Tables as CREATE TABLE declares them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DataType, Expr, Field, Schema};

/// `WITH ('key' = 'value', …)`.
pub type Options = BTreeMap<String, String>;

/// A table of the catalog. Computed columns and the watermark are expressions over [`Table::columns`] by index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The name.
    pub name: String,
    /// All columns in their order.
    pub columns: Vec<Column>,
    /// `WATERMARK FOR`.
    pub watermark: Option<Watermark>,
    /// Columns of `PRIMARY KEY … NOT ENFORCED`.
    pub primary_key: Vec<usize>,
    /// Connector and format options.
    pub options: Options,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type.
    pub data_type: DataType,
    /// Where its values come from.
    pub kind: ColumnKind,
}

/// Where a column's values come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ColumnKind {
    /// The external data.
    Physical,
    /// An expression over the table's other columns (by index into [`Table::columns`]).
    Computed(Expr),
    /// The connector's metadata under `key`.
    Metadata {
        /// The connector's name for it.
        key: String,
        /// Read only: not part of what a sink writes.
        is_virtual: bool,
    },
}

/// `WATERMARK FOR column AS expr`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watermark {
    /// The time attribute.
    pub column: usize,
    /// Over the table's columns; gives a TIMESTAMP or TIMESTAMP_LTZ of precision ≤ 3.
    pub expr: Expr,
}

impl Table {
    /// The columns' names and types.
    pub fn schema(&self) -> Schema {
        Schema::new(self.columns.iter().map(|c| Field::new(&c.name, c.data_type.clone())).collect())
    }
    /// The columns a sink writes, by index: physical ones and metadata that is not virtual.
    pub fn sink_columns(&self) -> Vec<usize> {
        let writable = |c: &Column| match &c.kind {
            ColumnKind::Physical => true,
            ColumnKind::Metadata { is_virtual, .. } => !is_virtual,
            ColumnKind::Computed(_) => false,
        };
        (0..self.columns.len()).filter(|&i| writable(&self.columns[i])).collect()
    }
    /// The columns a source produces, by index: physical ones and metadata.
    pub fn source_columns(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|&i| !matches!(self.columns[i].kind, ColumnKind::Computed(_))).collect()
    }
    /// An option's value.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).map(String::as_str)
    }
}
