//! Functions of date, time, timestamps and intervals.

use crate::Function;

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[];
