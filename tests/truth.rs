//! `--explain` and `--debug` tell what happened: the bytes they name are those strace saw the calls return.

use crate::apparatus::strace::{Trace, trace};
use crate::apparatus::{Command, Engine, Fs, Outcome, Output, Reader, Scene, content};

/// Bytes `--explain` says an engine moved; 0 if it does not name it.
fn said(outcome: &Outcome, engine: &str) -> i64 {
    let text = outcome.stderr_text();
    let moved = text.lines().find_map(|line| line.trim().strip_prefix("moved: ")).expect("a line that says what moved");
    let parts = moved.split(" in ").next().expect("parts");
    let part = parts.split(", ").find_map(|part| part.strip_prefix(&format!("{engine} ")));
    part.map_or(0, |part| part.trim_end_matches(" bytes").parse().expect("a number of bytes"))
}

/// Bytes the calls that put something into `sink` returned.
fn seen(trace: &Trace, engine: &str, sink: i64) -> i64 {
    let (names, place): (&[&str], usize) = match engine {
        "copy_file_range" => (&["copy_file_range"], 2),
        "sendfile" => (&["sendfile"], 0),
        "splice" => (&["splice"], 2),
        // musl's pwrite is pwritev2(2).
        _ => (&["write", "pwrite64", "pwritev2"], 0),
    };
    let sink = sink.to_string();
    let into = |call: &&crate::apparatus::strace::Call| {
        names.contains(&call.name.as_str()) && call.arguments.get(place) == Some(&sink)
    };
    trace.calls.iter().filter(into).filter_map(|call| call.result.clone().ok()).sum()
}

fn explained(scene: &Scene, command: Command) -> Option<(Outcome, Trace)> {
    let traced = trace(scene, &[], command.argument("--explain"));
    if let Some((outcome, _)) = &traced {
        outcome.succeeds();
    }
    traced
}

#[test]
fn file_to_file_what_each_engine_moved_is_what_its_calls_returned() {
    for engine in ["copy_file_range", "sendfile", "splice", "mmap", "read_write"] {
        for size in [1, 4096, 65_537, 3_000_000, 20_000_000] {
            let Some(scene) = Scene::on(Fs::Ext4) else { return };
            let bytes = content::bytes(1, size);
            scene.file("a", &bytes);
            let option = Engine::named(engine).option().expect("an option");
            let Some((outcome, trace)) = explained(&scene, scene.zccp([option.as_str(), "a", "b"])) else { return };
            outcome.file_is(scene.path("b"), &bytes);
            let sink = trace.opened("b").expect("the sink was opened");
            let total = said(&outcome, engine) + if engine == "read_write" { 0 } else { said(&outcome, "read_write") };
            assert_eq!(total, size as i64, "{engine} {size}: {}", outcome.stderr_text());
            assert_eq!(said(&outcome, engine), seen(&trace, engine, sink), "{engine} {size}");
        }
    }
}

#[test]
fn file_to_pipe_the_parts_add_up_to_what_strace_saw() {
    for engine in ["sendfile", "splice", "mmap", "read_write"] {
        let scene = Scene::new();
        let bytes = content::bytes(2, 6_000_000);
        scene.file("a", &bytes);
        let option = Engine::named(engine).option().expect("an option");
        let command = scene.zccat([option.as_str(), "a"]).stdout(Output::Pipe(Reader::All));
        let Some((outcome, trace)) = explained(&scene, command) else { return };
        outcome.stdout_is(&bytes);
        match engine {
            // From a mapping the bytes come to the sink by way of a private pipe.
            "mmap" => assert_eq!(said(&outcome, "mmap"), seen(&trace, "splice", 1)),
            "read_write" => assert_eq!(said(&outcome, "read_write"), seen(&trace, "read_write", 1)),
            _ => {
                assert_eq!(said(&outcome, engine), seen(&trace, engine, 1), "{}", outcome.stderr_text());
                assert_eq!(said(&outcome, "read_write"), seen(&trace, "read_write", 1));
            }
        }
    }
}

#[test]
fn a_clone_is_called_a_clone_and_nothing_else_is() {
    for fs in [Fs::Xfs, Fs::Btrfs, Fs::XfsPlain, Fs::Ext4, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = content::bytes(3, 1_000_000);
        scene.file("a", &bytes);
        let Some((outcome, trace)) = explained(&scene, scene.zccp(["--debug", "a", "b"])) else { return };
        outcome.file_is(scene.path("b"), &bytes);
        let cloned = trace.named("ioctl").any(|call| call.arguments[1].contains("FICLONE") && call.result == Ok(0));
        assert_eq!(cloned, fs.shares_extents(), "{}", fs.name());
        assert_eq!(said(&outcome, "reflink"), if cloned { 1_000_000 } else { 0 }, "{}", fs.name());
        let reflink = if cloned { "reflink: yes, sparse detection: unknown" } else { "reflink: unsupported" };
        outcome.stdout_has(reflink);
    }
}

#[test]
fn a_refusal_is_told_with_its_errno_and_its_byte() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(4, 40_000_000);
    scene.file("a", &bytes);
    let command = scene.zccp(["--explain", "--engine=copy_file_range,read_write", "a", "b"]);
    let options = ["-e", "inject=copy_file_range:error=EINVAL:when=2"];
    let Some((outcome, _)) = trace(&scene, &options, command) else { return };
    outcome.succeeds().file_is(scene.path("b"), &bytes);
    let at = said(&outcome, "copy_file_range");
    assert!(at > 0, "the first call went through");
    outcome.stderr_has(&format!("copy_file_range refused at byte {at}: EINVAL (Invalid argument)"));
    assert_eq!(said(&outcome, "read_write"), 40_000_000 - at);
}

#[test]
fn every_engine_is_either_in_the_plan_or_passed_over_with_a_reason() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(5, 100_000));
    for command in [scene.zccp(["--explain", "a", "b"]), scene.zccat(["--explain", "a"])] {
        let outcome = command.run();
        outcome.succeeds();
        let text = outcome.stderr_text();
        let plan = text.lines().find(|line| line.trim().starts_with("plan:")).expect("a plan");
        for engine in ["reflink", "copy_file_range", "sendfile", "splice", "zerocopy", "mmap", "read_write"] {
            let passed_over = text.lines().any(|line| line.trim().starts_with(&format!("not {engine}: ")));
            assert!(plan.contains(engine) != passed_over, "{engine} is planned or passed over:\n{text}");
        }
    }
}

#[test]
fn mmap_moves_nearly_all_of_an_undisturbed_file() {
    for fs in [Fs::Ext4, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = content::bytes(6, 50_000_001);
        scene.file("a", &bytes);
        let Some((outcome, trace)) = explained(&scene, scene.zccp(["--engine=mmap", "a", "b"])) else { return };
        outcome.file_is(scene.path("b"), &bytes);
        let read: i64 = ["read", "pread64"]
            .iter()
            .map(|name| {
                let source = trace.opened("a").expect("the source was opened");
                let reads = trace.named(name).filter(|call| call.touches(source));
                reads.filter_map(|call| call.result.clone().ok()).sum::<i64>()
            })
            .sum();
        assert!(read * 100 < bytes.len() as i64, "{}: {read} bytes were read", fs.name());
        assert!(said(&outcome, "mmap") * 100 >= bytes.len() as i64 * 99, "{}", outcome.stderr_text());
    }
}
