//! FAT and exFAT, as the kernel has them: what they cannot hold is said, and what is promised is kept there too.
//!
//! Where this kernel has neither, `tests/in-a-kernel fat::` runs these cases in Debian's.

use crate::apparatus::block::LoopDevice;
use crate::apparatus::filesystems::{may_mount, mount, unmount};
use crate::apparatus::{Scene, content, skip};
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// A file system in an image, mounted; unmounted when dropped.
struct Volume {
    place: PathBuf,
    image: PathBuf,
    _device: LoopDevice,
}

impl Volume {
    /// A new one of that kind, mounted on `v`. `None`, and the case skipped by name, where it cannot be had.
    fn new(scene: &Scene, kind: &str) -> Option<Volume> {
        let make = || {
            may_mount()?;
            let image = scene.path("image");
            File::create(&image).and_then(|file| file.set_len(64 << 20)).map_err(|error| error.to_string())?;
            let options: &[&str] = if kind == "vfat" { &["-F", "32", "-s", "1"] } else { &[] };
            let mkfs = format!("mkfs.{kind}");
            if !skip::has_program(&mkfs) {
                return Err(format!("{mkfs} is not installed"));
            }
            scene.program(mkfs).arguments(options).argument(&image).run().succeeds();
            Volume::mounted(kind, image, &scene.path("v"))
        };
        make().map_err(|reason| skip::skip!(reason)).ok()
    }

    fn mounted(kind: &str, image: PathBuf, place: &Path) -> Result<Volume, String> {
        let device = LoopDevice::over(&image)?;
        std::fs::create_dir_all(place).map_err(|error| error.to_string())?;
        mount(&device.path.to_string_lossy(), place, kind, "")?;
        Ok(Volume { place: place.to_path_buf(), image, _device: device })
    }

    /// What would be found if the stick were pulled out now: what its device has been given, mounted elsewhere.
    fn pulled_out(&self, scene: &Scene, kind: &str) -> Volume {
        let copy = scene.path("image.pulled");
        std::fs::copy(&self.image, &copy).unwrap();
        Volume::mounted(kind, copy, &scene.path("pulled")).unwrap()
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        unmount(&self.place);
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_that_fat_cannot_hold_is_refused_before_the_first_byte() {
    let scene = Scene::new();
    let Some(volume) = Volume::new(&scene, "vfat") else { return };
    scene.directory("d");
    scene.sparse_file("d/big.iso", 5 << 30, &[(0, b"data"), (4 << 30, b"more")]);
    let said = "error writing 'v/big.iso': File too large";
    let more = format!("zccp: {said} (no file of 5368709120 bytes fits that file system; nothing was copied)\n");
    for option in [
        "--sparse=auto",
        "--sparse=always",
        "--sparse=never",
        "--atomic",
        "--resume",
        "--durable",
        "--engine=splice",
        "--engine=sendfile",
        "--engine=mmap",
    ] {
        let copy = || scene.zccp([option, "-q", "d/big.iso", "v"]);
        copy().run().fails_with(1).stderr_is(&more);
        assert_eq!(names(&volume.place), [""; 0], "{option}");
        scene.file("v/big.iso", b"what was there");
        copy().run().fails_with(1).stderr_is(&more).file_is("v/big.iso", b"what was there");
        std::fs::remove_file(scene.path("v/big.iso")).unwrap();
    }
    scene.zccp(["d/big.iso", "v"]).called("cp").run().fails_with(1).stderr_is(&format!("cp: {said}\n"));
    scene.sparse_file("d/largest", 1 << 32, &[]);
    scene.file("d/small", b"small");
    let outcome = scene.zccp(["-r", "d", "v/d"]).run();
    outcome.fails_with(1).stderr_has("'v/d/largest': File too large").stderr_has("'v/d/big.iso': File too large");
    outcome.file_is("v/d/small", b"small");
    assert_eq!(names(&volume.place.join("d")), ["small"]);
}

#[test]
fn of_a_tree_what_fat_cannot_hold_is_said_and_the_rest_is_there() {
    for kind in ["vfat", "exfat"] {
        let scene = Scene::new();
        let Some(volume) = Volume::new(&scene, kind) else { return };
        scene.directory("s");
        for name in ["a", "b:c", "q?", "case", "CASE", "\u{fc}n\u{ef}", "large"] {
            scene.file(format!("s/{name}"), &content::bytes(name.len() as u64, name.len() * 100_000));
        }
        scene.symlink("a", "s/link");
        scene.fifo("s/fifo");
        std::os::unix::fs::chown(scene.path("s/large"), Some(1000), Some(1000)).unwrap();
        std::fs::hard_link(scene.path("s/a"), scene.path("s/hard")).unwrap();
        for options in [&["-a"][..], &["-r", "--atomic"], &["-r", "--resume", "--verify"], &["-r", "--durable"]] {
            let outcome = scene.zccp(options).arguments(["-q", "s", "v/t"]).run();
            outcome.fails_with(1);
            let said = outcome.stderr_text();
            let has = |text: &str| said.lines().filter(|line| line.contains(text)).count();
            assert_eq!(has("cannot create regular file 'v/t/b:c': Invalid argument"), 1, "{kind}: {said}");
            assert_eq!(has("cannot create regular file 'v/t/q?': Invalid argument"), 1, "{kind}: {said}");
            assert_eq!(has("cannot create symbolic link 'v/t/link': Operation not permitted"), 1, "{kind}: {said}");
            assert_eq!(has("': File exists"), 1, "{kind}: {said}");
            let keeps = options == ["-a"];
            assert_eq!(has("failed to preserve ownership for "), usize::from(keeps), "{kind}: {said}");
            assert_eq!(has("cannot create hard link "), usize::from(keeps), "{kind}: {said}");
            let there = names(&volume.place.join("t"));
            assert_eq!(there.len(), if keeps { 4 } else { 5 }, "{kind}: {there:?}");
            for name in &there {
                assert_eq!(scene.bytes(format!("v/t/{name}")), scene.bytes(format!("s/{name}")), "{kind}: {name}");
            }
            std::fs::remove_dir_all(scene.path("v/t")).unwrap();
        }
    }
}

#[test]
fn what_is_promised_is_kept_on_fat_and_exfat() {
    for kind in ["vfat", "exfat"] {
        let scene = Scene::new();
        let Some(volume) = Volume::new(&scene, kind) else { return };
        let right = content::bytes(1, 3_000_001);
        scene.file("a", &right);

        // A copy that was asked to be durable is on the device, name and all; so is a tree.
        scene.zccp(["-q", "--durable", "a", "v/durable"]).run().succeeds().stderr_is("");
        assert_eq!(scene.bytes(volume.pulled_out(&scene, kind).place.join("durable")), right, "{kind}");
        scene.directory("s");
        for n in 0..20 {
            scene.file(format!("s/{n}"), &content::bytes(n, 50_000));
        }
        scene.zccp(["-q", "-r", "--durable", "s", "v/s"]).run().succeeds().stderr_is("");
        let pulled = volume.pulled_out(&scene, kind);
        for n in 0..20 {
            assert_eq!(scene.bytes(pulled.place.join(format!("s/{n}"))), content::bytes(n, 50_000), "{kind}: {n}");
        }
        drop(pulled);

        // A new name is no empty file there, and neither is the name of a backup.
        let sync = || _ = scene.program("sync").arguments(["-f", "v"]).run().succeeds();
        scene.file("v/b", b"old");
        sync();
        for options in [&["--atomic"][..], &["--atomic", "--durable"], &["--backup", "--durable"]] {
            for name in ["b", "new"] {
                let there = scene.path(format!("v/{name}")).exists();
                scene.zccp(options).arguments(["-q", "a", &format!("v/{name}")]).run().succeeds().stderr_is("");
                let pulled = volume.pulled_out(&scene, kind);
                // Without --durable it may not have its name yet.
                let is = std::fs::read(pulled.place.join(name)).ok();
                let old = there && is.as_deref() == Some(b"old") || !there && is.is_none();
                let length = is.as_ref().map(Vec::len);
                let whole = is.as_ref() == Some(&right) || options == ["--atomic"] && old;
                assert!(whole, "{kind}: {options:?} {name}: {length:?} bytes");
                if options.contains(&"--backup") {
                    assert_eq!(scene.bytes(pulled.place.join(format!("{name}~"))), right, "{kind}: {name}");
                }
                sync();
            }
        }
        for name in ["b", "b~", "new", "new~"] {
            std::fs::remove_file(scene.path(format!("v/{name}"))).unwrap();
        }

        // A bit that the device has wrong is found; the copy is mended by --resume.
        for at in [0usize, 1_234_567, right.len() - 1] {
            scene.zccp(["-q", "--resume", "--verify", "a", "v/b"]).run().succeeds().file_is("v/b", &right);
            flip(&volume.image, &right, at);
            let outcome = scene.zccp(["-q", "--resume", "--verify", "a", "v/b"]).run();
            outcome.fails_with(1).stderr_has(&format!("'v/b' differs from 'a' at byte {at}: 0x"));
            scene.zccp(["-q", "--resume", "--verify", "a", "v/b"]).run().succeeds().stderr_is("");
        }

        // The old or the new one: it is another file afterwards, and nothing is left beside it. What cannot be kept aside
        // under a second name has no backup so.
        scene.file("v/b", b"old");
        let before = std::fs::metadata(scene.path("v/b")).unwrap().ino();
        scene.zccp(["-q", "--atomic", "a", "v/b"]).run().succeeds().stderr_is("").file_is("v/b", &right);
        assert_ne!(before, std::fs::metadata(scene.path("v/b")).unwrap().ino());
        let outcome = scene.zccp(["-q", "--atomic", "--backup", "s/1", "v/b"]).run();
        outcome.fails_with(1).stderr_is("zccp: cannot backup 'v/b': Operation not permitted\n").file_is("v/b", &right);
        assert_eq!(names(&volume.place), ["b", "durable", "s"], "{kind}");

        // What has lost its tail, has got holes, or is too long is mended.
        for (length, spoilt) in [(1_000_000, 5), (3_000_001, 2_500_000), (3_100_000, 0)] {
            let file = File::options().write(true).open(scene.path("v/b")).unwrap();
            file.set_len(length).unwrap();
            file.write_all_at(&[0xff; 7], spoilt).unwrap();
            drop(file);
            scene.zccp(["-q", "--resume", "a", "v/b"]).run().succeeds().stderr_is("").file_is("v/b", &right);
        }
    }
}

/// Inverts a bit on the device, of the byte at `at` of the one file there that is `bytes` long and whole: the last one found.
fn flip(image: &Path, bytes: &[u8], at: usize) {
    let file = File::options().read(true).write(true).open(image).unwrap();
    let image = std::fs::read(image).unwrap();
    let sector = at / 512 * 512;
    let wanted = &bytes[sector..(sector + 512).min(bytes.len())];
    let places = (0..image.len()).step_by(512).filter(|place| image[*place..].starts_with(wanted));
    for place in places {
        let byte = place + at % 512;
        file.write_all_at(&[image[byte] ^ 0x10], byte as u64).unwrap();
    }
}
