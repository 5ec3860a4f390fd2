//! Measures this program against every rival found: `cargo bench --bench compare -- [OPTIONS] [ROWS...]`, as root.
//!
//! ROWS are parts of the names that `--list` shows; without any, all rows are measured.
//!
//! | option | meaning |
//! |---|---|
//! | `--list` | the rows and what they do; nothing is run |
//! | `--peers DIR` | where the rivals are (or in DIR/bin); default `$PEERS`, else PATH alone |
//! | `--ours DIR` | measure DIR/zccp and DIR/zccat instead of those cargo built for this |
//! | `--programs A,B` | only these |
//! | `--rounds N` | rounds that count, 5 |
//! | `--size MIB` | size of the big file, 128 |
//! | `--json FILE` | write everything there as well |
//!
//! All rows but those of trees (`tree`, half an hour) take nearly ten minutes so; for figures to be published choose rows,
//! and `--size 512 --rounds 7`.
//!
//! How it measures, and why so:
//!
//! * Programs take turns (A B C, B C A, ...), and medians are given. The first round is thrown away; in it what was
//!   made is compared byte for byte, in every other one its size is. A program that fails in any round has no times.
//! * The whole program counts: from before its fork to its end, by wait4(2).
//! * File systems are made anew, for each run or, where the source is on the same one, for each round, and are never
//!   aged: deleted files slow down ext4. Their images are fully allocated and lie in a tmpfs, so that no disk's mood
//!   is measured; what a *device* does is measured in the throttled rows alone.
//! * A warm source has been written back, dropped from the cache, and read: its pages are as a reader leaves them. A
//!   cold one's file system has been unmounted and mounted.
//! * Before each run nothing is left to be written back.

mod content;
mod cooking;
mod copying;
mod filesystems;
mod measure;
mod report;
mod rivals;
mod rows;
mod starting;
mod streams;
mod trees;
mod wait;

use anyhow::{Context, Result, bail, ensure};
use report::{Machine, Measured};
use rows::Row;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line asks for.
struct Options {
    rows: Vec<String>,
    list: bool,
    rounds: usize,
    size_mib: u64,
    json: Option<PathBuf>,
    search: rivals::Search,
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match words.as_slice() {
        [first, mode, against @ ..] if first == streams::READER => {
            streams::be_reader(mode, against.first().map(Path::new)).map(|()| true)
        }
        _ => parse(&words).and_then(|options| run(&options)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[OsString]) -> Result<Options> {
    let peers = std::env::var_os("PEERS").map(PathBuf::from);
    let search = rivals::Search { ours: None, peers, only: Vec::new() };
    let mut options = Options { rows: Vec::new(), list: false, rounds: 5, size_mib: 128, json: None, search };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.to_str().context("an argument is not UTF-8")?;
        let mut value = || -> Result<&OsStr> { Ok(words.next().with_context(|| format!("{name} needs a value"))?) };
        match name {
            // What cargo adds.
            "--bench" => {}
            "--list" => options.list = true,
            "--peers" => options.search.peers = Some(value()?.into()),
            "--ours" => options.search.ours = Some(value()?.into()),
            "--json" => options.json = Some(value()?.into()),
            "--rounds" => options.rounds = number(name, value()?)?,
            "--size" => options.size_mib = number(name, value()?)?,
            "--programs" => {
                let names = value()?.to_string_lossy().into_owned();
                options.search.only = names.split(',').map(str::to_owned).collect();
            }
            _ if name.starts_with('-') => bail!("unknown option {name}; see the head of benches/compare/main.rs"),
            _ => options.rows.push(name.to_owned()),
        }
    }
    ensure!(options.rounds > 0, "--rounds must be at least 1");
    ensure!((4..=1 << 20).contains(&options.size_mib), "--size is in MiB, and at least 4");
    Ok(options)
}

fn number<T: std::str::FromStr>(name: &str, value: &OsStr) -> Result<T> {
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.with_context(|| format!("{name} {}: not a number", value.display()))
}

/// Whether all went well.
fn run(options: &Options) -> Result<bool> {
    let mut rows = rows::all(options.size_mib << 20, options.rounds);
    if let Some(part) = options.rows.iter().find(|part| !rows.iter().any(|row| row.name.contains(*part))) {
        bail!("no row has {part} in its name; see --list");
    }
    rows.retain(|row| options.rows.is_empty() || options.rows.iter().any(|part| row.name.contains(part)));
    if options.list {
        return list(&rows).map(|()| true);
    }
    let programs = rivals::find(&options.search)?;
    // Before this process's own view of the file systems changes.
    let mut json = options.json.as_ref().map(std::fs::File::create).transpose().context("cannot write the JSON")?;
    let paths: Vec<&Path> = programs.iter().map(|program| program.path.as_path()).collect();
    let base = filesystems::enter(&paths)?;
    wait::catch_signals()?;
    let machine = Machine::here();
    say(&report::head(&machine, &programs))?;
    let mut all = Vec::new();
    for row in &rows {
        let measured = measure_row(row, &base, &programs)?;
        say(&report::table(&measured))?;
        all.push(measured);
    }
    if let Some(file) = &mut json {
        file.write_all(report::json(&machine, &programs, &all).as_bytes())?;
    }
    let ours_failed = |outcomes: &Vec<measure::Outcome>| outcomes.first().is_some_and(|first| first.runs.is_err());
    Ok(!all.iter().any(|measured| measured.outcomes.as_ref().map_or(true, ours_failed)))
}

/// A row that cannot be measured does not keep the others from it; a signal does.
fn measure_row<'a>(row: &'a Row, base: &Path, programs: &[rivals::Program]) -> Result<Measured<'a>> {
    let taking_part = row.programs(programs);
    let mut bytes = row.bytes;
    let outcomes = row.scene(base).and_then(|mut scene| {
        bytes = scene.bytes().unwrap_or(bytes);
        measure::compare(&mut *scene, &taking_part, row.rounds)
    });
    wait::check_signals()?;
    Ok(Measured { row, bytes, outcomes: outcomes.map_err(|error| format!("{error:#}")) })
}

fn list(rows: &[Row]) -> Result<()> {
    for row in rows {
        say(&format!("{:30} {}\n", row.name, row.about))?;
    }
    Ok(())
}

fn say(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}
