//! The operators, one file each; [`crate::build`] makes them from plan nodes.

pub mod calc;
pub mod evaluation;
pub mod expand;
pub mod union;
pub mod unnest;
pub mod values;
pub mod watermark;

#[cfg(test)]
mod tests;
