//! Block devices.

use rustix::io::Errno;
use rustix::ioctl::{self, Getter, opcode};
use std::os::fd::AsFd;

/// Bytes a block device holds (BLKGETSIZE64), without moving a file offset that is shared with others; `st_size` is 0.
///
/// # Errors
/// ENOTTY on what is no block device.
pub fn size(device: impl AsFd) -> Result<u64, Errno> {
    // `_IOR(0x12, 114, size_t)` in <linux/fs.h>; what it fills in is a u64 everywhere.
    const BLKGETSIZE64: ioctl::Opcode = opcode::read::<usize>(0x12, 114);
    // SAFETY: the request fills in a u64 (block/ioctl.c, `put_u64`), and that is what the getter holds.
    unsafe { ioctl::ioctl(device, Getter::<BLKGETSIZE64, u64>::new()) }
}

/// Whether what is on `device` (`st_dev`) lies on a disk that turns: a disk, a partition of one. What the kernel does not
/// know or has no queue (network, memory, btrfs) does not.
pub fn rotates(device: u64) -> bool {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let node = format!("/sys/dev/block/{major}:{minor}");
    // A partition has no queue of its own; the disk is the directory above it.
    let queues = [format!("{node}/queue/rotational"), format!("{node}/../queue/rotational")];
    let answer = queues.iter().find_map(|queue| std::fs::read(queue).ok());
    answer.is_some_and(|answer| answer.starts_with(b"1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::path::Path;

    #[test]
    fn a_device_says_its_size_and_a_file_does_not() {
        assert_eq!(size(File::open("/proc/self/exe").expect("open")), Err(Errno::NOTTY));
        for entry in fs::read_dir("/sys/block").into_iter().flatten().flatten() {
            let Ok(device) = File::open(Path::new("/dev").join(entry.file_name())) else { continue }; // not root
            let sectors = fs::read_to_string(entry.path().join("size")).expect("read");
            assert_eq!(size(device), Ok(sectors.trim().parse::<u64>().expect("number") * 512), "{entry:?}");
        }
    }
}
