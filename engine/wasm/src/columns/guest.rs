//! A guest that takes columns: the exports that the ABI needs, and the block that each call is laid out in.

use arrow::array::ArrayRef;
use arrow::buffer::Buffer;
use wasmill_plan::DataType;
use wasmtime::{Memory, Store, TypedFunc, WasmParams, WasmResults};

use super::read::Bounds;
use super::write::{Block, Column, write_words};
use super::{ABI_VERSION, BATCH_BYTES, BUFFER_ALIGNMENT, COLUMN_BYTES, RESULT_BYTES};
use crate::error::bytes_text;
use crate::instance::{Failure, Instance, Limits};

const MESSAGE_BYTES_MAX: usize = 1000;

/// See the module.
pub(crate) struct Guest {
    pub instance: Instance,
    pub memory: Memory,
    alloc: TypedFunc<(u32, u32), u32>,
    free: TypedFunc<(u32, u32, u32), ()>,
    /// The block of the last call, used again.
    block: (u32, u32),
}

/// What one call takes and gives.
#[derive(Default)]
pub(crate) struct Call<'a> {
    /// Rows of `in`.
    pub rows: usize,
    /// Each `rows` long, or of one value for all.
    pub args: &'a [ArrayRef],
    pub arg_types: &'a [DataType],
    /// Lists of group numbers.
    pub groups: &'a [&'a [u32]],
    /// Types of the result columns, and how many rows they are to have.
    pub results: &'a [DataType],
    pub result_rows: usize,
    /// A second batch, of so many rows, and more results of rows that the guest chooses: those of process functions.
    pub state: Option<(&'a [ArrayRef], &'a [DataType], usize)>,
    pub more_results: &'a [&'a [DataType]],
}

/// Where a call lies in guest memory.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// `wm_batch`.
    pub input: u32,
    /// `wm_result`; of several, the first.
    pub output: u32,
    /// The second batch.
    pub state: u32,
    /// The lists of group numbers.
    pub groups: [u32; 2],
}

impl Placed {
    /// The same call with result `index` as its output.
    pub(crate) fn result(&self, index: usize) -> Self {
        Self { output: self.output + (index * RESULT_BYTES) as u32, ..self.clone() }
    }
}

impl Guest {
    /// Checks the ABI's version and finds the exports.
    pub(crate) fn new(mut instance: Instance) -> Result<Self, Failure> {
        let abi: TypedFunc<(), u32> = typed(&mut instance, "wm_abi", "() -> i32")?;
        let alloc = typed(&mut instance, "wm_alloc", "(i32, i32) -> i32")?;
        let free = typed(&mut instance, "wm_free", "(i32, i32, i32) -> nothing")?;
        let memory = instance.instance.get_memory(&mut instance.store, "memory");
        let memory = memory.ok_or_else(|| Failure::wrong("it does not export its memory as 'memory'"))?;
        let version = abi.call(&mut instance.store, ()).map_err(|e| instance.failure(&e))?;
        if version != ABI_VERSION {
            return Err(Failure::wrong(format!(
                "it was built for version {version} of the ABI, this is {ABI_VERSION}"
            )));
        }
        Ok(Self { instance, memory, alloc, free, block: (0, 0) })
    }

    /// An export of that type.
    pub(crate) fn export<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
        signature: &str,
    ) -> Result<TypedFunc<P, R>, Failure> {
        typed(&mut self.instance, name, signature)
    }

    /// Calls an export.
    pub(crate) fn run<P: WasmParams, R: WasmResults>(
        &mut self,
        function: &TypedFunc<P, R>,
        params: P,
    ) -> Result<R, Failure> {
        function.call(&mut self.instance.store, params).map_err(|e| self.instance.failure(&e))
    }

    /// Lays a call out in guest memory.
    pub(crate) fn place(&mut self, call: &Call) -> Result<Placed, Failure> {
        let too_many = || Failure::wrong("the batch is too large for 32-bit addresses");
        let (state, state_types, state_rows) = call.state.unwrap_or((&[], &[], 0));
        let results: Vec<(&[DataType], usize)> = std::iter::once((call.results, call.result_rows))
            .chain(call.more_results.iter().map(|r| (*r, 0)))
            .collect();
        let batches = if call.state.is_some() { 2 } else { 1 };
        let columns = call.args.len() + state.len() + results.iter().map(|(types, _)| types.len()).sum::<usize>();
        let mut block = Block::default();
        block.reserve(BATCH_BYTES * batches + RESULT_BYTES * results.len() + COLUMN_BYTES * columns);
        let mut laid_out = |columns: &[ArrayRef], types: &[DataType], rows: usize| {
            columns.iter().zip(types).map(|(array, ty)| block.argument(array, ty, rows)).collect::<Option<Vec<_>>>()
        };
        let args = laid_out(call.args, call.arg_types, call.rows).ok_or_else(too_many)?;
        // A state of one key is no constant.
        let state = laid_out(state, state_types, state_rows).ok_or_else(too_many)?;
        let frames = results.iter().map(|(types, rows)| types.iter().map(|ty| block.result(ty, *rows)).collect());
        let frames = frames.collect::<Option<Vec<Vec<_>>>>().ok_or_else(too_many)?;
        let mut groups = [0; 2];
        for (at, list) in groups.iter_mut().zip(call.groups) {
            *at = block.piece(Buffer::from_slice_ref(list)).ok_or_else(too_many)?;
        }
        let base = self.block(u32::try_from(block.bytes).map_err(|_| too_many())?)?;
        // Batches, results, then the columns of all.
        let state_at = base + BATCH_BYTES as u32;
        let output = base + (BATCH_BYTES * batches) as u32;
        let mut at = output + (RESULT_BYTES * results.len()) as u32;
        let memory = self.memory.data_mut(&mut self.instance.store);
        let mut write = |columns: &[Column]| {
            let first = at;
            for column in columns {
                column.write(memory, at, base);
                at += COLUMN_BYTES as u32;
            }
            first
        };
        let args_at = write(&args);
        let state_columns_at = write(&state);
        let frames_at: Vec<u32> = frames.iter().map(|columns| write(columns)).collect();
        write_words(memory, base, &[call.rows as u32, args.len() as u32, args_at, 0]);
        if call.state.is_some() {
            write_words(memory, state_at, &[state_rows as u32, state.len() as u32, state_columns_at, 0]);
        }
        for (i, ((types, rows), columns_at)) in results.iter().zip(frames_at).enumerate() {
            let columns_at = if types.is_empty() { 0 } else { columns_at };
            let result = [columns_at, types.len() as u32, *rows as u32, 0, 0, 0, 0, 0];
            write_words(memory, output + (RESULT_BYTES * i) as u32, &result);
        }
        block.write(memory, base);
        Ok(Placed { input: base, output, state: state_at, groups: groups.map(|at| at + base) })
    }

    /// What a call gave: nothing, or its error.
    pub(crate) fn succeeded(&self, code: u32, placed: &Placed) -> Result<(), Failure> {
        if code == 0 {
            return Ok(());
        }
        let memory = self.bounds();
        let [.., error, bytes, _, _, _] = memory.words::<8>(placed.output)?;
        Err(Failure::wrong(match memory.get("the error text", error, bytes, 1) {
            Ok([]) | Err(_) => format!("it returned the error code {code}"),
            Ok(text) => {
                let text = &text[..text.len().min(MESSAGE_BYTES_MAX)];
                let shown = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
                format!("it says: {}", String::from_utf8_lossy(text).chars().map(shown).collect::<String>())
            }
        }))
    }

    /// The result columns of a call that gave `code`, of `rows` rows.
    pub(crate) fn results(
        &self,
        code: u32,
        placed: &Placed,
        types: &[DataType],
        rows: usize,
    ) -> Result<Vec<ArrayRef>, Failure> {
        self.succeeded(code, placed)?;
        let [_, columns, got, ..] = self.bounds().words::<8>(placed.output)?;
        if (columns as usize, got as usize) != (types.len(), rows) {
            let wanted = types.len();
            let plural = if wanted == 1 { "" } else { "s" };
            return Err(Failure::wrong(format!(
                "it gave {columns} columns of {got} rows for {wanted} column{plural} of {rows} rows"
            )));
        }
        self.columns(placed, types, rows)
    }

    /// The result columns of a call that chooses how many rows it gives, at most `rows_max`; and that number.
    pub(crate) fn results_of_any_length(
        &self,
        code: u32,
        placed: &Placed,
        types: &[DataType],
        rows_max: usize,
    ) -> Result<(usize, Vec<ArrayRef>), Failure> {
        self.succeeded(code, placed)?;
        let [_, columns, rows, ..] = self.bounds().words::<8>(placed.output)?;
        if columns as usize != types.len() {
            let wanted = types.len();
            return Err(Failure::wrong(format!("it gave {columns} columns for {wanted}")));
        }
        let rows = rows as usize;
        if rows > rows_max {
            return Err(Failure::wrong(format!("it gave {rows} rows in one call, {rows_max} are allowed")));
        }
        Ok((rows, self.columns(placed, types, rows)?))
    }

    fn columns(&self, placed: &Placed, types: &[DataType], rows: usize) -> Result<Vec<ArrayRef>, Failure> {
        let memory = self.bounds();
        let [at, ..] = memory.words::<8>(placed.output)?;
        let column = |(i, ty): (usize, &DataType)| {
            let at = at.checked_add((i * COLUMN_BYTES) as u32);
            memory.result(at.ok_or_else(|| Failure::wrong("it gave columns beyond its memory"))?, rows, ty)
        };
        types.iter().enumerate().map(column).collect()
    }

    fn bounds(&self) -> Bounds<'_> {
        let store = &self.instance.store;
        Bounds::new(self.memory.data(store), store.data().guest_bytes_max())
    }

    /// Calls `(address, bytes, out) -> code` with bytes in a block of their own.
    pub(crate) fn give_bytes(
        &mut self,
        function: &TypedFunc<(u32, u32, u32), u32>,
        bytes: &[u8],
        what: &str,
    ) -> Result<(), Failure> {
        let length = u32::try_from(bytes.len()).map_err(|_| Failure::wrong(format!("{what} is too large")))?;
        // A block of no bytes has no address that every allocator can give.
        let block = length.max(1);
        let address = self.allocate(block, what)?;
        let at = address as usize;
        self.memory.data_mut(&mut self.instance.store)[at..at + bytes.len()].copy_from_slice(bytes);
        let placed = self.place(&Call::default())?;
        let code = self.run(function, (address, length, placed.output))?;
        self.succeeded(code, &placed)?;
        self.give_back(address, block)
    }

    /// The block for a call of `size` bytes.
    fn block(&mut self, size: u32) -> Result<u32, Failure> {
        let (address, has) = self.block;
        if has >= size {
            return Ok(address);
        }
        if has > 0 {
            self.block = (0, 0);
            self.give_back(address, has)?;
        }
        let wanted = size.checked_next_power_of_two().unwrap_or(size).max(64 << 10);
        let address = self.allocate(wanted, "a batch")?;
        self.block = (address, wanted);
        Ok(address)
    }

    /// `bytes` bytes of guest memory, aligned to 64.
    pub(crate) fn allocate(&mut self, bytes: u32, what: &str) -> Result<u32, Failure> {
        let alignment = BUFFER_ALIGNMENT as u32;
        let alloc = self.alloc.clone();
        let address = self.run(&alloc, (bytes, alignment))?;
        if address == 0 {
            let limit = bytes_text(self.instance.store.data().guest_bytes_max());
            return Err(Failure::wrong(format!(
                "wm_alloc could not give {bytes} bytes for {what} ('memory.max' is {limit})"
            )));
        }
        let end = address as usize + bytes as usize;
        if address % alignment != 0 || end > self.memory.data_size(&self.instance.store) {
            return Err(Failure::wrong(format!(
                "wm_alloc({bytes}, {alignment}) gave {address}, which is not aligned or ends beyond its memory"
            )));
        }
        Ok(address)
    }

    /// Gives a block of [`Guest::allocate`] back.
    pub(crate) fn give_back(&mut self, address: u32, bytes: u32) -> Result<(), Failure> {
        let free = self.free.clone();
        self.run(&free, (address, bytes, BUFFER_ALIGNMENT as u32))
    }
}

fn typed<P: WasmParams, R: WasmResults>(
    instance: &mut Instance,
    name: &str,
    signature: &str,
) -> Result<TypedFunc<P, R>, Failure> {
    let wrong = |_| Failure::wrong(format!("its export '{name}' is not {signature}"));
    let store: &mut Store<Limits> = &mut instance.store;
    instance.instance.get_typed_func(store, name).map_err(wrong)
}
