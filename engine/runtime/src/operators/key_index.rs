//! Dense ids for keys: what per-key state is addressed by.
//!
//! ```text
//! key columns + hashes --ids--> 0, 1, 2, …   (one table lookup a row; ids of removed keys are given again)
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt16Array};
use arrow::array::{BinaryArray, Float32Array, Float64Array, StringArray};
use arrow::datatypes::{self as t, DataType as A, TimeUnit};
use arrow::row::{RowConverter, SortField};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use wasmill_plan::{Error, Result};

use crate::state::key_group;

/// Gives each distinct key an id. Keys are compared as in GROUP BY: NULLs are one key, as are all NaNs, and -0.0 is 0.0.
pub(crate) struct KeyIndex {
    types: Vec<A>,
    store: Store,
    ids: Ids,
}

/// Which ids are given, with the hash of the key of each.
#[derive(Default)]
struct Ids {
    hashes: Vec<u64>,
    live: Vec<bool>,
    free: Vec<u32>,
}

/// How keys are held.
enum Store {
    /// No column: the only id is 0.
    Single,
    /// One column of integers or times.
    Ints { table: HashTable<IntKey>, values: Vec<i64>, null: Option<u32> },
    /// One column of text or bytes.
    Text { table: ByteTable, null: Option<u32> },
    /// Anything else, in Arrow's row encoding.
    Rows { table: ByteTable, converter: RowConverter },
}

struct IntKey {
    hash: u64,
    value: i64,
    id: u32,
}

#[derive(Default)]
struct ByteTable {
    table: HashTable<(u64, u32)>,
    values: Vec<Box<[u8]>>,
}

impl Ids {
    fn give(&mut self, hash: u64) -> u32 {
        if let Some(id) = self.free.pop() {
            (self.hashes[id as usize], self.live[id as usize]) = (hash, true);
            return id;
        }
        self.hashes.push(hash);
        self.live.push(true);
        u32::try_from(self.hashes.len() - 1).expect("fewer than 2^32 keys")
    }
}

impl ByteTable {
    fn find_or_insert(&mut self, bytes: &[u8], hash: u64, ids: &mut Ids) -> u32 {
        let values = &mut self.values;
        match self.table.entry(hash, |e| e.0 == hash && *values[e.1 as usize] == *bytes, |e| e.0) {
            Entry::Occupied(entry) => entry.get().1,
            Entry::Vacant(entry) => {
                let id = ids.give(hash);
                if values.len() <= id as usize {
                    values.resize(id as usize + 1, Box::default());
                }
                values[id as usize] = bytes.into();
                entry.insert((hash, id));
                id
            }
        }
    }
    fn find(&self, bytes: &[u8], hash: u64) -> Option<u32> {
        self.table.find(hash, |e| e.0 == hash && *self.values[e.1 as usize] == *bytes).map(|e| e.1)
    }
    fn remove(&mut self, id: u32, hash: u64) {
        if let Ok(entry) = self.table.find_entry(hash, |e| e.1 == id) {
            entry.remove();
        }
        if let Some(value) = self.values.get_mut(id as usize) {
            *value = Box::default();
        }
    }
}

impl KeyIndex {
    /// For keys of those types.
    ///
    /// # Errors
    /// `Error::Query` for a type that cannot be a key.
    pub(crate) fn new(types: Vec<A>) -> Result<Self> {
        let store = match types.as_slice() {
            [] => Store::Single,
            [A::Int64 | A::Int32 | A::Timestamp(TimeUnit::Millisecond, _)] => {
                Store::Ints { table: HashTable::new(), values: Vec::new(), null: None }
            }
            [A::Utf8 | A::Binary] => Store::Text { table: ByteTable::default(), null: None },
            many => {
                let fields = many.iter().map(|t| SortField::new(t.clone())).collect();
                let converter = RowConverter::new(fields)
                    .map_err(|e| Error::query(format!("columns of these types cannot be a key: {e}")))?;
                Store::Rows { table: ByteTable::default(), converter }
            }
        };
        Ok(Self { types, store, ids: Ids::default() })
    }

    /// Every id that was ever given is below.
    pub(crate) fn capacity(&self) -> usize {
        self.ids.hashes.len()
    }
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.hashes.len() - self.ids.free.len()
    }
    /// Whether the id is of a key that was not removed.
    pub(crate) fn is_live(&self, id: u32) -> bool {
        self.ids.live[id as usize]
    }

    /// The id of each row's key, made where it is new. `hashes` are those of [`crate::state::hash_rows`] over `columns`.
    ///
    /// # Errors
    /// `Error::Data` where a key cannot be encoded.
    pub(crate) fn ids(&mut self, columns: &[ArrayRef], hashes: &[u64]) -> Result<Vec<u32>> {
        let Self { store, ids, .. } = self;
        let mut found = Vec::with_capacity(hashes.len());
        match store {
            Store::Single => {
                if ids.hashes.is_empty() {
                    ids.give(0);
                }
                found.resize(hashes.len(), 0);
            }
            Store::Ints { table, values, null } => {
                let column = int_values(&columns[0]);
                let nulls = columns[0].nulls();
                for (row, (&value, &hash)) in column.iter().zip(hashes).enumerate() {
                    if nulls.is_some_and(|n| n.is_null(row)) {
                        found.push(*null.get_or_insert_with(|| ids.give(hash)));
                        continue;
                    }
                    let id = match table.entry(hash, |e| e.value == value, |e| e.hash) {
                        Entry::Occupied(entry) => entry.get().id,
                        Entry::Vacant(entry) => {
                            let id = ids.give(hash);
                            entry.insert(IntKey { hash, value, id });
                            if values.len() <= id as usize {
                                values.resize(id as usize + 1, 0);
                            }
                            values[id as usize] = value;
                            id
                        }
                    };
                    found.push(id);
                }
            }
            Store::Text { table, null } => {
                let column = &columns[0];
                for (row, &hash) in hashes.iter().enumerate() {
                    found.push(if column.is_null(row) {
                        *null.get_or_insert_with(|| ids.give(hash))
                    } else {
                        table.find_or_insert(bytes_at(column, row), hash, ids)
                    });
                }
            }
            Store::Rows { table, converter } => {
                let canonical: Vec<ArrayRef> = columns.iter().map(canonical).collect();
                let rows = converter.convert_columns(&canonical)?;
                for (row, &hash) in rows.iter().zip(hashes) {
                    found.push(table.find_or_insert(row.as_ref(), hash, ids));
                }
            }
        }
        Ok(found)
    }

    /// The id of each row's key, where it has one.
    ///
    /// # Errors
    /// As [`KeyIndex::ids`].
    pub(crate) fn find(&self, columns: &[ArrayRef], hashes: &[u64]) -> Result<Vec<Option<u32>>> {
        Ok(match &self.store {
            Store::Single => vec![(!self.ids.hashes.is_empty()).then_some(0); hashes.len()],
            Store::Ints { table, null, .. } => {
                let (column, values) = (&columns[0], int_values(&columns[0]));
                let find = |(row, &hash): (usize, &u64)| {
                    if column.is_null(row) {
                        return *null;
                    }
                    table.find(hash, |e| e.value == values[row]).map(|e| e.id)
                };
                hashes.iter().enumerate().map(find).collect()
            }
            Store::Text { table, null } => {
                let column = &columns[0];
                let find = |(row, &hash): (usize, &u64)| {
                    if column.is_null(row) { *null } else { table.find(bytes_at(column, row), hash) }
                };
                hashes.iter().enumerate().map(find).collect()
            }
            Store::Rows { table, converter } => {
                let canonical: Vec<ArrayRef> = columns.iter().map(canonical).collect();
                let rows = converter.convert_columns(&canonical)?;
                rows.iter().zip(hashes).map(|(row, &hash)| table.find(row.as_ref(), hash)).collect()
            }
        })
    }

    /// Forgets a key; its id may be given to another. (With no key column there is nothing to forget.)
    pub(crate) fn remove(&mut self, id: u32) {
        let hash = self.ids.hashes[id as usize];
        match &mut self.store {
            Store::Single => return,
            Store::Ints { null, .. } | Store::Text { null, .. } if *null == Some(id) => *null = None,
            Store::Ints { table, .. } => {
                if let Ok(entry) = table.find_entry(hash, |e| e.id == id) {
                    entry.remove();
                }
            }
            Store::Text { table, .. } | Store::Rows { table, .. } => table.remove(id, hash),
        }
        debug_assert!(self.ids.live[id as usize], "a key is removed once");
        self.ids.live[id as usize] = false;
        self.ids.free.push(id);
    }

    /// Forgets all keys.
    pub(crate) fn clear(&mut self) {
        self.ids = Ids::default();
        match &mut self.store {
            Store::Single => {}
            Store::Ints { table, values, null } => {
                table.clear();
                values.clear();
                *null = None;
            }
            Store::Text { table, null } => {
                *table = ByteTable::default();
                *null = None;
            }
            Store::Rows { table, .. } => *table = ByteTable::default(),
        }
    }

    /// The key columns of those keys, one row per id, for saving state.
    ///
    /// # Errors
    /// None for ids that were given.
    pub(crate) fn columns(&self, ids: &[u32]) -> Result<Vec<ArrayRef>> {
        let is_null = |null: &Option<u32>, id: u32| *null == Some(id);
        Ok(match &self.store {
            Store::Single => Vec::new(),
            Store::Ints { values, null, .. } => {
                let ints: Int64Array =
                    ids.iter().map(|&id| (!is_null(null, id)).then(|| values[id as usize])).collect();
                vec![arrow::compute::cast(&ints, &self.types[0])?]
            }
            Store::Text { table, null } => {
                let bytes: Vec<Option<&[u8]>> =
                    ids.iter().map(|&id| (!is_null(null, id)).then(|| &*table.values[id as usize])).collect();
                vec![bytes_column(&self.types[0], &bytes)?]
            }
            Store::Rows { table, converter } => {
                let parser = converter.parser();
                converter.convert_rows(ids.iter().map(|&id| parser.parse(&table.values[id as usize])))?
            }
        })
    }

    /// The key groups of those keys: the first column of saved state.
    pub(crate) fn groups(&self, ids: &[u32]) -> ArrayRef {
        Arc::new(ids.iter().map(|&id| key_group(self.ids.hashes[id as usize])).collect::<UInt16Array>())
    }
}

/// A Utf8 or Binary column.
pub(crate) fn bytes_column(data_type: &A, values: &[Option<&[u8]>]) -> Result<ArrayRef> {
    Ok(match data_type {
        A::Utf8 => {
            let text = |v: &Option<&[u8]>| -> Result<Option<String>> {
                v.map(|v| String::from_utf8(v.to_vec()).map_err(|e| Error::data(e.to_string()))).transpose()
            };
            Arc::new(values.iter().map(text).collect::<Result<StringArray>>()?)
        }
        _ => Arc::new(values.iter().collect::<BinaryArray>()),
    })
}

/// The bytes of a row of a Utf8 or Binary column.
pub(crate) fn bytes_at(column: &ArrayRef, row: usize) -> &[u8] {
    match column.data_type() {
        A::Utf8 => column.as_string::<i32>().value(row).as_bytes(),
        _ => column.as_binary::<i32>().value(row),
    }
}

fn int_values(column: &ArrayRef) -> std::borrow::Cow<'_, [i64]> {
    match column.data_type() {
        A::Int64 => column.as_primitive::<t::Int64Type>().values().as_ref().into(),
        A::Timestamp(..) => column.as_primitive::<t::TimestampMillisecondType>().values().as_ref().into(),
        _ => column.as_primitive::<t::Int32Type>().values().iter().map(|&v| i64::from(v)).collect(),
    }
}

/// -0.0 as 0.0 and every NaN as one, as the stable hash has them.
fn canonical(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        A::Float32 => {
            let fix = |v: f32| if v.is_nan() { f32::NAN } else { v + 0.0 };
            Arc::new(column.as_primitive::<t::Float32Type>().unary::<_, t::Float32Type>(fix)) as Arc<Float32Array>
        }
        A::Float64 => {
            let fix = |v: f64| if v.is_nan() { f64::NAN } else { v + 0.0 };
            Arc::new(column.as_primitive::<t::Float64Type>().unary::<_, t::Float64Type>(fix)) as Arc<Float64Array>
        }
        _ => column.clone(),
    }
}
