//! The rows in which so little is done that starting is what is measured.

use crate::content;
use crate::measure::{self, Launch, Sample, Scene, Verdict};
use crate::rivals::Program;
use anyhow::Result;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Little {
    /// A file of 4 KiB is copied to a new name on the same tmpfs.
    Copy,
    /// A file of 4 KiB is written to /dev/null.
    Cat,
    /// `--version`.
    Nothing,
}

/// Starting a program.
pub struct Starting {
    little: Little,
    source: PathBuf,
    dest: PathBuf,
    complaints: PathBuf,
}

/// Bytes of the file.
pub const BYTES: u64 = 4096;

impl Starting {
    /// Makes the file in `base`, which is a tmpfs.
    pub fn new(base: &Path, little: Little) -> Result<Starting> {
        let scene = Starting {
            little,
            source: base.join("small"),
            dest: base.join("small.copy"),
            complaints: base.join("complaints"),
        };
        content::write(&scene.source, BYTES, 1)?;
        Ok(scene)
    }
}

impl Starting {
    /// What is wrong with what the program made.
    fn fault(&self, thorough: bool) -> Result<Option<String>> {
        if self.little == Little::Nothing {
            let silent = fs::metadata(&self.dest)?.len() == 0;
            return Ok(silent.then(|| "said nothing".to_owned()));
        }
        content::fault(&self.source, &self.dest, BYTES, thorough)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.source);
    }
}

impl Scene for Starting {
    fn run(&mut self, program: &Program, thorough: bool) -> Result<Verdict> {
        let mut command = match self.little {
            Little::Copy => program.copy(&self.source, &self.dest, false),
            Little::Cat => program.cat(&self.source),
            Little::Nothing => program.do_nothing(),
        };
        // In the round that does not count, what is written is looked at.
        let looked_at = thorough && self.little != Little::Copy;
        let output = if looked_at { Stdio::from(File::create(&self.dest)?) } else { Stdio::null() };
        command.stdin(Stdio::null()).stdout(output);
        let (begun, ended) = measure::run(&mut command, Launch::Spawn, &self.complaints)?;
        let wall = begun.elapsed();
        let ended = match ended {
            Ok(ended) => ended,
            Err(why) => return Ok(Err(why)),
        };
        if looked_at || self.little == Little::Copy {
            let fault = self.fault(thorough)?;
            if self.dest.exists() {
                fs::remove_file(&self.dest)?;
            }
            if let Some(why) = fault {
                return Ok(Err(why));
            }
        }
        // No memory: see `Launch`.
        Ok(Ok(Sample { wall, cpu: ended.cpu, ..Sample::default() }))
    }
}
