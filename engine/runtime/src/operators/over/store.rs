//! The rows that frames still need, for all keys: one arena of records, of which each key owns a ring.
//!
//! ```text
//! heads:   key -> [base, capacity, first, next, …]          key_words: key -> running values of its windows
//! records: …|4 records of key 7|64 records of key 2|…       ring slot of position p = base + (p mod capacity)
//! ```
//! A position is the number of the row in its key, from 0, and never changes. Rings are powers of two; an outgrown ring goes
//! to the free list of its size, so nothing is allocated per row.

use super::arguments::{Argument, Class, Values};

/// What is known of a key beside its windows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// First record of its ring.
    pub(super) base: u32,
    /// Records in its ring: 0 or a power of two.
    pub(super) capacity: u32,
    /// Position of the first row kept.
    pub(super) first: u64,
    /// Position of the next row.
    pub(super) next: u64,
    /// Time of the last row; `i64::MIN` before the first.
    pub(super) time: i64,
    /// RANK() of the last row.
    pub(super) rank: u64,
    /// DENSE_RANK() of the last row.
    pub(super) dense_rank: u64,
}

impl Head {
    const NEW: Self = Self { base: 0, capacity: 0, first: 0, next: 0, time: i64::MIN, rank: 0, dense_rank: 0 };
}

/// See the module.
pub(super) struct Store {
    pub(super) stride: usize,
    pub(super) key_stride: usize,
    pub(super) records: Vec<u64>,
    pub(super) heads: Vec<Head>,
    pub(super) key_words: Vec<u64>,
    /// Outgrown rings by the logarithm of their capacity.
    free: Vec<Vec<u32>>,
    /// Offsets of argument words that are slab ids.
    pub(super) byte_words: Vec<usize>,
    pub(super) slab: Slab,
    /// What the words of a new key are.
    key_template: Vec<u64>,
}

/// Values of variable length, by id.
#[derive(Default)]
pub(super) struct Slab {
    values: Vec<Box<[u8]>>,
    free: Vec<u64>,
    /// No longer kept, but results may still refer to them.
    retired: Vec<u64>,
}

impl Slab {
    pub(super) fn add(&mut self, value: &[u8]) -> u64 {
        let value: Box<[u8]> = value.into();
        match self.free.pop() {
            Some(id) => {
                self.values[id as usize] = value;
                id
            }
            None => {
                self.values.push(value);
                self.values.len() as u64 - 1
            }
        }
    }
    pub(super) fn get(&self, id: u64) -> &[u8] {
        &self.values[id as usize]
    }
    /// A second id with the same value.
    pub(super) fn copy(&mut self, id: u64) -> u64 {
        let value = self.values[id as usize].clone();
        self.add(&value)
    }
    /// Removes a value at the next [`Slab::flush`].
    pub(super) fn retire(&mut self, id: u64) {
        self.retired.push(id);
    }
    /// Results that refer to values have been made.
    pub(super) fn flush(&mut self) {
        while let Some(id) = self.retired.pop() {
            self.remove(id);
        }
    }
    fn remove(&mut self, id: u64) {
        self.values[id as usize] = Box::default();
        self.free.push(id);
    }
}

impl Store {
    /// For records of `stride` words; `key_template` are the words of a new key.
    pub(super) fn new(stride: usize, key_template: Vec<u64>, arguments: &[Argument]) -> Self {
        Self {
            stride,
            key_stride: key_template.len(),
            records: Vec::new(),
            heads: Vec::new(),
            key_words: Vec::new(),
            free: Vec::new(),
            byte_words: arguments.iter().filter(|x| x.class == Class::Bytes).map(|x| x.word).collect(),
            slab: Slab::default(),
            key_template,
        }
    }

    /// Makes room for keys up to `count`.
    pub(super) fn resize(&mut self, count: usize) {
        while self.heads.len() < count {
            self.heads.push(Head::NEW);
            self.key_words.extend_from_slice(&self.key_template);
        }
    }

    /// The offset in [`Store::records`] of a position that is kept.
    #[inline]
    pub(super) fn offset(&self, head: &Head, position: u64) -> usize {
        (head.base as usize + (position as usize & (head.capacity as usize - 1))) * self.stride
    }

    /// The record at a position that is kept.
    #[inline]
    pub(super) fn record(&self, key: u32, position: u64) -> &[u64] {
        let at = self.offset(&self.heads[key as usize], position);
        &self.records[at..at + self.stride]
    }

    /// Takes the next position of a key, whose ring grows where it must.
    #[inline]
    pub(super) fn append(&mut self, key: u32) -> u64 {
        let head = &mut self.heads[key as usize];
        let position = head.next;
        if position - head.first == u64::from(head.capacity) {
            self.grow(key);
        }
        self.heads[key as usize].next = position + 1;
        position
    }

    #[cold]
    fn grow(&mut self, key: u32) {
        let old = self.heads[key as usize];
        let capacity = (old.capacity * 2).max(4);
        let class = capacity.trailing_zeros() as usize;
        if self.free.len() <= class {
            self.free.resize(class + 1, Vec::new());
        }
        let base = self.free[class].pop().unwrap_or_else(|| {
            let base = self.records.len() / self.stride;
            self.records.resize(self.records.len() + capacity as usize * self.stride, 0);
            u32::try_from(base).expect("fewer than 2^32 rows in all frames")
        });
        let new = Head { base, capacity, ..old };
        for position in old.first..old.next {
            let (from, to) = (self.offset(&old, position), self.offset(&new, position));
            self.records.copy_within(from..from + self.stride, to);
        }
        self.release_ring(&old);
        self.heads[key as usize] = new;
    }

    fn release_ring(&mut self, head: &Head) {
        if head.capacity > 0 {
            self.free[head.capacity.trailing_zeros() as usize].push(head.base);
        }
    }

    /// Forgets the rows of a key before a position.
    #[inline]
    pub(super) fn trim(&mut self, key: u32, to: u64) {
        let first = self.heads[key as usize].first;
        if to <= first {
            return;
        }
        if !self.byte_words.is_empty() {
            for position in first..to {
                let at = self.offset(&self.heads[key as usize], position);
                for &word in &self.byte_words {
                    self.slab.remove(self.records[at + word]);
                }
            }
        }
        self.heads[key as usize].first = to;
    }

    /// Forgets a key: as if it had never come.
    pub(super) fn clear(&mut self, key: u32) {
        let next = self.heads[key as usize].next;
        self.trim(key, next);
        let head = self.heads[key as usize];
        self.release_ring(&head);
        self.heads[key as usize] = Head::NEW;
        let at = key as usize * self.key_stride;
        self.key_words[at..at + self.key_stride].copy_from_slice(&self.key_template);
    }

    /// Writes the values of rows `rows` of an argument into their records, which start at `offsets`.
    pub(super) fn write(
        &mut self,
        argument: &Argument,
        values: &Values,
        rows: std::ops::Range<usize>,
        offsets: &[usize],
    ) {
        let word = argument.word;
        match values {
            Values::Words(words) => {
                for (&at, &value) in offsets.iter().zip(&words[rows]) {
                    self.records[at + word] = value;
                }
            }
            Values::Wide(values) => {
                for (&at, &value) in offsets.iter().zip(&values[rows]) {
                    self.records[at + word] = value as u64;
                    self.records[at + word + 1] = (value >> 64) as u64;
                }
            }
            Values::Bytes { .. } => {
                for (&at, row) in offsets.iter().zip(rows) {
                    self.records[at + word] = self.slab.add(values.bytes(row));
                }
            }
        }
    }
}

/// A two-word value of a record.
#[inline]
pub(super) fn wide(record: &[u64], word: usize) -> i128 {
    (i128::from(record[word + 1] as i64) << 64) | i128::from(record[word])
}
