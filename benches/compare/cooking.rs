//! The rows in which a file is formatted on its way to /dev/null: what is measured is reading and formatting.

use crate::content::{self, Kind as Content};
use crate::measure::{self, Launch, Sample, Scene, Verdict};
use crate::rivals::Program;
use crate::streams;
use anyhow::{Context, Result, bail};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Formatting one file, which lies in a tmpfs.
pub struct Cooking {
    option: &'static str,
    source: PathBuf,
    complaints: PathBuf,
    /// What came of the first program's output, which all others' has to be.
    digest: Option<String>,
}

impl Cooking {
    /// Makes the file in `base`, which is a tmpfs.
    pub fn new(base: &Path, content: Content, option: &'static str, bytes: u64) -> Result<Cooking> {
        let source = base.join("cooked");
        content::write_lines(&source, content, bytes)?;
        Ok(Cooking { option, source, complaints: base.join("complaints"), digest: None })
    }

    /// The memory a row of it takes.
    pub fn memory(bytes: u64) -> u64 {
        bytes
    }

    /// Runs `program` into a reader that says what it got; why it is not what the first program gave.
    fn fault(&mut self, program: &Program) -> Result<Option<String>> {
        let (ours, theirs) = io::pipe()?;
        let mut reader = streams::start_reader("digest", OwnedFd::from(ours), None)?;
        let mut command = program.cat(&self.source);
        command.arg(self.option).stdout(theirs);
        let (_, ended) = measure::run(&mut command, Launch::Spawn, &self.complaints)?;
        let mut said = String::new();
        reader.stdout.take().context("the reader has no output")?.read_to_string(&mut said)?;
        if !reader.wait()?.success() {
            bail!("the reader failed");
        }
        if let Err(why) = ended {
            return Ok(Some(why));
        }
        let first = self.digest.get_or_insert_with(|| said.clone());
        Ok((*first != said).then(|| "its output is not the first program's".to_owned()))
    }
}

impl Drop for Cooking {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.source);
    }
}

impl Scene for Cooking {
    fn run(&mut self, program: &Program, thorough: bool) -> Result<Verdict> {
        if thorough && let Some(why) = self.fault(program)? {
            return Ok(Err(why));
        }
        let mut command = program.cat(&self.source);
        command.arg(self.option).stdin(Stdio::null()).stdout(Stdio::null());
        let (begun, ended) = measure::run(&mut command, Launch::Fork, &self.complaints)?;
        let wall = begun.elapsed();
        Ok(ended.map(|ended| Sample { wall, cpu: ended.cpu, peak_bytes: Some(ended.peak_bytes), ..Sample::default() }))
    }
}
