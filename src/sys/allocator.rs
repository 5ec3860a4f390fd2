//! The allocator where the C library's is a slow one: musl's.

/// Takes memory from the kernel 64 KiB at a time. musl's takes a few pages at a time, so that a copy of 4 KiB makes 46 system
/// calls more (strace). Like musl's it has one lock.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
