//! LIKE and SIMILAR TO.

use crate::Function;

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[];
