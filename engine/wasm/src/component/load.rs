//! From a component's file to compiled code.
//!
//! ```text
//! ~/.cache/wasmill/wasm/KEY.component    KEY = SHA-256(engine hash, "component", SHA-256 of the file)
//! ```
//!
//! Python makes 18 MB, which compile in 15 seconds: so the code is mapped from the cache as wasmtime wrote it, and neither the file
//! nor the code is looked at again but for the file's digest. As for core modules the code is loaded only from our own folder,
//! and only if nobody but its owner may write to it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre, Linker};

use crate::engine::shared;
use crate::error::{Error, Result};
use crate::instance::Limits;
use crate::options::{FunctionOptions, hex};
use crate::{cache, module};

/// Whether bytes begin as a component does.
pub(crate) fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") && bytes.get(4..8) == Some(&[0x0d, 0, 1, 0])
}

/// Compiled code and the digest of the file.
pub(super) fn load(path: &Path, bytes: &[u8], options: &FunctionOptions) -> Result<(Component, [u8; 32])> {
    if bytes.len() as u64 > module::MODULE_BYTES_MAX {
        return Err(module::too_large(path, bytes.len() as u64));
    }
    let sha256: [u8; 32] = Sha256::digest(bytes).into();
    module::check_pinned(path, &sha256, options)?;
    let code = compile(&sha256, bytes).map_err(|e| {
        Error::new(format!("the component '{}' cannot be compiled", path.display())).detail(format!("{e:#}"))
    })?;
    Ok((code, sha256))
}

fn compile(sha256: &[u8; 32], bytes: &[u8]) -> wasmtime::Result<Component> {
    static COMPILED: OnceLock<Mutex<HashMap<[u8; 32], Component>>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(Mutex::default);
    if let Some(code) = compiled.lock().unwrap_or_else(PoisonError::into_inner).get(sha256) {
        return Ok(code.clone());
    }
    let mut key = Sha256::new();
    key.update(shared().hash);
    key.update(b"component");
    key.update(sha256);
    let name = format!("{}.component", hex(&key.finalize()));
    let code = match cache::folder().and_then(|folder| mapped(&folder, &name)) {
        Some(code) => code,
        None => {
            let start = Instant::now();
            let code = Component::new(&shared().engine, bytes)?;
            let kept = cache::folder().filter(|_| start.elapsed() >= cache::COMPILE_WORTH_KEEPING);
            if let Some(folder) = kept {
                // A cache that cannot be written is only slower.
                let _ = cache::write(&folder, &name, &[&code.serialize()?]);
            }
            code
        }
    };
    compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(*sha256, code.clone());
    Ok(code)
}

fn mapped(folder: &Path, name: &str) -> Option<Component> {
    let path = folder.join(name);
    if !cache::only_owner_writes(folder, &path) {
        return None;
    }
    // SAFETY: the file was written whole, as this version of wasmtime serialised it under these settings (the engine's hash is in
    // its name), to a folder to which only this user writes. Compiling Python takes 15 s, mapping it a few ms.
    unsafe { Component::deserialize_file(&shared().engine, &path) }.ok()
}

/// Links a component that needs nothing.
pub(super) fn link(path: &Path, code: &Component) -> Result<InstancePre<Limits>> {
    let ty = code.component_type();
    let imports: Vec<&str> = ty.imports(&shared().engine).map(|(name, _)| name).collect();
    if !imports.is_empty() {
        const SHOWN: usize = 5;
        let mut names: Vec<String> = imports.iter().take(SHOWN).map(|name| format!("'{name}'")).collect();
        if imports.len() > SHOWN {
            names.push(format!("{} more", imports.len() - SHOWN));
        }
        let (file, names) = (path.display(), names.join(", "));
        let error = Error::new(format!("the component '{file}' imports {names}, which the engine does not give"));
        return Err(if imports.iter().any(|name| name.starts_with("wasi:")) {
            error.hint(
                "build it without WASI: --stub-wasi of componentize-py, disableFeatures of componentize-js; for Rust build a module for wasm32-unknown-unknown",
            )
        } else {
            error.hint("a function gets all that it needs by its arguments; build the component without imports")
        });
    }
    Linker::new(&shared().engine).instantiate_pre(code).map_err(|e| {
        Error::new(format!("the component '{}' cannot be linked", path.display())).detail(format!("{e:#}"))
    })
}
