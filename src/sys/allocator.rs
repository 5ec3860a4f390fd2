//! The allocator where the C library's is a slow one: musl's.

/// Takes memory from the kernel 64 KiB at a time; musl's takes a page or a few, for which a copy of 4 KiB makes 46 calls
/// more. One lock stands before it, as before musl's.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
