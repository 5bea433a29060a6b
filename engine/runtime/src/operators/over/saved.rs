//! Keys with their frames, and how they are saved.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, LargeListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as A, Field, Int64Type, Schema as ArrowSchema};
use wasmill_expr::UserFunctions;
use wasmill_plan::{Error, OverGroup, Result, Schema};

use super::arguments::Class;
use super::cleanup::Cleanup;
use super::frames::Frames;
use super::functions::Ranks;
use super::partial::Kind;
use super::store::Head;
use crate::operators::key_index::KeyIndex;
use crate::state::{KEY_GROUP_COLUMN, StateTable, hash_rows};

/// State table `keys`, a row per key: the key's columns, then
///
/// | column | type | |
/// |---|---|---|
/// | `$first`, `$next` | BIGINT | positions of the first row kept and of the next row |
/// | `$time` | BIGINT | time of the last row |
/// | `$rank`, `$dense_rank` | BIGINT | of the last row |
/// | `$cleanup` | list of BIGINT | as [`Cleanup::save`] gives it; empty where not all frames are bounded RANGEs |
/// | `$words` | list of BIGINT | per frame `lo`, `mid`, `hi` and the running values, as their bits |
/// | `$records` | list of BIGINT | of the rows kept: time, bits, arguments and front partials, as their bits |
/// | `$bytes` | list of BYTES | arguments of variable length, row by row, then those that unbounded frames hold |
/// | `$0`, `$1`, … | | the accumulators of functions without partials |
pub(super) struct Keyed {
    pub(super) keys: KeyIndex,
    pub(super) frames: Frames,
    /// Where all frames are bounded RANGEs.
    pub(super) cleanup: Option<Cleanup>,
    key_types: Vec<A>,
}

const PLAIN: [&str; 5] = ["$first", "$next", "$time", "$rank", "$dense_rank"];

impl Keyed {
    pub(super) fn new(
        partition: &[usize],
        groups: &[OverGroup],
        input: &Schema,
        functions: &dyn UserFunctions,
    ) -> Result<Self> {
        let key_types: Vec<A> = partition.iter().map(|&c| input.fields[c].data_type.to_arrow()).collect();
        let frames = Frames::with_ranks(groups, input, Ranks::OfTime, functions)?;
        let cleanup = frames.layout.longest_range_ms().map(Cleanup::new);
        Ok(Self { keys: KeyIndex::new(key_types.clone())?, frames, cleanup, key_types })
    }

    /// Makes room for all keys that have an id.
    pub(super) fn resize(&mut self) {
        self.frames.resize(self.keys.capacity());
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.resize(self.keys.capacity());
        }
    }

    /// Offsets in the key's words of ids in the slab, each behind the word that says whether there is one.
    fn kept_bytes(&self) -> Vec<usize> {
        let partials = self.frames.layout.groups.iter().flat_map(|g| &g.partials);
        partials
            .filter(|p| matches!(p.kind, Kind::Keep { .. }) && p.kind.value_class() == Some(Class::Bytes))
            .map(|p| p.key_word + 1)
            .collect()
    }

    fn schema(&self) -> ArrowSchema {
        let list = |item: A| A::LargeList(Arc::new(Field::new("item", item, false)));
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        fields.extend(self.key_types.iter().enumerate().map(|(i, t)| Field::new(format!("key{i}"), t.clone(), true)));
        fields.extend(PLAIN.map(|name| Field::new(name, A::Int64, false)));
        fields.push(Field::new("$cleanup", list(A::Int64), false));
        fields.push(Field::new("$words", list(A::Int64), false));
        fields.push(Field::new("$records", list(A::Int64), false));
        fields.push(Field::new("$bytes", list(A::Binary), false));
        let groups = self.frames.layout.groups.iter();
        let types = groups.flat_map(|g| &g.accumulators).flat_map(|x| x.aggregate.state_types());
        fields.extend(types.enumerate().map(|(i, t)| Field::new(format!("${i}"), t, true)));
        ArrowSchema::new(fields)
    }
}

/// A column of lists, of which `ends` are the ends in `words`.
pub(super) fn int_list(words: Vec<i64>, ends: &[usize]) -> Result<ArrayRef> {
    let field = Arc::new(Field::new("item", A::Int64, false));
    let lengths = std::iter::once(&0).chain(ends).collect::<Vec<_>>();
    let offsets = OffsetBuffer::from_lengths(lengths.windows(2).map(|w| w[1] - w[0]));
    Ok(Arc::new(LargeListArray::try_new(field, offsets, Arc::new(Int64Array::from(words)), None)?))
}

impl StateTable for Keyed {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let store = &self.frames.store;
        let ids: Vec<u32> = (0..self.keys.capacity() as u32).filter(|&id| self.keys.is_live(id)).collect();
        let heads = || ids.iter().map(|&id| &store.heads[id as usize]);
        let ints =
            |get: &dyn Fn(&Head) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(heads().map(get))) };
        let mut columns = vec![self.keys.groups(&ids)];
        columns.extend(self.keys.columns(&ids)?);
        columns.push(ints(&|h| h.first as i64));
        columns.push(ints(&|h| h.next as i64));
        columns.push(ints(&|h| h.time));
        columns.push(ints(&|h| h.rank as i64));
        columns.push(ints(&|h| h.dense_rank as i64));
        let (mut timers, mut timer_ends) = (Vec::new(), Vec::new());
        for &id in &ids {
            self.cleanup.iter().for_each(|c| c.save(id, &mut timers));
            timer_ends.push(timers.len());
        }
        columns.push(int_list(timers, &timer_ends)?);
        let (mut words, mut word_ends) = (Vec::new(), Vec::new());
        let (mut records, mut record_ends) = (Vec::new(), Vec::new());
        let (mut bytes, mut byte_ends): (Vec<&[u8]>, Vec<usize>) = Default::default();
        let kept = self.kept_bytes();
        for &id in &ids {
            let head = &store.heads[id as usize];
            let own = &store.key_words[id as usize * store.key_stride..][..store.key_stride];
            words.extend(own.iter().map(|&w| w as i64));
            word_ends.push(words.len());
            for position in head.first..head.next {
                let record = store.record(id, position);
                records.extend(record.iter().map(|&w| w as i64));
                bytes.extend(store.byte_words.iter().map(|&w| store.slab.get(record[w])));
            }
            record_ends.push(records.len());
            bytes.extend(kept.iter().filter(|&&w| own[w - 1] == 1).map(|&w| store.slab.get(own[w])));
            byte_ends.push(bytes.len());
        }
        columns.push(int_list(words, &word_ends)?);
        columns.push(int_list(records, &record_ends)?);
        let field = Arc::new(Field::new("item", A::Binary, false));
        let starts = std::iter::once(&0).chain(&byte_ends).collect::<Vec<_>>();
        let offsets = OffsetBuffer::from_lengths(starts.windows(2).map(|w| w[1] - w[0]));
        let values = Arc::new(BinaryArray::from_iter_values(bytes));
        columns.push(Arc::new(LargeListArray::try_new(field, offsets, values, None)?));
        for accumulators in self.frames.layout.groups.iter().flat_map(|g| &g.accumulators) {
            columns.extend(accumulators.aggregate.save(&ids)?);
        }
        Ok(RecordBatch::try_new(Arc::new(self.schema()), columns)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        let corrupt = || Error::Corrupt { message: "table 'keys' of an OVER operator has other columns".to_owned() };
        let (schema, found) = (self.schema(), rows.schema());
        let same = |(a, b): (&Arc<Field>, &Arc<Field>)| a.data_type() == b.data_type();
        if schema.fields().len() != found.fields().len() || !schema.fields().iter().zip(found.fields()).all(same) {
            return Err(corrupt());
        }
        for key in 0..self.keys.capacity() as u32 {
            self.frames.clear(key);
            self.cleanup.iter_mut().for_each(|c| c.clear(key));
        }
        self.keys.clear();
        let width = self.key_types.len();
        let key_columns = &rows.columns()[1..=width];
        let ids = self.keys.ids(key_columns, &hash_rows(key_columns, rows.num_rows()))?;
        self.resize();
        let int = |column: usize, row: usize| rows.column(1 + width + column).as_primitive::<Int64Type>().value(row);
        let list = |column: usize, row: usize| rows.column(1 + width + column).as_list::<i64>().value(row);
        let kept = self.kept_bytes();
        for (row, &id) in ids.iter().enumerate() {
            if let Some(cleanup) = &mut self.cleanup {
                let timers = list(5, row);
                if !cleanup.load(id, timers.as_primitive::<Int64Type>().values()) {
                    return Err(corrupt());
                }
            }
            let store = &mut self.frames.store;
            let (first, next) = (int(0, row) as u64, int(1, row) as u64);
            let (words, records, bytes) = (list(6, row), list(7, row), list(8, row));
            let (words, records) =
                (words.as_primitive::<Int64Type>().values(), records.as_primitive::<Int64Type>().values());
            let mut bytes = bytes.as_binary::<i32>().iter().flatten();
            let count = next.checked_sub(first).ok_or_else(corrupt)? as usize;
            if words.len() != store.key_stride || records.len() != count * store.stride {
                return Err(corrupt());
            }
            let head = &mut store.heads[id as usize];
            (head.first, head.next) = (first, first);
            head.time = int(2, row);
            (head.rank, head.dense_rank) = (int(3, row) as u64, int(4, row) as u64);
            for record in records.chunks_exact(store.stride) {
                let position = store.append(id);
                let at = store.offset(&store.heads[id as usize], position);
                for (to, &word) in store.records[at..at + store.stride].iter_mut().zip(record) {
                    *to = word as u64;
                }
                for &word in &store.byte_words {
                    store.records[at + word] = store.slab.add(bytes.next().ok_or_else(corrupt)?);
                }
            }
            let at = id as usize * store.key_stride;
            for (to, &word) in store.key_words[at..at + store.key_stride].iter_mut().zip(words) {
                *to = word as u64;
            }
            for &word in kept.iter().filter(|&&w| words[w - 1] == 1) {
                store.key_words[at + word] = store.slab.add(bytes.next().ok_or_else(corrupt)?);
            }
        }
        let mut column = 1 + width + PLAIN.len() + 4;
        for accumulators in self.frames.layout.groups.iter_mut().flat_map(|g| &mut g.accumulators) {
            let count = accumulators.aggregate.state_types().len();
            accumulators.aggregate.load(&ids, &rows.columns()[column..column + count])?;
            column += count;
        }
        Ok(())
    }
}
