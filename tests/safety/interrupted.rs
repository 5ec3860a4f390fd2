//! `--atomic` and links in place of others, ended by a signal: the old one or the new one, and nothing beside it.

use super::atomic::names;
use super::{Replacing, ended_at_every_call};
use crate::apparatus::fuse::{Faults, Mount};
use crate::apparatus::strace::trace;
use crate::apparatus::{Command, Scene, content};
use rustix::process::Signal;
use std::io::Write as _;
use std::time::Duration;

/// Ended by SIGTERM on entering each of its system calls.
fn terminated_at_every_call(scene: &Scene, command: impl Fn() -> Command, prepare: impl Fn(), check: impl Fn(&str)) {
    let ended = ended_at_every_call(scene, ("TERM", libc::SIGTERM), command, prepare, check);
    assert!(ended.is_none_or(|ended| ended > 3), "{ended:?} calls");
}

#[test]
fn at_any_moment_the_old_file_or_the_new_one_stands_and_nothing_beside_it() {
    let replacing = Replacing::new();
    let scene = &replacing.scene;
    let check = |when: &str| {
        replacing.is_old_or_new(when);
        assert_eq!(names(scene, "d"), ["b"], "{when}");
        assert!(when.contains("; what was not finished is removed\n"), "{when}");
    };
    terminated_at_every_call(scene, || scene.zccp(["--atomic", "a", "d/b"]), || replacing.prepare(), check);
}

#[test]
fn so_it_is_where_files_cannot_be_without_a_name() {
    let scene = Scene::new();
    let Some(mount) = Mount::new(&scene) else { return };
    let (old, new) = (content::bytes(3, 50_000), content::bytes(4, 60_000));
    scene.file("a", &new);
    mount.file("b", &old, Faults::default());
    scene.file("old", &old);
    let prepare = || _ = scene.zccp(["old", "fuse/b"]).run().succeeds();
    let check = |when: &str| {
        let there = mount.bytes("b").unwrap();
        assert!(there == old || there == new, "{when}: {} bytes", there.len());
        assert_eq!(mount.names(), ["b"], "{when}");
    };
    terminated_at_every_call(&scene, || scene.zccp(["--atomic", "a", "fuse/b"]), prepare, check);
    // And under the name of a program that has no signal handlers otherwise.
    let check = |when: &str| assert_eq!(mount.names(), ["b"], "{when}");
    let cp = scene.symlink(crate::apparatus::case::zccp(), "cp");
    terminated_at_every_call(&scene, || scene.program(&cp).arguments(["--atomic", "a", "fuse/b"]), prepare, check);
}

/// By whichever signal it is asked to end; as `cp` SIGUSR1 is one of them.
#[test]
fn so_it_is_of_every_signal_that_ends_a_program() {
    let scene = Scene::new();
    let Some(mount) = Mount::new(&scene) else { return };
    let ends = |called: &str, signal: Signal| {
        let (read, write) = crate::apparatus::sockets::pipe();
        std::fs::File::from(write.try_clone().unwrap()).write_all(b"some").unwrap(); // it begins when there is something
        let running = scene.zccp(["--atomic", "/dev/stdin", "fuse/b"]).called(called).stdin_from(read).spawn();
        running.wait_until("begun", || !mount.names().is_empty() && running.is_asleep());
        running.signal(signal);
        let _ = running.finish().dies_of(signal.as_raw());
        drop(write);
        assert_eq!(mount.names(), [""; 0], "{called}: {signal:?}");
    };
    for signal in crate::signals::ASK_TO_END {
        ends("zccp", signal);
    }
    for signal in crate::signals::ASK_TO_END.into_iter().chain([Signal::USR1]) {
        ends("cp", signal);
    }
}

#[test]
fn so_it_is_of_a_link_that_takes_the_place_of_another() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("a", b"some");
    for option in ["-sf", "-lf"] {
        let prepare = || {
            let _ = std::fs::remove_file(scene.path("b"));
            scene.file("b", b"old");
        };
        let before = || names(&scene, ".").into_iter().filter(|name| name != "strace.out").collect::<Vec<_>>();
        prepare();
        let all = before();
        let check = |when: &str| {
            let there = scene.bytes("b");
            assert!(there == b"old" || there == b"some", "{option} {when}");
            assert_eq!(before(), all, "{option} {when}");
        };
        let command = || scene.zccp([option, "a", "b"]);
        prepare();
        let Some((outcome, trace)) = trace(&scene, &[], command()) else { return };
        outcome.succeeds();
        // From the moment the other name is made.
        let calls = ["linkat", "symlinkat", "symlink", "link", "renameat", "renameat2", "unlinkat", "rt_sigprocmask"];
        for name in calls {
            for number in 1..=trace.count(name) {
                prepare();
                let inject = format!("{name}:signal=TERM:when={number}");
                let Some((outcome, _)) = crate::apparatus::strace::inject(&scene, &[&inject], command()) else {
                    return;
                };
                outcome.dies_of(libc::SIGTERM);
                check(&format!("{name} {number}: {}", outcome.stderr_text()));
            }
        }
    }
}

/// Workers have tables of descriptors of their own, and the signal comes to the first thread.
#[test]
fn what_other_threads_have_begun_goes_too() {
    let scene = Scene::new();
    let Some(mount) = Mount::new(&scene) else { return };
    mount.created_files_have(Faults { cached: true, ..Faults::default() });
    scene.directory("tree");
    for number in 0..400 {
        scene.file(format!("tree/{number}"), &content::bytes(number, 30_000));
    }
    let is_temporary = |name: &String| name.contains(".zccp-new");
    let mut met = 0;
    for round in 0..40 {
        let running = scene.zccp(["-qr", "-j4", "--atomic", "tree/.", "fuse"]).spawn();
        running.wait_until("under way", || !mount.names().is_empty() || !running.is_running());
        // When both are at work, and at another moment each time.
        let wanted = 80 + 7 * round;
        running.wait_until("far enough", || mount.names().len() >= wanted || !running.is_running());
        std::thread::sleep(Duration::from_micros(37 * round as u64));
        met += usize::from(mount.names().iter().any(is_temporary));
        running.signal(Signal::TERM);
        let outcome = running.finish();
        if !outcome.succeeded() {
            outcome.dies_of(libc::SIGTERM);
        }
        let left: Vec<String> = mount.names().into_iter().filter(is_temporary).collect();
        assert!(left.is_empty(), "round {round}: {left:?}");
        mount.forget_all();
    }
    assert!(met > 0, "no signal came while there was a temporary name");
}

#[test]
fn the_last_word_says_how_it_goes_on() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(1, 64 << 20));
    scene.directory("tree");
    scene.file("tree/a", &content::bytes(1, 64 << 20));
    let resumable = "; what was copied stays, and the same command with --resume goes on with it\n";
    let stays = "; what was copied stays\n";
    let goes = "; what was not finished is removed\n";
    for (arguments, rest) in [
        (&["a", "b"][..], resumable),
        (&["-r", "tree", "t"], resumable),
        (&["--sparse=always", "--durable", "-p", "a", "b"], resumable),
        (&["--atomic", "a", "b"], goes),
        // With --resume it would be refused.
        (&["--backup", "a", "b"], stays),
        (&["--update", "a", "b"], stays),
    ] {
        let limited = [&["--rate-limit=2M", "--engine=read_write"], arguments].concat();
        let running = scene.zccp(&limited).spawn();
        // A tenth of a second's worth goes out at once; with the second the first has been counted.
        running.wait_until("begun", || running.written().is_none_or(|bytes| bytes > 256 << 10));
        running.signal(Signal::INT);
        let outcome = running.finish();
        outcome.dies_of(libc::SIGINT).stderr_has("zccp: interrupted at ").stderr_has(rest);
        if !arguments.contains(&"-r") {
            outcome.stderr_has(" of 64.0 MiB; "); // of a tree it is known where somebody is shown how far it is
        }
        let _ = std::fs::remove_file(scene.path("b"));
        let _ = std::fs::remove_dir_all(scene.path("t"));
    }
    // The hint is true.
    let running = scene.zccp(["--rate-limit=8M", "a", "b"]).spawn();
    running.wait_until("begun", || std::fs::metadata(scene.path("b")).is_ok_and(|file| file.len() > 1 << 20));
    running.signal(Signal::TERM);
    running.finish().dies_of(libc::SIGTERM).stderr_has(resumable);
    scene.zccp(["--resume", "a", "b"]).run().succeeds().file_is("b", &content::bytes(1, 64 << 20));
}

/// What is read from can be read only once, or what is written to is no file: nothing to go on with.
#[test]
fn nothing_is_said_of_going_on_where_that_cannot_be() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(1, 1 << 20));
    let (read, write) = crate::apparatus::sockets::pipe();
    let running = scene.zccp(["a", "/dev/stdout"]).stdout_to(write).spawn();
    running.wait_until("filled the pipe", || rustix::io::ioctl_fionread(&read).is_ok_and(|bytes| bytes >= 65_536));
    running.signal(Signal::TERM);
    running.finish().dies_of(libc::SIGTERM).stderr_has("; what was copied stays\n").stderr_lacks("--resume");
}
