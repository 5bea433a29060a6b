//! UNION ALL: the task has merged the inputs' watermarks, so rows pass as they are.

use wasmill_plan::Result;

use crate::batch::Batch;
use crate::operator::{Operator, Output};

/// Passes the rows of all inputs.
pub struct UnionOperator;

impl Operator for UnionOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        // Hashes are of the key that some input was sent by; the inputs of a union need not agree.
        out.emit(Batch { hashes: None, ..batch });
        Ok(())
    }
}
