//! A stick: a loop device with a file system on it that calls itself removable, or takes only so many bytes a second, or both.
//!
//! A file that says "removable" is mounted over the one of sysfs, in the mount namespace of this process alone
//! ([`super::filesystems`]). The speed is limited by the root control group (version 1, `blkio`), which holds for write-back
//! too.

use super::block::LoopDevice;
use super::case::Scene;
use super::filesystems::{may_mount, mount, unmount};
use super::skip;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes a second that a device may be given.
const THROTTLE: &str = "/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device";

/// What it is to be.
#[derive(Clone, Copy)]
pub struct Kind {
    /// `ext4`, `xfs`, `btrfs`, or `exfat` and `vfat` by way of FUSE.
    pub file_system: &'static str,
    /// The kernel says that it can be pulled out.
    pub removable: bool,
    /// MiB a second.
    pub speed: Option<u64>,
}

/// One that is mounted; gone when dropped.
pub struct Stick {
    /// Where it is seen.
    pub place: PathBuf,
    /// `/dev/loopN`
    pub device: PathBuf,
    /// Where the kernel says whether it is removable.
    says: PathBuf,
    covered: bool,
    throttled: bool,
    _loop: LoopDevice,
}

impl Stick {
    /// `None`, and the test skipped by name, where it cannot be had.
    pub fn new(scene: &Scene, kind: Kind) -> Option<Stick> {
        let name = format!("{} on {}", skip::current_test(), kind.file_system);
        match Stick::make(scene, kind) {
            Ok(stick) => Some(stick),
            Err(reason) => {
                skip::skip!(name, reason);
                None
            }
        }
    }

    fn make(scene: &Scene, kind: Kind) -> Result<Stick, String> {
        may_mount()?;
        let image = scene.path("stick.image");
        File::create(&image).and_then(|file| file.set_len(600 << 20)).map_err(|error| error.to_string())?;
        let options: &[&str] = match kind.file_system {
            "ext4" => &["-q", "-F"],
            "xfs" | "btrfs" => &["-q", "-f"],
            "vfat" => &["-F", "32"],
            _ => &[],
        };
        let mkfs = format!("mkfs.{}", kind.file_system);
        run(Command::new(&mkfs).args(options).arg(&image))?;
        let device = LoopDevice::over(&image)?;
        let name = device.path.file_name().unwrap_or_default();
        let place = scene.path("stick");
        std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
        let mut stick = Stick {
            place,
            device: device.path.clone(),
            says: Path::new("/sys/devices/virtual/block").join(name).join("removable"),
            covered: false,
            throttled: false,
            _loop: device,
        };
        if kind.removable {
            let answer = scene.file("removable", b"1\n");
            run(Command::new("mount").arg("--bind").arg(answer).arg(&stick.says))?;
            stick.covered = true;
        }
        match kind.file_system {
            "exfat" => run(Command::new("mount.exfat-fuse").arg(&stick.device).arg(&stick.place))?,
            // FAT too, as a file system on a device (which it does not say by itself).
            "vfat" => {
                let options = format!("rw+,blkdev,big_writes,fsname={}", stick.device.display());
                run(Command::new("fusefat").args(["-o", &options]).arg(&stick.device).arg(&stick.place))?;
            }
            other => mount(&stick.device.to_string_lossy(), &stick.place, other, "")?,
        }
        if let Some(speed) = kind.speed {
            stick.throttle(speed << 20)?;
            stick.throttled = true;
        }
        Ok(stick)
    }

    fn throttle(&self, bytes: u64) -> Result<(), String> {
        let number = std::fs::read_to_string(self.says.with_file_name("dev")).map_err(|error| error.to_string())?;
        let rule = format!("{} {bytes}", number.trim());
        std::fs::write(THROTTLE, rule).map_err(|error| format!("{THROTTLE}: {error}"))
    }

    /// Bytes that the device has been given and has done with.
    pub fn written(&self) -> u64 {
        let numbers = std::fs::read_to_string(self.says.with_file_name("stat")).unwrap();
        // The seventh is sectors written (Documentation/block/stat.rst).
        numbers.split_whitespace().nth(6).unwrap().parse::<u64>().unwrap() * 512
    }
}

impl Drop for Stick {
    fn drop(&mut self) {
        if self.throttled {
            let _ = self.throttle(0);
        }
        unmount(&self.place);
        if self.covered {
            unmount(&self.says);
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}
