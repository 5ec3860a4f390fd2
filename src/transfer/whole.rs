//! A small file, whole: one read, one write, and nothing else to be remembered.
//!
//! Most files of trees go this way. Anything out of the ordinary is the driver's, which begins anew at the first byte: what was
//! written here is written once more, the same bytes to the same place.

use crate::engine::scratch::SMALL;
use rustix::io;
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
    match io::pread(source, &mut memory[..most], 0) {
        Ok((bytes, _)) => bytes.len() as u64 == size && io::pwrite(sink, bytes, 0) == Ok(bytes.len()),
        Err(_) => false,
    }
}
