//! How many system calls a copy makes: as many as are needed and no more. Counted over all threads, from the first open
//! of an operand to the last close; strace is the witness.

use crate::apparatus::strace::{Call, trace};
use crate::apparatus::{Command, Fs, Output, Reader, Scene, content};

/// The calls of one command between its operands' first open and last close.
fn calls(scene: &Scene, command: Command, operands: &[&str]) -> Option<Vec<Call>> {
    let (outcome, trace) = trace(scene, &[], command)?;
    outcome.succeeds();
    Some(trace.between_operands(operands).to_vec())
}

fn names(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.name.as_str()).collect()
}

#[test]
fn a_small_new_file_takes_eight_calls() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::Btrfs, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        scene.file("a", &content::bytes(1, 4096));
        let Some(calls) = calls(&scene, scene.zccp(["a", "b"]), &["a", "b"]) else { return };
        // The two opens, the source's facts, its bytes, the zero that is the end, and the two closes.
        let needed = ["openat", "fstat", "openat", "pread64", "pwrite64", "pread64", "close", "close"];
        assert_eq!(names(&calls), needed, "{}", fs.name());
    }
}

#[test]
fn an_overwritten_small_file_is_looked_at_before_it_is_cut() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    scene.file("a", &content::bytes(1, 4096));
    scene.file("b", b"old");
    let Some(calls) = calls(&scene, scene.zccp(["a", "b"]), &["a", "b"]) else { return };
    assert!(calls.len() <= 12, "{:?}", names(&calls));
    let position = |name: &str| calls.iter().position(|call| call.name == name);
    let (looked, cut) = (position("newfstatat").expect("looked at"), position("ftruncate").expect("cut"));
    assert!(looked < cut, "{:?}", names(&calls));
}

#[test]
fn a_clone_needs_no_call_for_each_byte() {
    for fs in [Fs::Xfs, Fs::Btrfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        scene.file("a", &content::bytes(1, 30_000_000));
        let Some(calls) = calls(&scene, scene.zccp(["a", "b"]), &["a", "b"]) else { return };
        // One that has lasted a hundredth of a second looks once whether there is a terminal.
        assert!(calls.len() <= 10, "{}: {:?}", fs.name(), names(&calls));
    }
}

#[test]
fn a_small_file_to_a_pipe_is_one_read_and_one_write() {
    let scene = Scene::new();
    let bytes = content::bytes(1, 4096);
    scene.file("a", &bytes);
    let Some((outcome, trace)) = trace(&scene, &[], scene.zccat(["a"])) else { return };
    outcome.succeeds().stdout_is(&bytes);
    let calls = trace.between_operands(&["a"]);
    assert!(calls.len() <= 8, "{:?}", names(calls));
    let count = |name: &str| calls.iter().filter(|call| call.name.starts_with(name)).count();
    // musl's pread is preadv2(2).
    assert_eq!((count("pread"), count("read"), count("write")), (1, 0, 1), "{:?}", names(calls));
}

#[test]
fn a_full_pipe_is_left_to_its_reader_for_a_while() {
    let scene = Scene::new();
    let bytes = content::bytes(1, 4 << 20);
    scene.file("a", &bytes);
    for (engine, waits) in [("splice", true), ("read_write", false)] {
        let option = format!("--engine={engine}");
        let command = scene.zccat([option.as_str(), "a"]).stdout(Output::Pipe(Reader::Slow));
        let Some((outcome, trace)) = trace(&scene, &[], command) else { return };
        outcome.succeeds().stdout_is(&bytes);
        assert_eq!(trace.count("clock_nanosleep") > 0, waits, "{engine}");
        for wait in trace.named("clock_nanosleep") {
            let arguments = wait.arguments.join(",").replace(' ', "");
            let (_, nanoseconds) = arguments.split_once("{tv_sec=0,tv_nsec=").expect("less than a second");
            let digits = nanoseconds.split(|c: char| !c.is_ascii_digit()).next().expect("a number");
            let nanoseconds: u64 = digits.parse().expect("nanoseconds");
            assert!(nanoseconds <= 2_000_000, "{wait:?}");
        }
    }
}

#[test]
fn big_files_take_few_calls_a_mebibyte() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    scene.file("a", &content::bytes(1, 64 << 20));
    let Some(calls) = calls(&scene, scene.zccp(["a", "b"]), &["a", "b"]) else { return };
    let moving = calls.iter().filter(|call| ["pread64", "pwrite64"].contains(&call.name.as_str())).count();
    assert!(moving <= 2 * 128 + 4, "{moving} reads and writes for 64 MiB in blocks of 512 KiB");
    assert!(calls.iter().filter(|call| call.name == "fallocate").count() == 1);
}
