//! How the frame of a key moves from row to row.
//!
//! ```text
//! rows of a key:   … lo ─────────── mid ─────────── hi …
//!                    in front partials   in the running value
//! ```

use super::store::{Head, Store};

/// How the frame of a key moves for one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) key: u32,
    base: u32,
    mask: u32,
    /// The front partials are to be made anew.
    pub(super) flip: bool,
    pub(super) lo_from: u64,
    pub(super) lo: u64,
    pub(super) mid: u64,
    pub(super) hi_from: u64,
    pub(super) hi: u64,
}

impl Step {
    #[inline]
    pub(super) fn offset(&self, position: u64, stride: usize) -> usize {
        (self.base as usize + (position as usize & self.mask as usize)) * stride
    }
    #[inline]
    pub(super) fn record<'a>(&self, store: &'a Store, position: u64) -> &'a [u64] {
        let at = self.offset(position, store.stride);
        &store.records[at..at + store.stride]
    }
}

/// The frame's bounds and shape; its words in a key are `[lo, mid, hi]`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds {
    Rows(Option<u64>),
    Range(Option<i64>),
}

/// Moves the frames of the keys for each row, in order. `rows` are (key, position); all rows of one time are in the store.
pub(super) fn steps(store: &mut Store, bounds: Bounds, word: usize, rows: &[(u32, u64)], out: &mut Vec<Step>) {
    out.clear();
    for &(key, position) in rows {
        let head = store.heads[key as usize];
        let at = key as usize * store.key_stride + word;
        let [lo_from, mut mid, hi_from] = [store.key_words[at], store.key_words[at + 1], store.key_words[at + 2]];
        let (mut lo, mut hi) = (lo_from, hi_from.max(position + 1));
        match bounds {
            Bounds::Rows(None) => {}
            Bounds::Rows(Some(preceding)) => lo = lo.max(position.saturating_sub(preceding)),
            Bounds::Range(preceding) => {
                let time = time_at(store, &head, position);
                if position >= hi_from {
                    while hi < head.next && time_at(store, &head, hi) == time {
                        hi += 1;
                    }
                }
                if let Some(preceding) = preceding {
                    let from = time.saturating_sub(preceding);
                    while lo < position && time_at(store, &head, lo) < from {
                        lo += 1;
                    }
                }
            }
        }
        let flip = lo > mid;
        if flip {
            mid = hi;
        }
        store.key_words[at..at + 3].copy_from_slice(&[lo, mid, hi]);
        out.push(Step { key, base: head.base, mask: head.capacity - 1, flip, lo_from, lo, mid, hi_from, hi });
    }
}

#[inline]
fn time_at(store: &Store, head: &Head, position: u64) -> i64 {
    store.records[store.offset(head, position)] as i64
}
