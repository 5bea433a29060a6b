//! Keys with their trees, and how they are saved.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, LargeListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as A, Field, Int64Type, Schema as ArrowSchema};
use wasmill_plan::{Error, Result, Schema};

use super::arguments::Class;
use super::functions::Layout;
use super::partial::Kind;
use super::running::KeyRows;
use super::saved::int_list;
use super::tree::{Root, Trees};
use crate::operators::key_index::KeyIndex;
use crate::state::{KEY_GROUP_COLUMN, StateTable, hash_rows};

/// State table `keys`, a row per key: the key's columns, then
///
/// | column | type | |
/// |---|---|---|
/// | `$gone` | BIGINT | rows that were forgotten |
/// | `$base` | list of BIGINT | the partials of the rows that unbounded frames have forgotten, as their bits |
/// | `$records` | list of BIGINT | of the rows kept, in order: time, bits and arguments, as their bits |
/// | `$bytes` | list of BYTES | arguments of variable length, row by row, then those of `$base` |
/// | `$0`, `$1`, … | | [`Accumulators::save_running`](super::functions::Accumulators::save_running) of each function without partials |
pub(super) struct KeyedTrees {
    pub(super) keys: KeyIndex,
    pub(super) layout: Layout,
    pub(super) trees: Trees,
    pub(super) roots: Vec<Root>,
    /// Rows forgotten of each key.
    pub(super) gone: Vec<u64>,
    /// The partials of what unbounded frames have forgotten, of each key.
    pub(super) base: Vec<u64>,
    /// Those of a key that has forgotten nothing.
    identity: Vec<u64>,
    key_types: Vec<A>,
    stride: usize,
    byte_words: Vec<usize>,
}

impl KeyedTrees {
    pub(super) fn new(
        partition: &[usize],
        layout: Layout,
        input: &Schema,
        partials: Vec<(Kind, usize)>,
        width: usize,
    ) -> Result<Self> {
        let key_types: Vec<A> = partition.iter().map(|&c| input.fields[c].data_type.to_arrow()).collect();
        let bytes = layout.arguments.list.iter().filter(|x| x.class == Class::Bytes);
        let byte_words: Vec<usize> = bytes.map(|x| x.word).collect();
        let stride = layout.record_words;
        let trees = Trees::new(stride, partials, width, byte_words.clone());
        let mut identity = Vec::new();
        (0..trees.partials.len()).for_each(|index| trees.fold(index, &[], &mut identity));
        let keys = KeyIndex::new(key_types.clone())?;
        let (roots, gone, base) = Default::default();
        Ok(Self { keys, layout, trees, roots, gone, base, identity, key_types, stride, byte_words })
    }

    /// Makes room for all keys.
    pub(super) fn resize(&mut self) {
        let count = self.keys.capacity();
        self.roots.resize(count, Root::default());
        self.gone.resize(count, 0);
        while self.base.len() < count * self.trees.width {
            self.base.extend_from_slice(&self.identity);
        }
        for accumulators in self.layout.groups.iter_mut().flat_map(|g| &mut g.accumulators) {
            accumulators.resize_running(count);
        }
    }

    /// Counts the first rows of a key as forgotten, and keeps what unbounded frames need of them.
    pub(super) fn retire(&mut self, key: u32, rows: u64, unbounded: bool) -> Result<()> {
        self.gone[key as usize] += rows;
        let root = self.roots[key as usize];
        let key_rows = KeyRows { key, root, trees: &self.trees, arguments: &self.layout.arguments.list };
        for accumulators in self.layout.groups.iter_mut().flat_map(|g| &mut g.accumulators) {
            accumulators.forget(&key_rows, rows)?;
        }
        if !unbounded {
            return Ok(());
        }
        let mut parts = Vec::new();
        self.trees.range(&root, 0, rows, &mut parts);
        let start = key as usize * self.trees.width;
        for index in 0..self.trees.partials.len() {
            let (kind, offset) = self.trees.partials[index];
            let mut words = Vec::new();
            self.trees.fold(index, &parts, &mut words);
            let base = &mut self.base[start + offset..start + offset + words.len()];
            let old = base.to_vec();
            self.trees.join(index, &old, &mut words);
            if kind.value_class() == Some(Class::Bytes) && words != old {
                // The row's own bytes go with it.
                words[1] = self.trees.slab.copy(words[1]);
                if old[0] == 1 {
                    self.trees.slab.retire(old[1]);
                }
            }
            base.copy_from_slice(&words);
        }
        Ok(())
    }

    /// Forgets a key.
    pub(super) fn remove(&mut self, key: u32) {
        while self.roots[key as usize].rows > 0 {
            self.trees.drop_first_leaf(&mut self.roots[key as usize]);
        }
        self.gone[key as usize] = 0;
        self.layout.groups.iter_mut().flat_map(|g| &mut g.accumulators).for_each(|x| x.remove(key));
        self.keys.remove(key);
    }

    /// Offsets in a key's base of ids in the slab.
    fn base_bytes(&self) -> Vec<usize> {
        let bytes = self.trees.partials.iter().filter(|(kind, _)| kind.value_class() == Some(Class::Bytes));
        bytes.map(|(_, offset)| offset + 1).collect()
    }

    fn schema(&self) -> ArrowSchema {
        let list = |item: A| A::LargeList(Arc::new(Field::new("item", item, false)));
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        fields.extend(self.key_types.iter().enumerate().map(|(i, t)| Field::new(format!("key{i}"), t.clone(), true)));
        fields.push(Field::new("$gone", A::Int64, false));
        fields.push(Field::new("$base", list(A::Int64), false));
        fields.push(Field::new("$records", list(A::Int64), false));
        fields.push(Field::new("$bytes", list(A::Binary), false));
        let groups = self.layout.groups.iter();
        let types = groups.flat_map(|g| &g.accumulators).flat_map(|x| x.running_types());
        fields.extend(types.enumerate().map(|(i, t)| Field::new(format!("${i}"), t, true)));
        ArrowSchema::new(fields)
    }
}

impl StateTable for KeyedTrees {
    fn name(&self) -> &'static str {
        "keys"
    }
    fn version(&self) -> u32 {
        2
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let ids: Vec<u32> = (0..self.roots.len() as u32).filter(|&id| self.keys.is_live(id)).collect();
        let (trees, base_bytes) = (&self.trees, self.base_bytes());
        let (mut base, mut base_ends) = (Vec::new(), Vec::new());
        let (mut records, mut record_ends) = (Vec::new(), Vec::new());
        let (mut bytes, mut byte_ends): (Vec<&[u8]>, Vec<usize>) = Default::default();
        for &id in &ids {
            let root = &self.roots[id as usize];
            trees.for_each(root, 0, root.rows, &mut |record| {
                records.extend(record.iter().map(|&w| w as i64));
                bytes.extend(self.byte_words.iter().map(|&w| trees.slab.get(record[w])));
            });
            record_ends.push(records.len());
            let own = &self.base[id as usize * trees.width..][..trees.width];
            base.extend(own.iter().map(|&w| w as i64));
            base_ends.push(base.len());
            bytes.extend(base_bytes.iter().filter(|&&w| own[w - 1] == 1).map(|&w| trees.slab.get(own[w])));
            byte_ends.push(bytes.len());
        }
        let mut columns = vec![self.keys.groups(&ids)];
        columns.extend(self.keys.columns(&ids)?);
        columns.push(Arc::new(Int64Array::from_iter_values(ids.iter().map(|&id| self.gone[id as usize] as i64))));
        columns.push(int_list(base, &base_ends)?);
        columns.push(int_list(records, &record_ends)?);
        let field = Arc::new(Field::new("item", A::Binary, false));
        let starts = std::iter::once(&0).chain(&byte_ends).collect::<Vec<_>>();
        let offsets = OffsetBuffer::from_lengths(starts.windows(2).map(|w| w[1] - w[0]));
        let values: ArrayRef = Arc::new(BinaryArray::from_iter_values(bytes));
        columns.push(Arc::new(LargeListArray::try_new(field, offsets, values, None)?));
        for accumulators in self.layout.groups.iter().flat_map(|g| &g.accumulators) {
            columns.extend(accumulators.save_running(&ids)?);
        }
        Ok(RecordBatch::try_new(Arc::new(self.schema()), columns)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        let corrupt = || Error::Corrupt { message: "table 'keys' of an OVER operator has other columns".to_owned() };
        let types = self.schema();
        let types = types.fields().iter().map(|f| f.data_type());
        if !types.eq(rows.columns().iter().map(|c| c.data_type())) {
            return Err(corrupt());
        }
        for key in 0..self.roots.len() as u32 {
            let groups = self.layout.groups.iter_mut();
            groups.flat_map(|g| &mut g.accumulators).for_each(|x| x.remove(key));
        }
        self.trees = Trees::new(self.stride, self.trees.partials.clone(), self.trees.width, self.byte_words.clone());
        self.keys.clear();
        (self.roots, self.gone, self.base) = Default::default();
        let width = self.key_types.len();
        let key_columns = &rows.columns()[1..=width];
        let ids = self.keys.ids(key_columns, &hash_rows(key_columns, rows.num_rows()))?;
        self.resize();
        let list = |column: usize, row: usize| rows.column(1 + width + column).as_list::<i64>().value(row);
        let base_bytes = self.base_bytes();
        for (row, &id) in ids.iter().enumerate() {
            self.gone[id as usize] = rows.column(1 + width).as_primitive::<Int64Type>().value(row) as u64;
            let (base, records, bytes) = (list(1, row), list(2, row), list(3, row));
            let (base, records) =
                (base.as_primitive::<Int64Type>().values(), records.as_primitive::<Int64Type>().values());
            let mut bytes = bytes.as_binary::<i32>().iter().flatten();
            if base.len() != self.trees.width || records.len() % self.stride != 0 {
                return Err(corrupt());
            }
            for record in records.chunks_exact(self.stride) {
                let mut record: Vec<u64> = record.iter().map(|&w| w as u64).collect();
                for &word in &self.byte_words {
                    record[word] = self.trees.slab.add(bytes.next().ok_or_else(corrupt)?);
                }
                self.trees.insert(&mut self.roots[id as usize], &record);
            }
            let at = id as usize * self.trees.width;
            self.base[at..at + base.len()].iter_mut().zip(base).for_each(|(to, &w)| *to = w as u64);
            for &word in base_bytes.iter().filter(|&&w| base[w - 1] == 1) {
                self.base[at + word] = self.trees.slab.add(bytes.next().ok_or_else(corrupt)?);
            }
        }
        let mut column = width + 5;
        for accumulators in self.layout.groups.iter_mut().flat_map(|g| &mut g.accumulators) {
            let count = accumulators.running_types().len();
            accumulators.load_running(&ids, &rows.columns()[column..column + count])?;
            column += count;
        }
        Ok(())
    }
}
