//! What expressions may know while an operator evaluates them: the job's clock, zone and seed, and the rows' watermarks.

use std::sync::Arc;

use wasmill_expr::Context;
use wasmill_plan::{Expr, ExprKind};

use crate::batch::Batch;
use crate::clock::Clock;
use crate::operator::OperatorContext;

/// Makes the [`Context`] of each batch.
pub struct Evaluation {
    context: Context,
    clock: Arc<dyn Clock>,
    seed: u64,
    batches: u64,
    wants_watermarks: bool,
}

impl Evaluation {
    /// For those expressions.
    pub fn new<'a>(context: &OperatorContext, expressions: impl IntoIterator<Item = &'a Expr>) -> Self {
        let instance = context.instance as u64;
        Self {
            context: Context { time_zone: context.time_zone, ..Context::default() },
            clock: context.clock.clone(),
            seed: context.random_seed ^ (instance + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            batches: 0,
            wants_watermarks: expressions.into_iter().any(reads_watermark),
        }
    }

    /// The context in which `batch` is evaluated.
    pub fn of(&mut self, batch: &Batch) -> &Context {
        self.batches += 1;
        self.context.now_ms = self.clock.now_ms();
        self.context.random_seed = self.seed.wrapping_add(self.batches.wrapping_mul(0xD134_2543_DE82_EF95));
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

fn reads_watermark(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::CurrentWatermark) || expr.children().into_iter().any(reads_watermark)
}
