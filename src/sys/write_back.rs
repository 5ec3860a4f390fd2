//! Write-back of dirty pages.

use std::os::fd::{AsFd, AsRawFd};

/// Starts writing a file's dirty pages to the device, all of them, without waiting for it (sync_file_range(2) with
/// SYNC_FILE_RANGE_WRITE). No durability is had from this, so its errors say nothing: ESPIPE, EINVAL and ENOSYS where a
/// file system or kernel has it not.
pub fn start(fd: impl AsFd) {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: plain integers; the descriptor is borrowed for the call.
    unsafe { libc::sync_file_range(fd, 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}
