//! Columns that a guest gave: believed nothing, copied out.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, ListArray, MapArray, StructArray, UInt32Array, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::datatypes::DataType as ArrowType;
use wasmill_plan::DataType;

use super::{
    CHILD_COUNT, CHILDREN, DATA, DATA_BYTES, FLAG_CONSTANT, FLAGS, LENGTH, NULL_COUNT, NULLS_UNKNOWN, OFFSETS,
    PARAMETER, TYPE, VALIDITY, Words, child_types, type_code,
};
use crate::error::bytes_text;
use crate::instance::Failure;

/// Guest memory, read with every bound checked.
pub(super) struct Bounds<'a> {
    memory: &'a [u8],
    /// Bytes of columns that one call may give; columns that lie one over the other and constants could give any number.
    bytes_max: u64,
    given: Cell<u64>,
}

impl<'a> Bounds<'a> {
    pub fn new(memory: &'a [u8], bytes_max: u64) -> Self {
        Self { memory, bytes_max, given: Cell::new(0) }
    }

    /// Counts bytes that are copied out.
    fn give(&self, bytes: u64) -> Result<(), Failure> {
        self.given.set(self.given.get().saturating_add(bytes));
        if self.given.get() <= self.bytes_max {
            return Ok(());
        }
        let limit = bytes_text(self.bytes_max);
        Err(Failure::wrong(format!("it gave columns of more than 'memory.max' = {limit} in one call")))
    }

    /// Bytes that are copied out.
    fn copied(&self, what: &str, address: u32, bytes: u32, alignment: usize) -> Result<&'a [u8], Failure> {
        let found = self.get(what, address, bytes, alignment)?;
        self.give(u64::from(bytes))?;
        Ok(found)
    }

    pub fn get(&self, what: &str, address: u32, bytes: u32, alignment: usize) -> Result<&'a [u8], Failure> {
        let range: Range<usize> = address as usize..address as usize + bytes as usize;
        if bytes > 0 && address as usize % alignment != 0 {
            return Err(Failure::wrong(format!(
                "it gave {what} at {address}, which is not aligned to {alignment} bytes"
            )));
        }
        self.memory.get(range).ok_or_else(|| {
            Failure::wrong(format!("it gave {what} at {address} of {bytes} bytes, beyond the end of its memory"))
        })
    }

    pub fn words<const N: usize>(&self, address: u32) -> Result<[u32; N], Failure> {
        let bytes = self.get("its result structure", address, 4 * N as u32, 4)?;
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Ok(words)
    }

    /// A result column of `rows` rows, whose `wm_column` lies at `at`.
    pub fn result(&self, at: u32, rows: usize, ty: &DataType) -> Result<ArrayRef, Failure> {
        let words: Words = self.words(at)?;
        let constant = words[FLAGS] & FLAG_CONSTANT != 0;
        let len = if constant { 1 } else { rows };
        if words[LENGTH] as usize != len {
            let length = words[LENGTH];
            return Err(Failure::wrong(format!("its result has {length} values, {len} were asked for")));
        }
        let array = self.column(&words, ty)?;
        if len == rows {
            return Ok(array);
        }
        let one = array.to_data().get_slice_memory_size().map_err(not_a_column)?;
        self.give((one as u64).saturating_mul(rows as u64))?;
        take(&array, &UInt32Array::from(vec![0; rows]), None).map_err(|e| Failure::wrong(e.to_string()))
    }

    /// The values of a column, or of a child, as many as it says it has.
    fn column(&self, words: &Words, ty: &DataType) -> Result<ArrayRef, Failure> {
        let expected = type_code(&ty.kind).expect("checked when the function was created");
        if (words[TYPE], words[PARAMETER]) != expected {
            return Err(Failure::wrong(format!("it changed the type of its result to code {}", words[TYPE])));
        }
        let (flags, len) = (words[FLAGS], words[LENGTH] as usize);
        if flags & !FLAG_CONSTANT != 0 {
            return Err(Failure::wrong(format!("its result has the unknown flags {flags:#x}")));
        }
        let nulls = self.nulls(words)?;
        let arrow_type = ty.to_arrow();
        match &arrow_type {
            ArrowType::List(item) => {
                let offsets = self.offsets(words, "lists")?;
                let [values] = self.children(words, ty, None)?.try_into().expect("one child");
                cover(&offsets, values.len(), "lists", "elements")?;
                let list = ListArray::try_new(item.clone(), offsets, values, nulls);
                Ok(Arc::new(list.map_err(not_a_column)?))
            }
            ArrowType::Map(entries, ordered) => {
                let offsets = self.offsets(words, "maps")?;
                let [keys, values] = self.children(words, ty, None)?.try_into().expect("two children");
                if keys.len() != values.len() {
                    let (keys, values) = (keys.len(), values.len());
                    return Err(Failure::wrong(format!("its maps have {keys} keys and {values} values")));
                }
                cover(&offsets, keys.len(), "maps", "entries")?;
                let ArrowType::Struct(fields) = entries.data_type() else { unreachable!("a map's entries") };
                let pairs = StructArray::try_new(fields.clone(), vec![keys, values], None)
                    .map_err(|_| Failure::wrong("it gave a map with a NULL key, or a count that is NULL"))?;
                let map = MapArray::try_new(entries.clone(), offsets, pairs, nulls, *ordered);
                Ok(Arc::new(map.map_err(not_a_column)?))
            }
            ArrowType::Struct(fields) => {
                let children = self.children(words, ty, Some(len))?;
                let rows = StructArray::try_new_with_length(fields.clone(), children, nulls, len);
                Ok(Arc::new(rows.map_err(not_a_column)?))
            }
            _ => self.flat(words, &arrow_type, nulls),
        }
    }

    fn children(&self, words: &Words, ty: &DataType, len: Option<usize>) -> Result<Vec<ArrayRef>, Failure> {
        let types = child_types(&ty.kind);
        if words[CHILD_COUNT] as usize != types.len() {
            let (count, wanted) = (words[CHILD_COUNT], types.len());
            return Err(Failure::wrong(format!("its result has {count} children, {wanted} are needed")));
        }
        let child = |(i, ty): (usize, &DataType)| {
            let at = words[CHILDREN].checked_add(64 * i as u32);
            let child: Words = self.words(at.ok_or_else(|| Failure::wrong("it gave children beyond its memory"))?)?;
            if child[FLAGS] & FLAG_CONSTANT != 0 {
                return Err(Failure::wrong("a child of its result is constant"));
            }
            if len.is_some_and(|len| child[LENGTH] as usize != len) {
                let (has, len) = (child[LENGTH], words[LENGTH]);
                return Err(Failure::wrong(format!("a field of its rows has {has} values for {len} rows")));
            }
            self.column(&child, ty)
        };
        types.iter().enumerate().map(child).collect()
    }

    fn nulls(&self, words: &Words) -> Result<Option<NullBuffer>, Failure> {
        let len = words[LENGTH] as usize;
        let nulls = match words[VALIDITY] {
            0 => None,
            at => {
                let bitmap = self.copied("the validity bitmap", at, len.div_ceil(8) as u32, 1)?;
                Some(NullBuffer::new(BooleanBuffer::new(Buffer::from(bitmap), 0, len)))
            }
        };
        let counted = nulls.as_ref().map_or(0, NullBuffer::null_count);
        let claimed = words[NULL_COUNT];
        if claimed != NULLS_UNKNOWN && claimed as usize != counted {
            return Err(Failure::wrong(format!("its result claims {claimed} NULLs, the bitmap has {counted}")));
        }
        Ok(nulls.filter(|n| n.null_count() > 0))
    }

    fn offsets(&self, words: &Words, of: &str) -> Result<OffsetBuffer<i32>, Failure> {
        let len = words[LENGTH];
        let bytes = len.checked_add(1).and_then(|n| n.checked_mul(4));
        let bytes = bytes.ok_or_else(|| Failure::wrong(format!("its result has {len} {of}")))?;
        let offsets = self.copied(&format!("the offsets of its {of}"), words[OFFSETS], bytes, 4)?;
        let offsets = ScalarBuffer::<i32>::from(Buffer::from(offsets));
        if offsets[0] < 0 {
            return Err(Failure::wrong(format!("the first offset of its {of} is {}", offsets[0])));
        }
        if let Some(row) = offsets.windows(2).position(|w| w[1] < w[0]) {
            let (from, to) = (offsets[row], offsets[row + 1]);
            return Err(Failure::wrong(format!("the offsets of its {of} fall from {from} to {to}, at row {row}")));
        }
        Ok(OffsetBuffer::new(offsets))
    }

    /// A column without children.
    fn flat(&self, words: &Words, arrow_type: &ArrowType, nulls: Option<NullBuffer>) -> Result<ArrayRef, Failure> {
        let (len, values, bytes) = (words[LENGTH] as usize, words[DATA], words[DATA_BYTES]);
        let size_is = |wanted: usize| {
            if bytes as usize == wanted {
                return Ok(());
            }
            Err(Failure::wrong(format!("its result has {bytes} bytes of values, {wanted} are needed for {len} rows")))
        };
        let builder = ArrayData::builder(arrow_type.clone()).len(len).nulls(nulls);
        let data = match arrow_type {
            ArrowType::Boolean => {
                let bits = len.div_ceil(8);
                size_is(bits)?;
                builder.add_buffer(Buffer::from(self.copied("the values", values, bits as u32, 1)?)).build()
            }
            ArrowType::Utf8 | ArrowType::Binary => {
                let text = self.copied("the bytes of its texts", values, bytes, 1)?;
                let offsets = self.offsets(words, "texts")?;
                cover(&offsets, text.len(), "texts", "bytes")?;
                builder.add_buffer(offsets.into_inner().into_inner()).add_buffer(Buffer::from(text)).build()
            }
            fixed => {
                let width =
                    fixed.primitive_width().expect("the other types were refused when the function was created");
                size_is(len * width)?;
                let mut bytes = self.copied("the values", values, bytes, width.min(8))?.to_vec();
                make_nan_canonical(&mut bytes, fixed);
                builder.add_buffer(Buffer::from(bytes)).align_buffers(true).build()
            }
        };
        // Arrow checks what is left, above all that texts are UTF-8 and that offsets lie between characters.
        Ok(make_array(data.map_err(|e| match arrow_type {
            ArrowType::Utf8 => Failure::wrong("it gave a text that is not valid UTF-8"),
            _ => not_a_column(e),
        })?))
    }
}

fn not_a_column(e: arrow::error::ArrowError) -> Failure {
    Failure::wrong(format!("its result is not a column: {e}"))
}

fn cover(offsets: &OffsetBuffer<i32>, parts: usize, of: &str, what: &str) -> Result<(), Failure> {
    match offsets.last() {
        Some(last) if *last as usize > parts => {
            Err(Failure::wrong(format!("the last offset of its {of} is {last}, there are {parts} {what}")))
        }
        _ => Ok(()),
    }
}

/// All NaNs become the one that the rest of the engine makes.
fn make_nan_canonical(bytes: &mut [u8], arrow_type: &ArrowType) {
    match arrow_type {
        ArrowType::Float64 => {
            for value in bytes.as_chunks_mut::<8>().0 {
                if f64::from_le_bytes(*value).is_nan() {
                    *value = f64::NAN.to_le_bytes();
                }
            }
        }
        ArrowType::Float32 => {
            for value in bytes.as_chunks_mut::<4>().0 {
                if f32::from_le_bytes(*value).is_nan() {
                    *value = f32::NAN.to_le_bytes();
                }
            }
        }
        _ => {}
    }
}
