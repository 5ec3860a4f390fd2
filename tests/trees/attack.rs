//! An attacker swaps a directory for a symbolic link ten thousand times while a tree is copied: nothing is written outside of the
//! destination, and nothing from outside of the source is copied.

use crate::apparatus::{Fs, Scene, tree};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const SWAPS: usize = 10_000;
const COPIES: usize = 12;

/// Swaps `one` and `other` until told to stop; how often is counted.
fn swap(one: &Path, other: &Path, stop: &AtomicBool, swaps: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        if renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok() {
            swaps.fetch_add(1, Ordering::Relaxed);
        } else {
            // The copy may have removed one of the two: it is made again, and the game goes on.
            let _ = std::fs::create_dir(one);
        }
    }
}

/// Copies with `options` while `pair` is swapped, until there were enough of both; `after` looks at each copy.
fn attacked(scene: &Scene, options: &[&str], pair: (PathBuf, PathBuf), mut after: impl FnMut()) {
    let (stop, swaps) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| swap(&pair.0, &pair.1, &stop, &swaps));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut copies = 0;
            while copies < COPIES || swaps.load(Ordering::Relaxed) < SWAPS {
                let outcome = scene.zccp(options).arguments(["s", "n"]).run();
                assert!(
                    outcome.status.code().is_some_and(|code| code < 2),
                    "{:?}: {}",
                    outcome.status,
                    outcome.stderr_text()
                );
                after();
                copies += 1;
            }
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

/// `s/d` and what is in it, which has other names in `s/h`, and a directory `outside` with files of the same names.
fn scene_with_outside() -> Option<Scene> {
    let scene = Scene::on(Fs::Tmpfs)?;
    scene.directory("s");
    for directory in ["s/d", "s/d/e", "outside", "outside/e"] {
        scene.directory(directory);
        for file in 0..20 {
            scene.file(format!("{directory}/f{file}"), if directory.starts_with('s') { b"inside" } else { b"secret" });
        }
    }
    // Other names of theirs, which may come to be linked to the first ones' copies.
    scene.directory("s/h");
    for (of, name) in [("s/d", "g"), ("s/d/e", "h")] {
        for file in 0..20 {
            std::fs::hard_link(scene.path(format!("{of}/f{file}")), scene.path(format!("s/h/{name}{file}"))).unwrap();
        }
    }
    scene.directory("n");
    Some(scene)
}

#[test]
fn nothing_lands_outside_of_the_destination() {
    for options in
        [&["-r"][..], &["-a"], &["-rf", "-j4"], &["-a", "--remove-destination"], &["-rb"], &["-rl", "-f"], &["-ru"]]
    {
        let Some(scene) = scene_with_outside() else { return };
        for directory in ["n/s", "n/s/d", "n/s/d/e"] {
            scene.directory(directory);
        }
        scene.symlink(scene.path("outside"), "n/s/link");
        let before = tree::describe(&scene.path("outside"));
        attacked(&scene, options, (scene.path("n/s/d"), scene.path("n/s/link")), || {
            assert_eq!(tree::describe(&scene.path("outside")), before, "{options:?}");
        });
    }
}

#[test]
fn nothing_from_outside_of_the_source_is_copied() {
    for options in [&["-r"][..], &["-a"], &["-rP", "-j4"], &["-r", "--remove-destination"], &["-rH"]] {
        let Some(scene) = scene_with_outside() else { return };
        scene.symlink(scene.path("outside"), "s/link");
        attacked(&scene, options, (scene.path("s/d"), scene.path("s/link")), || {
            let copy = tree::describe(&scene.path("n"));
            assert!(!copy.contains("\"secret\""), "{options:?}:\n{copy}");
            std::fs::remove_dir_all(scene.path("n")).unwrap();
            scene.directory("n");
        });
    }
}

#[test]
fn a_file_swapped_for_a_link_is_not_followed() {
    for options in [&["-r"][..], &["-a"], &["-r", "-j4"]] {
        let Some(scene) = scene_with_outside() else { return };
        scene.symlink(scene.path("outside/f0"), "s/d/link");
        attacked(&scene, options, (scene.path("s/d/f0"), scene.path("s/d/link")), || {
            let copy = tree::describe(&scene.path("n"));
            assert!(!copy.contains("\"secret\""), "{options:?}:\n{copy}");
            std::fs::remove_dir_all(scene.path("n")).unwrap();
            scene.directory("n");
        });
    }
}
