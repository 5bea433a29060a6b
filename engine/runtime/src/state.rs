//! Keyed state: key groups, the hash that decides them, and the form in which state is saved.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use wasmill_plan::{Error, Result};

/// How many key groups a job's state is divided in, by default. Fixed for the life of a job: parallelism can change up to it.
pub const KEY_GROUPS: u16 = 128;

/// Name of the first column of every saved table: the key group of the row, UInt16.
pub const KEY_GROUP_COLUMN: &str = "$key_group";

/// One named piece of an operator's state, saved as rows of columns.
///
/// Layout: column 0 is [`KEY_GROUP_COLUMN`], then the key's columns, then the values; every implementation documents its
/// own. Names and layouts are part of the format of checkpoints: a change of meaning needs a new `version`.
pub trait StateTable {
    /// Unique in the operator, lower case: `windows`.
    fn name(&self) -> &'static str;
    /// Of the layout.
    fn version(&self) -> u32 {
        1
    }
    /// Who gets the rows after a restore.
    fn scope(&self) -> Scope {
        Scope::Keyed
    }
    /// All rows. State that belongs to no key (an operator with one instance) has key group 0.
    ///
    /// # Errors
    /// `Error::Query` where it holds what cannot be saved.
    fn save(&mut self) -> Result<RecordBatch>;
    /// Replaces the content by those rows, which are of the key groups of this instance, in any order, and may come from
    /// several instances of before.
    ///
    /// # Errors
    /// `Error::Corrupt` where the columns are not as documented.
    fn load(&mut self, rows: RecordBatch) -> Result<()>;
}

/// How saved rows are given to instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// To the owner of the row's key group.
    Keyed,
    /// At the same parallelism to the instance that saved them, at another one all rows to every instance.
    Instance,
}

/// Checks that saved rows have the types of the columns that a table is loaded from; names may differ.
///
/// # Errors
/// `Error::Corrupt` where they have not.
pub fn expect_columns(table: &str, schema: &SchemaRef, rows: &RecordBatch) -> Result<()> {
    let same = schema.fields().len() == rows.num_columns()
        && schema.fields().iter().zip(rows.columns()).all(|(f, c)| f.data_type() == c.data_type());
    if same {
        return Ok(());
    }
    Err(Error::Corrupt { message: format!("the state table '{table}' does not have the columns it should have") })
}

/// The hash of each row's key, over those columns: what decides its key group. Stable across runs and versions (it is part
/// of the format of checkpoints). NULLs hash alike. No column: all rows 0.
pub fn hash_rows(columns: &[ArrayRef], rows: usize) -> Vec<u64> {
    crate::hash::hash_rows(columns, rows)
}

/// The key group of a hash.
pub fn key_group(hash: u64) -> u16 {
    // The high bits, so that the groups do not take away the low bits from hash tables inside one instance.
    ((hash >> 32) % u64::from(KEY_GROUPS)) as u16
}

/// The instance that owns a key group.
pub fn instance_of(key_group: u16, parallelism: usize) -> usize {
    key_group as usize * parallelism / KEY_GROUPS as usize
}
