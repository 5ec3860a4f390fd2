//! Holes of the sink: nothing is written there, and nothing allocated is to be left there either.

use crate::engine::End;
use crate::sys::facts::FileSystem;
use rustix::fs::{self, FallocateFlags};

/// xfs allocates behind the end of a growing file on speculation, as much again as the file has; when the file goes on
/// behind a hole, or ends with one, those blocks stay in it (18,584 blocks became 32,896 with Linux 6.18). So they are
/// given back. If that cannot be, the hole reads as zeros all the same.
pub(super) fn keep(sink: &End<'_>, offset: u64, length: u64) {
    if sink.file_system == Some(FileSystem::Xfs) {
        let _ = fs::fallocate(sink.fd, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, length);
    }
}
