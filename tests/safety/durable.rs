//! `--durable`: what is flushed, in which order, and that every error of it is one.

use crate::apparatus::block::LoopDevice;
use crate::apparatus::strace::{self, Trace, trace};
use crate::apparatus::{Scene, content, skip};
use std::fs::File;

fn names(trace: &Trace) -> Vec<&str> {
    let of_interest = ["write", "pwrite64", "fsync", "fdatasync", "syncfs", "renameat", "linkat"];
    trace.calls.iter().map(|call| call.name.as_str()).filter(|name| of_interest.contains(name)).collect()
}

#[test]
fn a_file_and_then_its_directory_are_flushed() {
    let scene = Scene::new();
    scene.file("a", b"some");
    scene.directory("d");
    for (arguments, there) in [(["--durable", "a", "b"], "b"), (["--durable", "a", "d"], "d/a")] {
        for _ in ["new", "there"] {
            let Some((outcome, trace)) = trace(&scene, &[], scene.zccp(arguments)) else { return };
            outcome.succeeds().stderr_is("").file_is(there, b"some");
            assert_eq!(names(&trace).iter().filter(|name| **name == "fsync").count(), 2, "{:?}", names(&trace));
            let last_write = trace.calls.iter().rposition(|call| call.name.contains("write")).unwrap();
            assert!(trace.calls.iter().position(|call| call.name == "fsync").unwrap() > last_write);
        }
    }
}

/// Whoever sees the progress is heard meanwhile, by a thread of its own: it is begun without prctl(2), as all are, which a
/// thread with a name would be called by and a program may be killed for.
#[test]
fn a_filter_that_kills_for_prctl_ends_no_flush_that_is_watched() {
    let scene = Scene::new();
    let bytes = content::bytes(1, 8 << 20);
    scene.file("a", &bytes);
    let command = scene.zccp(["--durable", "--progress=always", "a", "b"]).killed_for(libc::SYS_prctl);
    command.run().succeeds().file_is("b", &bytes);
}

#[test]
fn a_flush_that_fails_is_a_failed_copy() {
    let scene = Scene::new();
    scene.file("a", b"some");
    for (what, text) in [
        ("fsync:error=EIO:when=1", "zccp: error flushing 'b': Input/output error\n"),
        ("fsync:error=ENOSPC:when=1", "zccp: error flushing 'b': No space left on device\n"),
        ("fsync:error=EIO:when=2", "zccp: error flushing the directory of 'b': Input/output error\n"),
    ] {
        let command = scene.zccp(["--durable", "a", "b"]);
        let Some((outcome, trace)) = strace::inject(&scene, &[what], command) else { return };
        outcome.fails_with(1).stderr_is(text);
        assert_eq!(trace.injected(), 1);
    }
}

#[test]
fn a_tree_is_flushed_at_once_by_a_descriptor_opened_before_the_first_write() {
    let scene = Scene::new();
    scene.directory("from");
    for n in 0..5 {
        scene.file(format!("from/{n}"), &content::bytes(1, 1000 * n));
    }
    scene.directory("from/empty");
    scene.symlink("nowhere", "from/link");
    let command = || scene.zccp(["-r", "--durable", "from", "to"]);
    let Some((outcome, trace)) = strace::trace(&scene, &[], command()) else { return };
    outcome.succeeds().stderr_is("");
    assert_eq!((trace.count("syncfs"), trace.count("fsync")), (1, 0), "{:?}", names(&trace));
    let flush = trace.calls.iter().position(|call| call.name == "syncfs").unwrap();
    let descriptor = &trace.calls[flush].arguments[0];
    let first_write = trace.calls.iter().position(|call| call.name == "mkdirat" || call.name == "mkdir").unwrap();
    let opened = trace
        .calls
        .iter()
        .take(first_write)
        .any(|call| call.name == "openat" && call.result.as_ref().is_ok_and(|fd| fd.to_string() == *descriptor));
    assert!(opened, "the descriptor of syncfs was opened before anything was made");
    std::fs::remove_dir_all(scene.path("to")).unwrap();
    let Some((outcome, _)) = strace::inject(&scene, &["syncfs:error=EIO"], command()) else { return };
    outcome.fails_with(1).stderr_is("zccp: error flushing 'to': Input/output error\n");
}

#[test]
fn several_sources_are_flushed_at_once_too() {
    let scene = Scene::new();
    scene.file("a", b"a");
    scene.file("b", b"b");
    scene.directory("d");
    let Some((outcome, trace)) = trace(&scene, &[], scene.zccp(["--durable", "a", "b", "d"])) else { return };
    outcome.succeeds().file_is("d/a", b"a").file_is("d/b", b"b");
    assert_eq!((trace.count("syncfs"), trace.count("fsync")), (1, 0), "{:?}", names(&trace));
}

#[test]
fn links_are_flushed_as_names() {
    let scene = Scene::new();
    scene.file("a", b"a");
    for option in ["-l", "-s"] {
        let command = scene.zccp(["--durable", option, "a", "b"]);
        let Some((outcome, trace)) = strace::trace(&scene, &[], command) else { return };
        outcome.succeeds();
        assert_eq!(trace.count("fsync") + trace.count("syncfs"), 1, "{option}: {:?}", names(&trace));
        std::fs::remove_file(scene.path("b")).unwrap();
    }
}

#[test]
fn what_is_on_no_device_cannot_be_durable() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let outcome = scene.zccp(["--durable", "a", "/dev/null"]).run();
    outcome.fails_with(1).stderr_is("zccp: error flushing '/dev/null': Invalid argument\n");
}

#[test]
fn a_block_device_is_always_flushed() {
    if !skip::is_root() {
        return skip::skip!("only root has loop devices");
    }
    let scene = Scene::new();
    let bytes = content::bytes(1, 3 << 20);
    scene.file("x.iso", &bytes);
    File::create(scene.path("image")).unwrap().set_len(8 << 20).unwrap();
    let device = match LoopDevice::over(&scene.path("image")) {
        Ok(device) => device,
        Err(reason) => return skip::skip!(reason),
    };
    let path = device.path.to_str().unwrap();
    let Some((outcome, trace)) = trace(&scene, &[], scene.zccp(["x.iso", path])) else { return };
    outcome.succeeds().stderr_is("");
    assert_eq!(trace.count("fsync"), 1);
    // All of it is in the image, past the device's own cache.
    assert_eq!(content::difference(&bytes, &scene.bytes("image")[..bytes.len()]), None);
    let command = scene.zccp(["x.iso", path]);
    let Some((outcome, _)) = strace::inject(&scene, &["fsync:error=EIO"], command) else { return };
    outcome.fails_with(1).stderr_is(&format!("zccp: error flushing '{path}': Input/output error\n"));
    scene.zccp(["--verify", "x.iso", path]).run().succeeds().stderr_is("");
}

#[test]
fn zccat_flushes_standard_output_after_the_last_byte() {
    let scene = Scene::new();
    scene.file("a", b"some");
    let command = || scene.zccat(["--durable", "a", "a"]).stdout_to(scene.create("out"));
    let Some((outcome, trace)) = trace(&scene, &[], command()) else { return };
    outcome.succeeds().stderr_is("").file_is("out", b"somesome");
    let at = |name: &str| trace.calls.iter().rposition(|call| call.name == name && call.touches(1));
    assert!(at("fsync") > at("write") && trace.named("fsync").count() == 1);
    let Some((outcome, _)) = strace::inject(&scene, &["fsync:error=EIO"], command()) else { return };
    outcome.fails_with(1).stderr_is("zccat: error flushing standard output: Input/output error\n");
    // What could be read is flushed, whatever else was wrong.
    let Some((outcome, trace)) =
        strace::trace(&scene, &[], scene.zccat(["--durable", "nowhere", "a"]).stdout_to(scene.create("out")))
    else {
        return;
    };
    outcome.fails_with(1).stderr_is("zccat: nowhere: No such file or directory\n").file_is("out", b"some");
    assert_eq!(trace.count("fsync"), 1);
}

#[test]
fn zccat_cannot_flush_what_is_on_no_device() {
    let scene = Scene::new();
    scene.file("a", b"some");
    let refused = "zccat: standard output cannot be flushed (--durable): it is neither a file nor a block device\n";
    scene.zccat(["--durable", "a"]).run().fails_with(1).stdout_is("").stderr_is(refused);
    let null = scene.open_with("/dev/null", libc::O_WRONLY);
    scene.zccat(["--durable", "a"]).stdout_to(null).run().fails_with(1).stderr_is(refused);
    for option in ["--connect=unix:s", "--listen=unix:s"] {
        let said = "--durable cannot be combined with ";
        scene.zccat(["--durable", option, "a"]).run().fails_with(1).stderr_has(said).no_file("s");
    }
}
