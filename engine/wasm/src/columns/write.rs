//! Columns as they will lie in a block of guest memory.

use arrow::array::{Array, ArrayData, ArrayRef, AsArray};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::datatypes::DataType as ArrowType;
use wasmill_plan::DataType;

use super::{
    BUFFER_ALIGNMENT, CHILD_COUNT, CHILDREN, COLUMN_BYTES, DATA, DATA_BYTES, FLAG_CONSTANT, FLAGS, LENGTH, NULL_COUNT,
    NULLS_UNKNOWN, OFFSETS, PARAMETER, TYPE, VALIDITY, Words, child_types, type_code,
};

/// What goes where, counted from the block's first byte.
#[derive(Default)]
pub(super) struct Block {
    pub bytes: usize,
    pieces: Vec<(usize, Buffer)>,
}

/// A `wm_column` whose addresses are still counted from the block, with its children.
pub(super) struct Column {
    words: Words,
    children: Vec<Column>,
}

impl Block {
    /// The offset of `bytes` more bytes.
    pub fn reserve(&mut self, bytes: usize) -> usize {
        let at = self.bytes;
        self.bytes = (at + bytes).next_multiple_of(BUFFER_ALIGNMENT);
        at
    }

    /// The offset of a copy of `buffer`; `None` beyond 32-bit addresses.
    pub fn piece(&mut self, buffer: Buffer) -> Option<u32> {
        let at = self.reserve(buffer.len());
        self.pieces.push((at, buffer));
        u32::try_from(at).ok()
    }

    /// An argument. An array of one value stands for a constant.
    pub fn argument(&mut self, array: &dyn Array, ty: &DataType, rows: usize) -> Option<Column> {
        let mut column = self.column(array, ty)?;
        if array.len() == 1 && rows != 1 {
            column.words[FLAGS] = FLAG_CONSTANT;
        }
        Some(column)
    }

    fn column(&mut self, array: &dyn Array, ty: &DataType) -> Option<Column> {
        let data = array.to_data();
        let (offset, len) = (data.offset(), data.len());
        let mut words = [0u32; 16];
        (words[TYPE], words[PARAMETER]) = type_code(&ty.kind)?;
        words[LENGTH] = u32::try_from(len).ok()?;
        if let Some(nulls) = data.nulls().filter(|n| n.null_count() > 0) {
            words[NULL_COUNT] = nulls.null_count() as u32;
            words[VALIDITY] = self.piece(bits(nulls.inner()))?;
        }
        // Of arrays, not of their data, whose parts do not say alike from where on they count.
        let mut children: Vec<ArrayRef> = Vec::new();
        match data.data_type() {
            ArrowType::Boolean => {
                words[DATA] = self.piece(bits(&BooleanBuffer::new(data.buffers()[0].clone(), offset, len)))?;
                words[DATA_BYTES] = len.div_ceil(8) as u32;
            }
            ArrowType::Utf8 | ArrowType::Binary => {
                let (first, last) = self.offsets(&data, &mut words)?;
                words[DATA] = self.piece(data.buffers()[1].slice_with_length(first, last - first))?;
                words[DATA_BYTES] = u32::try_from(last - first).ok()?;
            }
            ArrowType::List(_) => {
                let (first, last) = self.offsets(&data, &mut words)?;
                children.push(array.as_list::<i32>().values().slice(first, last - first));
            }
            ArrowType::Map(..) => {
                let (first, last) = self.offsets(&data, &mut words)?;
                let map = array.as_map();
                children.extend([map.keys(), map.values()].map(|part| part.slice(first, last - first)));
            }
            ArrowType::Struct(_) => children.extend(array.as_struct().columns().iter().cloned()),
            fixed => {
                let width = fixed.primitive_width()?;
                let bytes = len * width;
                words[DATA] = self.piece(data.buffers()[0].slice_with_length(offset * width, bytes))?;
                words[DATA_BYTES] = u32::try_from(bytes).ok()?;
            }
        }
        let types = child_types(&ty.kind);
        let children = children.iter().zip(&types).map(|(child, ty)| self.column(child, ty));
        let children = children.collect::<Option<Vec<_>>>()?;
        self.with_children(words, children)
    }

    /// Writes the offsets of an array, from 0; gives the range of the child that they cover.
    fn offsets(&mut self, data: &ArrayData, words: &mut Words) -> Option<(usize, usize)> {
        let (offset, len) = (data.offset(), data.len());
        let all = data.buffers()[0].typed_data::<i32>();
        // Of an empty array there may be no offset at all.
        let (first, last) = if len == 0 { (0, 0) } else { (all[offset], all[offset + len]) };
        words[OFFSETS] = if len == 0 {
            self.piece(Buffer::from_slice_ref([0i32]))?
        } else if first == 0 {
            self.piece(data.buffers()[0].slice_with_length(4 * offset, 4 * (len + 1)))?
        } else {
            self.piece(all[offset..=offset + len].iter().map(|o| o - first).collect())?
        };
        Some((first as usize, last as usize))
    }

    fn with_children(&mut self, mut words: Words, children: Vec<Column>) -> Option<Column> {
        if !children.is_empty() {
            words[CHILDREN] = u32::try_from(self.reserve(COLUMN_BYTES * children.len())).ok()?;
            words[CHILD_COUNT] = children.len() as u32;
        }
        Some(Column { words, children })
    }

    /// The frame of a result column of `rows` rows, for the guest to fill.
    pub fn result(&mut self, ty: &DataType, rows: usize) -> Option<Column> {
        let mut words = [0u32; 16];
        (words[TYPE], words[PARAMETER]) = type_code(&ty.kind)?;
        words[LENGTH] = rows as u32;
        words[NULL_COUNT] = NULLS_UNKNOWN;
        // Only a ROW's fields are known to be as many as the rows.
        let child_rows = if matches!(ty.kind, wasmill_plan::TypeKind::Row(_)) { rows } else { 0 };
        let children =
            child_types(&ty.kind).iter().map(|child| self.result(child, child_rows)).collect::<Option<Vec<_>>>()?;
        self.with_children(words, children)
    }

    /// Copies the pieces into guest memory, the block beginning at `base`.
    pub fn write(&self, memory: &mut [u8], base: u32) {
        for (offset, piece) in &self.pieces {
            let at = base as usize + offset;
            memory[at..at + piece.len()].copy_from_slice(piece);
        }
    }
}

impl Column {
    /// Writes the structure at `at`, and its children where they belong.
    pub fn write(&self, memory: &mut [u8], at: u32, base: u32) {
        let mut words = self.words;
        for address in [VALIDITY, OFFSETS, DATA, CHILDREN] {
            if words[address] != 0 {
                words[address] += base;
            }
        }
        write_words(memory, at, &words);
        for (i, child) in self.children.iter().enumerate() {
            child.write(memory, words[CHILDREN] + (i * COLUMN_BYTES) as u32, base);
        }
    }
}

fn bits(bits: &BooleanBuffer) -> Buffer {
    let bytes = bits.len().div_ceil(8);
    bits.sliced().slice_with_length(0, bytes)
}

pub(super) fn write_words(memory: &mut [u8], at: u32, words: &[u32]) {
    for (bytes, word) in memory[at as usize..].chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
}
