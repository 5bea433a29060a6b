//! Compiled code, kept in the process and in a folder of our own, so that a module is compiled once.
//!
//! ```text
//! ~/.cache/wasmill/wasm/KEY.code        KEY = SHA-256(engine hash, module)
//!   "WMCODE1\n" | KEY (32 bytes) | SHA-256 of the code (32 bytes) | code as wasmtime serialises it
//! ```
//!
//! Loading machine code is trusting it. A file is loaded only from this folder, if nobody but its owner may write to
//! either, and if key and digest are right; otherwise it is compiled anew. A user can never name such a file.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use wasmtime::Module;

use crate::descriptor;
use crate::engine;
use crate::module::RESERVED_PREFIX;
use crate::options::hex;
use crate::prune::prune;

const MAGIC: &[u8; 8] = b"WMCODE1\n";
const HEADER_BYTES: usize = 8 + 32 + 32;
/// What compiles faster is not worth a file.
pub(crate) const COMPILE_WORTH_KEEPING: Duration = Duration::from_millis(5);
/// The oldest files go when the folder holds more.
const FOLDER_BYTES_MAX: u64 = 512 << 20;

type Key = [u8; 32];

/// The compiled module, from memory, from the folder, or compiled now.
pub(crate) fn compile(wasm: &[u8]) -> wasmtime::Result<Module> {
    static COMPILED: OnceLock<Mutex<HashMap<Key, Module>>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(Mutex::default);
    let key = key(wasm);
    if let Some(module) = compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(module.clone());
    }
    let module = compile_with(folder().as_deref(), &key, wasm)?;
    compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(key, module.clone());
    Ok(module)
}

/// The compiled module for one of its functions, `export`, and what belongs to it. The first function of a module gets the code
/// that it reaches, so that its first result comes soon; when another one is asked for, the module is compiled whole, for all.
pub(crate) fn compile_for(wasm: &[u8], export: &str) -> wasmtime::Result<Module> {
    static FIRST: OnceLock<Mutex<HashMap<Key, String>>> = OnceLock::new();
    let first = {
        let mut first = FIRST.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        first.entry(key(wasm)).or_insert_with(|| export.to_owned()) == export
    };
    if first { compile(&prune(wasm, |name| belongs_to(name, export))?) } else { compile(wasm) }
}

/// Whether the engine calls the export `name` for the function `export`; see `udf-sdk/ABI.md`.
pub(crate) fn belongs_to(name: &str, export: &str) -> bool {
    let own = name.strip_prefix(export).is_some_and(|part| part.is_empty() || part.starts_with("__"));
    let of_all = name.starts_with("wm_") && name != descriptor::EXPORT;
    own || of_all || name == "_initialize" || name.starts_with(RESERVED_PREFIX)
}

fn compile_with(folder: Option<&Path>, key: &Key, wasm: &[u8]) -> wasmtime::Result<Module> {
    if let Some(module) = folder.and_then(|folder| load(folder, key)) {
        return Ok(module);
    }
    let start = Instant::now();
    let module = Module::new(&engine::shared().engine, wasm)?;
    if let Some(folder) = folder.filter(|_| start.elapsed() >= COMPILE_WORTH_KEEPING) {
        // A cache that cannot be written is only slower.
        let _ = store(folder, key, &module.serialize()?);
    }
    Ok(module)
}

fn key(wasm: &[u8]) -> Key {
    let mut digest = Sha256::new();
    digest.update(engine::shared().hash);
    digest.update(wasm);
    digest.finalize().into()
}

/// `$WASMILL_CACHE`, else `wasmill` in the user's cache folder; `None` where there is no home.
pub(crate) fn folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = variable("WASMILL_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("wasmill")))
        .or_else(|| Some(variable("HOME")?.join(".cache").join("wasmill")))?;
    base.is_absolute().then(|| base.join("wasm"))
}

fn load(folder: &Path, key: &Key) -> Option<Module> {
    let path = folder.join(format!("{}.code", hex(key)));
    if !only_owner_writes(folder, &path) {
        return None;
    }
    let file = fs::read(&path).ok()?;
    let (header, code) = file.split_at_checked(HEADER_BYTES)?;
    if &header[..8] != MAGIC || &header[8..40] != key || header[40..] != Sha256::digest(code)[..] {
        let _ = fs::remove_file(&path);
        return None;
    }
    // SAFETY: the code was serialised by this version of wasmtime under these settings (the engine's hash is in the key),
    // is complete (digest), and lies in a folder to which only this user writes. Compiling a 100 KB module takes 50 ms,
    // loading it 1 ms.
    unsafe { Module::deserialize(&engine::shared().engine, code) }.ok()
}

#[cfg(unix)]
pub(crate) fn only_owner_writes(folder: &Path, file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(folder), Ok(file)) = (fs::symlink_metadata(folder), fs::symlink_metadata(file)) else { return false };
    const OTHERS_WRITE: u32 = 0o022;
    folder.is_dir() && file.is_file() && folder.uid() == file.uid() && (folder.mode() | file.mode()) & OTHERS_WRITE == 0
}

#[cfg(not(unix))]
pub(crate) fn only_owner_writes(_folder: &Path, _file: &Path) -> bool {
    false
}

fn store(folder: &Path, key: &Key, code: &[u8]) -> std::io::Result<()> {
    write(folder, &format!("{}.code", hex(key)), &[MAGIC, key, &Sha256::digest(code), code])
}

/// Writes a file of the cache; whoever reads it finds all of it or none.
pub(crate) fn write(folder: &Path, name: &str, parts: &[&[u8]]) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    make_room(folder, parts.iter().map(|part| part.len() as u64).sum())?;
    // Another process may write the same file: each writes its own and renames it into place.
    let temporary = folder.join(format!("{name}.{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, folder.join(name))
}

fn make_room(folder: &Path, coming_bytes: u64) -> std::io::Result<()> {
    let mut files: Vec<_> = fs::read_dir(folder)?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .collect();
    let mut total: u64 = coming_bytes + files.iter().map(|f| f.1).sum::<u64>();
    files.sort();
    for (_, bytes, path) in files {
        if total <= FOLDER_BYTES_MAX {
            break;
        }
        fs::remove_file(path)?;
        total -= bytes;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> (PathBuf, Key, PathBuf) {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("wasmill-cache-{}-{n}", std::process::id()));
        let wasm = wat::parse_str("(module (func (export \"f\") (result i32) (i32.const 7)))").unwrap();
        let key = key(&wasm);
        let module = Module::new(&engine::shared().engine, &wasm).unwrap();
        store(&folder, &key, &module.serialize().unwrap()).unwrap();
        let file = folder.join(format!("{}.code", hex(&key)));
        (folder, key, file)
    }

    #[test]
    fn loads_what_it_stored() {
        let (folder, key, _) = kept();
        assert!(load(&folder, &key).is_some());
        assert!(load(&folder, &[0; 32]).is_none());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn refuses_what_was_changed() {
        let (folder, key, file) = kept();
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert!(load(&folder, &key).is_none());
        assert!(!file.exists(), "the broken file is removed");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn refuses_what_others_may_write() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, key, file) = kept();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(load(&folder, &key).is_none());
        fs::remove_dir_all(folder).unwrap();
    }
}
