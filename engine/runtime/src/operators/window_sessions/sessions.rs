//! The sessions of each key: which of them a row touches, how they grow and merge, and when they close.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use smallvec::SmallVec;
use wasmill_plan::{Error, Result};

use crate::batch::NO_WATERMARK;
use crate::groups::Groups;
use crate::key_table::{Entry, KeyCodec, KeyTable, KeyView};
use crate::window::LocalTime;

/// One session of a key; times are local.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) start: i64,
    /// One gap behind its last row.
    pub(super) end: i64,
    pub(super) group: u32,
    /// Its results were given; it is kept for late rows.
    pub(super) fired: bool,
    /// Of its first row, among all sessions: unique, and names its timer.
    pub(super) order: u64,
}

/// (end, order, key): a look at that session when the watermark passes that end. It may have grown since.
pub(super) type Timer = Reverse<(i64, u64, u32)>;

/// State table `sessions`: `$key_group`, `$start`, `$end` (Int64, local ms), `$fired` (Boolean), the key columns `k<i>`, then
/// the accumulators ([`Groups::state_fields`]). A row per session, by the arrival of their first rows.
pub(super) struct Sessions {
    pub(super) gap: i64,
    pub(super) time: LocalTime,
    pub(super) allowed_ms: i64,
    pub(super) codec: KeyCodec,
    pub(super) groups: Groups,
    pub(super) table: KeyTable,
    /// By the number that `table` gives a key.
    pub(super) by_key: Vec<SmallVec<[Session; 1]>>,
    /// Where the key of that number is among the table's entries.
    pub(super) places: Vec<u32>,
    pub(super) free_keys: Vec<u32>,
    pub(super) open_keys: usize,
    pub(super) timers: BinaryHeap<Timer>,
    /// Fired sessions, when they are dropped.
    pub(super) expiries: BinaryHeap<Timer>,
    pub(super) next_order: u64,
    pub(super) fired: i64,
}

/// A session that is given, and the place of its key.
pub(super) struct Closed {
    pub(super) session: Session,
    pub(super) key: u32,
}

/// What becomes of a row.
pub(super) enum Place {
    /// It belongs to this group, which has grown.
    Group(u32),
    /// Its session closed before it came.
    Late,
    /// It joins several sessions.
    Merge,
    /// It changes sessions that have fired.
    Correct,
}

impl Sessions {
    pub(super) fn new(gap: i64, time: LocalTime, allowed_ms: i64, codec: KeyCodec, groups: Groups) -> Result<Self> {
        if gap <= 0 {
            return Err(Error::query("the gap of a session must be positive"));
        }
        Ok(Self {
            gap,
            time,
            allowed_ms,
            codec,
            groups,
            table: KeyTable::default(),
            by_key: Vec::new(),
            places: Vec::new(),
            free_keys: Vec::new(),
            open_keys: 0,
            timers: BinaryHeap::new(),
            expiries: BinaryHeap::new(),
            next_order: 0,
            fired: NO_WATERMARK,
        })
    }

    pub(super) fn key<V: KeyView>(&mut self, view: &V, hash: u64, row: usize) -> u32 {
        let (by_key, places, free) = (&mut self.by_key, &mut self.places, &mut self.free_keys);
        let place = self.table.entries().len() as u32;
        self.table.find_or_insert(view, hash, row, || {
            let key = free.pop().unwrap_or_else(|| {
                by_key.push(SmallVec::new());
                places.push(0);
                by_key.len() as u32 - 1
            });
            places[key as usize] = place;
            key
        })
    }

    pub(super) fn entry(&self, key: u32) -> Entry {
        self.table.entries()[self.places[key as usize] as usize]
    }

    /// The watermark from which a session that ends at `end` takes no more rows.
    pub(super) fn closes(&self, end: i64) -> i64 {
        self.time.closing(end).saturating_add(self.allowed_ms)
    }

    /// Places in the key's list of the sessions that a row touches and that still take rows.
    pub(super) fn touching(&self, key: u32, time: i64, watermark: i64) -> impl Iterator<Item = usize> + '_ {
        let end = time + self.gap;
        let touches = move |s: &Session| s.start <= end && time <= s.end;
        let sessions = self.by_key[key as usize].iter().enumerate();
        sessions.filter(move |(_, s)| touches(s) && self.closes(s.end) > watermark).map(|(i, _)| i)
    }

    /// Start and end of the session that a row forms with those that it touches.
    pub(super) fn merged(&self, key: u32, time: i64, watermark: i64) -> (i64, i64) {
        let sessions = &self.by_key[key as usize];
        self.touching(key, time, watermark)
            .fold((time, time + self.gap), |(start, end), i| (start.min(sessions[i].start), end.max(sessions[i].end)))
    }

    /// Decides about a row; where it is [`Place::Group`], the session has grown already.
    pub(super) fn place(&mut self, key: u32, time: i64, watermark: i64) -> Place {
        let mut touching = self.touching(key, time, watermark);
        let (first, several) = (touching.next(), touching.next().is_some());
        drop(touching);
        let (start, end) = self.merged(key, time, watermark);
        if self.closes(end) <= watermark {
            return Place::Late;
        }
        if self.allowed_ms > 0 {
            let sessions = &self.by_key[key as usize];
            let kept = |i: usize| sessions[i].fired || self.time.closing(sessions[i].end) <= watermark;
            if self.time.closing(end) <= watermark || self.touching(key, time, watermark).any(kept) {
                return Place::Correct;
            }
        }
        match first {
            None => Place::Group(self.open(key, start, end)),
            Some(_) if several => Place::Merge,
            Some(i) => {
                let session = &mut self.by_key[key as usize][i];
                (session.start, session.end) = (start, end);
                Place::Group(session.group)
            }
        }
    }

    pub(super) fn open(&mut self, key: u32, start: i64, end: i64) -> u32 {
        let group = self.groups.allocate();
        let sessions = &mut self.by_key[key as usize];
        self.open_keys += usize::from(sessions.is_empty());
        sessions.push(Session { start, end, group, fired: false, order: self.next_order });
        self.timers.push(Reverse((end, self.next_order, key)));
        self.next_order += 1;
        group
    }

    /// Makes one session of a row and of those that it touches, or opens one; gives its group, without the row.
    pub(super) fn merge(&mut self, key: u32, time: i64, watermark: i64) -> Result<u32> {
        let (start, end) = self.merged(key, time, watermark);
        let mut touching: Vec<usize> = self.touching(key, time, watermark).collect();
        let sessions = &self.by_key[key as usize];
        touching.sort_by_key(|&i| sessions[i].start);
        let Some((&into, rest)) = touching.split_first() else { return Ok(self.open(key, start, end)) };
        let group = sessions[into].group;
        let from: Vec<u32> = rest.iter().map(|&i| sessions[i].group).collect();
        self.groups.merge(&[(vec![group; from.len()], from.clone())], false)?;
        self.groups.release(&from);
        let sessions = &mut self.by_key[key as usize];
        let was_fired = sessions[into].fired;
        sessions[into] = Session { start, end, fired: false, ..sessions[into] };
        if was_fired {
            // Its timer was used up when it fired.
            self.timers.push(Reverse((end, sessions[into].order, key)));
        }
        sessions.retain(|s| !from.contains(&s.group));
        Ok(group)
    }

    /// Takes out the sessions that have closed, by end and first row. With allowed lateness they stay, as fired.
    pub(super) fn close(&mut self, watermark: i64) -> Vec<Closed> {
        let mut closed = Vec::new();
        while let Some(&Reverse((end, order, key))) = self.timers.peek() {
            if self.time.closing(end) > watermark {
                break;
            }
            self.timers.pop();
            let sessions = &mut self.by_key[key as usize];
            let Some(at) = sessions.iter().position(|s| s.order == order && !s.fired) else { continue };
            let session = sessions[at];
            if self.time.closing(session.end) > watermark {
                self.timers.push(Reverse((session.end, order, key)));
                continue;
            }
            if self.allowed_ms > 0 {
                sessions[at].fired = true;
                self.expiries.push(Reverse((session.end, order, key)));
            }
            closed.push(Closed { session, key });
        }
        closed.sort_by_key(|c| (c.session.end, c.session.order));
        closed
    }

    /// Drops sessions that were given, or whose allowed lateness is over.
    pub(super) fn expire(&mut self, watermark: i64, given: &[Closed]) {
        let mut gone: Vec<(u32, u64)> = Vec::new();
        if self.allowed_ms == 0 {
            gone.extend(given.iter().map(|c| (c.key, c.session.order)));
        }
        while let Some(&Reverse((end, order, key))) = self.expiries.peek() {
            if self.closes(end) > watermark {
                break;
            }
            self.expiries.pop();
            // One that has grown since has a later expiry of its own.
            if self.by_key[key as usize].iter().any(|s| s.order == order && s.fired && s.end == end) {
                gone.push((key, order));
            }
        }
        let mut groups = Vec::with_capacity(gone.len());
        for (key, order) in gone {
            let sessions = &mut self.by_key[key as usize];
            if let Some(at) = sessions.iter().position(|s| s.order == order) {
                groups.push(sessions[at].group);
                sessions.remove(at);
                self.open_keys -= usize::from(sessions.is_empty());
            }
        }
        self.groups.release(&groups);
    }

    /// Sweeps the table where most of its keys have no session.
    pub(super) fn forget_keys(&mut self) {
        const KEYS_KEPT: usize = 1024;
        if self.table.entries().len() < KEYS_KEPT.max(2 * self.open_keys) {
            return;
        }
        let by_key = &self.by_key;
        let empty = |key: u32| by_key[key as usize].is_empty();
        self.free_keys.extend(self.table.entries().iter().map(|e| e.group).filter(|&k| empty(k)));
        self.table.retain(|key| !empty(key));
        for (place, entry) in self.table.entries().iter().enumerate() {
            self.places[entry.group as usize] = place as u32;
        }
    }

    /// All sessions with the entries of their keys, by the arrival of their first rows.
    pub(super) fn all(&self) -> Vec<(Entry, Session)> {
        let entries = self.table.entries().iter();
        let mut all: Vec<_> =
            entries.flat_map(|e| self.by_key[e.group as usize].iter().map(move |s| (*e, *s))).collect();
        all.sort_by_key(|(_, s)| s.order);
        all
    }
}
