//! The table of rows: what is measured, of which programs.
//!
//! A new row is a line here; a new kind of work is a `Scene`.

use crate::content::Kind as Content;
use crate::cooking::Cooking;
use crate::copying::{Copy, Copying};
use crate::filesystems::{Kind, Throttle};
use crate::measure::Scene;
use crate::rivals::{Many, Program, Task};
use crate::starting::{Little, Starting};
use crate::streams::{Sink, Streaming};
use crate::trees::{Planting, Shape};
use anyhow::{Result, ensure};
use std::path::Path;

/// One row group: one piece of work that several programs do in turn.
pub struct Row {
    /// Its name, from which it is chosen.
    pub name: String,
    /// What is done, in words.
    pub about: String,
    /// Bytes moved by each run, unless the scene knows better.
    pub bytes: u64,
    /// Rounds that count.
    pub rounds: usize,
    work: Work,
    programs: Select,
}

#[derive(Clone, Copy)]
enum Work {
    Copy(Copy),
    Stream(Sink),
    Start(Little),
    Cook(Content, &'static str),
    Tree { shape: Shape, target: Kind, many: Many },
}

/// Which programs take part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Select {
    /// All of a task, but rsync, which is not what it is for.
    Of(Task),
    /// Those that know cat's options.
    Formatters,
    /// All of a task and those that write to a socket as to any output.
    Senders,
    /// Those people use for a slow stick.
    SlowTarget,
    /// Those that copy many files so.
    Many(Many),
}

/// File systems of the copying rows: name, source's, target's, two different ones.
const PAIRS: &[(&str, Kind, Kind, bool)] = &[
    ("ext4-ext4", Kind::Ext4, Kind::Ext4, false),
    ("ext4-xfs", Kind::Ext4, Kind::XfsReflink, true),
    ("tmpfs-tmpfs", Kind::Tmpfs, Kind::Tmpfs, false),
    ("xfs-xfs-reflink", Kind::XfsReflink, Kind::XfsReflink, false),
    ("xfs-xfs-plain", Kind::XfsPlain, Kind::XfsPlain, false),
    ("btrfs-btrfs-reflink", Kind::Btrfs, Kind::Btrfs, false),
    ("ext4-btrfs", Kind::Ext4, Kind::Btrfs, true),
];

/// Rounds of the rows whose figures are times of a throttle, or memory: they hardly vary.
const STEADY_ROUNDS: usize = 3;
/// Runs of the start-up rows for each round asked for: 40 × 5 = 200.
const STARTS_PER_ROUND: usize = 40;
/// A SATA disk and a USB 3 stick, in bytes per second.
const DISK: u64 = 500_000_000;
const STICK: u64 = 100_000_000;

const PLAIN: Copy = Copy {
    source: Kind::Ext4,
    target: Kind::Ext4,
    across: false,
    overwritten: false,
    synced: false,
    cold: false,
    read_limit: None,
    write_limit: None,
    empty: false,
};

/// All rows, for files of `size` bytes and `rounds` rounds.
pub fn all(size: u64, rounds: usize) -> Vec<Row> {
    let steady = rounds.min(STEADY_ROUNDS);
    let mut rows = Vec::new();
    for overwritten in [false, true] {
        for &(name, source, target, across) in PAIRS {
            let copy = Copy { source, target, across, overwritten, ..PLAIN };
            let name = format!("{}/{name}", if overwritten { "overwritten" } else { "new" });
            rows.push(copying(&name, copy, size, rounds));
        }
    }
    rows.push(copying("fsync/ext4-ext4", Copy { synced: true, ..PLAIN }, size, rounds));
    let cold = Copy { across: true, cold: true, read_limit: Some(DISK), ..PLAIN };
    rows.push(copying("cold/ext4-ext4", cold, size / 2, steady));
    let slow = Copy { synced: true, write_limit: Some(STICK), ..cold };
    rows.push(Row { programs: Select::SlowTarget, ..copying("slow/ext4-ext4", slow, size / 4, steady) });
    for (name, sink, about) in [
        ("pipe/blocks", Sink::Pipe, "ext4 -> pipe, read in blocks of 256 KiB"),
        ("pipe/wc-l", Sink::CountLines, "ext4 -> pipe, read by wc -l"),
        ("tcp/loopback", Sink::Tcp, "ext4 -> TCP over loopback, read in blocks of 256 KiB"),
    ] {
        let programs = if sink == Sink::Tcp { Select::Senders } else { Select::Of(Task::Cat) };
        let about = format!("{about}; warm source; processor time is the sender's");
        rows.push(Row { name: name.into(), about, bytes: size, rounds, work: Work::Stream(sink), programs });
    }
    for (name, little, task, about) in [
        ("start/copy", Little::Copy, Task::Copy, "tmpfs -> tmpfs, new destination; warm source"),
        ("start/cat", Little::Cat, Task::Cat, "tmpfs -> /dev/null; warm source"),
        ("start/pipe", Little::Pipe, Task::Cat, "tmpfs -> pipe, which holds it; warm source"),
        ("start/version-cp", Little::Nothing, Task::Copy, "--version"),
        ("start/version-cat", Little::Nothing, Task::Cat, "--version"),
    ] {
        let (rounds, programs) = (rounds * STARTS_PER_ROUND, Select::Of(task));
        let bytes = little.bytes();
        rows.push(Row { name: name.into(), about: about.into(), bytes, rounds, work: Work::Start(little), programs });
    }
    for (name, content, what) in [
        ("text", Content::Text, "lines of 60 letters"),
        ("short", Content::ShortLines, "lines of 3 letters"),
        ("random", Content::Random, "random bytes"),
    ] {
        for option in ["-n", "-b", "-s", "-A", "-v", "-E"] {
            let (name, about) = (format!("cooked/{name}{option}"), format!("{option}, {what}; tmpfs -> /dev/null"));
            let (work, programs) = (Work::Cook(content, option), Select::Formatters);
            rows.push(Row { name, about, bytes: size, rounds, work, programs });
        }
    }
    for (name, bytes) in [("memory/64M", 64 << 20), ("memory/1G", 1 << 30)] {
        rows.push(copying(name, Copy { empty: true, ..PLAIN }, bytes, steady));
    }
    rows.extend(trees(size, rounds));
    rows
}

/// The rows of trees; of large files as many as eight times `size` holds.
fn trees(size: u64, rounds: usize) -> Vec<Row> {
    let shapes = [
        ("tree/crates", Shape::Crates, Many::Tree),
        ("tree/crates-a", Shape::Crates, Many::Archive),
        ("tree/flat-empty", Shape::Flat(0), Many::Tree),
        ("tree/flat-4K", Shape::Flat(4096), Many::Tree),
        ("tree/spread-1K", Shape::Spread, Many::Tree),
        ("tree/large-1M", Shape::Large((size >> 20) * 8), Many::Tree),
        ("operands/15K", Shape::Few { files: 5000, bytes: 15 << 10 }, Many::Operands),
        ("operands/4M", Shape::Few { files: 128, bytes: 4 << 20 }, Many::Operands),
        ("operands/64M", Shape::Few { files: 12, bytes: 64 << 20 }, Many::Operands),
    ];
    let targets = [
        ("ext4", Kind::Ext4),
        ("xfs", Kind::XfsReflink),
        ("xfs-plain", Kind::XfsPlain),
        ("btrfs", Kind::Btrfs),
        ("tmpfs", Kind::Tmpfs),
    ];
    let mut rows = Vec::new();
    for (name, shape, many) in shapes {
        for (target_name, target) in targets {
            let how = match many {
                Many::Tree => "-r",
                Many::Archive => "-a",
                Many::Operands => "by their names",
            };
            let about = format!("{}, {how}, tmpfs -> {}, made anew for each run", shape.about(), target.name());
            let (name, work) = (format!("{name}/{target_name}"), Work::Tree { shape, target, many });
            rows.push(Row { name, about, bytes: shape.bytes(), rounds, work, programs: Select::Many(many) });
        }
    }
    rows
}

fn copying(name: &str, copy: Copy, bytes: u64, rounds: usize) -> Row {
    let place = if copy.across { "to another file system" } else { "within one file system" };
    let mut about = format!("{} -> {}, {place}", copy.source.name(), copy.target.name());
    about += if copy.overwritten { "; overwritten destination" } else { "; new destination" };
    about += if copy.cold { "; cold source" } else { "; warm source" };
    for (what, limit) in [("source reads", copy.read_limit), ("target writes", copy.write_limit)] {
        if let Some(limit) = limit {
            about += &format!("; {what} {} MB/s", limit / 1_000_000);
        }
    }
    if copy.synced {
        about += "; then fsync, which counts";
    }
    let young = if copy.across { "run" } else { "round" };
    about += &format!("; target made anew for each {young}");
    Row { name: name.into(), about, bytes, rounds, work: Work::Copy(copy), programs: Select::Of(Task::Copy) }
}

impl Row {
    /// Those of `found` that take part.
    pub fn programs<'a>(&self, found: &'a [Program]) -> Vec<&'a Program> {
        let takes_part = |program: &&Program| match self.programs {
            Select::Of(task) => program.task == task && program.name != "rsync",
            Select::Formatters => program.task == Task::Cat && program.name != "pv",
            Select::Senders => program.task == Task::Send || (program.task == Task::Cat && program.name != "pv"),
            Select::Many(many) => program.copies(many),
            Select::SlowTarget => ["zccp", "gnu-cp", "cp", "rsync"].contains(&program.name),
        };
        found.iter().filter(takes_part).collect()
    }

    /// Makes the place where it is measured, below `base`.
    pub fn scene(&self, base: &Path) -> Result<Box<dyn Scene>> {
        self.check_system()?;
        Ok(match self.work {
            Work::Copy(copy) => Box::new(Copying::new(base, copy, self.bytes)?),
            Work::Stream(sink) => Box::new(Streaming::new(base, sink, self.bytes)?),
            Work::Tree { shape, target, many } => Box::new(Planting::new(base, shape, target, many)?),
            Work::Start(little) => Box::new(Starting::new(base, little)?),
            Work::Cook(content, option) => Box::new(Cooking::new(base, content, option, self.bytes)?),
        })
    }

    fn check_system(&self) -> Result<()> {
        let needed = match self.work {
            Work::Copy(copy) => copy.memory(self.bytes),
            Work::Stream(_) => Streaming::memory(self.bytes),
            Work::Cook(..) => Cooking::memory(self.bytes),
            Work::Start(_) => 0,
            Work::Tree { shape, target, .. } => shape.memory(target),
        };
        let free = available_memory()?;
        ensure!(needed <= free, "needs {} MiB of memory, {} MiB are available", needed >> 20, free >> 20);
        if let Work::Copy(Copy { read_limit, write_limit, .. }) = self.work
            && (read_limit.is_some() || write_limit.is_some())
        {
            ensure!(Throttle::available(), "needs the blkio controller of cgroup v1 to slow a device down");
        }
        Ok(())
    }
}

/// What the kernel says can be had without swapping.
fn available_memory() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib: u64 = line.and_then(|line| line.trim().strip_suffix(" kB")).unwrap_or("0").trim().parse()?;
    Ok(kib * 1024)
}
