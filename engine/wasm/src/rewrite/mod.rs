//! Adds to a module the loop that runs one of its functions over columns, so that the host calls once a batch.
//!
//! ```text
//! before:  risk: (f64, f64) -> f64                     memory 0: the guest's
//! after:   the same, and                               memory n: the arena, min = max
//!          wasmill:loop: (row, end) -> next row        reads arguments from the arena, runs the body of risk,
//!                                                      makes NaN canonical, writes the result to the arena
//! ```
//!
//! The guest's own code was validated before the arena existed, so that none of its instructions can address it. Indices
//! of types, functions and memories stay as they are because everything is added at the end.

mod body;
mod emit;
pub(crate) mod layout;
mod vector;

use std::ops::Range;

use wasm_encoder::{
    CodeSection, Encode, ExportKind, ExportSection, FunctionSection, MemorySection, MemoryType, Module as Encoder,
    RawSection, SectionId, TypeSection, ValType,
};
use wasmparser::{FunctionBody, Parser, Payload};

use crate::module::Module;
use body::Body;
use layout::Layout;

/// The export of the added loop.
pub(crate) const LOOP_EXPORT: &str = "wasmill:loop";
/// The export of the arena.
pub(crate) const ARENA_EXPORT: &str = "wasmill:arena";
/// The guest's first memory, whatever the guest calls it; present where texts are passed.
pub(crate) const MEMORY_EXPORT: &str = "wasmill:memory";
const WASM_PAGE_BYTES: u32 = 64 << 10;

/// The module with its loop.
pub(crate) struct Rewritten {
    pub bytes: Vec<u8>,
    /// How the function is run.
    pub shape: Shape,
    /// Whether it may be run on any rows, NULL arguments included; then the loop also runs up to `UNROLL_MAX - 1` rows
    /// beyond `end`.
    pub total: bool,
}

/// How the added loop runs the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Two rows at a time by SIMD instructions, so many pairs in a turn.
    Vector(u32),
    /// The body inlined, so many times in a turn.
    Inline(u32),
    /// A call a row: the body is large or recursive.
    Call,
}

/// What may be left out, to compare ways in tests and benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// A plain call in the loop.
    Call,
    /// Inlined and unrolled.
    Inline,
    /// All that is known.
    Full,
}

/// Writes the module anew. `module` has passed [`Module::load`]: it is valid and imports nothing.
pub(crate) fn rewrite(
    module: &Module,
    function: u32,
    layout: &Layout,
    effort: Effort,
) -> wasmparser::Result<Rewritten> {
    let bytes = module.bytes();
    let body = function_body(bytes, function)?;
    let body = Body::scan(&body, function, bytes)?;
    let function_type = module.function_type(function);
    let site = emit::Site {
        function,
        params: function_type.params(),
        results: function_type.results(),
        arena: module.memories.len() as u32,
        // The type of the loop comes first, then that of a block with the function's results.
        block_type: module.types.len() as u32 + 1,
        layout,
    };
    let (code, shape) = emit::emit(&site, &body, bytes, effort);

    let mut types = TypeSection::new();
    types.ty().function([ValType::I32, ValType::I32], [ValType::I32]);
    types.ty().function([], function_type.results().iter().map(|t| emit::val_type(*t)));
    let mut functions = FunctionSection::new();
    functions.function(module.types.len() as u32);
    let pages = u64::from(layout.bytes.div_ceil(WASM_PAGE_BYTES));
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: pages,
        maximum: Some(pages),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export(LOOP_EXPORT, ExportKind::Func, module.functions.len() as u32);
    exports.export(ARENA_EXPORT, ExportKind::Memory, site.arena);
    if site.arena > 0 {
        exports.export(MEMORY_EXPORT, ExportKind::Memory, 0);
    }
    let mut codes = CodeSection::new();
    codes.raw(&code);

    let mut encoder = Encoder::new();
    let mut memory_written = false;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let Payload::CustomSection(section) = &payload {
            // Only the names of functions are of use, for backtraces.
            if section.name() == "name" {
                encoder.section(&RawSection { id: SectionId::Custom as u8, data: &bytes[section.range()] });
            }
            continue;
        }
        let Some((id, range)) = payload.as_section() else { continue };
        let is = |section: SectionId| id == section as u8;
        if !memory_written
            && !(is(SectionId::Type) || is(SectionId::Function) || is(SectionId::Table) || is(SectionId::Memory))
        {
            memory_written = true;
            encoder.section(&memories);
        }
        let addition = if is(SectionId::Type) {
            Some(section_items(&types))
        } else if is(SectionId::Function) {
            Some(section_items(&functions))
        } else if is(SectionId::Memory) {
            memory_written = true;
            Some(section_items(&memories))
        } else if is(SectionId::Export) {
            Some(section_items(&exports))
        } else if is(SectionId::Code) {
            Some(section_items(&codes))
        } else {
            None
        };
        let joined;
        let data = match addition {
            Some(addition) => {
                joined = append(&bytes[range], &addition)?;
                &joined[..]
            }
            None => &bytes[range],
        };
        encoder.section(&RawSection { id, data });
    }
    Ok(Rewritten { bytes: encoder.finish(), shape, total: body.total })
}

fn function_body(bytes: &[u8], function: u32) -> wasmparser::Result<FunctionBody<'_>> {
    let mut index = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::CodeSectionEntry(body) = payload? {
            if index == function {
                return Ok(body);
            }
            index += 1;
        }
    }
    unreachable!("a valid module has a body for each of its functions")
}

/// A section's content: its count of items and the items.
pub(crate) fn section_items(section: &impl Encode) -> Vec<u8> {
    let mut encoded = Vec::new();
    section.encode(&mut encoded);
    // The size of the content comes before it.
    let (_, range) = leb_u32(&encoded);
    encoded.split_off(range.end)
}

/// `items` with those of `more` behind them, both with their counts.
pub(crate) fn append(items: &[u8], more: &[u8]) -> wasmparser::Result<Vec<u8>> {
    let (count, at) = leb_u32(items);
    let (added, more_at) = leb_u32(more);
    let mut joined = Vec::with_capacity(items.len() + more.len() + 5);
    (count + added).encode(&mut joined);
    joined.extend_from_slice(&items[at.end..]);
    joined.extend_from_slice(&more[more_at.end..]);
    Ok(joined)
}

/// The number at the front, and its bytes.
fn leb_u32(bytes: &[u8]) -> (u32, Range<usize>) {
    let mut value = 0u32;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return (value, 0..i + 1);
        }
    }
    unreachable!("the module was validated")
}
