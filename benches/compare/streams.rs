//! The rows in which a file is written into a pipe or a TCP connection, and its reader: this same command, started
//! once more for each run so that its time is not the program's.

use crate::content;
use crate::filesystems::{Kind, Mounted};
use crate::measure::{self, Launch, Sample, Scene, Verdict};
use crate::rivals::{Program, Task};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The first argument of this command when it is the reader. Then follow `pipe`, `accept` or `digest`, and a file to
/// compare with, if any.
pub const READER: &str = "--reader";

/// Where the file goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// A pipe, read in blocks of 256 KiB that are not looked at.
    Pipe,
    /// A pipe, read by wc -l.
    CountLines,
    /// A TCP connection over the loopback device, read in blocks of 256 KiB.
    Tcp,
}

/// Writing one file to readers.
pub struct Streaming {
    sink: Sink,
    bytes: u64,
    lines: u64,
    complaints: PathBuf,
    source: Mounted,
}

/// Room for metadata.
const SLACK: u64 = 128 << 20;

impl Streaming {
    /// Makes the file below `base`.
    pub fn new(base: &Path, sink: Sink, bytes: u64) -> Result<Streaming> {
        let source = Mounted::make(Kind::Ext4, base, "source", bytes + SLACK)?;
        let file = source.directory().join("file");
        let lines = content::write(&file, bytes, 1)?;
        source.sync()?;
        content::forget(&file)?;
        Ok(Streaming { sink, bytes, lines, complaints: base.join("complaints"), source })
    }

    /// The memory a row of it takes: the image and the page cache.
    pub fn memory(bytes: u64) -> u64 {
        2 * bytes + SLACK
    }

    fn file(&self) -> PathBuf {
        self.source.directory().join("file")
    }

    /// The program with its ends in place, and the reader at work on the other one.
    fn connect(&self, program: &Program, thorough: bool) -> Result<(Command, Child)> {
        let against = thorough.then(|| self.file());
        let against = against.as_deref();
        if self.sink != Sink::Tcp {
            let (ours, theirs) = io::pipe()?;
            let reader = match self.sink {
                Sink::CountLines => Command::new("wc").arg("-l").stdin(ours).stdout(Stdio::piped()).spawn()?,
                _ => start_reader("pipe", OwnedFd::from(ours), against)?,
            };
            let mut command = program.cat(&self.file());
            command.stdout(theirs);
            return Ok((command, reader));
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let reader = start_reader("accept", OwnedFd::from(listener), against)?;
        let command = if program.task == Task::Send {
            let mut command = program.send(address.port());
            command.stdin(File::open(self.file())?).stdout(Stdio::null());
            command
        } else {
            let mut command = program.cat(&self.file());
            command.stdout(OwnedFd::from(TcpStream::connect(address)?));
            command
        };
        Ok((command, reader))
    }

    /// What the reader must say.
    fn expected(&self) -> u64 {
        if self.sink == Sink::CountLines { self.lines } else { self.bytes }
    }
}

impl Scene for Streaming {
    fn run(&mut self, program: &Program, thorough: bool) -> Result<Verdict> {
        content::warm(&self.file())?;
        let (mut command, mut reader) = self.connect(program, thorough)?;
        let ran = measure::run(&mut command, Launch::Fork, &self.complaints);
        let failed = !matches!(&ran, Ok((_, Ok(_))));
        if failed {
            // It may be waiting for a connection that never came.
            reader.kill()?;
        }
        let status = reader.wait()?;
        let (begun, ended) = ran?;
        let wall = begun.elapsed();
        let ended = match ended {
            Ok(ended) => ended,
            Err(why) => return Ok(Err(why)),
        };
        if !status.success() {
            bail!("the reader: {status}");
        }
        let mut said = String::new();
        reader.stdout.take().context("the reader has no output")?.read_to_string(&mut said)?;
        let got: u64 = said.trim().parse().context("the reader's answer")?;
        if got != self.expected() {
            let what = if self.sink == Sink::CountLines { "lines" } else { "right bytes" };
            return Ok(Err(format!("the reader got {got} {what} of {}", self.expected())));
        }
        Ok(Ok(Sample { wall, cpu: ended.cpu, peak_bytes: Some(ended.peak_bytes), ..Sample::default() }))
    }
}

/// Starts the reader of `end`, which says on its standard output what it got.
pub fn start_reader(mode: &str, end: OwnedFd, against: Option<&Path>) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([READER, mode]).args(against).stdin(end).stdout(Stdio::piped());
    command.spawn().context("cannot start the reader")
}

/// The reader: says how many bytes came, or how many of them were right.
pub fn be_reader(mode: &OsStr, against: Option<&Path>) -> Result<()> {
    let end = io::stdin().as_fd().try_clone_to_owned()?;
    let stream: OwnedFd = if mode == "accept" { TcpListener::from(end).accept()?.0.into() } else { end };
    let stream = File::from(stream);
    if mode == "digest" {
        let (digest, bytes) = content::digest(stream)?;
        println!("{digest:016x} {bytes}");
        return Ok(());
    }
    let got = match against {
        Some(source) => content::same_until(source, stream)?,
        None => content::count(stream)?,
    };
    println!("{got}");
    Ok(())
}
