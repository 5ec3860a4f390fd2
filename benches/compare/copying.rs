//! The rows in which a file is copied to a name.

use crate::content;
use crate::filesystems::{Kind, Mounted, Throttle, Way};
use crate::measure::{self, Launch, Sample, Scene, Verdict};
use crate::rivals::Program;
use anyhow::Result;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What is copied, from where to where.
#[derive(Clone, Copy)]
pub struct Copy {
    /// The source's file system.
    pub source: Kind,
    /// The destination's; another one, even if of the same kind, if `across`.
    pub target: Kind,
    /// Between two file systems; otherwise within one.
    pub across: bool,
    /// The destination is there already, with other content of the same size, all of it on the device.
    pub overwritten: bool,
    /// fsync(2) of the destination counts as well.
    pub synced: bool,
    /// Nothing of the source is cached. Otherwise all of it is.
    pub cold: bool,
    /// Bytes per second the source's device can read.
    pub read_limit: Option<u64>,
    /// Bytes per second the target's device can write.
    pub write_limit: Option<u64>,
    /// The memory of a run that does nothing is measured as well.
    pub empty: bool,
}

/// Copies of one file.
pub struct Copying {
    copy: Copy,
    bytes: u64,
    complaints: PathBuf,
    source: Mounted,
    target: Option<Mounted>,
}

/// Room for metadata, and what the smallest XFS needs (300 MiB: mkfs.xfs(8)).
const SLACK: u64 = 320 << 20;

impl Copy {
    /// Room its file systems need for a file of `bytes`: the source, the old and the new destination, and one more for
    /// those that write beside the destination first.
    fn room(&self, bytes: u64) -> (u64, Option<u64>) {
        let target = if self.overwritten { 3 * bytes } else { 2 * bytes };
        if self.across { (bytes + SLACK, Some(target + SLACK)) } else { (bytes + target + SLACK, None) }
    }

    /// The memory a row of it takes: the images, and as much as the page cache may hold of what is in them.
    pub fn memory(&self, bytes: u64) -> u64 {
        let (source, target) = self.room(bytes);
        let images = source + target.unwrap_or(0);
        if self.target == Kind::Tmpfs { images } else { images + 3 * bytes }
    }
}

impl Copying {
    /// Makes the file systems below `base`.
    pub fn new(base: &Path, copy: Copy, bytes: u64) -> Result<Copying> {
        let (source_room, target_room) = copy.room(bytes);
        let source = Mounted::make(copy.source, base, "source", source_room)?;
        let target = target_room.map(|room| Mounted::make(copy.target, base, "target", room)).transpose()?;
        let scene = Copying { copy, bytes, complaints: base.join("complaints"), source, target };
        if copy.across {
            scene.write_source()?;
        }
        Ok(scene)
    }

    fn source_file(&self) -> PathBuf {
        self.source.directory().join("file")
    }

    fn dest_file(&self) -> PathBuf {
        self.target.as_ref().unwrap_or(&self.source).directory().join("copy")
    }

    fn write_source(&self) -> Result<()> {
        content::write(&self.source_file(), self.bytes, 1)?;
        self.source.sync()?;
        content::forget(&self.source_file())
    }

    /// Everything as the row says, and nothing left to be written by the kernel.
    fn prepare(&mut self) -> Result<()> {
        let dest = self.dest_file();
        match &mut self.target {
            Some(target) => target.remake()?,
            None if dest.exists() => fs::remove_file(&dest)?,
            None => {}
        }
        if self.copy.overwritten {
            content::write(&dest, self.bytes, 2)?;
        } else if !self.copy.cold {
            // An overwritten destination gives its own memory back, and a cold source is slower than any memory.
            content::touch_memory(&dest.with_extension("touched"), self.bytes)?;
        }
        self.target.as_ref().unwrap_or(&self.source).sync()?;
        if self.copy.cold { self.source.forget_cache() } else { content::warm(&self.source_file()) }
    }

    fn throttles(&self) -> Result<Vec<Throttle>> {
        let target = self.target.as_ref().unwrap_or(&self.source);
        let limits = [(&self.source, Way::Read, self.copy.read_limit), (target, Way::Write, self.copy.write_limit)];
        limits
            .into_iter()
            .filter_map(|(mounted, way, limit)| limit.map(|limit| Throttle::set(mounted, way, limit)))
            .collect()
    }

    fn measure(&self, program: &Program) -> Result<Verdict> {
        let dest = self.dest_file();
        let mut command = program.copy(&self.source_file(), &dest, self.copy.overwritten);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let throttles = self.throttles()?;
        let (begun, ended) = measure::run(&mut command, Launch::Fork, &self.complaints)?;
        let wall = begun.elapsed();
        let ended = match ended {
            Ok(ended) => ended,
            Err(why) => return Ok(Err(why)),
        };
        let mut synced = None;
        if self.copy.synced && dest.exists() {
            File::open(&dest)?.sync_all()?;
            synced = Some(begun.elapsed());
        }
        drop(throttles);
        let peak_bytes = Some(ended.peak_bytes);
        Ok(Ok(Sample { wall, synced, cpu: ended.cpu, peak_bytes, empty_peak_bytes: None }))
    }

    /// The peak of a run that does nothing; none for a program that has no such run.
    fn measure_empty(&self, program: &Program) -> Result<Option<u64>> {
        let mut command = program.do_nothing();
        command.stdout(Stdio::null());
        let (_, ended) = measure::run(&mut command, Launch::Fork, &self.complaints)?;
        Ok(ended.ok().map(|ended| ended.peak_bytes))
    }
}

impl Scene for Copying {
    /// A copy within one file system cannot have a new one for each run without its source being written again; it
    /// has one for each round.
    fn begin_round(&mut self) -> Result<()> {
        if self.copy.across {
            return Ok(());
        }
        self.source.remake()?;
        self.write_source()
    }

    fn run(&mut self, program: &Program, thorough: bool) -> Result<Verdict> {
        self.prepare()?;
        let mut verdict = self.measure(program)?;
        if verdict.is_ok()
            && let Some(why) = content::fault(&self.source_file(), &self.dest_file(), self.bytes, thorough)?
        {
            verdict = Err(why);
        }
        if let (Ok(sample), true) = (&mut verdict, self.copy.empty) {
            sample.empty_peak_bytes = self.measure_empty(program)?;
        }
        // Before it is written back: the next run must not pay for it.
        if self.dest_file().exists() {
            fs::remove_file(self.dest_file())?;
        }
        Ok(verdict)
    }
}
