//! Trees that go onto trees: what depends on what is done first is as if one worker had done it all.

use super::same_trees;
use crate::apparatus::strace::{inject, trace};
use crate::apparatus::{Fs, Output, Scene, tree};
use std::io::Write as _;

const DIRECTORIES: usize = 40;

/// A tree, and beneath `old` what it goes onto: directories with files enough for workers to have parts in.
fn scene() -> Option<Scene> {
    let scene = Scene::on(Fs::Tmpfs)?;
    for root in ["s", "old"] {
        scene.directory(root);
        for directory in 0..DIRECTORIES {
            scene.directory(format!("{root}/d{directory:02}"));
        }
    }
    Some(scene)
}

/// Copies `s` onto a copy of `old`, which, if `kept`, has every file under a second name beside: what is said, the tree, and
/// what the files that were there have become.
fn copied(scene: &Scene, options: &[&str], jobs: &str, kept: bool) -> (String, String, String) {
    for root in ["n", "kept"] {
        let _ = std::fs::remove_dir_all(scene.path(root));
    }
    scene.program("cp").arguments(["-a", "old", "n"]).run().succeeds();
    if kept {
        scene.program("cp").arguments(["-al", "n", "kept"]).run().succeeds();
    } else {
        scene.directory("kept");
    }
    let outcome = scene.zccp(options).arguments([jobs, "s/.", "n"]).run();
    if kept {
        outcome.succeeds().stderr_is("");
    }
    (
        format!("{}{}{}", String::from_utf8_lossy(&outcome.stdout), outcome.stderr_text(), outcome.status),
        tree::describe(&scene.path("n")),
        tree::describe(&scene.path("kept")),
    )
}

#[track_caller]
fn as_one_worker_would(scene: &Scene, options: &[&str]) {
    the_same_whatever_the_workers(scene, options, true);
}

#[track_caller]
fn the_same_whatever_the_workers(scene: &Scene, options: &[&str], kept: bool) {
    let expected = copied(scene, options, "-j1", kept);
    for jobs in ["-j2", "-j4", "-j16", "-j2", "-j4"] {
        let got = copied(scene, options, jobs, kept);
        for (expected, got) in [(&expected.0, &got.0), (&expected.1, &got.1), (&expected.2, &got.2)] {
            let differ = expected.lines().zip(got.lines()).find(|(one, other)| one != other);
            assert!(expected == got, "{options:?} {jobs}: {differ:?}, {} and {} bytes", expected.len(), got.len());
        }
    }
}

/// The first of a file's names is copied to, the others become links to that: what was there at the first is written over,
/// what was there at the others is removed, and `-v` says so.
#[test]
fn the_first_of_several_names_is_the_first_in_the_walk() {
    let Some(scene) = scene() else { return };
    for directory in 0..DIRECTORIES {
        (0..20).for_each(|file| _ = scene.file(format!("s/d{directory:02}/f{file}"), b"by itself"));
    }
    for group in 0..DIRECTORIES {
        let first = scene.file(format!("s/d{group:02}/g{group}"), format!("of the group {group}").as_bytes());
        for name in 0..5 {
            let name = format!("d{:02}/g{group}-{name}", (group * 7 + name * 9) % DIRECTORIES);
            std::fs::hard_link(&first, scene.path(format!("s/{name}"))).unwrap();
            scene.file(format!("old/{name}"), b"was there");
        }
    }
    for options in [&["-av"][..], &["-rvd", "-f"], &["-avu"], &["-rvl", "-f"]] {
        as_one_worker_would(&scene, options);
    }
    // What is there is newer, and is taken for a copy of the first name.
    scene
        .program("sh")
        .arguments(["-c", "touch -m -d 2001-01-01 s/d*/*; touch -m -d 2002-02-02 old/d*/*-[024]"])
        .run()
        .succeeds();
    scene.program("sh").arguments(["-c", "touch -m -d 2000-01-01 old/d*/*-[13]"]).run().succeeds();
    for options in [&["-rvu"][..], &["-avu"], &["-avn"]] {
        as_one_worker_would(&scene, options);
    }
}

/// The last one's contents stay, as with GNU cp, and not those of whoever was slowest.
#[test]
fn what_several_names_lead_to_has_the_contents_of_the_last() {
    for symbolic in [false, true] {
        let Some(scene) = scene() else { return };
        for file in 0..20 {
            scene.file(format!("old/f{file}"), b"");
            for directory in 0..DIRECTORIES {
                // Long ones, shorter ones: none of a longer one's end is to be left.
                let bytes = vec![b'A' + directory as u8; if directory % 2 == 0 { 40_000 } else { 20_000 }];
                scene.file(format!("s/d{directory:02}/f{file}"), &bytes);
                let name = format!("old/d{directory:02}/f{file}");
                if symbolic {
                    scene.symlink(format!("../f{file}"), name);
                } else {
                    std::fs::hard_link(scene.path(format!("old/f{file}")), scene.path(name)).unwrap();
                }
            }
        }
        for options in [&["-rv"][..], &["-rL"], &["-rp"]] {
            as_one_worker_would(&scene, options);
        }
    }
}

/// Names that give way to a link, or to another name of what was copied, are names of one file. The last one that is left of it
/// is written to and not removed (or, with `-l`, is in the way); which one that is depends on the order.
#[test]
fn the_last_name_of_what_is_there_is_the_last_in_the_walk() {
    let Some(scene) = scene() else { return };
    let first = scene.file("s/d00/a", b"of several names");
    for directory in 0..DIRECTORIES {
        for file in 0..20 {
            let name = |directory: usize| format!("d{:02}/f{file}", directory % DIRECTORIES);
            match (directory + file) % 4 {
                0 => _ = scene.symlink("nowhere", format!("s/{}", name(directory))),
                1 => std::fs::hard_link(&first, scene.path(format!("s/{}", name(directory)))).unwrap(),
                _ => _ = scene.file(format!("s/{}", name(directory)), b"by itself"),
            }
            // Of two directories far from each other, so that different workers have them.
            if directory < DIRECTORIES / 2 {
                let there = scene.file(format!("old/{}", name(directory)), b"was there");
                let other = format!("old/{}", name(directory * 7 % (DIRECTORIES / 2) + DIRECTORIES / 2));
                std::fs::hard_link(there, scene.path(other)).unwrap();
            }
        }
    }
    for options in [&["-av"][..], &["-rvd"], &["-alv"], &["-avu"], &["-rvu"]] {
        the_same_whatever_the_workers(&scene, options, false);
    }
}

/// A name that becomes another one of what was copied gives way by one rule, however many names are left of what it was
/// when its turn comes.
#[test]
fn names_that_are_resumed_give_way_the_same() {
    let Some(scene) = scene() else { return };
    for group in 0..DIRECTORIES {
        let first = scene.file(format!("s/d{group:02}/g{group}"), format!("of the group {group}").as_bytes());
        // The first name's copy is refused.
        scene.symlink("/nonexistent/x", format!("old/d{group:02}/g{group}"));
        let there = scene.file(format!("old/d{group:02}/h{group}"), format!("of the group {group}").as_bytes());
        for name in 0..12 {
            let name = format!("d{:02}/g{group}-{name}", (group * 7 + name * 9) % DIRECTORIES);
            std::fs::hard_link(&first, scene.path(format!("s/{name}"))).unwrap();
            std::fs::hard_link(&there, scene.path(format!("old/{name}"))).unwrap();
        }
        (0..20).for_each(|file| _ = scene.file(format!("s/d{group:02}/f{file}"), b"by itself"));
    }
    the_same_whatever_the_workers(&scene, &["-av", "--resume"], false);
}

/// Two directories of the source go into one of the destination.
#[test]
fn a_directory_that_a_link_leads_to_is_filled_in_order() {
    let Some(scene) = scene() else { return };
    std::fs::remove_dir_all(scene.path("old")).unwrap();
    scene.directory("old");
    scene.directory("old/all");
    for directory in 0..DIRECTORIES {
        scene.symlink("all", format!("old/d{directory:02}"));
        for file in 0..20 {
            scene.file(format!("s/d{directory:02}/f{file}"), format!("of {directory}").as_bytes());
        }
    }
    as_one_worker_would(&scene, &["-rv", "--keep-directory-symlink"]);
}

/// Which name is the first is told of each file, even where nothing is there yet.
#[test]
fn what_is_foretold_and_explained_of_names_is_as_one_worker_would_say_it() {
    let Some(scene) = scene() else { return };
    for group in 0..DIRECTORIES {
        let first = scene.file(format!("s/d{group:02}/g{group}"), b"x");
        for name in 0..20 {
            let name = format!("s/d{:02}/g{group}-{name}", (group * 7 + name * 9) % DIRECTORIES);
            std::fs::hard_link(&first, scene.path(name)).unwrap();
        }
    }
    for option in ["--dry-run", "--debug"] {
        let said = |jobs: &str| {
            let _ = std::fs::remove_dir_all(scene.path("n"));
            let outcome = scene.zccp(["-a", option, jobs, "s", "n"]).run();
            outcome.succeeds().stderr_is("");
            String::from_utf8_lossy(&outcome.stdout).into_owned()
        };
        let expected = said("-j1");
        for jobs in ["-j2", "-j4", "-j16", "-j4"] {
            let got = said(jobs);
            let differ = expected.lines().zip(got.lines()).find(|(one, other)| one != other);
            assert!(expected == got, "{option} {jobs}: {differ:?}");
        }
    }
}

/// Links that take a name's place are made beside it. Here every worker is held up before such a link is renamed and before
/// what may be left of it is removed: by one name for all, one would remove the other's.
#[test]
fn workers_remove_no_links_of_each_other() {
    let Some(scene) = scene() else { return };
    let first = scene.file("s/d00/a", b"of several names");
    for name in 0..200 {
        std::fs::hard_link(&first, scene.path(format!("s/d01/n{name}"))).unwrap();
        scene.file(format!("old/d01/n{name}"), b"was there");
    }
    scene.program("cp").arguments(["-a", "old", "n"]).run().succeeds();
    let held_up = ["renameat:delay_enter=1000", "unlinkat:delay_enter=1000"]; // µs
    let Some((outcome, trace)) = inject(&scene, &held_up, scene.zccp(["-a", "-j2", "s/.", "n"])) else { return };
    outcome.succeeds().stderr_is("");
    let workers: std::collections::HashSet<_> = trace.named("renameat").map(|call| call.thread).collect();
    assert_eq!(workers.len(), 2, "one worker made all the links");
    same_trees(&scene, "s", "n");
}

/// As with GNU cp. On NFSv4 every opening asks the server.
#[test]
fn what_is_not_copied_is_not_opened() {
    for (option, newer) in [("-ru", "stays"), ("-rn", "stays"), ("-r", "goes")] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        ["s", "n"].iter().for_each(|directory| _ = scene.directory(directory));
        scene.file("s/f", b"source");
        scene.file("n/f", b"newer");
        let Some((outcome, trace)) = trace(&scene, &[], scene.zccp([option, "s/.", "n"])) else { return };
        outcome.succeeds().stderr_is("").file_is("n/f", if newer == "stays" { b"newer" } else { b"source" });
        let opened = trace.named("openat").filter(|call| call.arguments[1] == "\"f\"").count();
        assert_eq!(opened, if newer == "stays" { 0 } else { 2 }, "{option}");
    }
}

/// What is copied with `-u` is looked at first and opened then: it may be another file by that time, while a question waits for
/// its answer.
#[test]
fn what_was_replaced_before_it_was_opened_is_not_copied() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    ["s", "n"].iter().for_each(|directory| _ = scene.directory(directory));
    scene.file("n/f", b"older");
    std::thread::sleep(std::time::Duration::from_millis(20)); // a tick of the clock that files get their times from
    scene.file("s/f", b"source");
    scene.file("other", b"another");
    let (question, mut answer) = std::io::pipe().unwrap();
    let said = scene.create("said");
    let command = scene.zccp(["-riu", "s/.", "n"]).stdin_from(question).stderr(Output::Descriptor(said.into()));
    let running = command.spawn();
    running.wait_until("asked", || scene.bytes("said").ends_with(b"? ") || !running.is_running());
    std::fs::rename(scene.path("other"), scene.path("s/f")).unwrap();
    answer.write_all(b"y\n").unwrap();
    running.finish().fails_with(1).file_is("n/f", b"older");
    let said = String::from_utf8(scene.bytes("said")).unwrap();
    let sentence = "zccp: skipping file 's/./f', as it was replaced while being copied\n";
    assert!(said.ends_with(&format!(": overwrite 'n/./f'? {sentence}")), "{said}");
}
