//! Functions that fit no other family.

use crate::Function;

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[];
