//! Logical operators and tests of truth.

use crate::Function;

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[];
