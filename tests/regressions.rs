//! One case for each defect that was found by attack: the line on top says what went wrong.

use crate::apparatus::block::LoopDevice;
use crate::apparatus::{Scene, content, filesystems, skip};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A small file system of its own, made in an image below a scene and unmounted at the end.
struct Disk {
    place: PathBuf,
    image: PathBuf,
}

impl Disk {
    /// `None`, and the test skipped by name, where it cannot be had.
    fn new(scene: &Scene, kind: &str, size: u64) -> Option<Disk> {
        let (place, image) = (scene.directory("disk"), scene.path("image"));
        let disk = Disk { place, image };
        let made = (|| {
            filesystems::may_mount()?;
            File::create(&disk.image).and_then(|file| file.set_len(size)).map_err(|error| error.to_string())?;
            let options: &[&str] = if kind == "xfs" { &["-q", "-f"] } else { &["-q", "-F", "-b", "4096"] };
            let mkfs = format!("mkfs.{kind}");
            let made = std::process::Command::new(&mkfs).args(options).arg(&disk.image).output();
            made.map_err(|error| format!("{mkfs}: {error}"))?;
            disk.mount(kind)
        })();
        match made {
            Ok(()) => Some(disk),
            Err(reason) => {
                skip::skip!(reason);
                None
            }
        }
    }

    fn mount(&self, kind: &str) -> Result<(), String> {
        let device = LoopDevice::over(&self.image)?;
        filesystems::mount(&device.path.to_string_lossy(), &self.place, kind, "")
    }

    fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.place.join(Path::new(name.as_ref()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        filesystems::unmount(&self.place);
    }
}

/// A read cut short by a bad block was taken for the end of the file: EIO was never seen, and half a file was exit 0.
#[test]
fn a_bad_block_in_the_middle_is_an_error_and_not_the_end() {
    for kind in ["ext4", "xfs"] {
        let scene = Scene::new();
        let Some(disk) = Disk::new(&scene, kind, 400 << 20) else { return };
        let bytes = content::bytes(1, 1_000_000);
        std::fs::write(disk.path("f"), &bytes).unwrap();
        rustix::fs::syncfs(File::open(disk.path("f")).unwrap()).unwrap();
        // The file's blocks are found in the image by their content.
        let image = File::open(&disk.image).unwrap();
        let first = (0..(400 << 20) / 4096u64)
            .map(|block| block * 4096)
            .find(|at| {
                let mut block = [0; 4096];
                std::os::unix::fs::FileExt::read_exact_at(&image, &mut block, *at).unwrap();
                block == bytes[..4096]
            })
            .expect("the file's first block");
        // Not mounted again, so that nothing has to be read there but the file: only its pages are dropped.
        rustix::fs::fadvise(File::open(disk.path("f")).unwrap(), 0, None, rustix::fs::Advice::DontNeed).unwrap();
        File::options().write(true).open(&disk.image).unwrap().set_len(first + 75 * 4096).unwrap();
        let source = disk.path("f");
        let outcome = scene.zccp([source.as_os_str(), OsStr::new("g")]).run();
        outcome.fails_with(1).stderr_has("error reading").stderr_has("Input/output error");
        assert!(bytes.starts_with(&scene.bytes("g")), "{kind}");
        let outcome = scene.zccat(["--engine=read_write".as_ref(), source.as_os_str()]).run();
        outcome.fails_with(1).stderr_has("Input/output error");
        assert!(bytes.starts_with(&outcome.stdout), "{kind}");
    }
}
