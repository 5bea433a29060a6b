//! Functions for wasmill in Rust: [`plain!`] for functions of one row, [`columns!`] for functions that see NULLs, and
//! [`batch!`] for those that want whole columns. The contract is `udf-sdk/ABI.md`; this crate has no dependencies.
//!
//! ```ignore
//! wasmill::plain! {
//!     fn risk(amount: f64, country: &str) -> f64 {
//!         if country == "DE" { amount * 0.1 } else { amount }
//!     }
//! }
//! wasmill::columns! {
//!     fn first_known(a: Option<&str>, b: Option<&str>) -> Option<String> {
//!         a.or(b).map(str::to_owned)
//!     }
//! }
//! ```
//!
//! ```text
//! crate-type = ["cdylib"], panic = "abort", opt-level = 3
//! cargo build --release --target wasm32-unknown-unknown
//! ```

pub mod column;
mod plain;

pub use column::{Batch, Builder, Column, FromColumn, IntoRow, Output, RawResult, Value};
pub use plain::{PlainResult, text};

/// What the exports are made of; called by the macros only.
#[doc(hidden)]
pub mod abi {
    use std::alloc::{Layout, alloc, dealloc};

    /// The version of the ABI that this crate speaks.
    pub const VERSION: u32 = 1;

    /// `wm_alloc`: 0 where there is no memory.
    pub fn allocate(bytes: u32, alignment: u32) -> *mut u8 {
        match Layout::from_size_align(bytes.max(1) as usize, alignment as usize) {
            // SAFETY: the layout's size is not 0.
            Ok(layout) => unsafe { alloc(layout) },
            Err(_) => std::ptr::null_mut(),
        }
    }

    /// `wm_free`.
    ///
    /// # Safety
    /// `block` came from [`allocate`] with the same numbers.
    pub unsafe fn free(block: *mut u8, bytes: u32, alignment: u32) {
        if let Ok(layout) = Layout::from_size_align(bytes.max(1) as usize, alignment as usize) {
            // SAFETY: as the caller promises.
            unsafe { dealloc(block, layout) }
        }
    }
}

/// Writes the exports that every module with texts or column functions needs: once in a crate, at the top.
#[macro_export]
macro_rules! module {
    () => {
        const _: () = {
            #[unsafe(no_mangle)]
            pub extern "C" fn wm_abi() -> u32 {
                $crate::abi::VERSION
            }
            #[unsafe(no_mangle)]
            pub extern "C" fn wm_alloc(bytes: u32, alignment: u32) -> *mut u8 {
                $crate::abi::allocate(bytes, alignment)
            }
            /// # Safety
            /// The host frees what it allocated.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn wm_free(block: *mut u8, bytes: u32, alignment: u32) {
                unsafe { $crate::abi::free(block, bytes, alignment) }
            }
        };
    };
}
