//! Modules built for WASI: what their language's runtime imports is put into the module itself, as functions that give no
//! authority. Nothing is left to import, so that all else treats such a module like any other.
//!
//! ```text
//! before:  imports clock_time_get, fd_write, …; functions from n on
//! after:   functions 0 to n - 1 are the stubs below; all indices stay; a memory more, the log
//!
//! clock     2000-01-01, and a microsecond more at each look; sleeping moves it      random   always the same numbers
//! output    into the log, which a failure's message shows                           exit     traps
//! files, directories, sockets, arguments, environment: there are none
//! ```
//!
//! Go and C++ need this much to start (ten functions for Go). A program with a `main` is refused: there is nothing to call.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    InstructionSink, MemArg, MemorySection, MemoryType, Module as Encoder, RawSection, SectionId, ValType,
};
use wasmparser::{FuncType, Parser, Payload, TypeRef};

use crate::rewrite::{append, section_items};

/// The module that the imports are from.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";
/// The export of the added memory: the number of bytes, then the bytes.
pub(crate) const LOG_EXPORT: &str = "wasmill:log";
/// What the log keeps; it starts anew when it is full.
pub(crate) const LOG_BYTES_MAX: u32 = 4096;

const CLOCK_START_NANOS: i64 = 946_684_800_000_000_000;
const SEED: i64 = 0x5DEE_CE66_D1CE_4E5B;

const BAD_DESCRIPTOR: i32 = 8;
const INVALID: i32 = 28;
const NOT_SUPPORTED: i32 = 58;
const NOT_CAPABLE: i32 = 76;

/// What a stub does.
#[derive(Clone, Copy)]
enum Does {
    /// Gives this error number.
    Gives(i32),
    /// Stores two zeros, each at the address that an argument names.
    CountsNothing,
    ReadsClock,
    ReadsResolution,
    GivesRandom,
    Writes,
    Polls,
    Exits,
}

/// A function of WASI: parameters as letters, i for i32 and l for i64; the result is an error number but for `Exits`.
fn stub(name: &str) -> Option<(&'static str, Does)> {
    use Does::*;
    Some(match name {
        "args_get" | "environ_get" => ("ii", Gives(0)),
        "args_sizes_get" | "environ_sizes_get" => ("ii", CountsNothing),
        "clock_res_get" => ("ii", ReadsResolution),
        "clock_time_get" => ("ili", ReadsClock),
        "random_get" => ("ii", GivesRandom),
        "sched_yield" => ("", Gives(0)),
        "poll_oneoff" => ("iiii", Polls),
        "proc_exit" => ("i", Exits),
        "proc_raise" => ("i", Gives(NOT_SUPPORTED)),
        "fd_write" => ("iiii", Writes),
        "fd_advise" => ("illi", Gives(BAD_DESCRIPTOR)),
        "fd_allocate" | "fd_fdstat_set_rights" => ("ill", Gives(BAD_DESCRIPTOR)),
        "fd_close" | "fd_datasync" | "fd_sync" => ("i", Gives(BAD_DESCRIPTOR)),
        "fd_fdstat_get" | "fd_fdstat_set_flags" | "fd_filestat_get" | "fd_prestat_get" | "fd_renumber" | "fd_tell" => {
            ("ii", Gives(BAD_DESCRIPTOR))
        }
        "fd_filestat_set_size" => ("il", Gives(BAD_DESCRIPTOR)),
        "fd_filestat_set_times" => ("illi", Gives(BAD_DESCRIPTOR)),
        "fd_pread" | "fd_pwrite" | "fd_readdir" => ("iiili", Gives(BAD_DESCRIPTOR)),
        "fd_prestat_dir_name" => ("iii", Gives(BAD_DESCRIPTOR)),
        "fd_read" => ("iiii", Gives(BAD_DESCRIPTOR)),
        "fd_seek" => ("ilii", Gives(BAD_DESCRIPTOR)),
        "path_create_directory" | "path_remove_directory" | "path_unlink_file" => ("iii", Gives(NOT_CAPABLE)),
        "path_filestat_get" | "path_symlink" => ("iiiii", Gives(NOT_CAPABLE)),
        "path_filestat_set_times" => ("iiiilli", Gives(NOT_CAPABLE)),
        "path_link" => ("iiiiiii", Gives(NOT_CAPABLE)),
        "path_open" => ("iiiiillii", Gives(NOT_CAPABLE)),
        "path_readlink" | "path_rename" => ("iiiiii", Gives(NOT_CAPABLE)),
        "sock_accept" => ("iii", Gives(BAD_DESCRIPTOR)),
        "sock_recv" => ("iiiiii", Gives(BAD_DESCRIPTOR)),
        "sock_send" => ("iiiii", Gives(BAD_DESCRIPTOR)),
        "sock_shutdown" => ("ii", Gives(BAD_DESCRIPTOR)),
        _ => return None,
    })
}

/// What a module imports, and whether that can be given to it.
pub(crate) enum Imports {
    /// Nothing of WASI: the module stays as it is.
    None,
    /// Only functions of WASI: the module without imports, and their names.
    Satisfied { module: Vec<u8>, imports: Vec<String> },
    /// Functions of WASI, but the module cannot be used for this reason.
    Refused(String),
}

/// Gives a valid module what it imports from WASI. A module that imports anything else too is left to the caller.
pub(crate) fn satisfy(bytes: &[u8]) -> wasmparser::Result<Imports> {
    let mut types: Vec<FuncType> = Vec::new();
    let mut imported: Vec<(u32, Does)> = Vec::new();
    let mut imports: Vec<String> = Vec::new();
    let (mut memories, mut globals, mut program, mut reactor) = (0, 0, false, false);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::TypeSection(section) => {
                types = section.into_iter_err_on_gc_types().collect::<wasmparser::Result<_>>()?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let TypeRef::Func(ty) = import.ty else { return Ok(Imports::None) };
                    if import.module != MODULE {
                        return Ok(Imports::None);
                    }
                    let refused = |why: &str| {
                        Ok(Imports::Refused(format!("it imports '{MODULE}.{}', {why}", import.name.escape_debug())))
                    };
                    let Some((parameters, does)) = stub(import.name) else {
                        return refused("which is no function of WASI preview 1");
                    };
                    if types[ty as usize] != signature(parameters, does) {
                        return refused("with another type than WASI gives it");
                    }
                    imported.push((ty, does));
                    imports.push(format!("{MODULE}.{}", import.name));
                }
            }
            Payload::MemorySection(section) => memories = section.count(),
            Payload::GlobalSection(section) => globals = section.count(),
            Payload::ExportSection(section) => {
                for export in section {
                    let name = export?.name;
                    program |= name == "_start";
                    reactor |= name == "_initialize";
                    if name == LOG_EXPORT {
                        return Ok(Imports::Refused(format!("it exports '{LOG_EXPORT}', which is the engine's own")));
                    }
                }
            }
            _ => {}
        }
    }
    if imported.is_empty() {
        return Ok(Imports::None);
    }
    if program && !reactor {
        return Ok(Imports::Refused(format!("it imports '{MODULE}' and is a program that runs once, with '_start'")));
    }
    if memories == 0 {
        return Ok(Imports::Refused(format!("it imports '{MODULE}' and has no memory")));
    }
    let site = Site { log: memories, clock: globals, seed: globals + 1 };
    Ok(Imports::Satisfied { module: rewrite(bytes, &imported, &site)?, imports })
}

fn signature(parameters: &str, does: Does) -> FuncType {
    let parameters = parameters.chars().map(|c| match c {
        'l' => wasmparser::ValType::I64,
        _ => wasmparser::ValType::I32,
    });
    match does {
        Does::Exits => FuncType::new(parameters, []),
        _ => FuncType::new(parameters, [wasmparser::ValType::I32]),
    }
}

/// The indices of what is added.
struct Site {
    log: u32,
    clock: u32,
    seed: u32,
}

/// Writes the module anew: imports become the first functions.
fn rewrite(bytes: &[u8], imported: &[(u32, Does)], site: &Site) -> wasmparser::Result<Vec<u8>> {
    let mut functions = FunctionSection::new();
    let mut codes = CodeSection::new();
    for (ty, does) in imported {
        functions.function(*ty);
        codes.function(&body(*does, site));
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: false, page_size_log2: None });
    let mut globals = GlobalSection::new();
    for value in [CLOCK_START_NANOS, SEED] {
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i64_const(value));
    }
    let mut exports = ExportSection::new();
    exports.export(LOG_EXPORT, ExportKind::Memory, site.log);

    let mut encoder = Encoder::new();
    let mut globals_written = false;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        let Some((id, range)) = payload.as_section() else { continue };
        let is = |section: SectionId| id == section as u8;
        if is(SectionId::Import) {
            continue;
        }
        // The order of sections: …, memory, tag, global, export, start, element, data count, code, data.
        let before_globals =
            [SectionId::Type, SectionId::Function, SectionId::Table, SectionId::Memory, SectionId::Tag];
        if !globals_written
            && !before_globals.iter().any(|s| is(*s))
            && !is(SectionId::Custom)
            && !is(SectionId::Global)
        {
            globals_written = true;
            encoder.section(&globals);
        }
        let content = &bytes[range];
        let joined = if is(SectionId::Function) {
            append(&section_items(&functions), content)?
        } else if is(SectionId::Code) {
            append(&section_items(&codes), content)?
        } else if is(SectionId::Memory) {
            append(content, &section_items(&memories))?
        } else if is(SectionId::Global) {
            globals_written = true;
            append(content, &section_items(&globals))?
        } else if is(SectionId::Export) {
            append(content, &section_items(&exports))?
        } else {
            encoder.section(&RawSection { id, data: content });
            continue;
        };
        encoder.section(&RawSection { id, data: &joined });
    }
    Ok(encoder.finish())
}

fn at(offset: u64) -> MemArg {
    MemArg { offset, align: 0, memory_index: 0 }
}

fn body(does: Does, site: &Site) -> Function {
    match does {
        Does::Gives(number) => code([], |mut s| {
            s.i32_const(number);
        }),
        Does::CountsNothing => code([], |mut s| {
            s.local_get(0).i32_const(0).i32_store(at(0));
            s.local_get(1).i32_const(0).i32_store(at(0));
            s.i32_const(0);
        }),
        Does::ReadsResolution => code([], |mut s| {
            s.local_get(1).i64_const(1000).i64_store(at(0)).i32_const(0);
        }),
        Does::ReadsClock => code([], |mut s| {
            s.global_get(site.clock).i64_const(1000).i64_add().global_set(site.clock);
            s.local_get(2).global_get(site.clock).i64_store(at(0)).i32_const(0);
        }),
        Does::Exits => code([], |mut s| {
            s.unreachable();
        }),
        Does::GivesRandom => random(site),
        Does::Writes => write(site),
        Does::Polls => poll(site),
    }
}

fn code<const N: usize>(locals: [ValType; N], write: impl FnOnce(InstructionSink<'_>)) -> Function {
    let mut function = Function::new_with_locals_types(locals);
    let mut bytes = Vec::new();
    write(InstructionSink::new(&mut bytes));
    function.raw(bytes);
    function.instructions().end();
    function
}

/// `random_get(address, bytes)`: Marsaglia's xorshift64, a byte of each number.
fn random(site: &Site) -> Function {
    let (address, bytes) = (0, 1);
    code([], |mut s| {
        s.block(BlockType::Empty).loop_(BlockType::Empty);
        s.local_get(bytes).i32_eqz().br_if(1);
        for (shift, left) in [(13, true), (7, false), (17, true)] {
            s.global_get(site.seed).global_get(site.seed).i64_const(shift);
            if left { s.i64_shl() } else { s.i64_shr_u() }.i64_xor().global_set(site.seed);
        }
        s.local_get(address).global_get(site.seed).i64_store8(at(0));
        s.local_get(address).i32_const(1).i32_add().local_set(address);
        s.local_get(bytes).i32_const(1).i32_sub().local_set(bytes);
        s.br(0).end().end().i32_const(0);
    })
}

/// `fd_write(descriptor, pieces, count, written)` for the descriptors 1 and 2.
fn write(site: &Site) -> Function {
    let (descriptor, pieces, count, written) = (0, 1, 2, 3);
    let (total, bytes, has) = (4, 5, 6);
    let log = |offset: u64| MemArg { offset, align: 0, memory_index: site.log };
    let max = LOG_BYTES_MAX as i32;
    code([ValType::I32; 3], |mut s| {
        s.local_get(descriptor).i32_const(1).i32_sub().i32_const(1).i32_gt_u().if_(BlockType::Empty);
        s.i32_const(BAD_DESCRIPTOR).return_().end();
        s.block(BlockType::Empty).loop_(BlockType::Empty);
        s.local_get(count).i32_eqz().br_if(1);
        s.local_get(pieces).i32_load(at(4)).local_tee(bytes).local_get(total).i32_add().local_set(total);
        // At most a log full of this piece, and from the start where it does not fit behind what is there.
        s.local_get(bytes).i32_const(max).local_get(bytes).i32_const(max).i32_lt_u().select().local_set(bytes);
        s.i32_const(0).i32_const(0).i32_load(log(0)).i32_const(0).i32_load(log(0)).local_get(bytes).i32_add();
        s.i32_const(max).i32_gt_u().select().local_set(has);
        s.local_get(has).i32_const(4).i32_add().local_get(pieces).i32_load(at(0)).local_get(bytes);
        s.memory_copy(site.log, 0);
        s.i32_const(0).local_get(has).local_get(bytes).i32_add().i32_store(log(0));
        s.local_get(pieces).i32_const(8).i32_add().local_set(pieces);
        s.local_get(count).i32_const(1).i32_sub().local_set(count);
        s.br(0).end().end();
        s.local_get(written).local_get(total).i32_store(at(0)).i32_const(0);
    })
}

/// `poll_oneoff(subscriptions, events, count, written)`: every one is answered at once, clocks after the time that they wait for.
fn poll(site: &Site) -> Function {
    let (subscription, event, count, written) = (0, 1, 2, 3);
    let left = 4;
    code([ValType::I32], |mut s| {
        s.local_get(count).local_tee(left).i32_eqz().if_(BlockType::Empty).i32_const(INVALID).return_().end();
        s.loop_(BlockType::Empty);
        s.local_get(event).local_get(subscription).i64_load(at(0)).i64_store(at(0));
        s.local_get(event).i64_const(0).i64_store(at(8));
        s.local_get(event).i64_const(0).i64_store(at(16));
        s.local_get(event).i64_const(0).i64_store(at(24));
        s.local_get(event).local_get(subscription).i32_load8_u(at(8)).i32_store8(at(10));
        s.local_get(subscription).i32_load8_u(at(8)).i32_eqz().if_(BlockType::Empty);
        // A time to wait is added; a time of day becomes the clock, unless it is past.
        s.local_get(subscription).i32_load16_u(at(40)).i32_const(1).i32_and().if_(BlockType::Empty);
        s.local_get(subscription).i64_load(at(24)).global_get(site.clock);
        s.local_get(subscription).i64_load(at(24)).global_get(site.clock).i64_gt_u().select().global_set(site.clock);
        s.else_();
        s.local_get(subscription).i64_load(at(24)).global_get(site.clock).i64_add().global_set(site.clock);
        s.end().else_();
        s.local_get(event).i32_const(BAD_DESCRIPTOR).i32_store16(at(8)).end();
        s.local_get(subscription).i32_const(48).i32_add().local_set(subscription);
        s.local_get(event).i32_const(32).i32_add().local_set(event);
        s.local_get(left).i32_const(1).i32_sub().local_tee(left).br_if(0).end();
        s.local_get(written).local_get(count).i32_store(at(0)).i32_const(0);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wat(imports: &str, rest: &str) -> Imports {
        satisfy(&wat::parse_str(format!("(module {imports} (memory 1) {rest})")).unwrap()).unwrap()
    }

    #[test]
    fn every_stub_is_valid_code() {
        let names = [
            "args_get",
            "args_sizes_get",
            "clock_res_get",
            "clock_time_get",
            "environ_get",
            "environ_sizes_get",
            "fd_advise",
            "fd_allocate",
            "fd_close",
            "fd_datasync",
            "fd_fdstat_get",
            "fd_fdstat_set_flags",
            "fd_fdstat_set_rights",
            "fd_filestat_get",
            "fd_filestat_set_size",
            "fd_filestat_set_times",
            "fd_pread",
            "fd_prestat_dir_name",
            "fd_prestat_get",
            "fd_pwrite",
            "fd_read",
            "fd_readdir",
            "fd_renumber",
            "fd_seek",
            "fd_sync",
            "fd_tell",
            "fd_write",
            "path_create_directory",
            "path_filestat_get",
            "path_filestat_set_times",
            "path_link",
            "path_open",
            "path_readlink",
            "path_remove_directory",
            "path_rename",
            "path_symlink",
            "path_unlink_file",
            "poll_oneoff",
            "proc_exit",
            "proc_raise",
            "random_get",
            "sched_yield",
            "sock_accept",
            "sock_recv",
            "sock_send",
            "sock_shutdown",
        ];
        let imports: String = names
            .iter()
            .map(|name| {
                let (parameters, does) = stub(name).unwrap();
                let params: String = parameters.chars().map(|c| if c == 'l' { " i64" } else { " i32" }).collect();
                let params = if params.is_empty() { params } else { format!("(param{params})") };
                let result = if matches!(does, Does::Exits) { "" } else { "(result i32)" };
                format!("(import \"{MODULE}\" \"{name}\" (func {params} {result}))")
            })
            .collect();
        for rest in ["", "(global (mut i32) (i32.const 7)) (func (export \"f\") (result i32) (global.get 0))"] {
            let Imports::Satisfied { module, imports } = wat(&imports, rest) else { panic!("satisfied") };
            assert_eq!(imports.len(), names.len());
            wasmparser::Validator::new_with_features(crate::engine::guest_features()).validate_all(&module).unwrap();
        }
    }

    #[test]
    fn what_is_left_to_others() {
        assert!(matches!(wat("", ""), Imports::None));
        assert!(matches!(wat("(import \"env\" \"sin\" (func))", ""), Imports::None));
        let write = format!("(import \"{MODULE}\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))");
        assert!(matches!(wat(&write, "(func (export \"_start\"))"), Imports::Refused(why) if why.contains("'_start'")));
        let other = format!("(import \"{MODULE}\" \"fd_write\" (func))");
        assert!(matches!(wat(&other, ""), Imports::Refused(why) if why.contains("another type")));
        let other = format!("(import \"{MODULE}\" \"launch\" (func))");
        assert!(matches!(wat(&other, ""), Imports::Refused(why) if why.contains("no function of WASI")));
    }
}
