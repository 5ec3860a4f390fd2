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
    /// A file of 32 KiB is written into a pipe, which holds it.
    Pipe,
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

impl Little {
    /// Bytes of the file.
    pub fn bytes(self) -> u64 {
        match self {
            Little::Copy | Little::Cat => 4096,
            Little::Pipe => 32 * 1024,
            Little::Nothing => 0,
        }
    }
}

impl Starting {
    /// Makes the file in `base`, which is a tmpfs.
    pub fn new(base: &Path, little: Little) -> Result<Starting> {
        let scene = Starting {
            little,
            source: base.join("small"),
            dest: base.join("small.copy"),
            complaints: base.join("complaints"),
        };
        content::write(&scene.source, little.bytes(), 1)?;
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
        content::fault(&self.source, &self.dest, self.little.bytes(), thorough)
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
            Little::Cat | Little::Pipe => program.cat(&self.source),
            Little::Nothing => program.do_nothing(),
        };
        // In the round that does not count, what is written is looked at.
        let looked_at = thorough && self.little != Little::Copy;
        // Nobody reads it: all of the file is in the pipe when the program ends.
        let pipe = if self.little == Little::Pipe { Some(std::io::pipe()?) } else { None };
        let output = match &pipe {
            _ if looked_at => Stdio::from(File::create(&self.dest)?),
            Some((_, writer)) => Stdio::from(writer.try_clone()?),
            None => Stdio::null(),
        };
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
