//! How the C library's allocator treats the memory of batches.

/// Lets the allocator keep what was freed. Batches come and go all the time in pieces of some 100 KB, which glibc would take from the
/// system and give back each time: a fifth of the time of reading a file went into page faults (1,000,000 Nexmark events, q0:
/// 0.37 s of system time, and 0.08 s with this). Pieces above 4 MB, which are state that grows, are still mapped on their own.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets numbers of the allocator, and no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 4 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 << 20);
    }
}
