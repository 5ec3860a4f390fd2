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
