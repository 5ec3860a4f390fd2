//! One operand: opened or inherited, held against standard output, sent, closed.

use super::{Run, cooked, raw};
use crate::engine::{End, Offsets};
use crate::report::quote::shell_if_needed;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use crate::sys::{descriptor, start};
use crate::transfer::endpoint;
use crate::transfer::ready::{Readiness, Stopped};
use rustix::fs::{self, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

/// What came of one operand, as far as the next ones are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// They may follow.
    GoOn,
    /// Nothing more can be written.
    OutputFailed,
}

/// Sends one operand to standard output.
pub(super) fn send(run: &mut Run<'_>, name: &OsStr, output: &End<'_>) -> Sent {
    if name == OsStr::new("-") {
        let input = if start::was_closed(0) { Err(Errno::BADF) } else { endpoint::inherited(descriptor::inherited(0)) };
        return match input {
            Ok(input) => copy(run, name, input, output),
            Err(errno) => complain(run, name, errno),
        };
    }
    let fifo = run.peer.is_some() && Facts::at(fs::CWD, name, true).is_ok_and(|facts| facts.kind == Kind::Pipe);
    let at_once = if fifo { OFlags::NONBLOCK } else { OFlags::empty() };
    let opened = fs::open(name, OFlags::RDONLY | OFlags::CLOEXEC | at_once, Mode::empty());
    // A socket is at that name, or only stands where a descriptor was closed (`/dev/stdin`).
    let opened = opened.map_err(|errno| match errno {
        Errno::NXIO => Facts::at(fs::CWD, name, true).err().unwrap_or(errno),
        _ => errno,
    });
    let (fd, facts) = match opened.and_then(|fd| Facts::of(&fd).map(|facts| (fd, facts))) {
        Ok(both) => both,
        Err(errno) => return complain(run, name, errno),
    };
    let input = endpoint::own(fd.as_fd(), facts);
    let sent = match if fifo { await_writer(run, &input, output) } else { Ok(()) } {
        Ok(()) => copy(run, name, input, output),
        Err(stopped) => {
            run.output_failed(&stopped.into());
            Sent::OutputFailed
        }
    };
    close(run, name, fd);
    sent
}

/// A FIFO that nobody may have opened for writing yet: open(2) would wait for that, deaf to the peer. It was opened without
/// waiting instead, which to who writes is the same, and poll(2) tells of the first bytes, or that the writer has gone again
/// (pipe_poll, fs/pipe.c: not that none has come). From here on the descriptor is as if open had waited.
fn await_writer(run: &Run<'_>, input: &End<'_>, output: &End<'_>) -> Result<(), Stopped> {
    let mut readiness = Readiness::of(run.options.policy.peer);
    readiness.listen(input, output)?;
    // Its flags are no more than O_NONBLOCK: fcntl(2) fails only on what is no descriptor.
    let _ = fs::fcntl_setfl(input.fd, OFlags::empty());
    Ok(())
}

/// Says what is wrong with an operand; the next ones follow.
pub(super) fn complain(run: &mut Run<'_>, name: &OsStr, errno: Errno) -> Sent {
    run.messages.error(format!("{}: {}", shell_if_needed(name), strerror(errno)));
    Sent::GoOn
}

fn close(run: &mut Run<'_>, name: &OsStr, fd: OwnedFd) {
    if let Err(errno) = descriptor::close(fd) {
        complain(run, name, errno);
    }
}

fn copy(run: &mut Run<'_>, name: &OsStr, input: End<'_>, output: &End<'_>) -> Sent {
    let mut output = *output;
    if output.offsets == Offsets::Shared {
        // The operands before, or another program that shares the offset, have moved it.
        output.start = fs::tell(output.fd).unwrap_or(output.start);
    }
    if is_output_file(&input, &output) {
        run.messages.error(format!("{}: input file is output file", shell_if_needed(name)));
        return Sent::GoOn;
    }
    if run.options.format.is_raw() {
        raw::copy(run, name, input, output)
    } else {
        cooked::copy(run, name, &input, &output)
    }
}

/// GNU's newest rule (9.6): the input is the output file only if reading would meet what is being written.
fn is_output_file(input: &End<'_>, output: &End<'_>) -> bool {
    if matches!(input.facts.kind, Kind::Pipe | Kind::Socket) || !input.facts.same_file(&output.facts) {
        return false;
    }
    let Ok(read_at) = fs::tell(input.fd) else { return false };
    let write_at = if output.append { fs::seek(output.fd, SeekFrom::End(0)) } else { fs::tell(output.fd) };
    write_at.is_ok_and(|write_at| read_at < write_at)
}
