//! Whether the sink can hold what is to come, asked before the first byte where it can be known.

use super::trail::Failure;
use crate::engine::{Ask, End, Offsets};
use crate::sys::facts::FileSystem;
use rustix::fs::{self, FallocateFlags, SeekFrom};
use rustix::io::Errno;
use rustix::process;

/// Copies of fewer bytes are not asked about: they fail soon enough by themselves.
const FROM: u64 = 4 << 20;

/// No file system in use has a smaller limit for a file: FAT's 4 GiB − 1, minix and old NFS 2 GiB − 1, bytes.
const SMALLEST_LIMIT: u64 = (1 << 31) - 1;

/// Checks whether the sink's file system has files of `bytes` bytes, holes counted.
///
/// # Errors
/// That it has not. Where it does not say so (FUSE), nothing is said.
pub(super) fn may_be_so_large(sink: &End<'_>, bytes: u64) -> Result<(), Failure> {
    // lseek(2) refuses an offset that no file of this file system can have (EINVAL above s_maxbytes: FAT 4 GiB − 1, ext4
    // 16 TiB − 4 KiB, ext2 with 1 KiB blocks 16 GiB); the file offset of a sink of our own means nothing.
    let too_large = bytes > SMALLEST_LIMIT
        && sink.is_regular()
        && sink.offsets == Offsets::Explicit
        && fs::seek(sink.fd, SeekFrom::Start(bytes)) == Err(Errno::INVAL);
    if too_large { Err(Failure::TooLarge { needed: bytes }) } else { Ok(()) }
}

/// Checks the room for a copy of which `data` bytes are not holes.
///
/// # Errors
/// That there is none. Where it cannot be known (compression, sharing, network), nothing is said.
pub(super) fn check(ask: &Ask<'_>, data: u64) -> Result<(), Failure> {
    let (sink, Some(file_system)) = (&ask.sink, ask.sink.file_system) else { return Ok(()) };
    if !sink.is_regular() {
        return Ok(());
    }
    let new = data.saturating_sub(there_already(ask));
    if new < FROM || !keeps_account(file_system) {
        return Ok(());
    }
    let Ok(room) = fs::fstatvfs(sink.fd) else { return Ok(()) };
    // Blocks kept back are root's to use.
    let blocks = if process::geteuid().is_root() { room.f_bfree } else { room.f_bavail };
    let free = blocks.saturating_mul(room.f_frsize);
    if room.f_blocks == 0 || new <= free || there_is_room_after_all(ask, file_system, data) {
        return Ok(()); // f_blocks == 0: a tmpfs without a limit
    }
    Err(Failure::NoRoom { needed: new, free })
}

/// Bytes of the sink that may be overwritten without taking more of the disk (`1<>file`; what was allocated ahead). What
/// is appended (O_APPEND, or a copy that is resumed) overwrites nothing below the size.
fn there_already(ask: &Ask<'_>) -> u64 {
    let facts = &ask.sink.facts;
    let appends = ask.sink.append || ask.sink.start >= facts.size && ask.sink.start > 0;
    if appends { facts.allocated.saturating_sub(facts.size) } else { facts.allocated }
}

/// Whether a byte written takes a byte of what statvfs calls free.
fn keeps_account(file_system: FileSystem) -> bool {
    matches!(file_system, FileSystem::Ext4 | FileSystem::Xfs | FileSystem::Tmpfs | FileSystem::Fat | FileSystem::ExFat)
}

/// xfs gives back what it had allocated speculatively behind other files only when more is asked for than is free, so
/// there the file system itself has the last word. (ext4 counts what was freed at once.) A file that is not ours is not
/// to be cut for an answer: there write(2) will tell.
fn there_is_room_after_all(ask: &Ask<'_>, file_system: FileSystem, data: u64) -> bool {
    if file_system != FileSystem::Xfs {
        return false;
    }
    if ask.sink.offsets != Offsets::Explicit || ask.sink.append {
        return true;
    }
    let asked = fs::fallocate(ask.sink.fd, FallocateFlags::KEEP_SIZE, ask.sink.start, data);
    let _ = fs::ftruncate(ask.sink.fd, ask.sink.facts.size); // gives it back; the size does not change
    asked.is_ok()
}
