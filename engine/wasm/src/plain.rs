//! Runs a plain export over columns, by the loop that the rewrite added.
//!
//! ```text
//! argument columns --copy--> arena --wasmill:loop--> arena --copy--> result column      in rounds of Layout::rows
//! texts            --copy--> guest memory (one block from wm_alloc, or pages grown by the host)
//! ```

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, Decimal128Array, GenericByteArray, UInt32Array,
    make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::datatypes::{BinaryType, ByteArrayType, DataType as ArrowType, Int8Type, Int16Type, Utf8Type};
use wasmill_plan::DataType;
use wasmtime::{Memory, TypedFunc, Val};

use crate::instance::{Failure, Instance};
use crate::rewrite::layout::{Layout, ResultLayout};
use crate::rewrite::{ARENA_EXPORT, LOOP_EXPORT, MEMORY_EXPORT};
use crate::signature::Slot;

/// The texts of one round, unless one alone is longer.
const ROUND_TEXT_BYTES: usize = 1 << 20;
const TEXT_ALIGNMENT: u32 = 8;

/// One instance and the handles into it.
pub(crate) struct PlainInstance {
    pub guest: Instance,
    run: TypedFunc<(u32, u32), u32>,
    arena: Memory,
    memory: Option<Memory>,
    alloc: Option<TypedFunc<(u32, u32), u32>>,
    free: Option<TypedFunc<(u32, u32, u32), ()>>,
    /// Address and size of the block for texts in guest memory.
    scratch: (u32, u32),
}

/// What a batch is run with.
pub(crate) struct PlainCall<'a> {
    pub layout: &'a Layout,
    /// Whether the function may be run on rows with NULL arguments.
    pub total: bool,
    pub export: &'a str,
    pub returns: &'a DataType,
}

impl PlainInstance {
    pub(crate) fn new(mut guest: Instance) -> Result<Self, Failure> {
        let store = &mut guest.store;
        let run = guest.instance.get_typed_func(&mut *store, LOOP_EXPORT).expect("the rewrite exports the loop");
        let arena = guest.instance.get_memory(&mut *store, ARENA_EXPORT).expect("the rewrite exports the arena");
        let memory = guest.instance.get_memory(&mut *store, MEMORY_EXPORT);
        let alloc = guest.instance.get_typed_func(&mut *store, "wm_alloc").ok();
        let free = guest.instance.get_typed_func(&mut *store, "wm_free").ok();
        Ok(Self { guest, run, arena, memory, alloc, free, scratch: (0, 0) })
    }

    /// The function on each row. A row with a NULL argument gives NULL without a call.
    pub(crate) fn batch(&mut self, call: &PlainCall, args: &[ArrayRef], rows: usize) -> Result<ArrayRef, Failure> {
        let nulls = args.iter().fold(None, |all, arg| NullBuffer::union(all.as_ref(), arg.logical_nulls().as_ref()));
        let nulls = nulls.filter(|n| n.null_count() > 0);
        match nulls {
            Some(nulls) if nulls.null_count() == rows => {
                Ok(arrow::array::new_null_array(&call.returns.to_arrow(), rows))
            }
            Some(nulls) if !call.total => {
                let valid: UInt32Array = nulls.valid_indices().map(|i| i as u32).collect::<Vec<_>>().into();
                let error = |e: arrow::error::ArrowError| Failure::wrong(e.to_string());
                let compact =
                    args.iter().map(|a| take(a, &valid, None)).collect::<Result<Vec<_>, _>>().map_err(error)?;
                let result = self.strict(call, &compact, valid.len())?;
                let mut next = 0;
                let back: UInt32Array = nulls
                    .iter()
                    .map(|is_valid| {
                        is_valid.then(|| {
                            next += 1;
                            next - 1
                        })
                    })
                    .collect();
                take(&result, &back, None).map_err(error)
            }
            Some(nulls) => {
                // The values of these rows were computed from whatever lies under the NULLs, and are not looked at.
                let result = self.rounds(call, args, rows, Some(&nulls))?;
                // A text may be NULL of its own accord.
                let nulls = NullBuffer::union(Some(&nulls), result.nulls());
                let data = result.to_data().into_builder().nulls(nulls).build();
                Ok(make_array(data.map_err(|e| Failure::wrong(e.to_string()))?))
            }
            None => self.strict(call, args, rows),
        }
    }

    fn strict(&mut self, call: &PlainCall, args: &[ArrayRef], rows: usize) -> Result<ArrayRef, Failure> {
        self.rounds(call, args, rows, None)
    }

    fn rounds(
        &mut self,
        call: &PlainCall,
        args: &[ArrayRef],
        rows: usize,
        masked: Option<&NullBuffer>,
    ) -> Result<ArrayRef, Failure> {
        let layout = call.layout;
        let columns: Vec<Argument> =
            args.iter().zip(&layout.args).map(|(a, (slot, _))| Argument::new(a, *slot)).collect();
        let mut results = Results::new(&layout.result, rows);
        let mut start = 0;
        while start < rows {
            let count = self.round_rows(&columns, start, (rows - start).min(layout.rows as usize));
            self.write_arguments(layout, &columns, start, count)?;
            let mut done = 0;
            while done < count {
                if let ResultLayout::Text { offsets, .. } = layout.result {
                    let at = offsets as usize + 4 * done;
                    self.arena.data_mut(&mut self.guest.store)[at..at + 4].fill(0);
                }
                let next = self.run.call(&mut self.guest.store, (done as u32, count as u32));
                let next = (next.map_err(|e| self.guest.failure(&e))? as usize).min(count);
                if next > done {
                    results.read(&layout.result, self.arena.data(&self.guest.store), done, next);
                    done = next;
                } else {
                    // A text that is longer than the arena: fetched from the guest's memory by a call of its own.
                    let text = self.text_directly(call, args, start + done)?;
                    results.push_text(text.as_deref());
                    done += 1;
                }
            }
            start += count;
        }
        results.finish(call.returns, masked)
    }

    /// How many of the next `rows` rows' texts fit a round.
    fn round_rows(&self, columns: &[Argument], start: usize, rows: usize) -> usize {
        let mut rows = rows;
        loop {
            let bytes: usize = columns.iter().map(|c| c.text_bytes(start, rows)).sum();
            if bytes <= ROUND_TEXT_BYTES || rows == 1 {
                return rows;
            }
            rows = rows.div_ceil(2);
        }
    }

    fn write_arguments(
        &mut self,
        layout: &Layout,
        columns: &[Argument],
        start: usize,
        rows: usize,
    ) -> Result<(), Failure> {
        let text_bytes: usize = columns.iter().map(|c| c.text_bytes(start, rows)).sum();
        let mut text_at = if text_bytes > 0 { self.scratch(text_bytes)? as usize } else { 0 };
        for (column, (_, base)) in columns.iter().zip(&layout.args) {
            let base = *base as usize;
            if let Argument::Text { offsets, bytes } = column {
                let offsets = &offsets[start..=start + rows];
                let (first, last) = (offsets[0] as usize, offsets[rows] as usize);
                if last > first {
                    let memory = self.memory.expect("checked with the signature").data_mut(&mut self.guest.store);
                    memory[text_at..text_at + last - first].copy_from_slice(&bytes[first..last]);
                }
                let arena = &mut self.arena.data_mut(&mut self.guest.store)[base..base + 8 * rows];
                for (pair, window) in arena.chunks_exact_mut(8).zip(offsets.windows(2)) {
                    let address = (text_at + window[0] as usize - first) as u32;
                    pair[..4].copy_from_slice(&address.to_le_bytes());
                    pair[4..].copy_from_slice(&((window[1] - window[0]) as u32).to_le_bytes());
                }
                text_at += last - first;
            } else {
                column.write(&mut self.arena.data_mut(&mut self.guest.store)[base..], start, rows);
            }
        }
        Ok(())
    }

    /// A block of at least `bytes` in guest memory, its own until the next call of this.
    fn scratch(&mut self, bytes: usize) -> Result<u32, Failure> {
        let (address, size) = self.scratch;
        if size as usize >= bytes {
            return Ok(address);
        }
        let wanted = u32::try_from(bytes.next_power_of_two().max(64 << 10))
            .map_err(|_| Failure::wrong("its text arguments do not fit 32-bit addresses"))?;
        let memory = self.memory.expect("checked with the signature");
        let store = &mut self.guest.store;
        let refused = |store: &wasmtime::Store<crate::instance::Limits>| {
            let limit = crate::error::bytes_text(store.data().guest_bytes_max());
            Failure::wrong(format!("{wanted} bytes for its text arguments could not be had ('memory.max' is {limit})"))
        };
        let address = match &self.alloc {
            Some(alloc) => {
                if let (Some(free), true) = (&self.free, size > 0) {
                    free.call(&mut *store, (address, size, TEXT_ALIGNMENT)).map_err(|e| self.guest.failure(&e))?;
                }
                self.scratch = (0, 0);
                let address = alloc.call(&mut self.guest.store, (wanted, TEXT_ALIGNMENT));
                let address = address.map_err(|e| self.guest.failure(&e))?;
                let end = address as usize + wanted as usize;
                if address == 0 {
                    return Err(refused(&self.guest.store));
                }
                if end > memory.data_size(&self.guest.store) {
                    return Err(Failure::wrong(format!(
                        "wm_alloc({wanted}, {TEXT_ALIGNMENT}) gave {address}, which ends beyond the guest's memory"
                    )));
                }
                address
            }
            // An allocator takes for its own what memory.grow gives to it, and this was given to the host.
            None => match memory.grow(&mut *store, u64::from(wanted.div_ceil(64 << 10))) {
                Ok(pages) => (pages << 16) as u32,
                Err(_) => return Err(refused(store)),
            },
        };
        self.scratch = (address, wanted);
        Ok(address)
    }

    /// Calls the export itself for one row, which has no NULLs: for what the loop cannot do and for its backtrace.
    pub(crate) fn directly(&mut self, call: &PlainCall, args: &[ArrayRef], row: usize) -> Result<Vec<Val>, Failure> {
        let columns: Vec<Argument> =
            args.iter().zip(&call.layout.args).map(|(a, (slot, _))| Argument::new(a, *slot)).collect();
        self.write_arguments(call.layout, &columns, row, 1)?;
        let arena = self.arena.data(&self.guest.store);
        let mut params = Vec::new();
        for (slot, base) in &call.layout.args {
            let at = &arena[*base as usize..][..8];
            let i32_at = |i: usize| i32::from_le_bytes([at[i], at[i + 1], at[i + 2], at[i + 3]]);
            let i64_at = || i64::from_le_bytes(at.try_into().expect("8 bytes"));
            match slot {
                Slot::Bool => params.push(Val::I32(at[0].into())),
                Slot::I8 => params.push(Val::I32((at[0] as i8).into())),
                Slot::I16 => params.push(Val::I32(i16::from_le_bytes([at[0], at[1]]).into())),
                Slot::I32 => params.push(Val::I32(i32_at(0))),
                Slot::I64 | Slot::Decimal => params.push(Val::I64(i64_at())),
                Slot::F32 => params.push(Val::F32(i32_at(0) as u32)),
                Slot::F64 => params.push(Val::F64(i64_at() as u64)),
                Slot::Bytes => params.extend([Val::I32(i32_at(0)), Val::I32(i32_at(4))]),
            }
        }
        let store = &mut self.guest.store;
        let function = self.guest.instance.get_func(&mut *store, call.export).expect("the signature was checked");
        let mut results = vec![Val::I32(0); function.ty(&*store).results().len()];
        function.call(&mut *store, &params, &mut results).map_err(|e| self.guest.failure(&e))?;
        Ok(results)
    }

    fn text_directly(&mut self, call: &PlainCall, args: &[ArrayRef], row: usize) -> Result<Option<Vec<u8>>, Failure> {
        let (address, length) = match self.directly(call, args, row)?[..] {
            [Val::I64(packed)] => (packed as u32, (packed >> 32) as u32),
            [Val::I32(address), Val::I32(length)] => (address as u32, length as u32),
            _ => unreachable!("the signature was checked"),
        };
        if (address, length) == (u32::MAX, u32::MAX) {
            return Ok(None);
        }
        let memory = self.memory.expect("checked with the signature").data(&self.guest.store);
        match memory.get(address as usize..address as usize + length as usize) {
            Some(bytes) => Ok(Some(bytes.to_vec())),
            None => Err(Failure::wrong(format!(
                "it gave a text at {address} of {length} bytes, beyond the end of its memory"
            ))),
        }
    }
}

/// An argument column as bytes that are ready to be copied.
enum Argument {
    /// Values of the same width as in the arena.
    Fixed {
        bytes: Buffer,
        width: usize,
    },
    Bool(BooleanBuffer),
    Decimal(ScalarBuffer<i128>),
    Text {
        offsets: OffsetBuffer<i32>,
        bytes: Buffer,
    },
}

impl Argument {
    fn new(array: &ArrayRef, slot: Slot) -> Self {
        match slot {
            Slot::Bool => Self::Bool(array.as_boolean().values().clone()),
            Slot::Decimal => Self::Decimal(array.as_primitive::<arrow::datatypes::Decimal128Type>().values().clone()),
            Slot::Bytes if array.data_type() == &ArrowType::Binary => Self::text(array.as_bytes::<BinaryType>()),
            Slot::Bytes => Self::text(array.as_bytes::<Utf8Type>()),
            slot => {
                let width = slot.argument_bytes() as usize;
                let data = array.to_data();
                let bytes = data.buffers()[0].slice_with_length(data.offset() * width, data.len() * width);
                Self::Fixed { bytes, width }
            }
        }
    }
    fn text<T: ByteArrayType<Offset = i32>>(array: &GenericByteArray<T>) -> Self {
        Self::Text { offsets: array.offsets().clone(), bytes: array.values().clone() }
    }
    fn text_bytes(&self, start: usize, rows: usize) -> usize {
        match self {
            Self::Text { offsets, .. } => (offsets[start + rows] - offsets[start]) as usize,
            _ => 0,
        }
    }
    fn write(&self, into: &mut [u8], start: usize, rows: usize) {
        match self {
            Self::Fixed { bytes, width } => {
                into[..rows * width].copy_from_slice(&bytes[start * width..(start + rows) * width]);
            }
            Self::Bool(bits) => {
                for (byte, bit) in into.iter_mut().zip(bits.slice(start, rows).iter()) {
                    *byte = bit.into();
                }
            }
            Self::Decimal(values) => {
                for (bytes, value) in into.chunks_exact_mut(8).zip(&values[start..start + rows]) {
                    bytes.copy_from_slice(&(*value as i64).to_le_bytes());
                }
            }
            Self::Text { .. } => unreachable!("texts are written with their addresses"),
        }
    }
}

/// Results as they are collected from the rounds.
enum Results {
    Fixed { bytes: MutableBuffer, slot: Slot },
    Text { bytes: Vec<u8>, offsets: Vec<i32>, valid: BooleanBufferBuilder, too_long: bool },
}

impl Results {
    fn new(layout: &ResultLayout, rows: usize) -> Self {
        match layout {
            ResultLayout::Fixed { slot, .. } => {
                Self::Fixed { bytes: MutableBuffer::new(rows * slot.result_bytes() as usize), slot: *slot }
            }
            ResultLayout::Text { .. } => Self::Text {
                bytes: Vec::new(),
                offsets: {
                    let mut offsets = Vec::with_capacity(rows + 1);
                    offsets.push(0);
                    offsets
                },
                valid: BooleanBufferBuilder::new(rows),
                too_long: false,
            },
        }
    }

    fn read(&mut self, layout: &ResultLayout, arena: &[u8], from: usize, to: usize) {
        match (self, layout) {
            (Self::Fixed { bytes, slot }, ResultLayout::Fixed { base, .. }) => {
                let width = slot.result_bytes() as usize;
                let base = *base as usize;
                bytes.extend_from_slice(&arena[base + from * width..base + to * width]);
            }
            (Self::Text { bytes, offsets, valid, too_long }, ResultLayout::Text { offsets: o, nulls, data, .. }) => {
                let (o, nulls, data) = (*o as usize, *nulls as usize, *data as usize);
                let offset = |row: usize| {
                    let at = o + 4 * row;
                    u32::from_le_bytes([arena[at], arena[at + 1], arena[at + 2], arena[at + 3]]) as usize
                };
                let before = bytes.len();
                bytes.extend_from_slice(&arena[data..data + offset(to)]);
                for row in from..to {
                    valid.append(arena[nulls + row] == 0);
                    offsets.push((before + offset(row + 1)) as i32);
                }
                *too_long |= bytes.len() > i32::MAX as usize;
            }
            _ => unreachable!("made for this layout"),
        }
    }

    fn push_text(&mut self, text: Option<&[u8]>) {
        let Self::Text { bytes, offsets, valid, too_long } = self else {
            unreachable!("only texts are fetched one by one")
        };
        bytes.extend_from_slice(text.unwrap_or_default());
        valid.append(text.is_some());
        *too_long |= bytes.len() > i32::MAX as usize;
        offsets.push(bytes.len() as i32);
    }

    /// The column; `masked` are the rows that will be NULL and whose values do not count.
    fn finish(self, returns: &DataType, masked: Option<&NullBuffer>) -> Result<ArrayRef, Failure> {
        let arrow_type = returns.to_arrow();
        match self {
            Self::Fixed { bytes, slot } => {
                let buffer: Buffer = bytes.into();
                fixed(slot, &arrow_type, buffer, masked)
            }
            Self::Text { bytes, offsets, mut valid, too_long } => {
                if too_long {
                    return Err(Failure::wrong("the texts that it gave for one batch exceed 2 GiB"));
                }
                let nulls = Some(NullBuffer::new(valid.finish())).filter(|n| n.null_count() > 0);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let array: ArrayRef = if arrow_type == ArrowType::Binary {
                    Arc::new(GenericByteArray::<BinaryType>::new(offsets, bytes.into(), nulls))
                } else {
                    let text = GenericByteArray::<Utf8Type>::try_new(offsets, bytes.into(), nulls);
                    Arc::new(text.map_err(|_| Failure::wrong("it gave a text that is not valid UTF-8"))?)
                };
                Ok(array)
            }
        }
    }
}

/// A column of fixed width from what the loop wrote; small integers are checked.
fn fixed(slot: Slot, arrow_type: &ArrowType, buffer: Buffer, masked: Option<&NullBuffer>) -> Result<ArrayRef, Failure> {
    let counts = |row: usize| masked.is_none_or(|m| m.is_valid(row));
    let words = || buffer.typed_data::<i32>().iter().copied();
    Ok(match slot {
        Slot::Bool => Arc::new(BooleanArray::new(BooleanBuffer::from_iter(words().map(|v| v != 0)), None)),
        Slot::I8 => narrow::<Int8Type, i8>(words(), "TINYINT", counts)?,
        Slot::I16 => narrow::<Int16Type, i16>(words(), "SMALLINT", counts)?,
        Slot::Decimal => {
            let values: Vec<i128> = buffer.typed_data::<i64>().iter().map(|v| i128::from(*v)).collect();
            Arc::new(Decimal128Array::from(values).with_data_type(arrow_type.clone()))
        }
        _ => {
            let rows = buffer.len() / slot.result_bytes() as usize;
            let data = arrow::array::ArrayData::builder(arrow_type.clone()).len(rows).add_buffer(buffer).build();
            make_array(data.map_err(|e| Failure::wrong(e.to_string()))?)
        }
    })
}

fn narrow<T, N>(
    values: impl Iterator<Item = i32>,
    name: &str,
    counts: impl Fn(usize) -> bool,
) -> Result<ArrayRef, Failure>
where
    T: arrow::datatypes::ArrowPrimitiveType<Native = N>,
    N: TryFrom<i32> + arrow::datatypes::ArrowNativeType,
{
    let mut outside = None;
    let narrowed: Vec<N> = values
        .enumerate()
        .map(|(row, value)| {
            N::try_from(value).unwrap_or_else(|_| {
                if counts(row) {
                    outside.get_or_insert(value);
                }
                N::default()
            })
        })
        .collect();
    match outside {
        Some(value) => Err(Failure::wrong(format!("it gave {value}, which is outside {name}"))),
        None => Ok(Arc::new(arrow::array::PrimitiveArray::<T>::new(narrowed.into(), None))),
    }
}
