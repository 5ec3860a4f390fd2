//! When a tree is worth more than one worker: by what there is to move, not only by how many entries there are.

use super::{plant, same_trees};
use crate::apparatus::strace::{Call, inject, trace};
use crate::apparatus::{Fs, Scene, skip};
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The threads that gave bytes to a file.
fn movers(scene: &Scene, options: &[&str]) -> Option<BTreeSet<u32>> {
    let command = scene.zccp(options).arguments(["s", "n"]);
    let (outcome, trace) = trace(scene, &["-e", "trace=splice,write,pwrite64,clone,clone3"], command)?;
    outcome.succeeds().stderr_is("");
    same_trees(scene, "s", "n");
    Some(trace.calls.iter().filter(|call| call.name == "splice").map(|call| call.thread).collect())
}

#[test]
fn a_few_large_files_are_shared_among_workers() {
    for fs in [Fs::Ext4, Fs::XfsPlain, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        plant(&scene, "s", 1, 12, 4 << 20);
        // On a busy machine the other one may come so late that it copies nothing.
        for left in (0..10).rev() {
            let Some(movers) = movers(&scene, &["-r", "-j2"]) else { return };
            if movers.len() == 2 {
                break;
            }
            assert!(left > 0, "{}: {movers:?}", fs.name());
            std::fs::remove_dir_all(scene.path("n")).unwrap();
        }
    }
}

/// The second is already begun when the first has shown how long they are.
#[test]
fn two_large_files_are_copied_by_one_worker() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    plant(&scene, "s", 1, 2, 4 << 20);
    let Some(movers) = movers(&scene, &["-r", "-j2"]) else { return };
    assert_eq!(movers.len(), 1, "{movers:?}");
}

/// Of long files the size alone says it, before the first is copied, where it is known that extents are not shared.
#[test]
fn two_long_files_are_copied_side_by_side() {
    for fs in [Fs::Ext4, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        plant(&scene, "s", 1, 2, 9 << 20);
        let Some((outcome, trace)) = trace(&scene, &[], scene.zccp(["-r", "-j2", "s", "n"])) else { return };
        outcome.succeeds().stderr_is("");
        same_trees(&scene, "s", "n");
        // On a busy machine the other one may come so late that it copies nothing, or alone and with two threads.
        assert!(trace.count("clone") + trace.count("clone3") > 0, "{}", fs.name());
    }
}

/// Where extents are shared nothing has to be moved, and such files are as quickly copied as small ones.
#[test]
fn files_that_are_cloned_weigh_nothing() {
    for bytes in [4 << 20, 9 << 20] {
        let Some(scene) = Scene::on(Fs::Btrfs) else { return };
        plant(&scene, "s", 1, 12, bytes);
        let command = scene.zccp(["-r", "-j2", "s", "n"]);
        let Some((outcome, trace)) = trace(&scene, &[], command) else { return };
        outcome.succeeds().stderr_is("");
        assert_eq!(trace.count("clone") + trace.count("clone3"), 0, "{bytes}");
    }
}

/// A big file has a second thread to itself only where there is a processor for it.
#[test]
fn big_files_that_are_copied_side_by_side_have_one_thread_each() {
    for fs in [Fs::Ext4, Fs::XfsPlain, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        plant(&scene, "s", 1, 8, 9 << 20);
        let command = scene.zccp(["-r", "-j2", "--explain", "s", "n"]);
        let two = std::thread::available_parallelism().is_ok_and(|processors| processors.get() <= 2);
        let outcome = if two { command.run() } else { command.under("taskset", ["-c", "0,1"]).run() };
        outcome.succeeds().stderr_has("moved: splice 9437184 bytes");
        same_trees(&scene, "s", "n");
    }
}

/// That workers were at work side by side was still counted for the operand after the tree.
#[test]
fn a_big_file_after_a_tree_has_its_second_thread_again() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    plant(&scene, "s", 1, 8, 9 << 20);
    scene.file("z", &vec![b'z'; 9 << 20]);
    scene.directory("d");
    let outcome = scene.zccp(["-r", "-j2", "--explain", "s", "z", "d"]).run();
    outcome.succeeds().file_is("d/z", &vec![b'z'; 9 << 20]);
    let one = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    let planned = if one { "plan: splice" } else { "plan: read_write" };
    let text = outcome.stderr_text();
    let (_, last) = text.split_once("'z' -> 'd/z'").expect("told of");
    assert!(last.contains(planned), "{last}");
}

/// Two workers that make files in one allocation group of XFS put each other to sleep; which group a directory is in is asked
/// of the file system once, and where that is refused they are copied all the same.
#[test]
fn of_xfs_the_workers_know_the_allocation_groups() {
    for (fs, jobs, questions) in
        [(Fs::Xfs, "-j2", 1), (Fs::XfsPlain, "-j2", 1), (Fs::Xfs, "-j1", 0), (Fs::Ext4, "-j2", 0)]
    {
        let Some(scene) = Scene::on(fs) else { continue };
        plant(&scene, "s", 20, 20, 100);
        let command = || scene.zccp(["-r", jobs, "s", "n"]);
        let Some((outcome, trace)) = trace(&scene, &["-e", "trace=ioctl"], command()) else { return };
        outcome.succeeds().stderr_is("");
        same_trees(&scene, "s", "n");
        let of_groups = |call: &&Call| call.arguments.iter().any(|argument| argument.contains("0x58, 0x64, 0x70"));
        let asked = trace.named("ioctl").filter(of_groups).count();
        assert_eq!(asked, questions, "{} {jobs}: {:?}", fs.name(), trace.calls);
        if questions > 0 {
            std::fs::remove_dir_all(scene.path("n")).unwrap();
            let Some((outcome, _)) = inject(&scene, &["ioctl:error=EPERM"], command()) else { return };
            outcome.succeeds().stderr_is("");
            same_trees(&scene, "s", "n");
        }
    }
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Small files are made several at a time: what comes between them, and what is wrong with some, makes no difference.
#[test]
fn files_that_are_made_in_a_row_are_copied_as_one_by_one() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let directory = |at: usize| format!("s/d{}", at / 150);
        for at in 0..600 {
            std::fs::create_dir_all(scene.path(directory(at))).unwrap();
            let name = format!("{}/f{at}", directory(at));
            match at % 23 {
                3 => scene.symlink("f0", &name),
                7 => scene.sparse_file(&name, 300_000, &[(100_000, b"data")]),
                11 => scene.file(&name, &vec![b'x'; 70_000]),
                13 => scene.fifo(&name),
                17 => scene.file(&name, b""),
                19 => scene.directory(&name),
                _ => scene.file(&name, format!("contents of {at}").as_bytes()),
            };
            if at % 29 == 5 && scene.path(&name).is_file() {
                chmod(&scene.path(&name), 0);
            }
        }
        chmod(&scene.path("."), 0o777);
        let said = |jobs: &str, to: &str| {
            let command = scene.zccp(["-rv", jobs, "s", to]);
            let outcome = if skip::is_root() { command.with_user(65534) } else { command }.run();
            outcome.fails_with(1).stderr_has(": Permission denied\n");
            [&outcome.stdout, &outcome.stderr].map(|bytes| String::from_utf8_lossy(bytes).replace(to, "n"))
        };
        assert_eq!(said("-j1", "one"), said("-j2", "two"), "{}", fs.name());
        same_trees(&scene, "one", "two");
    }
}
