//! Trees that are deep, broad or large.

use super::{plant, same_trees};
use crate::apparatus::{Fs, Scene};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, statat};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

const LEVELS: usize = 300;

/// The name of each level: 300 × 50 bytes are more than three times PATH_MAX.
fn level() -> String {
    "deep".repeat(12) + "er"
}

/// Opens the directory `levels` levels below `root`, making them if `made`.
fn descend(root: &Path, levels: usize, made: bool) -> OwnedFd {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = openat(CWD, root, flags, Mode::empty()).unwrap();
    for _ in 0..levels {
        if made {
            mkdirat(&at, level(), Mode::from_raw_mode(0o755)).unwrap();
        }
        at = openat(&at, level(), flags, Mode::empty()).unwrap();
    }
    at
}

fn deep_scene() -> Option<Scene> {
    let scene = Scene::on(Fs::Tmpfs)?;
    let bottom = descend(&scene.directory("s"), LEVELS, true);
    let flags = OFlags::WRONLY | OFlags::CREATE;
    let file = openat(&bottom, "file", flags, Mode::from_raw_mode(0o640)).unwrap();
    rustix::io::write(&file, b"at the bottom").unwrap();
    rustix::fs::symlinkat("file", &bottom, "link").unwrap();
    mkdirat(&bottom, "side", Mode::from_raw_mode(0o755)).unwrap();
    rustix::fs::linkat(&bottom, "file", &bottom, "side/other name", AtFlags::empty()).unwrap();
    Some(scene)
}

#[test]
fn a_tree_deeper_than_a_path_can_be_is_copied() {
    for options in [&["-r"][..], &["-a"], &["-rv"], &["-r", "-j1"], &["-al"], &["-rp", "-j4"]] {
        let Some(scene) = deep_scene() else { return };
        // Twice: into a new tree and onto it.
        scene.zccp(options).arguments(["s/.", "n"]).run().succeeds().stderr_is("");
        if options != ["-al"] {
            scene.zccp(options).arguments(["s/.", "n"]).run().succeeds().stderr_is("");
        }
        let bottom = descend(&scene.path("n"), LEVELS, false);
        let facts = statat(&bottom, "file", AtFlags::SYMLINK_NOFOLLOW).unwrap();
        assert_eq!((facts.st_size, facts.st_mode & 0o777), (13, 0o640), "{options:?}");
        let other = statat(&bottom, "side/other name", AtFlags::SYMLINK_NOFOLLOW).unwrap();
        assert_eq!(facts.st_ino == other.st_ino, options[0].starts_with("-a"), "{options:?}");
        assert_eq!(rustix::fs::readlinkat(&bottom, "link", Vec::new()).unwrap().as_bytes(), b"file");
    }
}

/// The three standard ones, the directory that is copied into, the two roots, a directory and its copy, a file and its copy.
/// Two more to link names that are deeper than a path can be. (GNU cp, which goes by paths, takes five and does not get there.)
#[test]
fn ten_descriptors_are_enough_and_twelve_for_links() {
    for (options, descriptors) in [
        (&["-r"][..], 10),
        (&["-a"], 12),
        (&["-r", "-j4"], 10),
        (&["-r", "-j64"], 10),
        (&["-r", "-j1"], 10),
        (&["-rp", "--backup"], 10),
    ] {
        let Some(scene) = deep_scene() else { return };
        scene.directory("n");
        plant(&scene, "broad", 40, 10, 100);
        plant(&scene, "broad/more", 2, 2, 200_000); // which are spliced where a pipe is to be had
        for source in ["broad", "s"] {
            // Into a new tree, and onto it.
            for _ in 0..2 {
                let command = scene.zccp(options).arguments([source, "n"]).limit(libc::RLIMIT_NOFILE, descriptors);
                // What whoever runs the tests has open besides is not ours to count.
                let alone = "for fd in {3..11}; do eval \"exec $fd>&-\"; done; exec \"$@\"";
                command.under("bash", ["-c", alone, "bash"]).run().succeeds().stderr_is("");
            }
        }
        if !options.contains(&"--backup") {
            same_trees(&scene, "broad", "n/broad");
        }
        descend(&scene.path("n/s"), LEVELS, false);
    }
}

#[test]
fn a_hundred_thousand_entries_in_one_directory_are_copied_in_little_memory() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.directory("s");
    (0..100_000).for_each(|number| _ = scene.file(format!("s/a file with number {number}"), b""));
    let peak = peak_of(&scene, &["-r", "s", "n"]);
    assert_eq!(std::fs::read_dir(scene.path("n")).unwrap().count(), 100_000);
    assert!(peak < 32 << 20, "{} KiB", peak >> 10);
}

/// A tenth of a million files in every run of the tests; a million with `ZCCP_MILLION`, which takes a minute and 1 GiB.
#[test]
fn many_files_are_copied_in_little_memory() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    let directories = if std::env::var_os("ZCCP_MILLION").is_some() { 1000 } else { 100 };
    scene.directory("s");
    for directory in 0..directories {
        scene.directory(format!("s/{directory}"));
        (0..1000).for_each(|file| _ = scene.file(format!("s/{directory}/file {file}"), b""));
    }
    let peak = peak_of(&scene, &["-a", "s", "n"]);
    for directory in 0..directories {
        assert_eq!(std::fs::read_dir(scene.path(format!("n/{directory}"))).unwrap().count(), 1000);
    }
    assert!(peak < 32 << 20, "{} KiB", peak >> 10);
}

/// What is kept for each directory while its contents are copied does not include its path: 1,500 levels of 250 bytes would
/// be 840 MB with three paths each.
#[test]
fn a_deep_tree_is_copied_in_little_memory() {
    const DEEP: usize = 1_500;
    for options in [&["-r", "-j1"][..], &["-a", "-j4"]] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let name = "n".repeat(250);
        let mut at = openat(CWD, scene.directory("s"), flags, Mode::empty()).unwrap();
        for _ in 0..DEEP {
            mkdirat(&at, &name, Mode::from_raw_mode(0o755)).unwrap();
            at = openat(&at, &name, flags, Mode::empty()).unwrap();
        }
        let peak = peak_of(&scene, &[options, &["s", "n"]].concat());
        assert!(peak < 32 << 20, "{options:?}: {} KiB", peak >> 10);
        let mut at = openat(CWD, scene.path("n"), flags, Mode::empty()).unwrap();
        (0..DEEP).for_each(|_| at = openat(&at, &name, flags, Mode::empty()).unwrap());
    }
}

/// Runs zccp with these arguments: the most memory it had at one time, in bytes.
fn peak_of(scene: &Scene, arguments: &[&str]) -> u64 {
    let running = scene.zccp(arguments).time_out(Duration::from_secs(600)).spawn();
    let mut peak = 0;
    running.wait_until("ended", || {
        peak = running.peak_memory().unwrap_or(peak); // it only grows
        !running.is_running()
    });
    running.finish().succeeds().stderr_is("");
    assert!(peak > 0, "nothing was seen of its memory");
    peak
}
