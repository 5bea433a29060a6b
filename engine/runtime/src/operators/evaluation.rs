//! What expressions may know while an operator evaluates them: the job's clock, zone and seed, and the rows' watermarks.

use std::sync::Arc;

use wasmill_expr::{Context, Seeds};
use wasmill_plan::{Expr, ExprKind};

use crate::batch::Batch;
use crate::clock::Clock;
use crate::operator::OperatorContext;

/// Makes the [`Context`] of each batch.
pub struct Evaluation {
    context: Context,
    clock: Arc<dyn Clock>,
    wants_watermarks: bool,
}

impl Evaluation {
    /// For those expressions.
    pub fn new<'a>(context: &OperatorContext, expressions: impl IntoIterator<Item = &'a Expr>) -> Self {
        // Operators and their instances differ in what they draw (FNV-1a over the name).
        let named = |seed: u64, byte: u8| (seed ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
        let seed = context.uid.bytes().fold(context.random_seed, named) ^ context.instance as u64;
        Self {
            context: Context { time_zone: context.time_zone, seeds: Seeds::new(seed), ..Context::default() },
            clock: context.clock.clone(),
            wants_watermarks: expressions.into_iter().any(reads_watermark),
        }
    }

    /// The context in which `batch` is evaluated.
    pub fn of(&mut self, batch: &Batch) -> &Context {
        self.context.now_ms = self.clock.now_ms();
        if self.wants_watermarks {
            self.context.watermarks = batch.row_watermarks();
        }
        &self.context
    }

    /// The same context for the rows of the batch that `keep` names.
    pub fn narrowed(&mut self, keep: &arrow::array::BooleanArray) -> &Context {
        if self.wants_watermarks {
            let kept = self.context.watermarks.iter().enumerate().filter(|(row, _)| keep.value(*row));
            self.context.watermarks = kept.map(|(_, watermark)| *watermark).collect();
        }
        &self.context
    }

    /// The context of the last batch.
    pub fn current(&self) -> &Context {
        &self.context
    }
}

/// Whether CURRENT_WATERMARK stands in it.
pub(crate) fn reads_watermark(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::CurrentWatermark) || expr.children().into_iter().any(reads_watermark)
}
