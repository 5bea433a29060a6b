//! The one wasmtime engine of the process: what guests may use, and the clock that ends what runs too long.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmparser::WasmFeatures;
use wasmtime::{Config, Engine, OptLevel};

/// How often the epoch advances; a deadline is late by at most this.
pub(crate) const EPOCH_TICK: Duration = Duration::from_millis(10);
/// What one call chain in a guest may use of the stack; more traps as "call stack exhausted".
const GUEST_STACK_BYTES_MAX: usize = 512 << 10;

/// The engine and what identifies the code that it makes.
pub(crate) struct Shared {
    pub engine: Engine,
    /// Over wasmtime's version, the CPU features and the settings: code made under another one is never loaded.
    pub hash: [u8; 32],
}

/// The features of a guest. Left out on purpose: GC, exceptions, threads, memory64, function references.
pub(crate) fn guest_features() -> WasmFeatures {
    WasmFeatures::WASM3
        & !(WasmFeatures::GC
            | WasmFeatures::GC_TYPES
            | WasmFeatures::EXCEPTIONS
            | WasmFeatures::MEMORY64
            | WasmFeatures::FUNCTION_REFERENCES)
}

/// The engine, made at first use together with the thread that advances its epoch.
pub(crate) fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let mut config = Config::new();
        config
            .cranelift_opt_level(OptLevel::Speed)
            .epoch_interruption(true)
            .max_wasm_stack(GUEST_STACK_BYTES_MAX)
            .relaxed_simd_deterministic(true);
        for left_out in [
            WasmFeatures::GC,
            WasmFeatures::GC_TYPES,
            WasmFeatures::EXCEPTIONS,
            WasmFeatures::MEMORY64,
            WasmFeatures::FUNCTION_REFERENCES,
        ] {
            config.wasm_features(left_out, false);
        }
        let engine = Engine::new(&config).expect("the engine's own settings fit this machine");
        let ticking = engine.weak();
        std::thread::Builder::new()
            .name("wasm-epoch".into())
            .spawn(move || {
                while let Some(engine) = ticking.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(EPOCH_TICK);
                }
            })
            .expect("a thread for the function deadlines");
        let mut digest = HashWriter(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut digest);
        Shared { engine, hash: digest.0.finalize().into() }
    })
}

/// SHA-256 behind the standard library's `Hasher`.
struct HashWriter(Sha256);

impl Hasher for HashWriter {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    fn finish(&self) -> u64 {
        unreachable!("the digest is taken as a whole")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_agrees_on_the_features() {
        // What the validator lets through must compile, or CREATE FUNCTION would fail in wasmtime's words.
        let wasm =
            wat::parse_str("(module (memory 1) (memory 1) (func (result v128) (v128.const i64x2 1 2)))").unwrap();
        wasmparser::Validator::new_with_features(guest_features()).validate_all(&wasm).unwrap();
        wasmtime::Module::new(&shared().engine, &wasm).unwrap();
        let wasm = wat::parse_str("(module (memory i64 1))").unwrap();
        assert!(wasmparser::Validator::new_with_features(guest_features()).validate_all(&wasm).is_err());
        assert!(wasmtime::Module::new(&shared().engine, &wasm).is_err());
    }
}
