//! Windows of a file, mapped for the kernel to read from: no code of ours ever looks at the mapped bytes.
//!
//! That is what makes them safe. Another process may cut the file short at any time; a load from a page beyond its new
//! end is SIGBUS, but write(2) from there is EFAULT (measured on ext4, xfs, btrfs and tmpfs, Linux 6.18). And bytes that
//! others may store to at any time must not be borrowed as a Rust slice.

use super::descriptor::last_errno;
use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Whether the pages of a window are mapped all at once or as they are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// At once, when it is made (MADV_POPULATE_READ; before Linux 5.14 as they are met), and read ahead as from a file
    /// that is read from front to back (MADV_SEQUENTIAL, without which a cold file is read only around where it is met).
    /// Pages that cannot be had are left out without an error.
    Ahead,
    /// Sixteen at a time, as the kernel comes to them (fault-around, 64 KiB).
    AsMet,
}

/// A shared, read-only mapping of a window of a file, unmapped when dropped.
#[derive(Debug)]
pub struct Map(MmapRaw);

impl Map {
    /// Maps `length` bytes of a file from `offset` on, which need not be aligned: memmap2 maps from the page below.
    ///
    /// # Errors
    /// What mmap(2) says: ENODEV and EACCES from what cannot be mapped, ENOMEM.
    pub fn of(file: BorrowedFd<'_>, offset: u64, length: usize, pages: Pages) -> Result<Map, Errno> {
        let mut options = MmapOptions::new();
        options.offset(offset).len(length);
        let raw = options.map_raw_read_only(&file);
        let raw = raw.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL))?;
        if pages == Pages::Ahead {
            // Hints only: whoever writes from the window is told what is wrong with a page.
            let _ = raw.advise(Advice::Sequential);
            let _ = raw.advise(Advice::PopulateRead);
        }
        Ok(Map(raw))
    }

    /// write(2) of the whole window to where `sink`'s file offset stands.
    ///
    /// # Errors
    /// What write(2) says: EFAULT where there is no page behind the first byte (any more).
    pub fn write_to(&self, sink: impl AsFd) -> Result<usize, Errno> {
        // SAFETY: pointer and length are those of a mapping that lives as long as `self`; the kernel alone reads it, and
        // answers EFAULT for pages that are gone.
        told(unsafe { libc::write(sink.as_fd().as_raw_fd(), self.0.as_ptr().cast(), self.0.len()) })
    }

    /// As [`Map::write_to`], to `offset` of a file: pwrite(2).
    ///
    /// # Errors
    /// What pwrite(2) says.
    pub fn pwrite_to(&self, sink: impl AsFd, offset: u64) -> Result<usize, Errno> {
        let offset = libc::off64_t::try_from(offset).map_err(|_| Errno::FBIG)?;
        // SAFETY: as in `write_to`.
        told(unsafe { libc::pwrite64(sink.as_fd().as_raw_fd(), self.0.as_ptr().cast(), self.0.len(), offset) })
    }

    /// send(2) of `length` bytes from the place `from` of the window on, with MSG_MORE if `more`. It never waits
    /// (MSG_DONTWAIT); a signal if the peer has gone, as with write(2).
    ///
    /// # Errors
    /// What send(2) says: EAGAIN where there is no room; EFAULT where there is no page behind the first byte (any more), or
    /// the window has no such bytes.
    pub fn send_to(&self, socket: impl AsFd, from: usize, length: usize, more: bool) -> Result<usize, Errno> {
        if from.checked_add(length).is_none_or(|end| end > self.0.len()) {
            return Err(Errno::FAULT);
        }
        let flags = libc::MSG_DONTWAIT | if more { libc::MSG_MORE } else { 0 };
        // SAFETY: `from` lies within the mapping.
        let bytes = unsafe { self.0.as_ptr().add(from) };
        // SAFETY: as in `write_to`, and the bytes lie within the mapping.
        told(unsafe { libc::send(socket.as_fd().as_raw_fd(), bytes.cast(), length, flags) })
    }
}

/// What a libc call that returns a count or -1 has told.
fn told(count: isize) -> Result<usize, Errno> {
    usize::try_from(count).map_err(|_| last_errno())
}

/// Bytes of a page of memory (sysconf(3)). rustix asks by prctl(PR_GET_AUXV), which a program may be killed for.
pub fn page_size() -> u64 {
    // SAFETY: no pointer; _SC_PAGESIZE is always known.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as u64 }
}
