//! Finds the group of a key: a hash table over key columns, with short cuts for one column of fixed width or of bytes.
//!
//! ```text
//! key columns --KeyCodec::view--> KeyView (per batch) --KeyTable::find_or_insert(hash, row)--> group
//! KeyTable --KeyCodec::columns--> key columns, in the order in which the keys came
//! ```

mod codec;

use hashbrown::HashTable;

pub(crate) use codec::{KeyCodec, Keys, with_keys};

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Of the key columns ([`crate::state::hash_rows`]).
    pub(crate) hash: u64,
    /// The group.
    pub(crate) group: u32,
    /// Of bytes; [`NULL`] for NULL.
    length: u32,
    /// The bits of a fixed key, or where its bytes start.
    word: u64,
}

/// [`Entry::length`] of a NULL.
const NULL: u32 = u32::MAX;

/// Keys and their groups. Removes nothing but all at once.
#[derive(Default)]
pub(crate) struct KeyTable {
    table: HashTable<u32>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

/// Keys to be looked up, by row.
pub(crate) trait KeyView {
    /// Whether row `row` is the key of `entry`, which has the same hash.
    fn is(&self, row: usize, entry: &Entry, bytes: &[u8]) -> bool;
    /// Stores the key of a row: the word and the length of its entry.
    fn store(&self, row: usize, bytes: &mut Vec<u8>) -> (u64, u32);
}

impl KeyTable {
    /// In the order in which the keys came.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }
    /// The groups, in the same order.
    pub(crate) fn groups(&self) -> Vec<u32> {
        self.entries.iter().map(|e| e.group).collect()
    }
    /// Forgets all keys, but keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.table.clear();
        self.entries.clear();
        self.bytes.clear();
    }
    /// The group of a key, made by `new_group` where it is new.
    #[inline]
    pub(crate) fn find_or_insert<V: KeyView>(
        &mut self,
        view: &V,
        hash: u64,
        row: usize,
        new_group: impl FnOnce() -> u32,
    ) -> u32 {
        let (entries, bytes) = (&self.entries, &self.bytes);
        let found = self.table.find(hash, |&i| {
            let entry = &entries[i as usize];
            entry.hash == hash && view.is(row, entry, bytes)
        });
        match found {
            Some(&i) => entries[i as usize].group,
            None => self.insert(view, hash, row, new_group()),
        }
    }
    /// The position of a key among [`KeyTable::entries`].
    pub(crate) fn find<V: KeyView>(&self, view: &V, hash: u64, row: usize) -> Option<usize> {
        let found = self.table.find(hash, |&i| {
            let entry = &self.entries[i as usize];
            entry.hash == hash && view.is(row, entry, &self.bytes)
        });
        found.map(|&i| i as usize)
    }
    #[cold]
    fn insert<V: KeyView>(&mut self, view: &V, hash: u64, row: usize, group: u32) -> u32 {
        let (word, length) = view.store(row, &mut self.bytes);
        let index = u32::try_from(self.entries.len()).expect("fewer than 2^32 keys");
        self.entries.push(Entry { hash, group, length, word });
        let entries = &self.entries;
        self.table.insert_unique(hash, index, |&i| entries[i as usize].hash);
        group
    }
    /// Keeps the keys whose group `keep` says so, in their order.
    pub(crate) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        let kept = StoredKeys::of(self);
        let mut fresh = KeyTable::default();
        for (row, entry) in self.entries.iter().enumerate().filter(|(_, e)| keep(e.group)) {
            fresh.insert(&kept, entry.hash, row, entry.group);
        }
        *self = fresh;
    }
}

/// The keys of another table; the rows are its entries.
pub(crate) struct StoredKeys<'a> {
    entries: &'a [Entry],
    bytes: &'a [u8],
}

impl<'a> StoredKeys<'a> {
    pub(crate) fn of(table: &'a KeyTable) -> Self {
        Self { entries: &table.entries, bytes: &table.bytes }
    }
}

fn stored<'a>(entry: &Entry, bytes: &'a [u8]) -> &'a [u8] {
    match entry.length {
        0 | NULL => &[],
        length => &bytes[entry.word as usize..entry.word as usize + length as usize],
    }
}

/// Word and length of a bytes key.
fn append(bytes: &mut Vec<u8>, key: &[u8]) -> (u64, u32) {
    let at = if key.is_empty() { 0 } else { bytes.len() as u64 };
    bytes.extend_from_slice(key);
    (at, key.len() as u32)
}

impl KeyView for StoredKeys<'_> {
    fn is(&self, row: usize, entry: &Entry, bytes: &[u8]) -> bool {
        let own = &self.entries[row];
        if own.length != entry.length {
            return false;
        }
        match own.length {
            NULL => true,
            // A fixed key, or empty bytes, whose word is 0.
            0 => own.word == entry.word,
            _ => stored(own, self.bytes) == stored(entry, bytes),
        }
    }
    fn store(&self, row: usize, bytes: &mut Vec<u8>) -> (u64, u32) {
        let own = &self.entries[row];
        match own.length {
            0 | NULL => (own.word, own.length),
            _ => append(bytes, stored(own, self.bytes)),
        }
    }
}
