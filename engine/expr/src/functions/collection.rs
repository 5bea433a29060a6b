//! Functions of arrays and maps.

use crate::Function;

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[];
