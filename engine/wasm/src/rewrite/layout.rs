//! Where the columns of a batch lie in the arena.
//!
//! ```text
//! | argument 0: rows × width | argument 1 | … | result: rows × width                                      |
//! |                                           | or, for texts: offsets (rows + 1) | NULL flags | bytes    |
//! ```

use crate::signature::Slot;

/// Arguments and results of one round should stay in the first-level cache.
const ROUND_BYTES: u32 = 24 << 10;
/// A round is a multiple of this, the largest unrolling.
pub(crate) const UNROLL_MAX: u32 = 8;
const ROWS_MIN: u32 = 128;
const ROWS_MAX: u32 = 2048;
/// What the texts that one round gives may take before it is cut short.
const TEXT_RESULT_BYTES: u32 = 1 << 20;

/// The columns of one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// How many rows a round has at most.
    pub rows: u32,
    /// Slot and first byte of each argument.
    pub args: Vec<(Slot, u32)>,
    /// Where results go.
    pub result: ResultLayout,
    /// All together, in bytes.
    pub bytes: u32,
}

/// Where results go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultLayout {
    /// A value a row.
    Fixed { slot: Slot, base: u32 },
    /// Arrow's layout for texts: `rows + 1` offsets, a NULL flag a row, the bytes.
    Text { offsets: u32, nulls: u32, data: u32, data_bytes: u32 },
}

impl Layout {
    pub(crate) fn new(args: &[Slot], returns: Slot) -> Self {
        let row_bytes: u32 = args.iter().map(|s| s.argument_bytes()).sum::<u32>() + returns.result_bytes();
        let rows = (ROUND_BYTES / row_bytes / 64 * 64).clamp(ROWS_MIN, ROWS_MAX);
        let mut end = 0;
        let mut place = |bytes: u32| {
            let base = end;
            // Columns begin on cache lines.
            end = (base + bytes).next_multiple_of(64);
            base
        };
        let args = args.iter().map(|slot| (*slot, place(rows * slot.argument_bytes()))).collect();
        let result = match returns {
            Slot::Bytes => ResultLayout::Text {
                offsets: place((rows + 1) * 4),
                nulls: place(rows),
                data: place(TEXT_RESULT_BYTES),
                data_bytes: TEXT_RESULT_BYTES,
            },
            slot => ResultLayout::Fixed { slot, base: place(rows * slot.result_bytes()) },
        };
        Self { rows, args, result, bytes: end }
    }
}
