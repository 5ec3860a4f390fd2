//! Whether splice and sendfile pass pages by reference on this kernel: observed, not assumed.
//!
//! Kernels differ and are about to change (vmsplice and filemap_splice_read as copies were proposed for 7.2), and no call
//! tells. So a page is spliced into a pipe, changed in its file, and read from the pipe: the new byte means that the pipe
//! held the file's own page.

use crate::sys::pipe::PrivatePipe;
use rustix::fs::{self, MemfdFlags, Mode, OFlags};
use rustix::io::{self, Errno};
use rustix::pipe::{self, SpliceFlags};
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// The pipe held the file's page.
    ByReference,
    /// The pipe held a copy.
    Copied,
    /// It could not be tried.
    Unknown,
}

/// Looks at an unnamed file beside `source`, and where none can be made at one in memory: the page cache of a disk and that
/// of memory are spliced by different code. 8–32 µs (a Python program of the same calls, Linux 6.18).
pub fn observe(source: &OsStr) -> Observed {
    let beside = Path::new(OsStr::from_bytes(source.as_bytes())).parent();
    let directory = beside.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unnamed = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = fs::open(directory, unnamed, Mode::RUSR | Mode::WUSR)
        .or_else(|_| fs::memfd_create("zccp-observe", MemfdFlags::CLOEXEC));
    match file.and_then(|file| try_on(file.as_fd())) {
        Ok(true) => Observed::ByReference,
        Ok(false) => Observed::Copied,
        Err(_) => Observed::Unknown,
    }
}

fn try_on(file: BorrowedFd<'_>) -> Result<bool, Errno> {
    let page = [b'O'; 4096];
    io::pwrite(file, &page, 0)?;
    let through = PrivatePipe::new(page.len() as u64)?;
    pipe::splice(file, Some(&mut 0), through.writer(), None, page.len(), SpliceFlags::empty())?;
    io::pwrite(file, b"N", 0)?;
    let mut seen = [0u8; 1];
    io::read(through.reader(), &mut seen)?;
    Ok(seen == *b"N")
}
