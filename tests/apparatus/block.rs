//! Loop devices that vanish with their descriptor, however the process ends.

#![allow(unsafe_code, reason = "the loop device's ioctls take structures that no crate here wraps")]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

// <linux/loop.h>
const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4c82;
const LOOP_CONFIGURE: libc::Ioctl = 0x4c0a;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// `struct loop_info64`
#[repr(C)]
struct LoopInfo64 {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    sizelimit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config`
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo64,
    reserved: [u64; 8],
}

/// A file seen as a block device, for as long as this value (or a mount of it) lives.
pub struct LoopDevice {
    /// `/dev/loopN`
    pub path: PathBuf,
    _open: File,
}

impl LoopDevice {
    /// Everything the device holds.
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    /// Attaches a free loop device to the file `image`.
    ///
    /// # Errors
    /// In words, if this process may not or the kernel cannot.
    pub fn over(image: &Path) -> Result<LoopDevice, String> {
        let backing = File::options().read(true).write(true).open(image).map_err(|e| e.to_string())?;
        let control = File::options().read(true).write(true).open("/dev/loop-control");
        let control = control.map_err(|e| format!("/dev/loop-control: {e}"))?;
        loop {
            // SAFETY: LOOP_CTL_GET_FREE takes no argument and returns a number.
            let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
            if number < 0 {
                return Err(format!("LOOP_CTL_GET_FREE: {}", std::io::Error::last_os_error()));
            }
            let path = PathBuf::from(format!("/dev/loop{number}"));
            let open = File::options().read(true).write(true).open(&path);
            let open = open.map_err(|e| format!("{}: {e}", path.display()))?;
            // SAFETY: all fields are plain integers and arrays of them, for which zero is a value.
            let mut config: LoopConfig = unsafe { std::mem::zeroed() };
            config.fd = backing.as_raw_fd() as u32;
            config.info.flags = LO_FLAGS_AUTOCLEAR;
            // SAFETY: LOOP_CONFIGURE reads one loop_config, and `config` has its layout.
            if unsafe { libc::ioctl(open.as_raw_fd(), LOOP_CONFIGURE, &config) } == 0 {
                return Ok(LoopDevice { path, _open: open });
            }
            let error = std::io::Error::last_os_error();
            // Another process took that number between the two calls.
            if error.raw_os_error() != Some(libc::EBUSY) {
                return Err(format!("LOOP_CONFIGURE: {error}"));
            }
        }
    }
}
