//! One run of one program, and the rounds in which all programs take turns.

use crate::rivals::Program;
use crate::wait::{self, Ended};
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a program is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Launch {
    /// By posix_spawn(3): least work, for the rows that time start-up.
    Spawn,
    /// By fork(2) and execve(2), for the rows that look at memory. A spawned child borrows this command's memory until
    /// its execve, and the kernel counts that as the child's peak (setmax_mm_hiwater_rss in fs/exec.c); a forked one
    /// begins with little more than our anonymous pages.
    Fork,
}

/// What one run took.
#[derive(Clone, Copy, Default)]
pub struct Sample {
    /// From before the start of the program until it, and the reader of its output if there is one, had ended.
    pub wall: Duration,
    /// The same, but until what it wrote was on the device.
    pub synced: Option<Duration>,
    /// User and system time of the program; not the reader's, not the kernel's own threads'.
    pub cpu: Duration,
    /// The program's peak resident memory.
    pub peak_bytes: Option<u64>,
    /// The same for a run of this program that does nothing (`--version`).
    pub empty_peak_bytes: Option<u64>,
}

/// A program's run: what it took, or why it does not count.
pub type Verdict = Result<Sample, String>;

/// A place where programs are measured.
pub trait Scene {
    /// Bytes that each run moves, where only what was made tells.
    fn bytes(&self) -> Option<u64> {
        None
    }
    /// Before each round.
    fn begin_round(&mut self) -> Result<()> {
        Ok(())
    }
    /// Prepares, runs `program` once, looks at what it made (all of it if `thorough`) and clears away. An error is the
    /// scene's own failure; the program's is a verdict.
    fn run(&mut self, program: &Program, thorough: bool) -> Result<Verdict>;
}

/// All runs of one program in one row.
pub struct Outcome {
    /// The program's name.
    pub program: &'static str,
    /// Its runs without the warm-up, or why there are none.
    pub runs: Result<Vec<Sample>, String>,
}

/// Lets the programs take turns for `rounds` rounds, after one round that is thrown away: there memory is touched for
/// the first time, and what was made is compared byte for byte. Each round begins with another program, so that none
/// always has the same predecessor.
pub fn compare(scene: &mut dyn Scene, programs: &[&Program], rounds: usize) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> =
        programs.iter().map(|program| Outcome { program: program.name, runs: Ok(Vec::new()) }).collect();
    for round in 0..=rounds {
        wait::check_signals()?;
        scene.begin_round()?;
        for turn in 0..programs.len() {
            wait::check_signals()?;
            let index = (turn + round) % programs.len();
            let outcome = &mut outcomes[index];
            let Ok(runs) = &mut outcome.runs else { continue };
            match scene.run(programs[index], round == 0)? {
                Ok(sample) if round > 0 => runs.push(sample),
                Ok(_) => {}
                Err(why) => outcome.runs = Err(why),
            }
        }
    }
    Ok(outcomes)
}

/// Runs `command` to its end: when it began, and how it ended. Its standard error is kept in `complaints`.
pub fn run(command: &mut Command, launch: Launch, complaints: &Path) -> Result<(Instant, Result<Ended, String>)> {
    command.stderr(File::create(complaints)?);
    if launch == Launch::Fork {
        // Any identity at all makes std fork instead of spawn; this one changes nothing, for we are root.
        command.uid(0);
    }
    let begun = Instant::now();
    let child = command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    // Ours are the last copies of a pipe's or a socket's ends: its reader must see the end when the program ends.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = wait::wait(child)?;
    Ok((begun, judge(ended, complaints)?))
}

fn judge(ended: Ended, complaints: &Path) -> Result<Result<Ended, String>> {
    if ended.hung {
        return Ok(Err("did not end in time".to_owned()));
    }
    if ended.status.success() {
        return Ok(Ok(ended));
    }
    let text = fs::read(complaints)?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next().unwrap_or_default();
    Ok(Err(if line.is_empty() { ended.status.to_string() } else { format!("{}: {line}", ended.status) }))
}
