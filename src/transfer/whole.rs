//! A small file, whole: one read, one write, and nothing else to be remembered.
//!
//! Most files of trees go this way. Anything out of the ordinary is the driver's, which begins anew at the first byte: nothing
//! is left of what was written here, because the source may have become shorter until then.

use crate::engine::scratch::SMALL;
use rustix::{fs, io};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

/// Copies a file of `size` bytes, which a read that is not filled ends ([`FileSystem::short_read_is_end`]), into a new one.
/// Whether that was all of it; if not, whatever the reason, nothing was lost, and [`super::copy`] is to do it and to say
/// what is wrong.
///
/// [`FileSystem::short_read_is_end`]: crate::sys::facts::FileSystem::short_read_is_end
pub fn copy(source: BorrowedFd<'_>, sink: BorrowedFd<'_>, size: u64, memory: &mut [MaybeUninit<u8>]) -> bool {
    let most = memory.len().min(SMALL);
    // A read that is filled may not have been all.
    if size >= most as u64 {
        return false;
    }
    let Ok((bytes, _)) = io::pread(source, &mut memory[..most], 0) else { return false };
    if bytes.len() as u64 != size {
        return false;
    }
    match io::pwrite(sink, &*bytes, 0) {
        Ok(n) if n == bytes.len() => true,
        Ok(_) => {
            let _ = fs::ftruncate(sink, 0); // what cannot be cut is written over, or is the error that the driver tells of
            false
        }
        Err(_) => false,
    }
}
