//! Many operands that go into one directory: copied side by side where that makes no difference, and as if one had done it all.

use crate::apparatus::filesystems::may_mount;
use crate::apparatus::fuse::{Faults, Mount};
use crate::apparatus::strace::{Call, Trace, trace};
use crate::apparatus::{Command, Fs, Outcome, Scene, skip, tree};
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// So many that more than one worker is worth it.
const MANY: usize = 200;

fn name(at: usize) -> String {
    format!("f{at:03}")
}

/// A scene with `count` files of `bytes` bytes in `s`, and an empty directory `d`; the files' names.
fn planted(fs: Fs, count: usize, bytes: usize) -> Option<(Scene, Vec<String>)> {
    let scene = Scene::on(fs)?;
    for directory in ["s", "d"] {
        scene.directory(directory);
    }
    let names: Vec<String> = (0..count).map(|at| format!("s/{}", name(at))).collect();
    for (at, name) in names.iter().enumerate() {
        scene.file(name, &content(at, bytes));
    }
    Some((scene, names))
}

fn content(at: usize, bytes: usize) -> Vec<u8> {
    let mut content = vec![b'a' + (at % 26) as u8; bytes];
    content.iter_mut().zip(name(at).bytes()).for_each(|(there, byte)| *there = byte);
    content
}

fn into_d(scene: &Scene, options: &[&str], names: &[impl AsRef<str>]) -> Command {
    scene.zccp(options).arguments(names.iter().map(|name| OsString::from(name.as_ref()))).argument("d")
}

/// How many workers were started beside the first. (What each of them gets to do is a matter of time.)
fn started(trace: &Trace) -> usize {
    trace.count("clone") + trace.count("clone3")
}

#[test]
fn many_are_copied_by_several_workers() {
    for fs in [Fs::Ext4, Fs::XfsPlain, Fs::Btrfs, Fs::Tmpfs] {
        for (count, bytes) in [(MANY, 1000), (MANY, 0), (12, 4 << 20)] {
            let Some((scene, names)) = planted(fs, count, bytes) else { continue };
            let Some((outcome, trace)) = trace(&scene, &[], into_d(&scene, &["-j2"], &names)) else { return };
            outcome.succeeds().stderr_is("").stdout_is("");
            // What is cloned is done before another worker could begin.
            let cloned = fs == Fs::Btrfs && bytes > 1 << 20;
            assert_eq!(started(&trace), usize::from(!cloned), "{} {count} of {bytes}", fs.name());
            assert_eq!(tree::describe(&scene.path("s")), tree::describe(&scene.path("d")));
        }
    }
}

/// Of long files the size alone says that it is worth it, before the first is copied, where extents are surely not shared.
#[test]
fn two_long_ones_are_copied_side_by_side() {
    for (fs, there) in [Fs::Ext4, Fs::Tmpfs].map(|fs| [(fs, "d"), (fs, ".")]).concat() {
        let Some((scene, names)) = planted(fs, 2, 9 << 20) else { continue };
        let command = scene.zccp(["-j2"]).arguments(&names).argument(there);
        let Some((outcome, trace)) = trace(&scene, &[], command) else { return };
        outcome.succeeds().stderr_is("");
        // Whoever copies the second one when the first is done has two threads for it.
        assert!(started(&trace) > 0, "{} {there}", fs.name());
        (0..2).for_each(|at| _ = outcome.file_is(format!("{there}/{}", name(at)), &content(at, 9 << 20)));
    }
}

#[test]
fn long_ones_that_are_cloned_are_copied_by_one() {
    let Some((scene, names)) = planted(Fs::Btrfs, 12, 9 << 20) else { return };
    let Some((outcome, trace)) = trace(&scene, &[], into_d(&scene, &["-j2"], &names)) else { return };
    outcome.succeeds().stderr_is("");
    assert_eq!(started(&trace), 0);
}

/// Where workers mostly wait for what they read, more of them than there are processors are of use.
#[test]
fn where_reading_takes_long_there_are_more_workers_than_processors() {
    let Some((scene, _)) = planted(Fs::Tmpfs, 0, 0) else { return };
    let Some(mount) = Mount::new(&scene) else { return };
    let slow = Faults { bytes_a_second: Some(500_000), cached: true, ..Faults::default() };
    (0..MANY).for_each(|at| _ = mount.file(&name(at), &content(at, 1000), slow.clone()));
    let names: Vec<String> = (0..MANY).map(|at| format!("fuse/{}", name(at))).collect();
    let Some((outcome, trace)) = trace(&scene, &[], into_d(&scene, &[], &names).on_two_processors()) else { return };
    outcome.succeeds().stderr_is("");
    (0..MANY).for_each(|at| _ = outcome.file_is(format!("d/{}", name(at)), &content(at, 1000)));
    assert!((2..8).contains(&started(&trace)), "{}", started(&trace));
}

#[test]
fn a_few_are_copied_by_one() {
    let Some((scene, names)) = planted(Fs::Ext4, 12, 1000) else { return };
    let Some((outcome, trace)) = trace(&scene, &[], into_d(&scene, &["-j2"], &names)) else { return };
    outcome.succeeds().stderr_is("");
    assert_eq!(started(&trace), 0);
    assert_eq!(tree::describe(&scene.path("s")), tree::describe(&scene.path("d")));
}

/// By one worker, who makes the same calls each time. Each operand is looked at before any is copied; if something is at one of
/// the destinations already, so is what stands at its own.
#[test]
fn a_small_one_takes_eight_calls_into_a_new_directory_and_nine_into_another() {
    for (fs, other, each) in
        [Fs::Ext4, Fs::XfsPlain, Fs::Btrfs, Fs::Tmpfs].map(|fs| [(fs, false, 8), (fs, true, 9)]).concat()
    {
        let calls = |count: usize| {
            let (scene, names) = planted(fs, count, 1000)?;
            if other {
                scene.file("d/f000", b"older");
            }
            // Two workers are allowed, and none can be started.
            let command = into_d(&scene, &["-j2"], &names);
            let (outcome, trace) =
                trace(&scene, &["--inject=clone3:error=EAGAIN", "--inject=clone:error=EAGAIN"], command)?;
            outcome.succeeds().stderr_is("");
            Some(trace.calls.len())
        };
        let (Some(few), Some(many)) = (calls(MANY), calls(2 * MANY)) else { continue };
        let memory = 20; // brk, mmap
        assert!(
            many - few <= each * MANY + memory,
            "{} {other}: {} calls for {MANY} operands more",
            fs.name(),
            many - few
        );
    }
}

/// The same job by `jobs` workers into a new copy of `before`: what was said, and what came of it.
fn done(scene: &Scene, command: impl Fn(&str) -> Command, jobs: &str) -> (Outcome, String) {
    let _ = std::fs::remove_dir_all(scene.path("d"));
    scene.program("cp").arguments(["-a", "before", "d"]).run().succeeds();
    let outcome = command(jobs).run();
    let tree = tree::describe(&scene.path("."));
    (outcome, tree)
}

#[track_caller]
fn is_as_by_one(scene: &Scene, command: impl Fn(&str) -> Command, rounds: usize) -> Outcome {
    let (one, tree) = done(scene, &command, "-j1");
    for _ in 0..rounds {
        let (more, other) = done(scene, &command, "-j4");
        assert_eq!(
            (String::from_utf8_lossy(&more.stdout), more.stderr_text(), more.status.code()),
            (String::from_utf8_lossy(&one.stdout), one.stderr_text(), one.status.code())
        );
        assert_eq!(other, tree);
    }
    one
}

#[test]
fn what_is_said_comes_in_the_order_of_the_operands() {
    let Some((scene, mut names)) = planted(Fs::Ext4, MANY, 100) else { return };
    scene.directory("before");
    scene.directory(format!("before/{}", name(30)));
    scene.file(format!("before/{}", name(40)), b"older");
    scene.directory("s/sub");
    names.insert(50, "s/none".into());
    names.insert(60, "s/sub".into());
    names.insert(70, "s/f001".into());
    std::fs::remove_file(scene.path("s/f100")).unwrap();
    let outcome = is_as_by_one(&scene, |jobs| into_d(&scene, &["-v", jobs], &names), 5);
    outcome.fails_with(1);
    let text = outcome.stderr_text();
    let wrongs: Vec<&str> = text.lines().collect();
    let expected = [
        "zccp: cannot overwrite directory 'd/f030' with non-directory 's/f030'",
        "zccp: cannot stat 's/none': No such file or directory",
        "zccp: -r not specified; omitting directory 's/sub'",
        "zccp: warning: source file 's/f001' specified more than once",
        "zccp: cannot stat 's/f100': No such file or directory",
    ];
    assert_eq!(wrongs, expected);
    assert_eq!(outcome.stdout.iter().filter(|byte| **byte == b'\n').count(), MANY - 2);
}

/// So much that another worker could begin, and end, with the next operand meanwhile.
const LARGE: usize = 8 << 20;

/// What one operand's copy writes is what the next one reads, or writes as well.
#[test]
fn those_that_meet_are_copied_in_their_order() {
    let Some((scene, mut names)) = planted(Fs::Tmpfs, MANY, 20_000) else { return };
    for directory in ["before", "t", "l"] {
        scene.directory(directory);
    }
    let mut put_after = |at: usize, more: &str| {
        let place = names.iter().position(|one| *one == format!("s/{}", name(at))).unwrap();
        names.insert(place + 1, more.into());
    };
    for at in [10, 20, 30, 40, 50] {
        scene.file(format!("s/{}", name(at)), &content(at, LARGE));
    }
    // 10 is written to what the next one reads through a symbolic link.
    scene.file("before/f010", b"old");
    scene.symlink("../d/f010", "l/reads");
    put_after(10, "l/reads");
    // 20 and 21 are written to one file.
    scene.file("before/f020", b"old");
    std::fs::hard_link(scene.path("before/f020"), scene.path("before/f021")).unwrap();
    // 31 is written to what is 30's.
    scene.file("before/f030", b"old");
    scene.symlink("f030", "before/f031");
    // The second of two names for one destination is refused, also if the first is empty.
    for at in [40, 60] {
        scene.file(format!("t/{}", name(at)), b"other");
        put_after(at, &format!("t/{}", name(at)));
    }
    scene.file("s/f060", b"");
    // What 50 is written through a link to is the next one's source.
    scene.symlink("../t/read", "before/f050");
    put_after(50, "t/read");
    let command = |jobs: &str| {
        scene.file("t/read", b"old");
        into_d(&scene, &[jobs], &names)
    };
    let outcome = is_as_by_one(&scene, command, 20);
    let refused = |at| format!("zccp: will not overwrite just-created 'd/{0}' with 't/{0}'\n", name(at));
    outcome.fails_with(1).stderr_is(&(refused(40) + &refused(60)));
    outcome.file_is("d/reads", &content(10, LARGE)).file_is("d/read", &content(50, LARGE));
    outcome.file_is("d/f020", &content(21, 20_000)).file_is("d/f030", &content(31, 20_000));
    outcome.file_is("d/f040", &content(40, LARGE)).file_is("d/f060", b"");
}

/// The very first operand is the only one that something stands in the way of, and the next one reads that.
#[test]
fn the_first_one_is_replaced_before_the_next_one_reads_it() {
    let Some((scene, mut names)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    for directory in ["before", "l"] {
        scene.directory(directory);
    }
    scene.file("before/f000", b"old");
    scene.symlink("../d/f000", "l/reads");
    names.insert(1, "l/reads".into());
    let outcome = is_as_by_one(&scene, |jobs| into_d(&scene, &[jobs], &names), 5);
    outcome.succeeds().stderr_is("").file_is("d/f000", &content(0, 100)).file_is("d/reads", &content(0, 100));
}

/// As POSIX wants it, a file is made where a link at the destination leads to. Two of them lead to one.
#[test]
fn links_that_lead_to_one_file_that_is_not_there_are_written_through_in_their_order() {
    let Some((scene, names)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    scene.directory("before");
    scene.file("s/f100", &content(100, LARGE));
    for name in ["before/f100", "before/f101"] {
        scene.symlink("new", name);
    }
    let outcome = is_as_by_one(&scene, |jobs| into_d(&scene, &[jobs], &names).variable("POSIXLY_CORRECT", "1"), 20);
    outcome.succeeds().stderr_is("").file_is("d/new", &content(101, 100));
}

/// A file that is mounted on another one is no link to it, and the same file.
#[test]
fn names_that_are_one_by_a_mount_are_written_to_in_their_order() {
    if let Err(reason) = may_mount() {
        return skip::skip!(reason);
    }
    let Some((scene, names)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    scene.directory("before");
    scene.file("s/f100", &content(100, LARGE));
    for name in ["before/f100", "before/f101"] {
        scene.file(name, b"old");
    }
    let mounted = ["-m", "/bin/sh", "-c", "mount --bind d/f100 d/f101 && exec \"$@\"", "sh"];
    let outcome = is_as_by_one(&scene, |jobs| into_d(&scene, &[jobs], &names).under("unshare", mounted), 20);
    outcome.succeeds().stderr_is("").file_is("d/f100", &content(101, 100)).file_is("d/f101", b"old");
}

/// A link that leads to another operand's destination leads nowhere until that one is copied: what comes before that is
/// refused, and what comes after it has all of it.
#[test]
fn what_is_there_only_once_another_is_copied_is_as_by_one() {
    let Some((scene, mut names)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    scene.directory("before");
    scene.directory("l");
    for at in [0, 10, 100] {
        scene.symlink(format!("../d/{}", name(at)), format!("l/{at}"));
    }
    let large = vec![b'x'; LARGE];
    scene.file("s/f100", &large);
    names.insert(101, "l/100".into());
    names.insert(50, "l/10".into());
    names.insert(0, "l/0".into());
    names.insert(0, "d/f150/../none".into());
    let outcome = is_as_by_one(&scene, |jobs| into_d(&scene, &[jobs], &names), 10);
    let none = ["d/f150/../none", "l/0"].map(|name| format!("zccp: cannot stat '{name}': No such file or directory\n"));
    outcome.fails_with(1).stderr_is(&none.concat());
    outcome.file_is("d/10", &content(10, 100)).file_is("d/100", &large);
}

/// Opening a FIFO wakes its writer, who would write to nobody if it were closed again to be read later.
#[test]
fn a_fifo_among_them_is_opened_once() {
    let Some((scene, mut names)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    let fifo = scene.fifo("fifo");
    names.insert(100, "fifo".into());
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| std::fs::write(&fifo, b"said"));
        trace(&scene, &[], into_d(&scene, &["-j2"], &names))
    });
    let Some((outcome, trace)) = outcome else {
        _ = scene.open_with("fifo", libc::O_RDONLY | libc::O_NONBLOCK); // for who writes
        return;
    };
    outcome.succeeds().stderr_is("").file_is("d/fifo", b"said");
    let opened = |call: &&Call| call.arguments[..2] == ["AT_FDCWD", "\"fifo\""];
    assert_eq!(trace.named("openat").filter(opened).count(), 1);
}

/// What could not be proved is said of the first operand, not of the one that was done first.
#[test]
fn doubts_are_said_of_the_first_operand_and_of_the_first_file_of_a_tree() {
    let Some((scene, names)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    scene.directory("before");
    let outcome = is_as_by_one(&scene, |jobs| into_d(&scene, &["--verify", jobs], &names), 20);
    outcome.succeeds().stderr_has("'d/f000'").stderr_has("warning: 199 more files");
    let outcome = is_as_by_one(&scene, |jobs| scene.zccp(["-rT", "--verify", jobs, "s", "d"]), 20);
    outcome.succeeds().stderr_has("warning: 199 more files");
}

/// A tree puts a link in the place of a file that an operand after it reads: that operand reads now what another one writes.
#[test]
fn what_a_tree_has_changed_is_looked_at_again() {
    let Some((scene, mut names)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    for directory in ["before", "before/tree", "s/tree"] {
        scene.directory(directory);
    }
    scene.file("before/tree/link", b"a file so far");
    scene.symlink("../f100", "s/tree/link");
    scene.file("before/f100", b"old");
    let large = vec![b'x'; LARGE];
    scene.file("s/f100", &large);
    names.insert(101, "d/tree/link".into());
    names.insert(0, "s/tree".into());
    let outcome = is_as_by_one(&scene, |jobs| into_d(&scene, &["-rH", jobs], &names), 10);
    outcome.succeeds().stderr_is("").file_is("d/link", &large);
}

/// A tree among them, and names of one file that are to stay that.
#[test]
fn trees_and_links_among_them_are_as_by_one() {
    let Some((scene, mut names)) = planted(Fs::Ext4, MANY, 100) else { return };
    scene.directory("before");
    super::trees::plant(&scene, "s/tree", 3, 30, 100);
    for (at, of) in [(11, "s/f010"), (150, "s/f020"), (199, "s/f010")] {
        std::fs::hard_link(scene.path(of), scene.path(format!("s/link{at}"))).unwrap();
        names.insert(at, format!("s/link{at}"));
    }
    std::fs::hard_link(scene.path("s/f030"), scene.path("s/tree/d000/link")).unwrap();
    scene.symlink("f040", "s/symbolic");
    names.insert(100, "s/tree".into());
    names.insert(120, "s/symbolic".into());
    for options in ["-a", "-r", "-dv", "-al", "-rL", "--resume", "--atomic", "-uv"] {
        let outcome = is_as_by_one(&scene, |jobs| into_d(&scene, &[options, "-r", jobs], &names), 3);
        outcome.succeeds().stderr_is("");
    }
    // Of the names of one file the first is copied, and the others become links to that.
    names.retain(|name| name != "s/tree");
    for at in (0..MANY).step_by(2) {
        scene.file(format!("s/{}", name(at)), &content(at, 50_000));
        _ = std::fs::remove_file(scene.path(format!("s/{}", name(at + 1))));
        std::fs::hard_link(scene.path(format!("s/{}", name(at))), scene.path(format!("s/{}", name(at + 1)))).unwrap();
    }
    is_as_by_one(&scene, |jobs| into_d(&scene, &["-d", "--debug", jobs], &names), 20).succeeds();
}

/// Nothing was there when it was looked at, and something is when it is copied. It is replaced, as if it had been there.
#[test]
fn what_comes_to_be_there_meanwhile_is_replaced() {
    let Some((scene, names)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    let late = name(150);
    let options = ["-P", &late, "--inject=openat:delay_enter=1500000"];
    let command = into_d(&scene, &["-j2"], &names);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            let begun = Instant::now();
            while !scene.path("d/f100").exists() && begun.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(1));
            }
            scene.file(format!("d/{late}"), b"somebody else's");
        });
        trace(&scene, &options, command)
    });
    let Some((outcome, trace)) = outcome else { return };
    outcome.succeeds().stderr_is("").file_is(format!("d/{late}"), &content(150, 100));
    assert!(trace.named("openat").any(|call| call.result == Err("EEXIST".into())), "it was there from the start");
}

/// One flush of the file system at the end, by the first worker, stands for those of the files.
#[test]
fn many_are_flushed_at_once() {
    let Some((scene, names)) = planted(Fs::Ext4, MANY, 100) else { return };
    let Some((outcome, trace)) = trace(&scene, &[], into_d(&scene, &["-j2", "--durable"], &names)) else { return };
    outcome.succeeds().stderr_is("");
    let calls = ["syncfs", "fsync", "fdatasync"].map(|name| trace.count(name));
    assert_eq!(calls, [1, 0, 0]);
    assert_eq!(trace.count("unshare"), 1, "another worker was started");
}

/// Where workers cannot have tables of descriptors of their own (a seccomp filter), there are no more of them than descriptors
/// suffice for.
#[test]
fn few_descriptors_suffice_for_all_workers_together() {
    let Some((scene, names)) = planted(Fs::Ext4, MANY, 100_000) else { return };
    for (limit, workers) in [("16", 1), ("48", 3)] {
        let command = into_d(&scene, &["-j8"], &names).under("prlimit", [format!("--nofile={limit}")]);
        let Some((outcome, trace)) = trace(&scene, &["--inject=unshare:error=EPERM"], command) else { return };
        outcome.succeeds().stderr_is("");
        assert_eq!(trace.count("unshare"), workers - 1, "of {limit} descriptors");
        // The same of a tree.
        let command = scene.zccp(["-r", "-j8", "s", "n"]).under("prlimit", [format!("--nofile={limit}")]);
        let Some((outcome, _)) = crate::apparatus::strace::trace(&scene, &["--inject=unshare:error=EPERM"], command)
        else {
            return;
        };
        outcome.succeeds().stderr_is("");
        assert_eq!(tree::describe(&scene.path("s")), tree::describe(&scene.path("n")));
        std::fs::remove_dir_all(scene.path("n")).unwrap();
        std::fs::remove_dir_all(scene.path("d")).unwrap();
        scene.directory("d");
    }
}

/// Whoever works beside keeps the descriptors that are open for the whole run.
#[test]
fn json_is_told_of_all_of_them_in_the_working_directory_too() {
    let Some((scene, _)) = planted(Fs::Tmpfs, MANY, 100) else { return };
    let names: Vec<String> = (0..MANY).map(|at| format!("../s/{}", name(at))).collect();
    let outcome = scene.zccp(["-j2", "--json=../told"]).arguments(names).argument(".").under("env", ["-C", "d"]).run();
    outcome.succeeds().stderr_is("");
    let told = String::from_utf8(scene.bytes("told")).expect("it is text");
    assert_eq!(told.lines().filter(|line| line.contains("\"event\":\"file\"")).count(), MANY);
    assert_eq!(tree::describe(&scene.path("s")), tree::describe(&scene.path("d")));
}
