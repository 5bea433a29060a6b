//! The operators, one file each; [`crate::build`] makes them from plan nodes.

pub mod calc;
pub(crate) mod deduplicate;
pub mod evaluation;
pub mod expand;
pub mod group_aggregate;
pub(crate) mod key_index;
pub(crate) mod learn;
pub(crate) mod lookup_join;
mod ordered;
pub(crate) mod over;
pub(crate) mod over_by_column;
pub(crate) mod predict;
pub(crate) mod process;
pub mod processing_time;
pub(crate) mod rank;
mod row_heap;
pub(crate) mod table_function;
pub mod union;
pub mod unnest;
pub mod values;
pub mod watermark;
pub mod window_aggregate;
pub mod window_rank;
pub mod window_sessions;
pub mod window_slices;
pub mod window_table;

#[cfg(test)]
mod tests;
