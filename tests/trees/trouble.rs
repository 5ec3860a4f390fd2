//! Calls that are refused, disks that are full, entries that change or vanish meanwhile; and that what is said of all
//! that comes in the order of the source, however many workers there are.

use super::{plant, same_trees};
use crate::apparatus::stick::{Kind, Stick};
use crate::apparatus::strace::inject;
use crate::apparatus::{Fs, Outcome, Output, Scene, filesystems, skip};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};

const NOBODY: u32 = 65534;

/// exFAT, as FAT, knows no `a` beside `A`. The second finds a file in a directory that the run has just made, and it is not
/// to be lost without a word: GNU cp says so too.
#[test]
fn two_names_that_are_one_in_the_destination_do_not_cost_either_file() {
    let scene = Scene::new();
    scene.directory("s");
    scene.file("s/name", b"small");
    scene.file("s/NAME", b"LARGE");
    let kind = Kind { file_system: "exfat", removable: false, speed: None };
    let Some(_stick) = Stick::new(&scene, kind) else { return };
    for options in [
        &["-r"][..],
        &["-a"],
        &["-r", "-j1"],
        &["-r", "--atomic"],
        &["-r", "--resume"],
        &["-r", "--backup"],
        &["-r", "-f"],
        &["-r", "--remove-destination"],
        &["-r", "-n"],
        &["-r", "-u"],
    ] {
        let outcome = scene.zccp(options).arguments(["s", "stick/n"]).run();
        outcome.fails_with(1).stderr_has(": File exists\n");
        let there = std::fs::read_dir(scene.path("stick/n")).unwrap().map(|entry| entry.unwrap().file_name());
        let there: Vec<String> = there.map(|name| name.into_string().unwrap()).collect();
        assert_eq!(there.len(), 1, "{options:?}: {there:?}");
        let other = if there[0] == "name" { "NAME" } else { "name" };
        let line = format!("zccp: cannot create regular file 'stick/n/{other}': File exists\n");
        assert!(outcome.stderr_text().contains(&line), "{options:?}: {}", outcome.stderr_text());
        assert_eq!(scene.bytes(format!("stick/n/{}", there[0])), scene.bytes(format!("s/{}", there[0])), "{options:?}");
        std::fs::remove_dir_all(scene.path("stick/n")).unwrap();
    }
}

#[test]
fn containers_that_refuse_calls_do_not_keep_a_tree_from_being_copied() {
    for refused in [
        &["unshare:error=EPERM"][..],
        &["openat2:error=ENOSYS"],
        &["openat2:error=EPERM"],
        &["unshare:error=EPERM", "openat2:error=ENOSYS"],
        &["close_range:error=ENOSYS", "openat2:error=ENOSYS"],
        &["statx:error=ENOSYS"],
        &["clone3:error=EPERM"],
        &["clone3:error=EAGAIN"],
        &["clone3:error=ENOSYS", "clone:error=EAGAIN"],
        &["unshare:error=ENOSYS"],
    ] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        // Most of it in one directory, which each worker that takes a part of it opens again.
        plant(&scene, "s", 1, 3000, 10);
        plant(&scene, "s/more", 10, 20, 300);
        let Some((outcome, _)) = inject(&scene, refused, scene.zccp(["-r", "-j4", "s", "n"])) else { return };
        outcome.succeeds().stderr_is("");
        same_trees(&scene, "s", "n");
    }
}

/// Whoever takes a part of a directory opens it again, by its way from the root.
#[test]
fn a_directory_that_no_worker_can_open_again_is_named_once() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    plant(&scene, "s", 1, 3000, 10);
    let refused = ["openat2:error=EMFILE"];
    let Some((outcome, trace)) = inject(&scene, &refused, scene.zccp(["-r", "-j2", "s", "n"])) else { return };
    // A worker who gets none has nothing to do, and is given another part.
    assert!(trace.injected() > 4, "it was tried by workers: {}", trace.injected());
    let lines = ["s/d000", "n/d000"].map(|name| format!("zccp: cannot access '{name}': Too many open files\n"));
    outcome.fails_with(1).stderr_is(&lines.concat());
}

/// Workers that share a processor are parted (`cp::apart`), as is no program that copies expected to do.
#[test]
fn a_filter_that_kills_for_what_parts_workers_or_asks_for_filters_ends_nothing() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    plant(&scene, "s", 40, 100, 300);
    for (call, copy) in [(libc::SYS_sched_setaffinity, "parted"), (libc::SYS_prctl, "asked")] {
        let command = scene.zccp(["-r", "-j8", "s", copy]).on_two_processors().killed_for(call);
        command.run().succeeds().stderr_is("");
        same_trees(&scene, "s", copy);
    }
}

#[test]
fn a_thread_that_cannot_be_started_is_done_without() {
    // Of a user: RLIMIT_NPROC does not bind root.
    if !skip::is_root() {
        return skip::skip!("needs root");
    }
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    plant(&scene, "s", 40, 20, 300);
    std::fs::set_permissions(scene.path("."), std::fs::Permissions::from_mode(0o777)).unwrap();
    let command = scene.zccp(["-r", "-j8", "s", "n"]).with_user(NOBODY + 1).limit(libc::RLIMIT_NPROC, 1);
    command.run().succeeds().stderr_is("");
    plain_contents(&scene, "s", "n");
}

/// The same names and contents, whoever the files belong to.
#[track_caller]
fn plain_contents(scene: &Scene, one: &str, other: &str) {
    scene.program("diff").arguments(["-r", one, other]).run().succeeds();
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_tree_stops_nothing_else() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.directory("s");
    scene.file("s/a", b"small");
    scene.file("s/big1", &vec![b'1'; 700_000]);
    scene.file("s/big2", &vec![b'2'; 700_000]);
    scene.file("s/empty", b"");
    scene.directory("s/d");
    scene.symlink("a", "s/d/link");
    std::fs::hard_link(scene.path("s/big2"), scene.path("s/other-name-of-big2")).unwrap();
    let small = scene.directory("small");
    if let Err(reason) = filesystems::small_tmpfs(&small, 1 << 20) {
        return skip::skip!(reason);
    }
    for options in [&["-r", "-j1"][..], &["-r"], &["-a", "-j1"], &["-a", "-j4"]] {
        let outcome = scene.zccp(options).arguments(["s", "small/n"]).run();
        outcome.fails_with(1).stderr_has("No space left on device");
        assert_eq!(scene.bytes("small/n/a"), b"small", "{options:?}");
        assert!(scene.path("small/n/empty").exists() && scene.path("small/n/d/link").is_symlink(), "{options:?}");
        for name in ["big1", "big2", "other-name-of-big2"] {
            let copy = scene.path(format!("small/n/{name}"));
            let whole = copy.metadata().is_ok_and(|facts| facts.len() == 700_000);
            assert!(
                whole || outcome.stderr_text().contains(&format!("'small/n/{name}'")),
                "{name}: {}",
                outcome.stderr_text()
            );
        }
        // The second name of a file that could not be copied is not a link to what there is of it.
        let names = ["big2", "other-name-of-big2"].map(|name| scene.path(format!("small/n/{name}")).metadata());
        if let [Ok(first), Ok(second)] = names {
            assert!(first.ino() != second.ino() || first.len() == 700_000, "{options:?}");
        }
        std::fs::remove_dir_all(scene.path("small/n")).unwrap();
    }
    filesystems::unmount(&small);
}

/// Both streams of `zccp` with these options, in the order they were written.
fn said(scene: &Scene, jobs: &str, options: &[&str]) -> (Option<i32>, Vec<u8>) {
    let both = scene.create("said");
    let command = scene.zccp(options).arguments([jobs, "s", "n"]).with_user(NOBODY);
    let errors = Output::Descriptor(both.try_clone().unwrap().into());
    let outcome = command.stdout_to(both).stderr(errors).run();
    (outcome.status.code(), scene.bytes("said"))
}

#[test]
fn lines_come_in_the_order_of_the_source_however_many_work() {
    if !skip::is_root() {
        return skip::skip!("needs root");
    }
    for options in [&["-rv"][..], &["-av"], &["-r"], &["-rv", "--debug"], &["-rvb"]] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        std::fs::set_permissions(scene.path("."), std::fs::Permissions::from_mode(0o777)).unwrap();
        plant(&scene, "s", 120, 12, 2000);
        for directory in (0..120).step_by(3) {
            let mode = |name: String, bits| {
                std::fs::set_permissions(scene.path(name), std::fs::Permissions::from_mode(bits)).unwrap();
            };
            mode(format!("s/d{directory:03}/f3"), 0);
            mode(format!("s/d{directory:03}/f7"), 0);
            scene.directory(format!("s/d{directory:03}/locked"));
            mode(format!("s/d{directory:03}/locked"), 0);
        }
        let expected = said(&scene, "-j1", options);
        assert_eq!(expected.0, Some(1));
        assert!(expected.1.len() > 4000);
        for jobs in ["-j2", "-j4", "-j16"] {
            std::fs::remove_dir_all(scene.path("n")).unwrap();
            let got = said(&scene, jobs, options);
            let difference = crate::apparatus::content::difference(&expected.1, &got.1);
            assert!(
                got.0 == expected.0 && difference.is_none(),
                "{options:?} {jobs}: {}",
                difference.unwrap_or_default()
            );
        }
    }
}

/// Runs `zccp -r --copy-contents -j1 s n`; when it reads `s/a`, a FIFO and the first entry, `change` is called.
fn changed_while_copied(prepare: impl Fn(&Scene), change: impl Fn(&Scene)) -> Option<(Scene, Outcome)> {
    let scene = Scene::on(Fs::Tmpfs)?;
    scene.directory("s");
    scene.fifo("s/a");
    prepare(&scene);
    let running = scene.zccp(["-r", "--copy-contents", "-j1", "s", "n"]).spawn();
    // There is a writer's end only once there is a reader.
    let mut opened = None;
    running.wait_until("opened the FIFO", || {
        let fifo = File::options().write(true).custom_flags(libc::O_NONBLOCK).open(scene.path("s/a"));
        opened = fifo.ok();
        opened.is_some() || !running.is_running()
    });
    let Some(mut fifo) = opened else { running.finish().fail("it has not read the FIFO") };
    change(&scene);
    fifo.write_all(b"from the fifo").unwrap();
    drop(fifo);
    let outcome = running.finish();
    assert_eq!(scene.bytes("n/a"), b"from the fifo");
    Some((scene, outcome))
}

#[test]
fn a_source_that_vanishes_after_it_was_listed_is_named() {
    let prepare = |scene: &Scene| {
        scene.file("s/b", b"b");
        scene.directory("s/d");
        scene.symlink("b", "s/l");
        scene.file("s/z", b"z");
    };
    let change = |scene: &Scene| {
        std::fs::remove_file(scene.path("s/b")).unwrap();
        std::fs::remove_dir(scene.path("s/d")).unwrap();
        std::fs::remove_file(scene.path("s/l")).unwrap();
    };
    let Some((scene, outcome)) = changed_while_copied(prepare, change) else { return };
    let gone = |name: &str| format!("zccp: cannot stat 's/{name}': No such file or directory\n");
    outcome.fails_with(1).stderr_is(&(gone("b") + &gone("d") + &gone("l"))).stdout_is("");
    outcome.file_is("n/z", b"z").no_file("n/b").no_file("n/d").no_file("n/l");
    drop(scene);
}

#[test]
fn a_source_that_changes_its_type_after_it_was_listed_is_taken_for_what_it_is() {
    let prepare = |scene: &Scene| {
        ["s/b", "s/c", "s/e"].iter().for_each(|name| _ = scene.file(name, b"was a file"));
        scene.directory("s/d");
        scene.symlink("nowhere", "s/l");
        scene.file("secret", b"secret");
        scene.file("s/z", b"z");
    };
    let change = |scene: &Scene| {
        ["s/b", "s/c", "s/e", "s/l"].iter().for_each(|name| std::fs::remove_file(scene.path(name)).unwrap());
        std::fs::remove_dir(scene.path("s/d")).unwrap();
        scene.symlink("../secret", "s/b");
        scene.directory("s/c");
        scene.file("s/c/inside", b"inside");
        scene.file("s/d", b"was a directory");
        scene.file("s/e", b"another file");
        scene.file("s/l", b"was a link");
    };
    let Some((scene, outcome)) = changed_while_copied(prepare, change) else { return };
    // As GNU cp, which looks at each entry when its turn comes.
    outcome.succeeds().stderr_is("");
    same_trees_but_the_fifo(&scene);
}

#[track_caller]
fn same_trees_but_the_fifo(scene: &Scene) {
    std::fs::remove_file(scene.path("s/a")).unwrap();
    std::fs::remove_file(scene.path("n/a")).unwrap();
    same_trees(scene, "s", "n");
}

#[test]
fn the_second_name_is_a_copy_of_its_own_where_the_first_could_not_be_made() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.directory("s");
    scene.file("s/first", b"both");
    std::fs::hard_link(scene.path("s/first"), scene.path("s/second")).unwrap();
    std::fs::hard_link(scene.path("s/first"), scene.path("s/third")).unwrap();
    std::fs::create_dir_all(scene.path("n/s/first")).unwrap();
    let outcome = scene.zccp(["-a", "s", "n"]).called("cp").run();
    outcome.fails_with(1).stderr_is("cp: cannot overwrite directory 'n/s/first' with non-directory 's/first'\n");
    outcome.file_is("n/s/second", b"both").file_is("n/s/third", b"both");
    let inode = |name: &str| scene.path(name).metadata().unwrap().ino();
    assert_eq!(inode("n/s/second"), inode("n/s/third"));
}

#[test]
fn a_link_to_a_directory_at_the_destination_is_followed_if_it_is_to_be_kept() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    for directory in ["s", "s/d", "n", "real"] {
        scene.directory(directory);
    }
    scene.file("s/d/f", b"f");
    scene.symlink("../real", "n/d");
    let outcome = scene.zccp(["-r", "s/.", "n"]).called("cp").run();
    outcome.fails_with(1).stderr_is("cp: cannot overwrite non-directory 'n/./d' with directory 's/./d'\n");
    outcome.no_file("real/f");
    let outcome = scene.zccp(["-r", "--keep-directory-symlink", "s/.", "n"]).called("cp").run();
    outcome.succeeds().stderr_is("").file_is("real/f", b"f");
    assert!(scene.path("n/d").is_symlink());
    // A link that leads elsewhere than to a directory is none to be kept.
    std::fs::remove_file(scene.path("n/d")).unwrap();
    scene.symlink("nowhere", "n/d");
    let outcome = scene.zccp(["-r", "--keep-directory-symlink", "s/.", "n"]).called("cp").run();
    outcome.fails_with(1).stderr_is("cp: cannot overwrite non-directory 'n/./d' with directory 's/./d'\n");
}

#[test]
fn a_link_to_the_directory_that_is_copied_into_it_comes_to_an_end() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.directory("d");
    scene.file("d/f", b"f");
    scene.symlink("d", "l");
    for jobs in ["-j1", "-j4"] {
        scene.zccp(["-rL", jobs, "l", "d"]).run().fails_with(1);
        std::fs::remove_dir_all(scene.path("d/l")).unwrap();
    }
}
