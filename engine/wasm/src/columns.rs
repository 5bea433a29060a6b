//! Calls a column function: lays the argument columns out in guest memory, and checks everything that comes back.
//! udf-sdk/ABI.md, "Column functions", is the contract; the numbers here are its.
//!
//! ```text
//! one block from wm_alloc:  wm_batch | wm_column per argument | wm_result | wm_column of the result | buffers, 64-aligned
//! ```

use std::borrow::Cow;
use std::ops::Range;

use arrow::array::{Array, ArrayData, ArrayRef, UInt32Array, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::take;
use arrow::datatypes::DataType as ArrowType;
use wasmill_plan::{DataType, TypeKind};
use wasmtime::{Memory, TypedFunc};

use crate::instance::{Failure, Instance};

/// The version that `wm_abi` must give.
pub(crate) const ABI_VERSION: u32 = 1;
const BATCH_BYTES: usize = 16;
const COLUMN_BYTES: usize = 64;
const RESULT_BYTES: usize = 32;
const BUFFER_ALIGNMENT: usize = 64;
/// `wm_column.flags`: one value for all rows.
const FLAG_CONSTANT: u32 = 1;
/// `wm_column.null_count`: to be counted by the host.
const NULLS_UNKNOWN: u32 = u32::MAX;
const MESSAGE_BYTES_MAX: usize = 1000;

/// One instance and the handles into it.
pub(crate) struct ColumnsInstance {
    pub guest: Instance,
    run: TypedFunc<(u32, u32), u32>,
    alloc: TypedFunc<(u32, u32), u32>,
    free: TypedFunc<(u32, u32, u32), ()>,
    memory: Memory,
    /// The block of the last batch, used again.
    block: (u32, u32),
}

impl ColumnsInstance {
    /// Checks the ABI's version and finds the exports.
    pub(crate) fn new(mut guest: Instance, export: &str) -> Result<Self, Failure> {
        let store = &mut guest.store;
        let abi: TypedFunc<(), u32> = typed(&guest.instance, store, "wm_abi", "() -> i32")?;
        let alloc = typed(&guest.instance, store, "wm_alloc", "(i32, i32) -> i32")?;
        let free = typed(&guest.instance, store, "wm_free", "(i32, i32, i32) -> nothing")?;
        let run = typed(&guest.instance, store, export, "(i32, i32) -> i32")?;
        let memory = guest.instance.get_memory(&mut *store, "memory").expect("the signature was checked");
        let version = abi.call(&mut guest.store, ()).map_err(|e| guest.failure(&e))?;
        if version != ABI_VERSION {
            return Err(Failure::wrong(format!(
                "it was built for version {version} of the ABI, this is {ABI_VERSION}"
            )));
        }
        Ok(Self { guest, run, alloc, free, memory, block: (0, 0) })
    }

    /// The function on all rows at once; it sees NULLs and gives them.
    pub(crate) fn batch(
        &mut self,
        args: &[ArrayRef],
        rows: usize,
        returns: &DataType,
        types: &[DataType],
    ) -> Result<ArrayRef, Failure> {
        let too_many = || Failure::wrong("the batch is too large for 32-bit addresses");
        let mut block = Block { bytes: 0, pieces: Vec::new() };
        block.reserve(BATCH_BYTES + COLUMN_BYTES * args.len() + RESULT_BYTES + COLUMN_BYTES);
        let mut columns: Vec<[u32; 16]> = args
            .iter()
            .zip(types)
            .map(|(array, ty)| block.column(array, ty, rows))
            .collect::<Option<_>>()
            .ok_or_else(too_many)?;
        let size = u32::try_from(block.bytes).map_err(|_| too_many())?;
        let base = self.block(size)?;
        for (_, column) in
            columns.iter_mut().flat_map(|c| c.iter_mut().enumerate()).filter(|(i, v)| (4..=6).contains(i) && **v != 0)
        {
            *column += base;
        }
        let columns_at = base + BATCH_BYTES as u32;
        let result_at = columns_at + (COLUMN_BYTES * args.len()) as u32;
        let result_column_at = result_at + RESULT_BYTES as u32;
        let mut result_column = [0; 16];
        (result_column[0], result_column[10]) =
            type_code(&returns.kind).expect("checked when the function was created");
        (result_column[2], result_column[3]) = (rows as u32, NULLS_UNKNOWN);
        let memory = self.memory.data_mut(&mut self.guest.store);
        let at = base as usize;
        write_words(&mut memory[at..], &[rows as u32, args.len() as u32, columns_at, 0]);
        for (i, column) in columns.iter().enumerate() {
            write_words(&mut memory[columns_at as usize + i * COLUMN_BYTES..], column);
        }
        write_words(&mut memory[result_at as usize..], &[result_column_at, 1, rows as u32, 0, 0, 0, 0, 0]);
        write_words(&mut memory[result_column_at as usize..], &result_column);
        for (offset, piece) in &block.pieces {
            let at = at + offset;
            memory[at..at + piece.len()].copy_from_slice(piece);
        }
        let code = self.run.call(&mut self.guest.store, (base, result_at)).map_err(|e| self.guest.failure(&e))?;
        let memory = Bounds { memory: self.memory.data(&self.guest.store) };
        let result = memory.words::<8>(result_at)?;
        if code != 0 {
            return Err(Failure::wrong(match memory.get("the error text", result[3], result[4], 1) {
                Ok([]) | Err(_) => format!("it returned the error code {code}"),
                Ok(text) => {
                    let text = &text[..text.len().min(MESSAGE_BYTES_MAX)];
                    format!("it says: {}", String::from_utf8_lossy(text).escape_debug())
                }
            }));
        }
        if (result[1], result[2]) != (1, rows as u32) {
            let (columns, got) = (result[1], result[2]);
            return Err(Failure::wrong(format!("it gave {columns} columns of {got} rows for 1 column of {rows} rows")));
        }
        let column = memory.words::<16>(result[0])?;
        if (column[0], column[10]) != (result_column[0], result_column[10]) {
            return Err(Failure::wrong(format!("it changed the type of its result to code {}", column[0])));
        }
        memory.column(&column, rows, returns)
    }

    /// The block for a batch of `size` bytes.
    fn block(&mut self, size: u32) -> Result<u32, Failure> {
        let (address, has) = self.block;
        if has >= size {
            return Ok(address);
        }
        let alignment = BUFFER_ALIGNMENT as u32;
        if has > 0 {
            self.block = (0, 0);
            self.free.call(&mut self.guest.store, (address, has, alignment)).map_err(|e| self.guest.failure(&e))?;
        }
        let wanted = size.checked_next_power_of_two().unwrap_or(size).max(64 << 10);
        let address =
            self.alloc.call(&mut self.guest.store, (wanted, alignment)).map_err(|e| self.guest.failure(&e))?;
        if address == 0 {
            let limit = crate::error::bytes_text(self.guest.store.data().guest_bytes_max());
            return Err(Failure::wrong(format!(
                "wm_alloc could not give {wanted} bytes for a batch ('memory.max' is {limit})"
            )));
        }
        let end = address as usize + wanted as usize;
        if address % alignment != 0 || end > self.memory.data_size(&self.guest.store) {
            return Err(Failure::wrong(format!(
                "wm_alloc({wanted}, {alignment}) gave {address}, which is not aligned or ends beyond its memory"
            )));
        }
        self.block = (address, wanted);
        Ok(address)
    }
}

fn typed<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(
    instance: &wasmtime::Instance,
    store: &mut wasmtime::Store<crate::instance::Limits>,
    name: &str,
    signature: &str,
) -> Result<TypedFunc<P, R>, Failure> {
    let wrong = |_| Failure::wrong(format!("its export '{name}' is not {signature}"));
    instance.get_typed_func(store, name).map_err(wrong)
}

/// Code and parameter of a type in `wm_column`; `None` where it cannot cross.
pub(crate) fn type_code(kind: &TypeKind) -> Option<(u32, u32)> {
    Some(match kind {
        TypeKind::Boolean => (1, 0),
        TypeKind::TinyInt => (2, 0),
        TypeKind::SmallInt => (3, 0),
        TypeKind::Int => (4, 0),
        TypeKind::BigInt => (5, 0),
        TypeKind::Float => (6, 0),
        TypeKind::Double => (7, 0),
        TypeKind::Decimal(precision, scale) => (8, u32::from(*precision) << 8 | u32::from(*scale)),
        TypeKind::Char(_) | TypeKind::Varchar(_) => (9, 0),
        TypeKind::Binary(_) | TypeKind::Varbinary(_) => (10, 0),
        TypeKind::Date => (11, 0),
        TypeKind::Time(_) => (12, 0),
        TypeKind::Timestamp(precision) => (13, u32::from(*precision)),
        TypeKind::TimestampLtz(precision) => (14, u32::from(*precision)),
        TypeKind::IntervalYearMonth => (15, 0),
        TypeKind::IntervalDayTime => (16, 0),
        _ => return None,
    })
}

/// Bytes of a value, for types of fixed width that take whole bytes.
fn value_bytes(arrow: &ArrowType) -> Option<usize> {
    arrow.primitive_width()
}

fn write_words(into: &mut [u8], words: &[u32]) {
    for (bytes, word) in into.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
}

/// A batch as it will lie in the block: what goes where, from the block's first byte.
struct Block<'a> {
    bytes: usize,
    pieces: Vec<(usize, Cow<'a, [u8]>)>,
}

impl<'a> Block<'a> {
    fn reserve(&mut self, bytes: usize) -> usize {
        let at = self.bytes;
        self.bytes = (at + bytes).next_multiple_of(BUFFER_ALIGNMENT);
        at
    }
    fn piece(&mut self, bytes: Cow<'a, [u8]>) -> Option<u32> {
        let at = self.reserve(bytes.len());
        self.pieces.push((at, bytes));
        u32::try_from(at).ok()
    }

    /// A `wm_column` whose addresses are still counted from the block. An array of one value stands for a constant.
    fn column(&mut self, array: &'a ArrayRef, ty: &DataType, rows: usize) -> Option<[u32; 16]> {
        let data = array.to_data();
        let (offset, len) = (data.offset(), data.len());
        let constant = len == 1 && rows != 1;
        let mut column = [0u32; 16];
        (column[0], column[10]) = type_code(&ty.kind)?;
        column[1] = if constant { FLAG_CONSTANT } else { 0 };
        column[2] = len as u32;
        if let Some(nulls) = data.nulls().filter(|n| n.null_count() > 0) {
            column[3] = nulls.null_count() as u32;
            let bits = nulls.inner().sliced();
            column[4] = self.piece(Cow::Owned(bits.as_slice()[..len.div_ceil(8)].to_vec()))?;
        }
        match data.data_type() {
            ArrowType::Boolean => {
                let bits = BooleanBuffer::new(data.buffers()[0].clone(), offset, len).sliced();
                column[6] = self.piece(Cow::Owned(bits.as_slice()[..len.div_ceil(8)].to_vec()))?;
                column[7] = len.div_ceil(8) as u32;
            }
            ArrowType::Utf8 | ArrowType::Binary => {
                let offsets = &data.buffers()[0].typed_data::<i32>()[offset..];
                // Of an empty array there may be no offset at all.
                let offsets: &[i32] = if len == 0 { &[0] } else { &offsets[..len + 1] };
                let (first, last) = (offsets[0] as usize, offsets[len] as usize);
                let from_zero: Vec<u8> = offsets.iter().flat_map(|o| (o - offsets[0]).to_le_bytes()).collect();
                column[5] = self.piece(Cow::Owned(from_zero))?;
                column[6] = self.piece(Cow::Owned(data.buffers()[1][first..last].to_vec()))?;
                column[7] = u32::try_from(last - first).ok()?;
            }
            fixed => {
                let width = value_bytes(fixed)?;
                let bytes = &data.buffers()[0][offset * width..(offset + len) * width];
                column[7] = u32::try_from(bytes.len()).ok()?;
                column[6] = self.piece(Cow::Owned(bytes.to_vec()))?;
            }
        }
        Some(column)
    }
}

/// Guest memory, read with every bound checked.
struct Bounds<'a> {
    memory: &'a [u8],
}

impl<'a> Bounds<'a> {
    fn get(&self, what: &str, address: u32, bytes: u32, alignment: usize) -> Result<&'a [u8], Failure> {
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

    fn words<const N: usize>(&self, address: u32) -> Result<[u32; N], Failure> {
        let bytes = self.get("its result structure", address, 4 * N as u32, 4)?;
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        Ok(words)
    }

    /// A column of the guest's, copied out.
    fn column(&self, column: &[u32; 16], rows: usize, returns: &DataType) -> Result<ArrayRef, Failure> {
        let [_, flags, length, null_count, validity, offsets, values, value_count, ..] = *column;
        if flags & !FLAG_CONSTANT != 0 {
            return Err(Failure::wrong(format!("its result has the unknown flags {flags:#x}")));
        }
        let len = if flags & FLAG_CONSTANT != 0 { 1 } else { rows };
        if length as usize != len {
            return Err(Failure::wrong(format!("its result has {length} values, {len} were asked for")));
        }
        let bits = len.div_ceil(8) as u32;
        let nulls = match validity {
            0 => None,
            at => {
                let bitmap = self.get("the validity bitmap", at, bits, 1)?;
                Some(NullBuffer::new(BooleanBuffer::new(Buffer::from(bitmap), 0, len)))
            }
        };
        let counted = nulls.as_ref().map_or(0, NullBuffer::null_count);
        if null_count != NULLS_UNKNOWN && null_count as usize != counted {
            return Err(Failure::wrong(format!("its result claims {null_count} NULLs, the bitmap has {counted}")));
        }
        let arrow_type = returns.to_arrow();
        let size_is = |wanted: usize| {
            if value_count as usize == wanted {
                return Ok(());
            }
            Err(Failure::wrong(format!(
                "its result has {value_count} bytes of values, {wanted} are needed for {len} rows"
            )))
        };
        let builder = ArrayData::builder(arrow_type.clone()).len(len).nulls(nulls.filter(|n| n.null_count() > 0));
        let data = match &arrow_type {
            ArrowType::Boolean => {
                size_is(bits as usize)?;
                builder.add_buffer(Buffer::from(self.get("the values", values, bits, 1)?)).build()
            }
            ArrowType::Utf8 | ArrowType::Binary => {
                let bytes = self.get("the bytes of its texts", values, value_count, 1)?;
                let offsets = self.get("the offsets of its texts", offsets, 4 * (len as u32 + 1), 4)?;
                let offsets = Buffer::from(offsets);
                check_offsets(offsets.typed_data(), bytes.len())?;
                builder.add_buffer(offsets).add_buffer(Buffer::from(bytes)).build()
            }
            fixed => {
                let width = value_bytes(fixed).expect("the other types were refused when the function was created");
                size_is(len * width)?;
                let mut bytes = self.get("the values", values, value_count, width.min(8))?.to_vec();
                make_nan_canonical(&mut bytes, fixed);
                builder.add_buffer(Buffer::from(bytes)).align_buffers(true).build()
            }
        };
        // Arrow checks what is left, above all that texts are UTF-8 and that offsets lie between characters.
        let array = make_array(data.map_err(|e| match arrow_type {
            ArrowType::Utf8 => Failure::wrong("it gave a text that is not valid UTF-8"),
            _ => Failure::wrong(format!("its result is not a column: {e}")),
        })?);
        if len == rows {
            return Ok(array);
        }
        take(&array, &UInt32Array::from(vec![0; rows]), None).map_err(|e| Failure::wrong(e.to_string()))
    }
}

fn check_offsets(offsets: &[i32], bytes: usize) -> Result<(), Failure> {
    if offsets[0] < 0 {
        return Err(Failure::wrong(format!("the first offset of its texts is {}", offsets[0])));
    }
    if let Some(row) = offsets.windows(2).position(|w| w[1] < w[0]) {
        let (from, to) = (offsets[row], offsets[row + 1]);
        return Err(Failure::wrong(format!("the offsets of its texts fall from {from} to {to}, at row {row}")));
    }
    match offsets.last() {
        Some(last) if *last as usize > bytes => {
            Err(Failure::wrong(format!("the last offset of its texts is {last}, there are {bytes} bytes")))
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
