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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, memfd_create};
    use std::os::fd::AsFd as _;

    #[test]
    fn only_what_one_read_fetches_whole_is_copied() {
        let mut memory = Box::new_uninit_slice(SMALL);
        let file = |bytes: &[u8]| {
            let fd = memfd_create("file", MemfdFlags::CLOEXEC).expect("made");
            assert_eq!(io::pwrite(&fd, bytes, 0), Ok(bytes.len()));
            fd
        };
        let mut copy = |bytes: &[u8], size| {
            let (source, sink) = (file(bytes), file(b""));
            let whole = super::copy(source.as_fd(), sink.as_fd(), size, &mut memory);
            let mut there = [0; 16];
            let n = io::pread(&sink, &mut there, 0).expect("made");
            (whole, there[..n].to_vec())
        };
        assert_eq!(copy(b"small", 5), (true, b"small".to_vec()));
        assert_eq!(copy(b"smaller", 5), (false, vec![]), "it has grown since it was looked at");
        assert_eq!(copy(b"smal", 5), (false, vec![]), "it has shrunk");
        assert_eq!(copy(&vec![0; SMALL], SMALL as u64), (false, vec![]), "there may be more");
    }

    #[test]
    fn what_goes_wrong_is_left_to_others() {
        let mut memory = Box::new_uninit_slice(SMALL);
        let full = std::fs::File::options().write(true).open("/dev/full").expect("made");
        let source = memfd_create("file", MemfdFlags::CLOEXEC).expect("made");
        assert_eq!(io::pwrite(&source, b"small", 0), Ok(5));
        assert!(!copy(source.as_fd(), full.as_fd(), 5, &mut memory));
    }
}
