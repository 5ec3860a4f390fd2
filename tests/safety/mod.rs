//! `--resume`, `--verify`, `--atomic` and `--durable`, and what they mean together (docs/safety.md).

mod atomic;
mod durable;
mod interrupted;
mod resume;
mod rules;
mod verify;

use crate::apparatus::Running;
use crate::apparatus::strace::trace;
use crate::apparatus::{Command, Outcome, Scene, content, skip, strace};
use std::path::PathBuf;

/// A copy of the program where every user can get at it.
pub fn program_for_all(scene: &Scene) -> PathBuf {
    scene.copy_of(&crate::apparatus::case::zccp(), "zccp")
}

/// A scene in which the file `a` is to take the place of `d/b`.
struct Replacing {
    scene: Scene,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Replacing {
    fn new() -> Replacing {
        let scene = Scene::new();
        let (old, new) = (content::bytes(1, 50_000), content::bytes(2, 60_000));
        scene.directory("d");
        scene.file("a", &new);
        Replacing { scene, old, new }
    }

    /// `d/b` is the old one.
    fn prepare(&self) {
        self.scene.file("d/b", &self.old);
    }

    /// Fails unless `d/b` is the old one or the new one.
    #[track_caller]
    fn is_old_or_new(&self, when: &str) {
        let there = self.scene.bytes("d/b");
        assert!(there == self.old || there == self.new, "{when}: {} bytes", there.len());
    }
}

/// Runs the command again and again, ended by `signal` on entering each of its calls after it has opened the file `a`, or made
/// a link to it, one run for each: how many there were. `check` is told when, and what was said. `None` without strace.
///
/// Less than 64 KiB is to be copied: with more, whether there is a terminal is asked once 10 ms have gone by
/// (`report::watch`), so one run has a call that another has not.
fn ended_at_every_call(
    scene: &Scene,
    (name, signal): (&str, i32),
    command: impl Fn() -> Command,
    prepare: impl Fn(),
    check: impl Fn(&str),
) -> Option<usize> {
    prepare();
    let (outcome, all) = trace(scene, &[], command())?;
    outcome.succeeds();
    let mut ended = 0;
    let begun = |call: &str, arguments: &[String]| {
        matches!(call, "openat" | "symlink" | "symlinkat") && arguments.iter().any(|text| text.contains("\"a\""))
    };
    for call in all.calls.iter().skip_while(|call| !begun(&call.name, &call.arguments)) {
        if call.name == "exit_group" {
            continue;
        }
        let before = all.calls.iter().take_while(|other| !std::ptr::eq(*other, call));
        let number = before.filter(|other| other.name == call.name).count() + 1;
        prepare();
        let inject = format!("--inject={}:signal={name}:when={number}", call.name);
        let (outcome, _) = trace(scene, &[&inject], command())?;
        outcome.dies_of(signal);
        ended += 1;
        check(&format!("{} {number}: {}", call.name, outcome.stderr_text()));
    }
    Some(ended)
}

/// Starts the command and stops it at the end of its first call of that name. `None` without strace.
fn stopped_after(scene: &Scene, call: &str, command: Command) -> Option<Running> {
    if !skip::has_program("strace") {
        skip::skip!("strace is not installed");
        return None;
    }
    let _ = std::fs::remove_file(scene.path("trace"));
    let only = format!("trace={call}");
    let stop = format!("inject={call}:signal=STOP:when=1");
    let running = command.under("strace", ["-f", "-qq", "-o", "trace", "-e", &only, "-e", &stop]).spawn();
    running.wait_until("stopped", || {
        std::fs::read_to_string(scene.path("trace")).is_ok_and(|trace| trace.contains("--- stopped by SIGSTOP ---"))
    });
    Some(running)
}

/// Runs `zccp` with an error in its `number`th call of that name, counted from when it opens the file `a`: the dynamic
/// linker makes some before. `None` without strace.
fn with_error(scene: &Scene, arguments: &[&str], call: &str, error: &str, number: usize) -> Option<Outcome> {
    // The same up to there.
    let (_, before) = trace(scene, &[], scene.zccp(["--version"]))?;
    let inject = format!("{call}:error={error}:when={}", before.count(call) + number);
    let (outcome, trace) = strace::inject(scene, &[&inject], scene.zccp(arguments))?;
    assert_eq!(trace.injected(), 1, "{inject}");
    Some(outcome)
}
