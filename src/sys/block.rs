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

/// Whether `device` (a file's `st_dev`) is a rotating disk or a partition of one. False of what the kernel does not know or
/// has no queue for: network, memory, btrfs; and of a virtual machine's disk, which may say that it rotates because nobody has
/// told the kernel otherwise, and of what is made of such disks and says the same.
pub fn rotates(device: u64) -> bool {
    let disk = disk(&of_number(device));
    disk.is_some_and(|(disk, answer)| answer.starts_with(b"1") && !is_virtual(&disk, LAYERS))
}

/// Device mapper, RAID and loop devices that lie on each other, at most.
const LAYERS: usize = 4;

/// The directory of sysfs for a device's number.
fn of_number(device: u64) -> String {
    format!("/sys/dev/block/{}:{}", rustix::fs::major(device), rustix::fs::minor(device))
}

/// The disk that this directory of sysfs stands for, and what it says of rotating. A partition has no queue of its own; the disk
/// is the directory above it.
fn disk(node: &str) -> Option<(String, Vec<u8>)> {
    let disks = [node.to_string(), format!("{node}/..")];
    disks.into_iter().find_map(|disk| {
        let answer = std::fs::read(format!("{disk}/queue/rotational")).ok()?;
        Some((disk, answer))
    })
}

/// Whether the disk in this directory of sysfs is a virtual machine's: by its driver (virtio_blk, Xen's vbd), or by the vendor
/// and model that an emulated SCSI or ATA disk gives. (`rotational` of a virtio disk was 1 on the machine where 8,000 files were
/// read from it in 818 ms by one worker and in 292 by eight, Linux 6.18: no head had to move.) Or it is made of such disks, in so
/// many layers: by the device mapper or RAID, whose members sysfs has in `slaves`, or as a loop device of a file on one.
fn is_virtual(disk: &str, layers: usize) -> bool {
    const DRIVERS: [&str; 2] = ["virtio_blk", "vbd"];
    const MAKERS: [&[u8]; 5] = [b"QEMU", b"VMware", b"Msft", b"Google", b"VBOX"];
    let driver = std::fs::read_link(format!("{disk}/device/driver"));
    let by_driver =
        driver.is_ok_and(|driver| driver.file_name().is_some_and(|name| DRIVERS.iter().any(|d| name == *d)));
    let made_by = |name: &str| {
        let says = std::fs::read(format!("{disk}/device/{name}")).unwrap_or_default();
        MAKERS.iter().any(|maker| says.starts_with(maker))
    };
    let of_such = || {
        let members = members(disk);
        let is_such = |node: &String| self::disk(node).is_some_and(|(disk, _)| is_virtual(&disk, layers - 1));
        layers > 0 && !members.is_empty() && members.iter().all(is_such)
    };
    by_driver || made_by("vendor") || made_by("model") || of_such()
}

/// What a disk is made of, each a directory of sysfs.
fn members(disk: &str) -> Vec<String> {
    use std::os::unix::ffi::OsStrExt as _;
    let slaves = std::fs::read_dir(format!("{disk}/slaves")).into_iter().flatten().flatten();
    let slaves = slaves.filter_map(|slave| slave.path().into_os_string().into_string().ok());
    let backing = std::fs::read(format!("{disk}/loop/backing_file")).ok();
    let backing = backing.and_then(|path| rustix::fs::stat(std::ffi::OsStr::from_bytes(path.trim_ascii_end())).ok());
    slaves.chain(backing.map(|file| of_number(file.st_dev))).collect()
}

/// Whether `device` (`st_dev` of a file, `st_rdev` of a block device) can be unplugged: the kernel calls it removable (a stick,
/// a card in a reader), it is connected by USB (a disk in an enclosure does not call itself removable), or it is an SD card
/// in a slot of its own. False of what is no block device.
pub fn is_removable(device: u64) -> bool {
    if rustix::fs::major(device) == 0 {
        return false; // a number that stands for no device
    }
    let node = of_number(device);
    let says = |name: &str, word: &[u8]| {
        // A partition has no such file; the disk is the directory above it.
        let of = |up: &str| std::fs::read(format!("{node}/{up}{name}")).ok();
        of("").or_else(|| of("../")).is_some_and(|answer| answer.trim_ascii_end() == word)
    };
    let Ok(place) = std::fs::read_link(&node) else { return false };
    let hangs_on_usb = place.iter().any(|part| {
        let number = part.as_encoded_bytes().strip_prefix(b"usb");
        number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    });
    let in_a_slot = || place.iter().any(|part| part == "mmc_host") && says("device/type", b"SD");
    hangs_on_usb || says("removable", b"1") || in_a_slot()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::path::Path;

    #[test]
    fn what_is_no_block_device_is_not_removable() {
        assert!(!is_removable(rustix::fs::makedev(0, 42)), "btrfs, tmpfs");
        assert!(!is_removable(rustix::fs::makedev(4095, 1)), "there is none");
    }

    #[test]
    fn a_virtual_disk_is_known_by_its_driver_or_its_maker() {
        let disk = std::env::temp_dir().join(format!("disk-{}", std::process::id()));
        let shown = disk.to_str().expect("it is text");
        let device = disk.join("device");
        for (driver, vendor, expected) in
            [("virtio_blk", "0x1af4", true), ("sd", "QEMU    ", true), ("sd", "ATA     ", false), ("sd", "", false)]
        {
            fs::create_dir_all(&device).expect("made");
            std::os::unix::fs::symlink(format!("../drivers/{driver}"), device.join("driver")).expect("made");
            fs::write(device.join("vendor"), vendor).expect("made");
            assert_eq!(is_virtual(shown, LAYERS), expected, "{driver} {vendor}");
            fs::write(device.join("model"), "QEMU HARDDISK   ").expect("made");
            assert!(is_virtual(shown, LAYERS));
            fs::remove_dir_all(&disk).expect("removed");
        }
        assert!(!is_virtual(shown, LAYERS), "it is gone");
    }

    /// The device mapper's volume on a partition of a virtual disk and on one of another; and one that lies on itself.
    #[test]
    fn what_is_made_of_virtual_disks_is_virtual() {
        let place = std::env::temp_dir().join(format!("volume-{}", std::process::id()));
        let (volume, slaves) = (place.join("dm-0"), place.join("dm-0/slaves"));
        fs::create_dir_all(&slaves).expect("made");
        let volume = volume.to_str().expect("it is text");
        assert!(!is_virtual(volume, LAYERS), "it is made of nothing");
        let is_after = |name: &str, vendor: &str| {
            let disk = place.join(name);
            for directory in ["device", "queue", "part"] {
                fs::create_dir_all(disk.join(directory)).expect("made");
            }
            fs::write(disk.join("queue/rotational"), "1\n").expect("made");
            fs::write(disk.join("device/vendor"), vendor).expect("made");
            std::os::unix::fs::symlink(disk.join("part"), slaves.join(name)).expect("made");
            is_virtual(volume, LAYERS)
        };
        assert!(is_after("sda", "QEMU    "));
        assert!(!is_after("sdb", "ATA     "), "a part of it may rotate");
        fs::remove_dir_all(&slaves).expect("removed");
        fs::create_dir_all(&slaves).expect("made");
        fs::create_dir_all(place.join("dm-0/queue")).expect("made");
        fs::write(place.join("dm-0/queue/rotational"), "1\n").expect("made");
        std::os::unix::fs::symlink(volume, slaves.join("dm-0")).expect("made");
        assert!(!is_virtual(volume, LAYERS), "it comes to an end");
        fs::remove_dir_all(&place).expect("removed");
    }

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
