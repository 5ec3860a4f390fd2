//! File systems made for one row, and everything that must be gone afterwards.
//!
//! This command runs in a mount namespace of its own (see `enter`), and everything it makes lies on a tmpfs mounted
//! there: however it ends, SIGKILL included, the kernel unmounts the file systems, frees their loop devices, which are
//! set to clear themselves, and with the tmpfs the images are gone. The one thing that would stay is a limit on a
//! device's speed; `Throttle` has a watcher for that.

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FallocateFlags, fallocate, syncfs};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Directories that every system has and nobody runs programs from; the first that fits is covered by our tmpfs.
const PLACES: [&str; 3] = ["/media", "/srv", "/mnt"];
/// Says to the second incarnation of this command that it is the second.
const INSIDE: &str = "COMPARE_INSIDE_NAMESPACE";

/// A kind of file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// ext4 with all its tables written by mkfs, so that no kernel thread writes them while we measure.
    Ext4,
    /// XFS that can share extents.
    XfsReflink,
    /// XFS that cannot.
    XfsPlain,
    /// btrfs with its defaults.
    Btrfs,
    /// tmpfs.
    Tmpfs,
}

impl Kind {
    /// The name used in rows.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ext4 => "ext4",
            Kind::XfsReflink => "xfs",
            Kind::XfsPlain => "xfs(reflink=0)",
            Kind::Btrfs => "btrfs",
            Kind::Tmpfs => "tmpfs",
        }
    }

    /// What makes it; no discarding, so that the image keeps its pages and writing it back always costs the same.
    fn maker(self) -> &'static [&'static str] {
        match self {
            Kind::Ext4 => &["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"],
            Kind::XfsReflink => &["mkfs.xfs", "-q", "-f", "-K", "-m", "reflink=1"],
            Kind::XfsPlain => &["mkfs.xfs", "-q", "-f", "-K", "-m", "reflink=0"],
            Kind::Btrfs => &["mkfs.btrfs", "-q", "-f", "-K"],
            Kind::Tmpfs => &[],
        }
    }
}

/// Puts this process into a mount namespace of its own, by running itself again below unshare(1), and gives it an
/// empty tmpfs: the directory returned. `programs` must not be hidden by it.
pub fn enter(programs: &[&Path]) -> Result<PathBuf> {
    ensure!(rustix::process::geteuid().is_root(), "needs root: file systems are made and mounted");
    if std::env::var_os(INSIDE).is_none() {
        let error = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--"])
            .arg(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env(INSIDE, "1")
            .exec();
        return Err(error).context("cannot run unshare");
    }
    let place = PLACES
        .iter()
        .map(Path::new)
        .find(|place| place.is_dir() && !programs.iter().any(|program| program.starts_with(place)))
        .with_context(|| format!("none of {PLACES:?} can be covered by a tmpfs"))?;
    succeed(Command::new("mount").args(["-t", "tmpfs", "-o", "size=90%,mode=700", "compare"]).arg(place))?;
    Ok(place.to_path_buf())
}

/// Runs a command of the system's that must succeed.
pub fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// A mounted file system. Its loop device frees itself when it is unmounted.
pub struct Mounted {
    kind: Kind,
    directory: PathBuf,
    image: PathBuf,
    bytes: u64,
}

impl Mounted {
    /// Makes and mounts one of `bytes` below `base`; `name` must be unused there.
    pub fn make(kind: Kind, base: &Path, name: &str, bytes: u64) -> Result<Mounted> {
        let made = Mounted { kind, directory: base.join(name), image: base.join(format!("{name}.image")), bytes };
        fs::create_dir(&made.directory)?;
        if kind != Kind::Tmpfs {
            let image = File::create_new(&made.image)?;
            fallocate(&image, FallocateFlags::empty(), 0, bytes).context("cannot allocate the image")?;
        }
        made.format()?;
        made.mount()?;
        Ok(made)
    }

    /// Makes it anew: as young as after `make`.
    pub fn remake(&mut self) -> Result<()> {
        self.unmount()?;
        self.format()?;
        self.mount()
    }

    /// Unmounts and mounts it, so that nothing of it is cached.
    pub fn forget_cache(&mut self) -> Result<()> {
        self.unmount()?;
        self.mount()
    }

    /// Its root directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits until all of it is on its device.
    pub fn sync(&self) -> Result<()> {
        Ok(syncfs(File::open(&self.directory)?)?)
    }

    /// Device number as "major:minor". (For btrfs this would not be the loop device's.)
    fn device(&self) -> Result<String> {
        let device = fs::metadata(&self.directory)?.dev();
        Ok(format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device)))
    }

    fn format(&self) -> Result<()> {
        match self.kind.maker() {
            [] => Ok(()),
            [program, options @ ..] => succeed(Command::new(program).args(options).arg(&self.image)),
        }
    }

    fn mount(&self) -> Result<()> {
        let mut command = Command::new("mount");
        if self.kind == Kind::Tmpfs {
            command.args(["-t", "tmpfs", "-o"]).arg(format!("size={}", self.bytes)).arg("compare");
        } else {
            // btrfs would discard by itself, and the image would lose its pages.
            command.args(["-o", "loop,nodiscard"]).arg(&self.image);
        }
        succeed(command.arg(&self.directory))
    }

    fn unmount(&self) -> Result<()> {
        succeed(Command::new("umount").arg(&self.directory))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // What fails here the end of the namespace does; a failure is said, for it costs memory until then.
        if let Err(error) = self.unmount() {
            eprintln!("compare: {error:#}");
        }
        let _ = fs::remove_file(&self.image);
        let _ = fs::remove_dir(&self.directory);
    }
}

/// A limit on the speed of a file system's device, for as long as this lives.
///
/// Set on the *root* group of the blkio controller (cgroup v1), where the kernel's write-back threads are: in a group
/// below it only direct writes would be slowed. cgroup v2 has no limits on its root group.
pub struct Throttle {
    watcher: Child,
}

/// Which way a throttle works.
#[derive(Clone, Copy)]
pub enum Way {
    /// Reading from the device.
    Read,
    /// Writing to it.
    Write,
}

impl Throttle {
    /// The file that sets the limit.
    fn control(way: Way) -> &'static str {
        match way {
            Way::Read => "/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device",
            Way::Write => "/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device",
        }
    }

    /// Whether this system can throttle.
    pub fn available() -> bool {
        Path::new(Self::control(Way::Write)).exists()
    }

    /// Limits `mounted`'s device. A shell in a process group of its own waits for our end of a pipe to be closed, by
    /// `drop` or by our death, and takes the limit away.
    pub fn set(mounted: &Mounted, way: Way, bytes_per_second: u64) -> Result<Throttle> {
        let device = mounted.device()?;
        let control = Self::control(way);
        let mut watcher = Command::new("sh")
            .args(["-c", "echo set; read -r _; echo \"$1 0\" >\"$2\"", "sh", &device, control])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run sh")?;
        let mut ready = [0; 4];
        if let Some(output) = &mut watcher.stdout {
            std::io::Read::read_exact(output, &mut ready).context("the throttle's watcher did not start")?;
        }
        let throttle = Throttle { watcher };
        let mut file = File::options().write(true).open(control)?;
        file.write_all(format!("{device} {bytes_per_second}").as_bytes())
            .with_context(|| format!("cannot throttle {device}"))?;
        Ok(throttle)
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        if let Err(error) = self.watcher.wait() {
            eprintln!("compare: the throttle's watcher: {error}");
        }
    }
}
