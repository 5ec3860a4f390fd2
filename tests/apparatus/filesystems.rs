//! Real file systems, each mounted when a case first asks for it.
//!
//! The mounts belong to this process alone: before any thread starts, it moves into a mount namespace of its own, and
//! the images are unlinked as soon as they are mounted. Whatever ends the process, SIGKILL included, the kernel then
//! unmounts, detaches the loop devices and frees the images. Nothing is left behind to be cleaned.

#![allow(unsafe_code, reason = "mount(2) and unshare(2) are called through libc")]

use super::block::LoopDevice;
use super::{case::Scene, skip};
use std::ffi::CString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A kind of file system that cases ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fs {
    /// ext4 with a journal.
    Ext4,
    /// ext2 with blocks of 1 KiB, whose largest file is 16 GiB and a bit.
    Ext2Small,
    /// xfs that shares extents.
    Xfs,
    /// xfs without reflink.
    XfsPlain,
    /// btrfs.
    Btrfs,
    /// tmpfs.
    Tmpfs,
    /// overlayfs, both layers on ext4.
    Overlay,
}

impl Fs {
    /// All of them.
    pub const ALL: [Fs; 7] = [Fs::Ext4, Fs::Ext2Small, Fs::Xfs, Fs::XfsPlain, Fs::Btrfs, Fs::Tmpfs, Fs::Overlay];

    /// As messages and skips name it.
    pub fn name(self) -> &'static str {
        match self {
            Fs::Ext4 => "ext4",
            Fs::Ext2Small => "ext2-1k",
            Fs::Xfs => "xfs",
            Fs::XfsPlain => "xfs-without-reflink",
            Fs::Btrfs => "btrfs",
            Fs::Tmpfs => "tmpfs",
            Fs::Overlay => "overlay",
        }
    }

    /// Whether two files on it can share extents.
    pub fn shares_extents(self) -> bool {
        matches!(self, Fs::Xfs | Fs::Btrfs)
    }

    /// The mkfs program, its options, the type for mount(2) and the size of the image.
    fn recipe(self) -> Option<(&'static str, &'static [&'static str], &'static str, u64)> {
        const MIB: u64 = 1 << 20;
        match self {
            Fs::Ext4 => Some(("mkfs.ext4", &["-q", "-F"], "ext4", 1024 * MIB)),
            Fs::Ext2Small => Some(("mkfs.ext2", &["-q", "-F", "-b", "1024"], "ext2", 128 * MIB)),
            Fs::Xfs => Some(("mkfs.xfs", &["-q", "-f", "-m", "reflink=1"], "xfs", 1024 * MIB)),
            Fs::XfsPlain => Some(("mkfs.xfs", &["-q", "-f", "-m", "reflink=0"], "xfs", 600 * MIB)),
            Fs::Btrfs => Some(("mkfs.btrfs", &["-q", "-f"], "btrfs", 1024 * MIB)),
            Fs::Tmpfs | Fs::Overlay => None,
        }
    }
}

/// Runs `case` on every file system there is; the others are skipped by name.
pub fn for_each_filesystem(mut case: impl FnMut(Fs, Scene)) {
    for fs in Fs::ALL {
        if let Some(scene) = Scene::on(fs) {
            case(fs, scene);
        }
    }
}

/// Where a file system of that kind is mounted; mounts it if no case has asked for it before.
///
/// # Errors
/// Why it cannot be had, in words.
pub fn mounted(fs: Fs) -> Result<&'static Path, String> {
    static PLACES: [OnceLock<Result<PathBuf, String>>; 7] = [const { OnceLock::new() }; 7];
    let place = PLACES[fs as usize].get_or_init(|| mount_kind(fs));
    place.as_deref().map_err(Clone::clone)
}

/// Mounts a tmpfs of `bytes` bytes on the directory `at`, for cases that fill it.
///
/// # Errors
/// Why it cannot be had, in words.
pub fn small_tmpfs(at: &Path, bytes: u64) -> Result<(), String> {
    may_mount()?;
    mount("tmpfs", at, "tmpfs", &format!("size={bytes},mode=0777"))
}

/// Whether this process may mount and will not be seen doing it.
///
/// # Errors
/// Why not, in words.
pub fn may_mount() -> Result<(), String> {
    if !skip::is_root() {
        return Err("only root can mount".into());
    }
    if !PRIVATE.load(Ordering::Relaxed) {
        return Err("no mount namespace could be made".into());
    }
    Ok(())
}

fn mount_kind(fs: Fs) -> Result<PathBuf, String> {
    may_mount()?;
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mount-{}", fs.name()));
    std::fs::create_dir_all(&place).map_err(|e| e.to_string())?;
    match fs {
        Fs::Tmpfs => mount("tmpfs", &place, "tmpfs", "size=1g,mode=0777")?,
        Fs::Overlay => mount_overlay(&place)?,
        _ => mount_image(fs, &place)?,
    }
    Ok(place)
}

fn mount_image(fs: Fs, place: &Path) -> Result<(), String> {
    let (mkfs, options, kind, size) = fs.recipe().ok_or("no image")?;
    let image = place.with_extension(format!("image-{}", std::process::id()));
    let result = (|| {
        File::create(&image).and_then(|f| f.set_len(size)).map_err(|e| e.to_string())?;
        let made = Command::new(mkfs).args(options).arg(&image).output().map_err(|e| format!("{mkfs}: {e}"))?;
        if !made.status.success() {
            return Err(format!("{mkfs}: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let device = LoopDevice::over(&image)?;
        mount(&device.path.to_string_lossy(), place, kind, "")
    })();
    // The loop device holds the file; its name is not needed any more.
    let _ = std::fs::remove_file(&image);
    result
}

fn mount_overlay(place: &Path) -> Result<(), String> {
    let base = mounted(Fs::Ext4)?;
    let layer = |name: &str| {
        let path = base.join(format!("overlay-{name}"));
        std::fs::create_dir_all(&path).map(|()| path.display().to_string()).map_err(|e| e.to_string())
    };
    let (lower, upper, work) = (layer("lower")?, layer("upper")?, layer("work")?);
    mount("overlay", place, "overlay", &format!("lowerdir={lower},upperdir={upper},workdir={work}"))
}

/// mount(2).
///
/// # Errors
/// In words, with everything that was asked.
pub fn mount(source: &str, target: &Path, kind: &str, options: &str) -> Result<(), String> {
    let text = |s: &str| CString::new(s).map_err(|e| e.to_string());
    let (from, at, fs, data) = (text(source)?, text(&target.to_string_lossy())?, text(kind)?, text(options)?);
    // SAFETY: four NUL-terminated strings that outlive the call.
    let result = unsafe { libc::mount(from.as_ptr(), at.as_ptr(), fs.as_ptr(), 0, data.as_ptr().cast()) };
    if result == 0 {
        return Ok(());
    }
    Err(format!("mount -t {kind} -o '{options}' {source} {}: {}", target.display(), std::io::Error::last_os_error()))
}

/// Detaches a mount at once.
pub fn unmount(target: &Path) {
    let target = CString::new(target.to_string_lossy().as_bytes()).expect("a path without NUL");
    // SAFETY: a NUL-terminated string that outlives the call.
    unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
}

/// Whether the process has a mount namespace of its own.
static PRIVATE: AtomicBool = AtomicBool::new(false);

// SAFETY: `.init_array` holds pointers to functions of this signature; the C library calls each once, before main, on
// the only thread there is. unshare(CLONE_NEWNS) is per thread, so this is the one moment when it moves them all.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = make_mounts_private;

extern "C" fn make_mounts_private() {
    // SAFETY: bare system calls with constant arguments.
    unsafe {
        if libc::geteuid() == 0 && libc::unshare(libc::CLONE_NEWNS) == 0 {
            let private = libc::MS_REC | libc::MS_PRIVATE;
            let done = libc::mount(c"none".as_ptr(), c"/".as_ptr(), std::ptr::null(), private, std::ptr::null());
            PRIVATE.store(done == 0, Ordering::Relaxed);
        }
    }
}
