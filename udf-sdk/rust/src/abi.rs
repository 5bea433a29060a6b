//! The exports that every module with columns needs: the version of the ABI, and memory for the host.

use std::alloc::{Layout, alloc, dealloc};

/// The version of the ABI that this crate speaks.
pub const VERSION: u32 = 1;

/// `wm_abi` of ABI.md.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn wm_abi() -> u32 {
    VERSION
}

/// `wm_alloc` of ABI.md: 0 where there is no memory.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn wm_alloc(bytes: u32, alignment: u32) -> *mut u8 {
    match Layout::from_size_align(bytes.max(1) as usize, alignment as usize) {
        // SAFETY: the layout's size is not 0.
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// `wm_free` of ABI.md.
///
/// # Safety
/// `block` came from [`wm_alloc`] with the same numbers.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn wm_free(block: *mut u8, bytes: u32, alignment: u32) {
    if let Ok(layout) = Layout::from_size_align(bytes.max(1) as usize, alignment as usize) {
        // SAFETY: as the caller promises.
        unsafe { dealloc(block, layout) }
    }
}
