//! `--engine=help`: every engine to every kind of sink, tried and timed on a temporary file.
//!
//! What is tried is what `--engine=NAME` would do, by the same plan and the same driver, so an engine that cannot work here
//! fails here with the same words. The source was just written, so it is read from the page cache; what is written is not
//! waited for to reach a device. A stream's clock stops when its reader has read everything.

use super::capabilities::Capabilities;
use super::plan::Plan;
use super::progress::Counters;
use super::trail::{Failure, Trail};
use super::{driver, endpoint};
use crate::engine::{Ask, End, Name, Policy, Remark, Scratch};
use crate::sys::buffer::Buffer;
use crate::sys::facts::{Facts, FileSystem};
use crate::sys::temporary;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::{self, Errno, retry_on_intr};
use rustix::pipe::{self, PipeFlags};
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of the file that is copied, at most: enough for two threads and for rolling preallocation, and copied in 10 to 40
/// ms where memory is the limit (1 to 4 GB/s).
const LARGEST: u64 = 32 << 20;

/// Bytes of it, at least: less says nothing of a big file.
const SMALLEST: u64 = 1 << 20;

/// It takes at most this part of what is free, and its copy as much again.
const PART_OF_FREE: u64 = 4;

/// It grows no more when writing it has taken so long: a slow file system is measured with a smaller one.
const WRITING: Duration = Duration::from_millis(120);

/// Each pair is copied again until so much time has passed; 15 of them can work, which makes about a second of it all.
const EACH: Duration = Duration::from_millis(40);

/// Bytes a reader of a stream asks for.
const READ: usize = 256 * 1024;

/// Where the bytes of one measurement go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Another file in the directory.
    File,
    /// A pipe that is read from as fast as can be.
    Pipe,
    /// A TCP connection over loopback, read from as fast as can be.
    Socket,
}

impl Sink {
    /// All of them.
    pub const ALL: [Sink; 3] = [Sink::File, Sink::Pipe, Sink::Socket];
}

/// What was found in a directory.
#[derive(Debug)]
pub struct Survey {
    /// Its file system.
    pub file_system: Option<FileSystem>,
    /// Bytes of the file that was copied.
    pub size: u64,
    /// The temporary files had names for a moment: there is no O_TMPFILE.
    pub named: bool,
    /// The engines that are used to each sink where none is asked for, best first.
    pub chosen: Vec<(Sink, Vec<Name>)>,
    /// Every engine to every sink.
    pub tried: Vec<Tried>,
}

/// One engine to one sink.
#[derive(Debug)]
pub struct Tried {
    /// The engine.
    pub engine: Name,
    /// Where to.
    pub sink: Sink,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one engine to one sink.
#[derive(Debug)]
pub enum Outcome {
    /// It works.
    Works(Speed),
    /// It does not; the plan has the reasons it knew beforehand.
    Fails(Failure, Plan),
    /// There was no such sink to be had.
    NoSink(Errno),
}

/// How fast an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speed {
    /// Bytes per second of the fastest copy.
    pub rate: u64,
    /// Bytes of the file that other engines had to move: it said 0 too early, or the last ones have to go by value.
    pub by_others: u64,
    /// What it has seen.
    pub remarks: Vec<Remark>,
}

/// Why nothing can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmeasurable {
    /// The directory could not be opened: what open(2) said; ENOTDIR if it is none.
    Directory(Errno),
    /// No file could be made in it: what open(2) said.
    NoFile(Errno),
    /// The file could not be written, or written again: what the call said.
    Writing(Errno),
    /// It is too full: so many bytes are needed, so many are free.
    NoRoom {
        /// Bytes that have to be free.
        needed: u64,
        /// Bytes that are.
        free: u64,
    },
}

/// Tries every engine in `directory`. Nothing is left behind: the files have no name, or lose it as soon as they are made
/// (and if a signal comes before that: `sys::temporary`).
///
/// # Errors
/// Why nothing can be measured there.
pub fn survey(directory: &OsStr) -> Result<Survey, Unmeasurable> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = fs::open(directory, flags, Mode::empty());
    // A directory that may be searched and written to, but not read, will do too.
    let opened = opened.or_else(|errno| match errno {
        Errno::ACCESS => fs::open(directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()),
        errno => Err(errno),
    });
    let directory = opened.map_err(Unmeasurable::Directory)?;
    let most = room(&directory)?;
    let (source, named) = temporary_file(directory.as_fd()).map_err(Unmeasurable::NoFile)?;
    let (copy, _) = temporary_file(directory.as_fd()).map_err(Unmeasurable::NoFile)?;
    let file_system = FileSystem::of(&source).ok();
    let size = fill(&source, most, file_system).map_err(Unmeasurable::Writing)?;
    let facts = Facts::of(&source).map_err(Unmeasurable::Writing)?;
    let mut laps = Laps { source: endpoint::own(source.as_fd(), facts), copy: &copy, scratch: &mut Scratch::new() };
    let mut tried = Vec::new();
    for engine in Name::ALL {
        for sink in Sink::ALL {
            tried.push(Tried { engine, sink, outcome: laps.measure(engine, sink)? });
        }
    }
    let chosen = Sink::ALL.into_iter().filter_map(|sink| Some((sink, laps.chosen(sink).ok()?))).collect();
    Ok(Survey { file_system, size, named, chosen, tried })
}

/// Bytes the file may have.
fn room(directory: &OwnedFd) -> Result<u64, Unmeasurable> {
    let Ok(room) = fs::fstatvfs(directory) else { return Ok(LARGEST) };
    if room.f_blocks == 0 {
        return Ok(LARGEST); // a tmpfs without a limit, a file system that does not say
    }
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let most = (free / PART_OF_FREE).min(LARGEST);
    if most < SMALLEST {
        return Err(Unmeasurable::NoRoom { needed: SMALLEST * PART_OF_FREE, free });
    }
    Ok(most / SMALLEST * SMALLEST)
}

/// Makes a file without a name, open for reading and writing. Whether it had one for a moment.
fn temporary_file(directory: BorrowedFd<'_>) -> Result<(OwnedFd, bool), Errno> {
    let (read_write, mode) = (OFlags::RDWR | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
    if let Ok(file) = fs::openat(directory, ".", OFlags::TMPFILE | read_write, mode) {
        return Ok((file, false));
    }
    // EOPNOTSUPP (vfat, NFS, FUSE), EISDIR (kernels without it); what else is wrong is said again.
    let mut number = std::process::id();
    loop {
        let name = OsString::from(format!(".zccp-engines-{number}"));
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | read_write;
        match temporary::make(directory, &name, || fs::openat(directory, &name, flags, mode)) {
            Ok((file, mut noted)) => {
                noted.end(|| fs::unlinkat(directory, &name, AtFlags::empty()))?;
                return Ok((file, true));
            }
            Err(Errno::EXIST) => number = number.wrapping_add(1),
            Err(errno) => return Err(errno),
        }
    }
}

/// Writes the file, twice as much each time, until it has `most` bytes or that has taken long enough. Its bytes cannot be
/// compressed. Where extents can be shared they have to be on the device first, so they are brought there.
fn fill(file: &OwnedFd, most: u64, file_system: Option<FileSystem>) -> Result<u64, Errno> {
    let mut block = Buffer::new(SMALLEST as usize)?;
    scramble(block.bytes_mut());
    let began = Instant::now();
    let mut size = 0;
    while size < most && (size == 0 || began.elapsed() < WRITING) {
        let until = (size * 2).clamp(SMALLEST, most);
        while size < until {
            let piece = &block.bytes()[..usize::try_from(until - size).unwrap_or(usize::MAX).min(block.bytes().len())];
            size += retry_on_intr(|| io::pwrite(file, piece, size))? as u64;
        }
        if file_system.is_some_and(FileSystem::shares_extents) {
            retry_on_intr(|| fs::fdatasync(file))?;
        }
    }
    Ok(size)
}

/// Marsaglia's xorshift64 (2003, shifts 13, 7, 17).
fn scramble(bytes: &mut [u8]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for word in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_ne_bytes()[..word.len()]);
    }
}

/// The two files, copied from one to the other again and again.
struct Laps<'a> {
    source: End<'a>,
    copy: &'a OwnedFd,
    scratch: &'a mut Scratch,
}

/// A sink, and where what is written to it is read.
struct Course {
    sink: OwnedFd,
    reader: Option<OwnedFd>,
}

impl Laps<'_> {
    /// The fastest of as many copies as there is time for.
    fn measure(&mut self, engine: Name, sink: Sink) -> Result<Outcome, Unmeasurable> {
        let policy = Policy { engines: vec![engine], ..Policy::default() };
        let began = Instant::now();
        let mut best: Option<(Duration, Trail)> = None;
        while best.is_none() || began.elapsed() < EACH {
            let course = match self.course(sink) {
                Ok(course) => course,
                Err(errno) if sink == Sink::File => return Err(Unmeasurable::Writing(errno)),
                Err(errno) => return Ok(Outcome::NoSink(errno)),
            };
            let (took, plan, trail) = match self.lap(&policy, course) {
                Ok(lap) => lap,
                Err(errno) => return Ok(Outcome::NoSink(errno)),
            };
            if let Some(failure) = trail.failure {
                return Ok(Outcome::Fails(failure, plan));
            }
            if best.as_ref().is_none_or(|(least, _)| took < *least) {
                best = Some((took, trail));
            }
        }
        let (took, trail) = best.unwrap_or_default();
        let nanos = took.as_nanos().max(1);
        let rate = u128::from(trail.bytes()) * Duration::from_secs(1).as_nanos() / nanos;
        Ok(Outcome::Works(Speed {
            rate: u64::try_from(rate).unwrap_or(u64::MAX),
            by_others: trail.bytes() - trail.by(engine),
            remarks: trail.remarks,
        }))
    }

    /// A sink with nothing in it.
    fn course(&self, sink: Sink) -> Result<Course, Errno> {
        let (sink, reader) = match sink {
            Sink::File => {
                retry_on_intr(|| fs::ftruncate(self.copy, 0))?;
                (io::fcntl_dupfd_cloexec(self.copy, 0)?, None)
            }
            Sink::Pipe => {
                let (reader, writer) = pipe::pipe_with(PipeFlags::CLOEXEC)?;
                (writer, Some(reader))
            }
            Sink::Socket => {
                let (writer, reader) = connection().map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
                (writer.into(), Some(reader.into()))
            }
        };
        Ok(Course { sink, reader })
    }

    /// One copy, and how long it took until all of it had been read at the other end.
    fn lap(&mut self, policy: &Policy, course: Course) -> Result<(Duration, Plan, Trail), Errno> {
        let learned = Capabilities::new();
        let facts = Facts::of(&course.sink)?;
        thread::scope(|scope| {
            let reader = course.reader.map(|end| thread::Builder::new().spawn_scoped(scope, move || read_all(&end)));
            let reader = reader.transpose().map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::AGAIN))?;
            let ask = ask(self.source, &course.sink, facts, policy, &learned);
            let plan = Plan::of(&ask, &learned);
            let began = Instant::now();
            let trail = driver::copy(&ask, &plan, &learned, None, self.scratch, &Counters::new());
            drop(course.sink); // the reader sees the end
            if let Some(reader) = reader {
                let _ = reader.join();
            }
            Ok((began.elapsed(), plan, trail))
        })
    }

    /// What would be used if nothing were asked for.
    fn chosen(&self, sink: Sink) -> Result<Vec<Name>, Errno> {
        let course = self.course(sink)?;
        let (learned, policy) = (Capabilities::new(), Policy::default());
        let ask = ask(self.source, &course.sink, Facts::of(&course.sink)?, &policy, &learned);
        Ok(Plan::of(&ask, &learned).engines)
    }
}

fn ask<'a>(source: End<'a>, sink: &'a OwnedFd, facts: Facts, policy: &'a Policy, learned: &Capabilities) -> Ask<'a> {
    endpoint::ask(source, endpoint::own(sink.as_fd(), facts), false, policy, learned)
}

/// Two ends of a TCP connection over loopback: who writes, who reads.
fn connection() -> std::io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let writer = TcpStream::connect(listener.local_addr()?)?;
    loop {
        // Somebody else may have found the port.
        let (reader, peer) = listener.accept()?;
        if peer == writer.local_addr()? {
            return Ok((writer, reader));
        }
    }
}

/// Reads to the end, or until reading fails: then the writer is told.
fn read_all(end: &OwnedFd) {
    let mut block = vec![0; READ];
    while retry_on_intr(|| io::read(end, &mut block)).is_ok_and(|n| n > 0) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_cannot_be_compressed() {
        let mut bytes = vec![0; 64 * 1024];
        scramble(&mut bytes);
        let mut counts = [0u32; 256];
        bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        assert!(counts.iter().all(|count| (150..400).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_directory_is_what_it_takes() {
        assert_eq!(survey(OsStr::new("/dev/null")).err(), Some(Unmeasurable::Directory(Errno::NOTDIR)));
        assert_eq!(survey(OsStr::new("/nowhere")).err(), Some(Unmeasurable::Directory(Errno::NOENT)));
        assert!(matches!(survey(OsStr::new("/proc")), Err(Unmeasurable::NoFile(_))));
    }
}
