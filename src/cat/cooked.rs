//! Formatted output: bytes are read, never mapped, formatted, and written.

use super::Run;
use super::cook::{Cook, LEAST_ROOM};
use super::operand::{Sent, complain};
use super::options::Format;
use crate::engine::policy::Peer;
use crate::engine::{self, End, Name, Nature, Side};
use crate::report::{explain, failure, json, quote::shell_if_needed};
use crate::sys::buffer::Buffer;
use crate::transfer::ready::{Readiness, Stopped};
use crate::transfer::{Counters, Failure, RateLimit, Trail};
use rustix::fs::{self, Advice};
use rustix::io::{self, Errno};
use std::ffi::OsStr;
use std::time::Instant;

/// Bytes a read asks for, and about as many as a write gives. From the page cache 64, 128 and 256 KiB were read equally
/// fast (8.0, 8.4 and 7.9 GB/s of a file on tmpfs), so what counts is the number of calls on slower sources.
const BLOCK: usize = 256 * 1024;

/// The same where there is no memory for two such blocks (`ulimit -v`).
const SMALL_BLOCK: usize = 8 * 1024;

/// One message to a socket that keeps message boundaries, bytes: below UDP's 65,507 and every default SO_SNDBUF.
const MESSAGE: usize = 32 * 1024;

/// The formatter and its two blocks, which serve all operands.
pub(super) struct Kitchen {
    cook: Cook,
    input: Buffer,
    output: Buffer,
    /// Bytes of the output block that wait to be written.
    waiting: usize,
    readiness: Readiness,
    /// Bytes written that the run has not been told of.
    sent: u64,
    /// Bytes read, likewise.
    read: u64,
}

/// Formats one operand and writes it to standard output.
#[inline(never)] // what is not formatted needs no such frame
pub(super) fn copy(run: &mut Run<'_>, name: &OsStr, input: &End<'_>, output: &End<'_>) -> Sent {
    let shown = shell_if_needed(name);
    let listed = &run.options.policy.engines;
    if !listed.is_empty() && !listed.contains(&Name::ReadWrite) {
        run.messages.error(failure::of_formatting(listed, &shown));
        return Sent::GoOn;
    }
    if run.options.explain {
        explain::formatting(run.messages, &shown);
    }
    let mut kitchen =
        match run.kitchen.take().map_or_else(|| Kitchen::open(run.options.format, run.options.policy.peer), Ok) {
            Ok(kitchen) => kitchen,
            Err(errno) => return complain(run, name, errno),
        };
    // A hint that the kernel may ignore, and does where the input is no file.
    let _ = fs::fadvise(input.fd, 0, None, Advice::Sequential);
    let outlet = Outlet { end: output, limit: run.limit.as_ref() };
    let expected = input.is_regular().then(|| input.facts.size.saturating_sub(input.start)).filter(|bytes| *bytes > 0);
    let expected = run.begin(name, expected);
    let began = Instant::now();
    let read = kitchen.format(input, &outlet, run.watch.counters());
    // What was read before an error comes before what is said of it.
    let written = kitchen.write(&outlet);
    run.sent += std::mem::take(&mut kitchen.sent);
    let mut trail = Trail { wall: began.elapsed(), ..Trail::default() };
    trail.count(Name::ReadWrite, std::mem::take(&mut kitchen.read));
    trail.failure = match (&read, &written) {
        (_, Err(failure)) | (Err(Failed::Output(failure)), Ok(())) => Some(*failure),
        (Err(Failed::Input(errno)), Ok(())) => Some(Failure::Call { side: Side::Source, errno: *errno }),
        (Ok(()), Ok(())) => None,
    };
    run.watch.end(expected, trail.bytes());
    if let Some(json) = run.watch.json() {
        let destination = run.options.peer.as_ref().map(|peer| peer.address.text.as_os_str());
        json.file(&json::File { source: name, destination, trail: &trail, resumed: None });
    }
    let sent = match written {
        Err(failure) => output_failed(run, &failure),
        Ok(()) => match read {
            Ok(()) => Sent::GoOn,
            Err(Failed::Input(errno)) => complain(run, name, errno),
            Err(Failed::Output(failure)) => output_failed(run, &failure),
        },
    };
    run.kitchen = Some(kitchen);
    sent
}

/// Writes what is still held back when all operands are done.
pub(super) fn finish(run: &mut Run<'_>, output: &End<'_>) -> Sent {
    let Some(mut kitchen) = run.kitchen.take() else { return Sent::GoOn };
    let outlet = Outlet { end: output, limit: run.limit.as_ref() };
    let finished = kitchen.finish(&outlet);
    run.sent += kitchen.sent;
    match finished {
        Ok(()) => Sent::GoOn,
        Err(failure) => output_failed(run, &failure),
    }
}

fn output_failed(run: &mut Run<'_>, failure: &Failure) -> Sent {
    run.output_failed(failure);
    Sent::OutputFailed
}

/// Where the output goes, and how fast it may.
struct Outlet<'a> {
    end: &'a End<'a>,
    limit: Option<&'a RateLimit>,
}

impl Outlet<'_> {
    /// As much as goes at once; with a rate limit, when it may.
    fn give(&self, bytes: &[u8], readiness: &mut Readiness) -> Result<Result<usize, Errno>, Stopped> {
        let Some(limit) = self.limit else { return Ok(engine::give(self.end, self.end.start, bytes)) };
        let taken = limit.take_after(1, |time| readiness.pause(time, self.end))?;
        let most = bytes.len().min(usize::try_from(taken).unwrap_or(usize::MAX));
        let given = engine::give(self.end, self.end.start, &bytes[..most]);
        limit.moved(taken, given.map_or(0, |n| n as u64));
        Ok(given)
    }
}

/// The end that a call failed on.
enum Failed {
    Input(Errno),
    Output(Failure),
}

impl Kitchen {
    fn open(format: Format, peer: Option<Peer>) -> Result<Kitchen, Errno> {
        let blocks = |size| Ok((Buffer::new(size)?, Buffer::new(size)?));
        let (input, output) = blocks(BLOCK).or_else(|_: Errno| blocks(SMALL_BLOCK))?;
        let readiness = Readiness::of(peer);
        Ok(Kitchen { cook: Cook::new(format), input, output, waiting: 0, readiness, sent: 0, read: 0 })
    }

    /// Reads `input` to its end. Some of the output may still wait afterwards.
    fn format(&mut self, input: &End<'_>, outlet: &Outlet<'_>, counters: &Counters) -> Result<(), Failed> {
        loop {
            if self.waiting > 0 && !has_bytes(input) {
                self.write(outlet).map_err(Failed::Output)?;
            }
            let listened = self.readiness.listen(input, outlet.end);
            listened.map_err(|stopped| Failed::Output(stopped.into()))?;
            match io::read(input.fd, self.input.bytes_mut()) {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    self.readiness.moved();
                    self.read += read as u64;
                    counters.gave(read as u64);
                    counters.goes_on(outlet.end.fd);
                    self.cook(read, outlet).map_err(Failed::Output)?;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let waited = self.readiness.wait(Side::Source, input, outlet.end);
                    waited.map_err(|stopped| Failed::Output(stopped.into()))?;
                }
                Err(errno) => return Err(Failed::Input(errno)),
            }
        }
    }

    /// Formats the first `read` bytes of the input block; writes when the output block is full.
    fn cook(&mut self, read: usize, outlet: &Outlet<'_>) -> Result<(), Failure> {
        let mut taken = 0;
        while taken < read {
            if self.output.bytes().len() - self.waiting < LEAST_ROOM {
                self.write(outlet)?;
            }
            let input = &self.input.bytes()[taken..read];
            let done = self.cook.format(input, &mut self.output.bytes_mut()[self.waiting..]);
            taken += done.taken;
            self.waiting += done.given;
        }
        Ok(())
    }

    /// Writes all that waits.
    fn write(&mut self, outlet: &Outlet<'_>) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting); // after an error nothing is tried again
        let most = match outlet.end.nature {
            Nature::Socket(socket) if !socket.stream => MESSAGE,
            _ => usize::MAX,
        };
        let mut written = 0;
        while written < waiting {
            let left = &self.output.bytes()[written..waiting];
            match outlet.give(&left[..left.len().min(most)], &mut self.readiness)? {
                Ok(n) => {
                    self.readiness.moved();
                    self.sent += n as u64;
                    written += n;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.readiness.wait(Side::Sink, outlet.end, outlet.end)?,
                Err(errno) => return Err(Failure::Call { side: Side::Sink, errno }),
            }
        }
        Ok(())
    }

    fn finish(&mut self, outlet: &Outlet<'_>) -> Result<(), Failure> {
        let held = self.cook.finish();
        self.output.bytes_mut()[..held.len()].copy_from_slice(held);
        self.waiting = held.len();
        self.write(outlet)
    }
}

/// Whether a read is known to find something (FIONREAD, which for a file tells the bytes up to its end). What cannot
/// tell may have us wait.
fn has_bytes(input: &End<'_>) -> bool {
    // The kernel gives an int; rustix widens it, so that what was negative is beyond this.
    const LARGEST: u64 = i32::MAX as u64;
    matches!(io::ioctl_fionread(input.fd), Ok(1..=LARGEST))
}
