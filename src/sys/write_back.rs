//! Write-back of dirty pages: started, waited for, counted; and clean pages given back.

use super::descriptor;
use rustix::fs::{Advice, fadvise};
use rustix::io::Errno;
use std::num::NonZero;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

/// Starts writing a file's dirty pages to the device, all of them, without waiting for it (sync_file_range(2) with
/// SYNC_FILE_RANGE_WRITE). This makes nothing durable, so errors are ignored: ESPIPE, EINVAL and ENOSYS where the file
/// system or the kernel cannot do it.
pub fn start(fd: impl AsFd) {
    let _ = sync_file_range(fd, &(0..0), libc::SYNC_FILE_RANGE_WRITE);
}

/// As [`start`], of a range of bytes that is not empty.
///
/// # Errors
/// ESPIPE of what is no file or block device, ENOSYS where the call is not there (seccomp), EIO.
pub fn start_range(fd: impl AsFd, range: &Range<u64>) -> Result<(), Errno> {
    sync_file_range(fd, range, libc::SYNC_FILE_RANGE_WRITE)
}

/// Waits until a range of bytes that is not empty has gone to the device, what is dirty in it included. Metadata and the
/// device's own cache are not minded, so this is not durability.
///
/// # Errors
/// As [`start_range`]; EIO, ENOSPC and EDQUOT of a write-back that failed, which the kernel then tells of no more.
pub fn await_range(fd: impl AsFd, range: &Range<u64>) -> Result<(), Errno> {
    let whole = libc::SYNC_FILE_RANGE_WAIT_BEFORE | libc::SYNC_FILE_RANGE_WRITE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    sync_file_range(fd, range, whole)
}

fn sync_file_range(fd: impl AsFd, range: &Range<u64>, flags: libc::c_uint) -> Result<(), Errno> {
    let fd = fd.as_fd().as_raw_fd();
    let (offset, bytes) = (range.start.cast_signed(), (range.end - range.start).cast_signed());
    // SAFETY: plain integers; the descriptor is borrowed for the call.
    match unsafe { libc::sync_file_range(fd, offset, bytes, flags) } {
        0 => Ok(()),
        _ => Err(descriptor::last_errno()),
    }
}

/// Takes clean pages of a range that is not empty out of the page cache (POSIX_FADV_DONTNEED), so that they do not displace
/// those of other programs' files. A hint: errors are ignored.
pub fn forget(fd: impl AsFd, range: &Range<u64>) {
    let _ = fadvise(fd, range.start, NonZero::new(range.end - range.start), Advice::DontNeed);
}

/// `struct cachestat_range`, `<linux/mman.h>`
#[repr(C)]
struct CachestatRange {
    offset: u64,
    length: u64,
}

/// `struct cachestat`, `<linux/mman.h>`: numbers of pages.
#[repr(C)]
#[derive(Default)]
struct Cachestat {
    cache: u64,
    dirty: u64,
    writeback: u64,
    evicted: u64,
    recently_evicted: u64,
}

/// The number of cachestat(2) in the table that most architectures share (include/uapi/asm-generic/unistd.h); libc has no name
/// for it. On alpha and mips, whose numbers are others, the call fails with ENOSYS and nothing is known.
const SYS_CACHESTAT: libc::c_long = 451;

/// Bytes of a file, or of a range of it, that are in memory and not yet on the device: pages that are dirty or being written
/// (cachestat(2), Linux 6.5). An empty range is the whole file.
///
/// # Errors
/// ENOSYS before Linux 6.5; EPERM for a user who neither owns the file nor may write to it; EOPNOTSUPP of hugetlbfs.
pub fn in_memory(fd: impl AsFd, range: &Range<u64>) -> Result<u64, Errno> {
    let range = CachestatRange { offset: range.start, length: range.end - range.start };
    let mut pages = Cachestat::default();
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: both structures have the kernel's layout and outlive the call; the descriptor is borrowed for it.
    let result = unsafe { libc::syscall(SYS_CACHESTAT, fd, &raw const range, &raw mut pages, 0) };
    if result != 0 {
        return Err(descriptor::last_errno());
    }
    // Pages of a range that are being written are dirty as well if they were written to meanwhile: counted twice.
    let bytes = (pages.dirty + pages.writeback).saturating_mul(super::map::page_size());
    Ok(if range.length > 0 { bytes.min(range.length.next_multiple_of(1 << 16)) } else { bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write as _;

    #[test]
    fn what_was_written_is_in_memory_until_it_was_waited_for() {
        let place = std::env::temp_dir().join(format!("zccp-write-back-{}", std::process::id()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&place).expect("create");
        std::fs::remove_file(&place).expect("remove");
        file.write_all(&vec![7; 1 << 20]).expect("write");
        assert_eq!(start_range(&file, &(0..1 << 20)), Ok(()));
        assert_eq!(await_range(&file, &(0..1 << 20)), Ok(()));
        match in_memory(&file, &(0..0)) {
            Ok(bytes) => assert_eq!(bytes, 0),
            Err(errno) => assert_eq!(errno, Errno::NOSYS, "before Linux 6.5"),
        }
        forget(&file, &(0..1 << 20));
    }

    #[test]
    fn a_pipe_has_nothing_to_be_written_back() {
        let (reader, _writer) = rustix::pipe::pipe().expect("pipe");
        assert_eq!(start_range(&reader, &(0..1)), Err(Errno::SPIPE));
        assert_eq!(await_range(&reader, &(0..1)), Err(Errno::SPIPE));
    }
}
