//! `--verify`: a bit that the device has wrong is found, every time; what proves nothing is said.

use super::{stopped_after, with_error};
use crate::apparatus::filesystems::mounted;
use crate::apparatus::fuse::Mount;
use crate::apparatus::{Fs, Scene, content, skip};
use rustix::process::Signal;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use zccp::sys::extents;

/// The block device that a file system of that kind is mounted from.
fn device_of(fs: Fs) -> PathBuf {
    let place = mounted(fs).unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = mounts.lines().find(|line| line.split(' ').nth(4) == place.to_str()).unwrap();
    PathBuf::from(line.split(" - ").nth(1).unwrap().split(' ').nth(1).unwrap())
}

/// Inverts one bit on the device, of the byte at `offset` of the file.
fn flip(device: &PathBuf, file: &File, offset: u64) {
    file.sync_all().unwrap();
    let extents = extents::of(file).unwrap();
    let extent = extents.iter().find(|e| (e.logical..e.logical + e.length).contains(&offset)).unwrap();
    let at = extent.physical + (offset - extent.logical);
    let device = File::options().read(true).write(true).open(device).unwrap();
    let mut byte = [0];
    // Not what the device's own cache has from when the file system was made.
    rustix::fs::fadvise(&device, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    device.read_exact_at(&mut byte, at).unwrap();
    device.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
    device.sync_all().unwrap();
}

#[test]
fn a_bit_flipped_on_the_device_is_found_every_time() {
    for fs in [Fs::Ext4, Fs::XfsPlain, Fs::Ext2Small] {
        let Some(scene) = Scene::on(fs) else { continue };
        let device = device_of(fs);
        let right = content::bytes(1, 9_000_001);
        scene.file("a", &right);
        scene.zccp(["--verify", "--reflink=never", "a", "b"]).run().succeeds().stderr_is("");
        for n in 0..12 {
            let at = if n == 0 { 0 } else { right.len() - 1 - n * 818_181 };
            // The page cache has it right: nothing but the device can tell.
            scene.zccp(["--resume", "a", "b"]).run().succeeds().file_is("b", &right);
            flip(&device, &scene.open("b"), at as u64);
            let outcome = scene.zccp(["--resume", "--verify", "a", "b"]).run();
            outcome.fails_with(1).stderr_is(&format!(
                "zccp: verification failed: 'b' differs from 'a' at byte {at}: 0x{:02x} instead of 0x{:02x}\n",
                right[at] ^ 0x10,
                right[at],
            ));
            // The cache has gone, so that now the difference is seen by whoever reads, and mended.
            scene.zccp(["--resume", "--verify", "a", "b"]).run().succeeds().stderr_is("").file_is("b", &right);
        }
    }
}

/// Stopped between the flush and the reading back.
#[test]
fn so_is_one_that_flips_while_it_is_copied() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let right = content::bytes(2, 5_000_000);
    scene.file("a", &right);
    for at in [0u64, 4_096_123, 4_999_999] {
        let _ = std::fs::remove_file(scene.path("b"));
        let Some(running) = stopped_after(&scene, "fdatasync", scene.zccp(["--verify", "a", "b"])) else { return };
        flip(&device_of(Fs::Ext4), &scene.open("b"), at);
        running.signal(Signal::CONT);
        let outcome = running.finish();
        outcome.fails_with(1).stderr_has(&format!("'b' differs from 'a' at byte {at}: "));
    }
}

#[test]
fn what_shares_its_extents_proves_nothing() {
    for fs in [Fs::Xfs, Fs::Btrfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        scene.file("a", &content::bytes(3, 1_000_000));
        scene.open("a").sync_all().unwrap();
        let outcome = scene.zccp(["--verify", "a", "b"]).run();
        outcome.succeeds().stderr_is(
            "zccp: warning: reading 'b' back proves nothing: it shares its data with 'a' (--reflink=never makes a copy \
             of its own)\n",
        );
        // The sharing is seen on the device too, whoever has made it.
        let outcome = scene.zccp(["--resume", "--verify", "a", "b"]).run();
        outcome.succeeds().stderr_has("warning: reading 'b' back proves nothing");
        scene.zccp(["--verify", "--reflink=never", "a", "c"]).run().succeeds().stderr_is("");
        // A snapshot of the copy is no sharing with the source.
        scene.zccp(["--reflink=always", "c", "d"]).run().succeeds();
        scene.zccp(["--resume", "--verify", "a", "c"]).run().succeeds().stderr_is("");
    }
}

#[test]
fn memory_proves_nothing() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.file("a", b"some");
    let outcome = scene.zccp(["--verify", "a", "b"]).run();
    outcome.succeeds().stderr_is("zccp: warning: reading 'b' back proves nothing: its file system is in memory\n");
}

#[test]
fn what_a_program_serves_proves_less() {
    let scene = Scene::new();
    let Some(_mount) = Mount::new(&scene) else { return };
    scene.file("a", b"some");
    let outcome = scene.zccp(["--verify", "--explain", "a", "fuse/b"]).run();
    outcome.succeeds().stderr_has("  verified: 4 bytes read back from what serves the file system\n").stderr_has(
        "zccp: warning: 'fuse/b' was read back from what serves its file system, a program or a server, which may have had \
         it in memory\n",
    );
}

#[test]
fn a_source_that_changed_since_is_said() {
    let scene = Scene::new();
    type Change = fn(&Scene);
    let changes: [(&str, Change); 3] = [
        ("its size is another", |scene| drop(scene.file("a", b"longer than it was"))),
        ("it was modified", |scene| scene.open_with("a", 0).write_all_at(b"S", 0).unwrap()),
        ("its change time is another", |scene| {
            std::fs::hard_link(scene.path("a"), scene.path("another")).unwrap();
        }),
    ];
    for (what, change) in changes {
        scene.file("a", b"some");
        std::thread::sleep(std::time::Duration::from_millis(20)); // more than a tick of the file system's clock
        let Some(running) = stopped_after(&scene, "fdatasync", scene.zccp(["--verify", "a", "b"])) else { return };
        change(&scene);
        running.signal(Signal::CONT);
        let outcome = running.finish();
        outcome
            .fails_with(1)
            .stderr_is(&format!("zccp: cannot verify 'b': 'a' has changed since it was opened ({what})\n"));
        std::fs::remove_file(scene.path("b")).unwrap();
    }
}

#[test]
fn what_cannot_be_read_back_is_said() {
    let scene = Scene::new();
    scene.file("a", b"some");
    scene.zccp(["--verify", "a", "/dev/null"]).run().fails_with(1).stderr_is(
        "zccp: cannot verify '/dev/null': it is neither a file nor a block device, and cannot be read back\n",
    );
    let outcome = scene.shell("echo some | $ZCCP --verify /dev/stdin b").run();
    outcome.fails_with(1).stderr_is("zccp: cannot verify 'b': '/dev/stdin' cannot be read a second time\n");
    outcome.file_is("b", b"some\n");
    for (call, number, text) in [
        ("fdatasync", 1, "error flushing 'b': Input/output error\n"),
        ("pread64", 1, "cannot verify 'b': error reading it back: Input/output error\n"),
        ("pread64", 2, "cannot verify 'b': error reading 'a' again: Input/output error\n"),
    ] {
        let _ = std::fs::remove_file(scene.path("b"));
        let before = if call == "pread64" { reads_of_the_copy(&scene) } else { 0 };
        let Some(outcome) = with_error(&scene, &["--verify", "a", "b"], call, "EIO", before + number) else { return };
        outcome.fails_with(1).stderr_is(&format!("zccp: {text}"));
    }
}

#[test]
fn a_file_that_was_there_and_may_not_be_read_is_said() {
    if !skip::is_root() {
        return skip::skip!("root is needed to become somebody else");
    }
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.file("a", b"some");
    scene.file("b", b"old");
    std::fs::set_permissions(scene.path("b"), std::os::unix::fs::PermissionsExt::from_mode(0o222)).unwrap();
    let outcome = scene.zccp(["--verify", "a", "b"]).with_user(65_534).run();
    outcome.fails_with(1).stderr_is("zccp: cannot verify 'b': it may be written to, but not read\n");
    outcome.file_is("b", b"some");
}

/// How many reads come before the reading back.
fn reads_of_the_copy(scene: &Scene) -> usize {
    let plain = crate::apparatus::strace::trace(scene, &[], scene.zccp(["a", "b"]));
    let reads = plain.map_or(0, |(_, trace)| trace.count("pread64"));
    let none = crate::apparatus::strace::trace(scene, &[], scene.zccp(["--version"]));
    std::fs::remove_file(scene.path("b")).unwrap();
    reads - none.map_or(0, |(_, trace)| trace.count("pread64"))
}

#[test]
fn a_file_that_may_not_be_read_is_read_back_where_we_made_it() {
    let scene = Scene::new();
    scene.file("a", b"some");
    std::fs::set_permissions(scene.path("a"), std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    scene.shell("umask 0777; exec $ZCCP --verify a b").run().succeeds().stderr_is("");
    assert_eq!(std::fs::metadata(scene.path("b")).unwrap().mode() & 0o777, 0);
}

#[test]
fn the_time_of_last_access_that_was_kept_stays() {
    let scene = Scene::new();
    scene.file("a", b"some");
    let times = std::fs::FileTimes::new();
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    File::options()
        .write(true)
        .open(scene.path("a"))
        .unwrap()
        .set_times(times.set_accessed(then).set_modified(then))
        .unwrap();
    scene.zccp(["-p", "--verify", "a", "b"]).run().succeeds().stderr_is("");
    let kept = std::fs::metadata(scene.path("b")).unwrap();
    assert_eq!(kept.mtime(), 1_000_000_000);
    // The source's own may have moved when it was read (relatime).
    assert!(kept.atime() == 1_000_000_000, "{}", kept.atime());
}

#[test]
fn a_tree_is_verified_and_told_of_once() {
    let Some(scene) = Scene::on(Fs::Xfs) else { return };
    scene.directory("from");
    for n in 0..4 {
        scene.file(format!("from/{n}"), &content::bytes(n, 100_000));
        scene.open(format!("from/{n}")).sync_all().unwrap();
    }
    scene.symlink("0", "from/link");
    scene.zccp(["-r", "--verify", "--reflink=never", "from", "to"]).run().succeeds().stderr_is("");
    let outcome = scene.zccp(["-r", "--verify", "from", "shared"]).run();
    outcome.succeeds();
    let text = outcome.stderr_text();
    assert_eq!(text.lines().count(), 2, "{text}");
    outcome
        .stderr_has("warning: reading 'shared/")
        .stderr_has("warning: 3 more files are clones of their sources, so that reading them back proves nothing\n");
}
