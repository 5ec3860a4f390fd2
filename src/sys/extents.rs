//! Where the bytes of a file are on its device: FS_IOC_FIEMAP (Documentation/filesystems/fiemap.rst). For questions about
//! sharing only; what is data and what is a hole is never asked here (`transfer::segments` says why). And sharing itself, from
//! one place to another (ioctl_ficlonerange(2)).

use rustix::io::Errno;
use rustix::ioctl::{self, Setter, Updater, opcode};
use std::os::fd::{AsFd, AsRawFd as _};

/// A run of bytes of a file that is one run of bytes of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins in the file, bytes.
    pub logical: u64,
    /// Where it begins on the device, bytes; only to be compared with others of the same file system.
    pub physical: u64,
    /// Bytes.
    pub length: u64,
    /// Another file, or another place of this one, has it as well (FIEMAP_EXTENT_SHARED).
    pub shared: bool,
    /// `physical` is to be believed: neither delayed, nor inline, nor compressed, nor encrypted.
    pub placed: bool,
}

/// Extents asked for at once: 3.6 KiB.
const AT_ONCE: usize = 64;

/// `struct fiemap_extent` of <linux/fiemap.h>
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Raw {
    logical: u64,
    physical: u64,
    length: u64,
    reserved64: [u64; 2],
    flags: u32,
    reserved: [u32; 3],
}

/// `struct fiemap`, with room for the answers.
#[repr(C)]
struct Question {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    room: u32,
    reserved: u32,
    extents: [Raw; AT_ONCE],
}

/// `_IOWR('f', 11, struct fiemap)`: 32 bytes without the extents.
const FS_IOC_FIEMAP: ioctl::Opcode = opcode::read_write::<[u8; 32]>(b'f', 11);

const LAST: u32 = 0x1;
/// UNKNOWN, DELALLOC, ENCODED, DATA_ENCRYPTED, NOT_ALIGNED, DATA_INLINE, DATA_TAIL.
const NOT_PLACED: u32 = 0x2 | 0x4 | 0x8 | 0x80 | 0x100 | 0x200 | 0x400;
const SHARED: u32 = 0x2000;

/// The extents of a file, in the order of its bytes.
///
/// # Errors
/// EOPNOTSUPP and ENOTTY where the file system has no such map (tmpfs, FUSE, NFS); EIO.
pub fn of(file: impl AsFd) -> Result<Vec<Extent>, Errno> {
    let file = file.as_fd();
    let mut extents = Vec::new();
    let mut start = 0;
    loop {
        let mut question = Question {
            start,
            length: u64::MAX - start,
            flags: 0,
            mapped: 0,
            room: AT_ONCE as u32,
            reserved: 0,
            extents: [Raw::default(); AT_ONCE],
        };
        // SAFETY: the kernel reads a `struct fiemap` and writes at most `room` extents behind it (fs/ioctl.c,
        // ioctl_fiemap); `question` has that layout and that room.
        unsafe { ioctl::ioctl(file, Updater::<FS_IOC_FIEMAP, Question>::new(&mut question)) }?;
        let answers = &question.extents[..(question.mapped as usize).min(AT_ONCE)];
        extents.extend(answers.iter().map(|raw| Extent {
            logical: raw.logical,
            physical: raw.physical,
            length: raw.length,
            shared: raw.flags & SHARED != 0,
            placed: raw.flags & NOT_PLACED == 0,
        }));
        let Some(last) = answers.last() else { return Ok(extents) };
        let next = last.logical.saturating_add(last.length);
        if last.flags & LAST != 0 || next <= start {
            return Ok(extents);
        }
        start = next;
    }
}

/// `struct file_clone_range` of <linux/fs.h>
#[repr(C)]
struct Range {
    source: i64,
    source_offset: u64,
    source_length: u64,
    destination_offset: u64,
}

/// `_IOW(0x94, 13, struct file_clone_range)`
const FICLONERANGE: ioctl::Opcode = opcode::write::<Range>(0x94, 13);

/// `to` shares, from its byte `at` on, all that `from` has behind its byte `start`, as it is at that instant.
///
/// # Errors
/// Those of ioctl_ficlonerange(2): EINVAL where one of the two is not at a block's edge, EXDEV, EOPNOTSUPP and others.
pub fn share_rest(to: impl AsFd, at: u64, from: impl AsFd, start: u64) -> Result<(), Errno> {
    let source = i64::from(from.as_fd().as_raw_fd());
    let range = Range { source, source_offset: start, source_length: 0, destination_offset: at }; // 0: to its end
    // SAFETY: the kernel reads a `struct file_clone_range`, which `range` has the layout of, and keeps nothing of it.
    unsafe { ioctl::ioctl(to, Setter::<FICLONERANGE, Range>::new(range)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write as _;

    #[test]
    fn a_file_on_a_disk_has_its_bytes_somewhere() {
        let path = std::env::temp_dir().join(format!("zccp-extents-{}", std::process::id()));
        let mut file = File::create(&path).expect("create");
        file.write_all(&[7; 300_000]).expect("write");
        file.sync_all().expect("sync");
        let _ = std::fs::remove_file(&path);
        match of(&file) {
            Ok(extents) => {
                assert!(extents.iter().map(|extent| extent.length).sum::<u64>() >= 300_000, "{extents:?}");
                assert!(extents.windows(2).all(|pair| pair[0].logical + pair[0].length <= pair[1].logical));
                assert!(extents.iter().all(|extent| !extent.shared));
            }
            Err(errno) => assert!(matches!(errno, Errno::OPNOTSUPP | Errno::NOTTY), "{errno}"),
        }
    }
}
