//! Reads a module's file: checks that it is a core WebAssembly module that this engine may run, and what it exports.

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmparser::{ExternalKind, FuncType, Parser, Payload, TypeRef, ValType, Validator};

use crate::component;
use crate::descriptor::{self, Description};
use crate::engine::guest_features;
use crate::error::{Error, Result, bytes_text, nearest};
use crate::instance::Instance;
use crate::language;
use crate::options::{FunctionOptions, hex};
use crate::prune::prune;
use crate::wasi;

/// A larger file is refused before it is read.
pub(crate) const MODULE_BYTES_MAX: u64 = 64 << 20;
/// Tables of a guest may have this many elements together.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 1 << 20;
/// The suffix of a column function's export.
pub(crate) const COLUMNS_SUFFIX: &str = "__cols";
/// One export of each function that takes columns ends so.
const KIND_SUFFIXES: [&str; 4] = ["__predict__cols", COLUMNS_SUFFIX, "__acc", "__process"];
/// The other exports of such a function.
const PART_SUFFIXES: [&str; 13] = [
    "__timer",
    "__state_size",
    "__init",
    "__finish",
    "__retract",
    "__merge",
    "__clear",
    "__save",
    "__load",
    "__learn",
    "__snapshot",
    "__restore",
    "__predict_learn__cols",
];
/// Exports that the rewrite adds begin so; a guest's own may not.
pub(crate) const RESERVED_PREFIX: &str = "wasmill:";

/// A module that passed the checks: valid, self-contained, small enough. Or a component.
pub struct Module {
    path: PathBuf,
    bytes: Vec<u8>,
    sha256: [u8; 32],
    pub(crate) types: Vec<FuncType>,
    /// The type index of each function.
    pub(crate) functions: Vec<u32>,
    /// Initial and maximal pages of each memory.
    pub(crate) memories: Vec<(u64, Option<u64>)>,
    pub(crate) exports: Vec<Export>,
    pub(crate) descriptors: Vec<Description>,
    /// What it imported, before the engine gave it that.
    imports: Vec<String>,
    language: Option<&'static str>,
    /// A component instead of a core module: all but the descriptions is empty then.
    pub(crate) component: Option<component::Loaded>,
}

/// One export.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub name: String,
    pub kind: ExternalKind,
    /// Into the index space of its kind.
    pub index: u32,
}

impl Module {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// The file is missing, not WebAssembly, a component, invalid, too large, another one than pinned by `'sha256'`,
    /// imports something, or wants more memory than `'memory.max'`.
    pub fn load(path: &Path, options: &FunctionOptions) -> Result<Self> {
        Self::from_bytes(path, read(path)?, options)
    }

    /// The same for a module in memory; `path` is what messages call it.
    ///
    /// # Errors
    /// As [`Module::load`].
    pub fn from_bytes(path: &Path, bytes: Vec<u8>, options: &FunctionOptions) -> Result<Self> {
        if bytes.len() as u64 > MODULE_BYTES_MAX {
            return Err(too_large(path, bytes.len() as u64));
        }
        if component::is_component(&bytes) {
            let (loaded, descriptors) = component::Loaded::new(path, &bytes, options)?;
            return Ok(Self {
                path: path.to_owned(),
                sha256: loaded.sha256,
                bytes,
                types: Vec::new(),
                functions: Vec::new(),
                memories: Vec::new(),
                exports: Vec::new(),
                descriptors,
                imports: Vec::new(),
                language: None,
                component: Some(loaded),
            });
        }
        check_magic(path, &bytes)?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        check_pinned(path, &sha256, options)?;
        let invalid = |e: wasmparser::BinaryReaderError| {
            let error = Error::new(format!("the module '{}' is not valid WebAssembly", path.display()))
                .detail(format!("{} (at byte {})", e.message(), e.offset()));
            if e.message().contains("unexpected end") || e.message().contains("unexpected eof") {
                return error.hint("the file seems to be cut off; build or copy it again");
            }
            error
        };
        Validator::new_with_features(guest_features()).validate_all(&bytes).map_err(invalid)?;
        let (bytes, imports) = match wasi::satisfy(&bytes).map_err(invalid)? {
            wasi::Imports::None => (bytes, Vec::new()),
            wasi::Imports::Satisfied { module, imports } => (module, imports),
            wasi::Imports::Refused(why) => {
                let refused = Error::new(format!("the module '{}' cannot be used", path.display())).detail(why);
                return Err(refused.hint(
                    "it was built for WASI; build it as a library: -buildmode=c-shared in Go, -mexec-model=reactor in C++",
                ));
            }
        };
        let mut module = Self {
            path: path.to_owned(),
            bytes: Vec::new(),
            sha256,
            types: Vec::new(),
            functions: Vec::new(),
            memories: Vec::new(),
            exports: Vec::new(),
            descriptors: Vec::new(),
            imports,
            language: None,
            component: None,
        };
        module.parse(&bytes).map_err(invalid)??;
        module.bytes = bytes;
        module.check_limits(options)?;
        module.ask(options)?;
        Ok(module)
    }

    fn parse(&mut self, bytes: &[u8]) -> wasmparser::Result<Result<()>> {
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(types) => {
                    for ty in types.into_iter_err_on_gc_types() {
                        self.types.push(ty?);
                    }
                }
                Payload::ImportSection(imports) => {
                    let all = imports.into_imports().collect::<wasmparser::Result<Vec<_>>>()?;
                    if !all.is_empty() {
                        return Ok(Err(self.imports_refused(&all)));
                    }
                }
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        self.functions.push(ty?);
                    }
                }
                Payload::MemorySection(memories) => {
                    for memory in memories {
                        let memory = memory?;
                        self.memories.push((memory.initial, memory.maximum));
                    }
                }
                Payload::TableSection(tables) => {
                    let mut elements = 0u64;
                    for table in tables {
                        elements = elements.saturating_add(table?.ty.initial);
                    }
                    if elements > TABLE_ELEMENTS_MAX as u64 {
                        return Ok(Err(self
                            .refused(format!("its tables have {elements} elements"))
                            .hint(format!("the tables of a module may have {TABLE_ELEMENTS_MAX} elements together"))));
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        let name = export.name.to_owned();
                        self.exports.push(Export { name, kind: export.kind, index: export.index });
                    }
                }
                Payload::CustomSection(section) if section.name() == descriptor::SECTION => {
                    match descriptor::parse(section.data()) {
                        Ok(found) => self.descriptors.extend(found),
                        Err(why) => {
                            return Ok(Err(self.refused(format!(
                                "its own description (custom section '{}') is wrong: {why}",
                                descriptor::SECTION
                            ))));
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    let language = language::of_section(section.name(), section.data(), section.data_offset());
                    self.language = self.language.or(language);
                }
                _ => {}
            }
        }
        let has_log = !self.imports.is_empty();
        let own = |e: &&Export| !(has_log && e.name == wasi::LOG_EXPORT);
        if let Some(e) = self.exports.iter().filter(own).find(|e| e.name.starts_with(RESERVED_PREFIX)) {
            let reserved = self.refused(format!("it exports '{}'", e.name.escape_debug()));
            return Ok(Err(reserved.hint(format!("names that begin with '{RESERVED_PREFIX}' are the engine's own"))));
        }
        Ok(Ok(()))
    }

    fn check_limits(&self, options: &FunctionOptions) -> Result<()> {
        let initial = self.memories.iter().fold(0u64, |sum, (pages, _)| sum.saturating_add(pages << 16));
        if initial > options.memory_bytes_max {
            return Err(Error::new(format!(
                "the module '{}' starts with {} of memory, above 'memory.max'",
                self.path.display(),
                bytes_text(initial)
            ))
            .detail(format!("'memory.max' is {}", bytes_text(options.memory_bytes_max)))
            .hint(format!("add WITH ('memory.max' = '{}MB')", initial.div_ceil(1 << 20))));
        }
        Ok(())
    }

    /// Adds what `wm_describe` says of functions that the section does not describe.
    fn ask(&mut self, options: &FunctionOptions) -> Result<()> {
        let Some((_, ty)) = self.function(descriptor::EXPORT) else { return Ok(()) };
        let expected = FuncType::new([], [ValType::I64]);
        if *ty != expected {
            let (found, name) = (type_text(ty), descriptor::EXPORT);
            return Err(self.refused(format!("its export '{name}' is {found}, it should be {}", type_text(&expected))));
        }
        let wrong = |why: String| format!("its own description (export '{}') is wrong: {why}", descriptor::EXPORT);
        let code = prune(&self.bytes, |name| name == descriptor::EXPORT || name == "_initialize")
            .map_err(wasmtime::Error::from)
            .and_then(|needed| crate::cache::compile(&needed))
            .map_err(|e| self.refused(format!("it cannot be compiled: {e:#}")))?;
        let functions = self.functions.len() as u32;
        let text = Instance::new(&code, 0, functions, options, &Default::default())
            .and_then(|mut instance| instance.text(descriptor::EXPORT, descriptor::TEXT_BYTES_MAX))
            .map_err(|failure| self.refused(wrong(failure.text())))?;
        let all = descriptor::parse(&text).map_err(|why| self.refused(wrong(why)))?;
        let new: Vec<Description> = all.into_iter().filter(|d| self.description(&d.name).is_none()).collect();
        self.descriptors.extend(new);
        Ok(())
    }

    /// Whether it is a component, not a core module.
    pub fn is_component(&self) -> bool {
        self.component.is_some()
    }
    /// Whether a function of that name is exported.
    pub fn exports_function(&self, name: &str) -> bool {
        self.function(name).is_some()
    }
    /// What the module says of one of its functions; `export` is without suffix.
    pub fn description(&self, export: &str) -> Option<&Description> {
        self.descriptors.iter().find(|d| d.name == export)
    }
    /// What the module says of its functions.
    pub fn descriptions(&self) -> &[Description] {
        &self.descriptors
    }

    fn refused(&self, why: String) -> Error {
        Error::new(format!("the module '{}' cannot be used", self.path.display())).detail(why)
    }

    fn imports_refused(&self, imports: &[wasmparser::Import]) -> Error {
        const SHOWN: usize = 5;
        let name = |i: &wasmparser::Import| format!("'{}.{}'", i.module.escape_debug(), i.name.escape_debug());
        let mut names: Vec<String> = imports.iter().take(SHOWN).map(name).collect();
        if imports.len() > SHOWN {
            names.push(format!("{} more", imports.len() - SHOWN));
        }
        let error = Error::new(format!(
            "the module '{}' imports {}, which the engine does not give",
            self.path.display(),
            names.join(", ")
        ));
        let from = |wanted: &str| imports.iter().any(|i| i.module.starts_with(wanted));
        let function_missing = imports.iter().any(|i| matches!(i.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
        if from("wasi") {
            error.hint("it was built for WASI; build it for wasm32-unknown-unknown or wasm32-freestanding")
        } else if from("__wbindgen") || imports.iter().any(|i| i.name.starts_with("__wbg")) {
            error.hint("it was built with wasm-bindgen, which needs JavaScript; build a plain cdylib")
        } else if imports.iter().any(|i| i.name == "abort") {
            error.hint("AssemblyScript's abort is left out with `--use abort=`")
        } else if from("env") && function_missing {
            error.hint("the linker took functions without a definition for imports; link what defines them")
        } else {
            error.hint("a function gets all that it needs by its arguments; build the module without imports")
        }
    }

    /// The language that it was written in, where it says so.
    pub fn language(&self) -> Option<&'static str> {
        self.language
    }
    /// The path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// The module's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// The digest of the file.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
    /// The function of that export, and its type.
    pub(crate) fn function(&self, name: &str) -> Option<(u32, &FuncType)> {
        let export = self.exports.iter().find(|e| e.kind == ExternalKind::Func && e.name == name)?;
        Some((export.index, self.function_type(export.index)))
    }
    /// The type of function `index`.
    pub(crate) fn function_type(&self, index: u32) -> &FuncType {
        &self.types[self.functions[index as usize] as usize]
    }
    /// The names of the exported functions that SQL may use, without the ABI's own.
    pub(crate) fn function_names(&self) -> impl Iterator<Item = &str> {
        self.exports
            .iter()
            .filter(|e| e.kind == ExternalKind::Func)
            .filter(|e| !PART_SUFFIXES.iter().any(|suffix| e.name.ends_with(suffix)))
            .map(|e| KIND_SUFFIXES.iter().find_map(|suffix| e.name.strip_suffix(*suffix)).unwrap_or(&e.name))
            .filter(|name| !name.starts_with("wm_") && !name.starts_with("__") && *name != "_initialize")
    }

    /// What the module holds: for `DESCRIBE`, `wasmill udf inspect` and messages.
    pub fn describe(&self) -> ModuleDescription {
        let described = self.component.iter().flat_map(|_| &self.descriptors).map(|d| FunctionDescription {
            name: d.name.clone(),
            columns: false,
            wasm_type: "component".to_owned(),
        });
        let functions = self
            .exports
            .iter()
            .filter(|e| e.kind == ExternalKind::Func && !e.name.starts_with("wm_") && !e.name.starts_with("__"))
            .map(|e| {
                let ty = self.function_type(e.index);
                match e.name.strip_suffix(COLUMNS_SUFFIX) {
                    Some(name) => {
                        FunctionDescription { name: name.to_owned(), columns: true, wasm_type: type_text(ty) }
                    }
                    None => FunctionDescription { name: e.name.clone(), columns: false, wasm_type: type_text(ty) },
                }
            })
            .chain(described)
            .collect();
        ModuleDescription {
            path: self.path.clone(),
            bytes: self.bytes.len(),
            sha256: hex(&self.sha256),
            memory_bytes: self.memories.iter().map(|(pages, _)| pages << 16).sum(),
            imports: self.imports.clone(),
            functions,
        }
    }
}

/// What [`Module::describe`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleDescription {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: usize,
    /// Its digest, in hexadecimal digits, as `'sha256'` takes it.
    pub sha256: String,
    /// What its memories take at the start.
    pub memory_bytes: u64,
    /// What it imports, which the engine gives without authority.
    pub imports: Vec<String>,
    /// What SQL may call.
    pub functions: Vec<FunctionDescription>,
}

/// An exported function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionDescription {
    /// The name for AS.
    pub name: String,
    /// Whether it takes whole columns.
    pub columns: bool,
    /// Its type, as `(f64, f64) -> f64`.
    pub wasm_type: String,
}

impl fmt::Display for ModuleDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {}, memory {}",
            self.path.display(),
            bytes_text(self.bytes as u64),
            bytes_text(self.memory_bytes)
        )?;
        writeln!(f, "sha256 {}", self.sha256)?;
        for function in &self.functions {
            let way = if function.columns { "columns" } else { "plain" };
            writeln!(f, "  {} {} {way}", function.name, function.wasm_type)?;
        }
        Ok(())
    }
}

/// `(f64, i32) -> f64`.
pub(crate) fn type_text(ty: &FuncType) -> String {
    let list = |types: &[ValType]| types.iter().map(ValType::to_string).collect::<Vec<_>>().join(", ");
    match ty.results() {
        [] => format!("({}) -> nothing", list(ty.params())),
        [one] => format!("({}) -> {one}", list(ty.params())),
        several => format!("({}) -> ({})", list(ty.params()), list(several)),
    }
}

/// Reads a module's or component's file.
///
/// # Errors
/// It is missing, no regular file, or too large.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let cannot = |e: std::io::Error| {
        let e2 = Error::new(format!("cannot read the module '{shown}'")).detail(describe_io(&e));
        match nearest_file(path) {
            Some(near) if e.kind() == std::io::ErrorKind::NotFound => e2.hint(format!("did you mean '{near}'?")),
            _ => e2,
        }
    };
    let metadata = std::fs::metadata(path).map_err(cannot)?;
    if metadata.is_dir() {
        return Err(Error::new(format!("cannot read the module '{shown}'")).detail("it is a directory"));
    }
    if !metadata.is_file() {
        return Err(Error::new(format!("cannot read the module '{shown}'")).detail("it is not a regular file"));
    }
    if metadata.len() > MODULE_BYTES_MAX {
        return Err(too_large(path, metadata.len()));
    }
    std::fs::read(path).map_err(cannot)
}

/// Refuses another file than `'sha256'` names.
pub(crate) fn check_pinned(path: &Path, sha256: &[u8; 32], options: &FunctionOptions) -> Result<()> {
    match options.sha256 {
        Some(pinned) if pinned != *sha256 => {
            Err(Error::new(format!("the module '{}' is not the one that 'sha256' names", path.display()))
                .detail(format!("expected {}, the file has {}", hex(&pinned), hex(sha256))))
        }
        _ => Ok(()),
    }
}

pub(crate) fn too_large(path: &Path, bytes: u64) -> Error {
    Error::new(format!("the module '{}' is too large", path.display()))
        .detail(format!("it has {}, a module may have {}", bytes_text(bytes), bytes_text(MODULE_BYTES_MAX)))
        .hint("build it optimised and without debug information")
}

fn check_magic(path: &Path, bytes: &[u8]) -> Result<()> {
    let not = |what: &str| Error::new(format!("'{}' is not a WebAssembly module", path.display())).detail(what);
    if bytes.is_empty() {
        return Err(not("the file is empty"));
    }
    if !bytes.starts_with(b"\0asm") {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(64)]);
        let start = text.trim_start();
        return Err(if start.starts_with("(module") || start.starts_with(";;") {
            not("it is WebAssembly text")
                .hint("turn it into the binary format first, with wat2wasm or `wasm-tools parse`")
        } else if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"\xcf\xfa\xed\xfe") || bytes.starts_with(b"MZ") {
            not("it holds machine code").hint("build it for a WebAssembly target, such as wasm32-unknown-unknown")
        } else {
            not("it does not begin with the bytes \\0asm")
        });
    }
    match bytes.get(4..8) {
        Some([1, 0, 0, 0]) => Ok(()),
        Some([version, ..]) => Err(not(&format!("it has version {version} of the binary format; version 1 is known"))),
        _ => Err(not("the file is cut off within its first 8 bytes")),
    }
}

fn describe_io(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => e.to_string(),
    }
}

/// A `.wasm` file beside a missing one with nearly its name.
fn nearest_file(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .take(1000)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".wasm"))
        .collect();
    let wanted = path.file_stem()?.to_str()?;
    let stems = names.iter().map(|name| name.trim_end_matches(".wasm"));
    let near = nearest(wanted, stems)?;
    Some(path.with_file_name(format!("{near}.wasm")).display().to_string())
}
