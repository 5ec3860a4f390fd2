//! How fast `--verify` reads back: on the slow stick, whose copy is complete, beside dd(1) reading it past the page cache.
//!
//! `--resume` compares a complete copy by the page cache, which has it; `--resume --verify` does that and reads it back, so
//! the difference is what reading back takes. The device cannot do it in less than the size by the speed.

use super::{Options, Stick, median, run_it, seconds};
use anyhow::Result;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Prints a line for each file system: medians, and in brackets the least.
pub(super) fn measure(options: &Options, source: &Path, place: &Path) -> Result<()> {
    let least = Duration::from_secs_f64(options.size as f64 / options.speed as f64);
    println!("| | --resume | --resume --verify | the difference | dd iflag=direct | the device: not less than |");
    println!("|---|---|---|---|---|---|");
    for file_system in &options.file_systems {
        let stick = Stick::new(options, file_system, place)?;
        let copy = stick.place.join("big.iso");
        stick.throttle(0)?;
        fs::copy(source, &copy)?;
        File::open(&copy)?.sync_all()?;
        stick.throttle(options.speed << 20)?;
        let mut times = [const { Vec::new() }; 4];
        for _ in 0..options.rounds {
            // What O_DIRECT has read it also drops from the cache; what is to be compared is to be in it.
            stick.throttle(0)?;
            fs::read(&copy)?;
            stick.throttle(options.speed << 20)?;
            let compared = timed(zccp(options)?.arg("--resume").arg(source).arg(&copy))?;
            let verified = timed(zccp(options)?.args(["--resume", "--verify"]).arg(source).arg(&copy))?;
            let input = format!("if={}", copy.display());
            let read =
                timed(Command::new("dd").args([&input, "of=/dev/null", "bs=1M", "iflag=direct", "status=none"]))?;
            for (all, time) in times.iter_mut().zip([compared, verified, verified.saturating_sub(compared), read]) {
                all.push(time);
            }
        }
        let cells = times.map(|all| {
            let best = all.iter().min().copied().unwrap_or_default();
            format!("{} ({})", seconds(median(all)), seconds(best))
        });
        println!("| {file_system} | {} | {} |", cells.join(" | "), seconds(least));
    }
    Ok(())
}

fn zccp(options: &Options) -> Result<Command> {
    let program = options.programs.first().map(|(_, path)| path);
    let mut command = Command::new(program.ok_or_else(|| anyhow::anyhow!("no program"))?);
    command.arg("--quiet");
    Ok(command)
}

fn timed(command: &mut Command) -> Result<Duration> {
    let began = Instant::now();
    run_it(command)?;
    Ok(began.elapsed())
}
