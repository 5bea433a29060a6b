//! A guest at work: one store and instance with its limits and deadline, and what is said when it fails.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{ResourceLimiter, Store, Trap, WasmBacktrace};

use crate::engine::{EPOCH_TICK, shared};
use crate::error::bytes_text;
use crate::module::TABLE_ELEMENTS_MAX;
use crate::options::FunctionOptions;
use crate::usage::Usage;
use crate::wasi;

/// A guest's frames that a message shows.
const FRAMES_SHOWN: usize = 6;
/// What a message shows of a guest's own output.
const LOGGED_CHARS_MAX: usize = 300;
/// Tables and memories of one core instance, the arena included.
const TABLES_MAX: usize = 8;
const MEMORIES_MAX: usize = 10;

/// One instance. Thrown away after any failure: its memory may be in any state.
pub(crate) struct Instance {
    pub store: Store<Limits>,
    pub instance: wasmtime::Instance,
    timeout: Duration,
    /// Functions from this index on are the engine's own, and not shown.
    guest_functions: u32,
    /// Where a module built for WASI writes its output.
    log: Option<wasmtime::Memory>,
}

/// Why a guest's call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For the user, lower case.
    pub reason: String,
    /// The guest's functions, innermost first.
    pub frames: Vec<String>,
    /// Whether the time ran out.
    pub timed_out: bool,
}

impl Failure {
    /// The guest did not keep to the ABI.
    pub(crate) fn wrong(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), frames: Vec::new(), timed_out: false }
    }
    /// Reason and where.
    pub(crate) fn text(&self) -> String {
        if self.frames.is_empty() {
            return self.reason.clone();
        }
        format!("{}, in {}", self.reason, self.frames.join(", called by "))
    }
}

impl Instance {
    /// Instantiates, and runs the start function and `_initialize` if there are such.
    pub(crate) fn new(
        module: &wasmtime::Module,
        arena_bytes: u64,
        guest_functions: u32,
        options: &FunctionOptions,
        usage: &Arc<Usage>,
    ) -> Result<Self, Failure> {
        let limits = Limits::new(options, arena_bytes, 1, usage);
        let mut store = Store::new(&shared().engine, limits);
        store.limiter(|limits| limits);
        store.epoch_deadline_trap();
        store.set_epoch_deadline(ticks(options.timeout));
        let instance = match wasmtime::Instance::new(&mut store, module, &[]) {
            Ok(instance) => instance,
            Err(e) => return Err(failure(&e, store.data(), options.timeout, guest_functions)),
        };
        let log = instance.get_memory(&mut store, wasi::LOG_EXPORT);
        let mut this = Self { store, instance, timeout: options.timeout, guest_functions, log };
        if let Ok(initialize) = this.instance.get_typed_func::<(), ()>(&mut this.store, "_initialize") {
            initialize.call(&mut this.store, ()).map_err(|e| this.failure(&e))?;
        }
        Ok(this)
    }

    /// The text that an export `() -> i64` gives, length above address, in the memory `memory`.
    pub(crate) fn text(&mut self, export: &str, bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let wrong = |why: &str| Failure::wrong(format!("'{export}' {why}"));
        let function = self.instance.get_typed_func::<(), u64>(&mut self.store, export);
        let function = function.map_err(|_| wrong("is not () -> i64"))?;
        let packed = function.call(&mut self.store, ()).map_err(|e| self.failure(&e))?;
        let memory = self.instance.get_memory(&mut self.store, "memory");
        let memory = memory.ok_or_else(|| wrong("needs the module's memory, exported as 'memory'"))?;
        let (address, bytes) = (packed as u32 as usize, (packed >> 32) as usize);
        if bytes > bytes_max {
            return Err(wrong(&format!("gave {bytes} bytes, more than {bytes_max}")));
        }
        let text = memory.data(&self.store).get(address..address + bytes);
        Ok(text.ok_or_else(|| wrong("gave a text beyond the end of its memory"))?.to_vec())
    }

    /// Starts the clock of what comes next; `None` for the function's own limit.
    pub(crate) fn arm(&mut self, timeout: Option<Duration>) {
        self.store.set_epoch_deadline(ticks(timeout.unwrap_or(self.timeout)));
        if let Some(log) = self.log {
            log.data_mut(&mut self.store)[..4].fill(0);
        }
    }

    /// What an error of wasmtime's means to the user.
    pub(crate) fn failure(&self, e: &wasmtime::Error) -> Failure {
        let mut failure = failure(e, self.store.data(), self.timeout, self.guest_functions);
        if let Some(text) = self.log.and_then(|log| logged(log.data(&self.store))) {
            failure.reason.push_str(&format!("; it wrote: {text}"));
        }
        failure
    }
}

/// The last output of a module built for WASI, in one line.
fn logged(log: &[u8]) -> Option<String> {
    let (bytes, text) = log.split_first_chunk::<4>()?;
    let bytes = (u32::from_le_bytes(*bytes) as usize).min(wasi::LOG_BYTES_MAX as usize);
    let text = String::from_utf8_lossy(&text[..bytes]);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = line.chars().take(LOGGED_CHARS_MAX).flat_map(char::escape_debug).collect();
    (!shown.is_empty()).then_some(shown)
}

/// A deadline in epochs: the current one is already running.
pub(crate) fn ticks(timeout: Duration) -> u64 {
    timeout.as_millis().div_ceil(EPOCH_TICK.as_millis()) as u64 + 1
}

pub(crate) fn failure(e: &wasmtime::Error, limits: &Limits, timeout: Duration, guest_functions: u32) -> Failure {
    let trap = e.downcast_ref::<Trap>();
    let mut reason = match trap {
        Some(Trap::Interrupt) => format!("it ran longer than 'timeout' = '{} ms' allows a batch", timeout.as_millis()),
        Some(Trap::StackOverflow) => "call stack exhausted".to_owned(),
        Some(Trap::UnreachableCodeReached) => {
            "the code gave up (wasm `unreachable`: a panic, a failed assertion or abort)".to_owned()
        }
        Some(Trap::IntegerDivisionByZero) => "integer division by zero".to_owned(),
        Some(trap) => trap.to_string().trim_start_matches("wasm trap: ").to_owned(),
        None => e.root_cause().to_string(),
    };
    if let Some(denied) = &limits.denied {
        reason.push_str("; before that, ");
        reason.push_str(denied);
    }
    let frames = e.downcast_ref::<WasmBacktrace>().map_or(Vec::new(), |b| frames(b, guest_functions));
    Failure { reason, frames, timed_out: matches!(trap, Some(Trap::Interrupt)) }
}

/// The guest's functions by their own names, innermost first.
fn frames(backtrace: &WasmBacktrace, guest_functions: u32) -> Vec<String> {
    // Only the text of the backtrace has names without the compiler's mangling: "  0:  0x2a - module!name", a line each.
    let text = backtrace.to_string();
    let lines = text.lines().filter(|line| line.contains(" - "));
    let mut names: Vec<String> = backtrace
        .frames()
        .iter()
        .zip(lines)
        .filter(|(frame, _)| frame.func_index() < guest_functions)
        .map(|(_, line)| line.split_once('!').map_or(line, |(_, name)| name).trim().to_owned())
        .collect();
    if names.len() > FRAMES_SHOWN {
        let left_out = names.len() - FRAMES_SHOWN;
        names.truncate(FRAMES_SHOWN);
        names.push(format!("{left_out} more"));
    }
    names
}

/// The memory and table caps of one store.
pub(crate) struct Limits {
    memory_bytes: usize,
    memory_bytes_max: usize,
    /// The part that is the engine's own.
    arena_bytes: u64,
    table_elements: usize,
    /// What was refused last, for the message of the trap that mostly follows.
    denied: Option<String>,
    instances_max: usize,
    usage: Arc<Usage>,
}

impl Limits {
    /// Of a store with so many instances, in which `arena_bytes` of memory are the engine's own.
    pub(crate) fn new(options: &FunctionOptions, arena_bytes: u64, instances_max: usize, usage: &Arc<Usage>) -> Self {
        Self {
            memory_bytes: 0,
            memory_bytes_max: (options.memory_bytes_max + arena_bytes) as usize,
            arena_bytes,
            table_elements: 0,
            denied: None,
            instances_max,
            usage: usage.clone(),
        }
    }
    /// What the guest's own memories may take.
    pub(crate) fn guest_bytes_max(&self) -> u64 {
        (self.memory_bytes_max as u64).saturating_sub(self.arena_bytes)
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.memory_bytes.saturating_sub(current).saturating_add(desired);
        if wanted > self.memory_bytes_max {
            let shown = |bytes: usize| bytes_text((bytes as u64).saturating_sub(self.arena_bytes));
            self.denied = Some(format!(
                "it was refused more memory: {} wanted, 'memory.max' is {}",
                shown(wanted),
                shown(self.memory_bytes_max)
            ));
            return Ok(false);
        }
        self.memory_bytes = wanted;
        self.usage.memory_reached((wanted as u64).saturating_sub(self.arena_bytes));
        Ok(true)
    }
    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.table_elements.saturating_sub(current).saturating_add(desired);
        if wanted > TABLE_ELEMENTS_MAX {
            self.denied =
                Some(format!("it was refused a larger table: {wanted} elements, {TABLE_ELEMENTS_MAX} allowed"));
            return Ok(false);
        }
        self.table_elements = wanted;
        Ok(true)
    }
    fn instances(&self) -> usize {
        self.instances_max
    }
    fn tables(&self) -> usize {
        TABLES_MAX * self.instances_max
    }
    fn memories(&self) -> usize {
        MEMORIES_MAX * self.instances_max
    }
}
