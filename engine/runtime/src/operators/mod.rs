//! The operators, one file each; [`crate::build`] makes them from plan nodes.

pub mod union;
