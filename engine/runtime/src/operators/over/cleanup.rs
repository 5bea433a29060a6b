//! When what is known of a key goes, and what that means for late rows: the clean-up timers of Flink's bounded RANGE frames.
//!
//! ```text
//! row at t, no timer behind t + range  ->  timer at t + 1.5 range + 1     the newest timer of a key forgets it;
//!                                                                        one that was replaced counts as "answered then"
//! ```
//! A key judges lateness by the last time that a timer of it fired, and timers that were replaced still fire. Without them a
//! row would be taken in that Flink drops. Before the first timer, that time is the epoch.

use std::collections::VecDeque;

/// A timer, ms.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Timer {
    at: i64,
    /// The watermark that fires it: `at`, or the next rise where the watermark had passed that when it was set.
    fires: i64,
}

const NONE: Timer = Timer { at: i64::MAX, fires: i64::MAX };

/// The timers of all keys.
pub(super) struct Cleanup {
    range_ms: i64,
    /// The newest timer of each key, or none.
    newest: Vec<Timer>,
    rest: Vec<Rest>,
}

/// What is seldom asked for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rest {
    /// The last replaced timer that fired.
    fired: i64,
    /// The key was forgotten by a timer at this time, which nobody has been told yet; 0: by none.
    forgotten: i64,
    /// Replaced timers that have not fired, rising.
    replaced: VecDeque<Timer>,
}

/// What a late row finds of its key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// Everything answered up to this time has been forgotten.
    pub(super) forgotten: i64,
    /// The last replaced timer that has fired since, or the epoch.
    pub(super) fired: i64,
}

impl Cleanup {
    /// For frames of which the longest is `range_ms`.
    pub(super) fn new(range_ms: i64) -> Self {
        Self { range_ms, newest: Vec::new(), rest: Vec::new() }
    }

    /// Makes room for keys up to `count`.
    pub(super) fn resize(&mut self, count: usize) {
        self.newest.resize(count.max(self.newest.len()), NONE);
        self.rest.resize(self.newest.len(), Rest::default());
    }

    /// Takes note of a row that will be answered; `mark` gives the watermark when it came.
    #[inline]
    pub(super) fn note(&mut self, key: u32, time: i64, mark: impl FnOnce() -> i64) {
        let earliest = time.saturating_add(self.range_ms).saturating_add(1);
        let newest = self.newest[key as usize];
        if newest == NONE || newest.at < earliest {
            self.replace(key, earliest.saturating_add(self.range_ms / 2), mark());
        }
    }

    fn replace(&mut self, key: u32, at: i64, mark: i64) {
        let newest = std::mem::replace(&mut self.newest[key as usize], Timer { at, fires: at.max(mark + 1) });
        let rest = &mut self.rest[key as usize];
        if newest == NONE {
            return;
        }
        if newest.fires <= mark {
            *rest = Rest { forgotten: newest.at, ..Rest::default() };
        } else {
            rest.replaced.push_back(newest);
        }
    }

    /// Whether the newest timer of the key has fired by `watermark`.
    pub(super) fn is_over(&self, key: u32, watermark: i64) -> bool {
        self.newest[key as usize].fires <= watermark
    }

    /// What there is of a key at `watermark`, for which all of its rows that are due have been answered.
    pub(super) fn find(&mut self, key: u32, watermark: i64) -> Found {
        if self.is_over(key, watermark) {
            self.clear(key);
            return Found { forgotten: i64::MAX, fired: 0 };
        }
        let rest = &mut self.rest[key as usize];
        while let Some(timer) = rest.replaced.front().copied().filter(|t| t.fires <= watermark) {
            rest.fired = timer.at;
            rest.replaced.pop_front();
        }
        Found { forgotten: std::mem::take(&mut rest.forgotten), fired: rest.fired }
    }

    /// Forgets a key.
    pub(super) fn clear(&mut self, key: u32) {
        self.newest[key as usize] = NONE;
        self.rest[key as usize] = Rest::default();
    }

    /// Appends what there is of a key to a list: [`Found::fired`], [`Found::forgotten`], then `at` and `fires` of each timer, the
    /// newest last.
    pub(super) fn save(&self, key: u32, words: &mut Vec<i64>) {
        let (newest, rest) = (self.newest[key as usize], &self.rest[key as usize]);
        words.extend([rest.fired, rest.forgotten]);
        rest.replaced.iter().chain([&newest]).for_each(|timer| words.extend([timer.at, timer.fires]));
    }

    /// The inverse of [`Cleanup::save`]; whether the list is one.
    pub(super) fn load(&mut self, key: u32, words: &[i64]) -> bool {
        let [fired, forgotten, timers @ ..] = words else { return false };
        let mut timers: VecDeque<Timer> =
            timers.chunks_exact(2).map(|pair| Timer { at: pair[0], fires: pair[1] }).collect();
        let Some(newest) = timers.pop_back() else { return false };
        self.newest[key as usize] = newest;
        self.rest[key as usize] = Rest { fired: *fired, forgotten: *forgotten, replaced: timers };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(rows: &[(i64, i64)]) -> Cleanup {
        let mut cleanup = Cleanup::new(8_000);
        cleanup.resize(1);
        rows.iter().for_each(|&(time, mark)| cleanup.note(0, time, || mark));
        cleanup
    }

    #[test]
    fn a_replaced_timer_still_fires() {
        let mut cleanup = noted(&[(10_000, 0), (14_000, 0), (20_000, 0)]);
        assert_eq!(cleanup.find(0, 22_000), Found { forgotten: 0, fired: 0 });
        assert_eq!(cleanup.find(0, 23_000), Found { forgotten: 0, fired: 22_001 });
        assert!(!cleanup.is_over(0, 32_000) && cleanup.is_over(0, 32_001));
        assert_eq!(cleanup.find(0, 32_001), Found { forgotten: i64::MAX, fired: 0 });
        assert_eq!(cleanup.find(0, 33_000), Found { forgotten: 0, fired: 0 });
    }

    #[test]
    fn a_row_after_the_newest_timer_finds_nothing() {
        let mut cleanup = noted(&[(10_000, 0), (40_000, 30_000)]);
        assert_eq!(cleanup.find(0, 30_000), Found { forgotten: 22_001, fired: 0 });
        assert_eq!(cleanup.find(0, 30_000), Found { forgotten: 0, fired: 0 });
    }

    #[test]
    fn a_timer_in_the_past_fires_with_the_next_rise() {
        let mut cleanup = noted(&[(5_000, 100_000), (110_000, 100_000)]);
        assert_eq!(cleanup.find(0, 100_000), Found { forgotten: 0, fired: 0 });
        assert_eq!(cleanup.find(0, 105_000), Found { forgotten: 0, fired: 17_001 });
    }

    #[test]
    fn it_is_saved_and_loaded() {
        let (cleanup, mut words) = (noted(&[(10_000, 0), (20_000, 0), (30_000, 5_000)]), Vec::new());
        cleanup.save(0, &mut words);
        let mut loaded = noted(&[]);
        assert!(!loaded.load(0, &words[..1]));
        assert!(loaded.load(0, &words));
        assert_eq!((loaded.newest, loaded.rest), (cleanup.newest, cleanup.rest));
    }
}
