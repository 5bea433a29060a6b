//! The operators, one file each; [`crate::build`] makes them from plan nodes.

pub mod calc;
pub mod evaluation;
pub mod expand;
pub mod group_aggregate;
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
