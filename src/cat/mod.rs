//! cat: operands → descriptors → standard output or a socket of our own, raw or cooked.

pub mod address;
mod cook;
mod cooked;
mod operand;
pub mod options;
mod peer;
mod raw;

pub use options::Options;

use crate::report::{Messages, Watch, failure, peer as words};
use crate::sys::facts::Kind;
use crate::sys::text::strerror;
use crate::sys::{descriptor, start};
use crate::transfer::{Capabilities, End, Failure, RateLimit, Scratch, durable, endpoint};
use cooked::Kitchen;
use operand::Sent;
use peer::Peer;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::num::NonZero;

/// What one run of `zccat` has at hand.
pub(crate) struct Run<'a> {
    options: &'a Options,
    messages: &'a mut Messages,
    /// Who is told how far it is.
    watch: &'a Watch,
    learned: Capabilities,
    /// `--rate-limit`
    limit: Option<RateLimit>,
    scratch: Scratch,
    /// Made for the first operand that is formatted.
    kitchen: Option<Kitchen>,
    read_standard_input: bool,
    /// Who is at the other end, if that is a socket of our own.
    peer: Option<&'a Peer<'a>>,
    /// Bytes written so far.
    sent: u64,
}

impl<'a> Run<'a> {
    fn new(options: &'a Options, messages: &'a mut Messages, watch: &'a Watch, peer: Option<&'a Peer<'a>>) -> Run<'a> {
        Run {
            options,
            messages,
            watch,
            learned: Capabilities::new(),
            limit: options.rate_limit.map(RateLimit::new),
            scratch: Scratch::new(),
            kitchen: None,
            read_standard_input: false,
            peer,
            sent: 0,
        }
    }

    /// An operand is sent from now on. How many bytes are expected of it: what it says itself, else what `--size` says.
    fn begin(&self, name: &OsStr, expected: Option<u64>) -> Option<u64> {
        let said = self.options.size.map(NonZero::get).filter(|_| expected.is_none());
        let counters = self.watch.counters();
        if let [_] = self.options.operands.as_slice() {
            counters.expect(expected.or(said).unwrap_or(0));
            counters.scanned();
        } else if let Some(said) = said {
            counters.came_to(0, said); // nobody could foresee it
        }
        let expected = expected.or(said);
        self.watch.begin(if name == OsStr::new("-") { OsStr::new("stdin") } else { name }, expected);
        expected
    }

    /// Says why nothing more can be written.
    fn output_failed(&mut self, failure: &Failure) {
        let text = match self.peer {
            Some(peer) => peer.lost(failure, self.sent),
            None => failure::of_output(failure),
        };
        self.messages.error(text);
    }

    /// Sends all operands; whether the output works.
    fn operands(&mut self, output: &End<'_>) -> bool {
        for name in &self.options.operands {
            if name == OsStr::new("-") {
                self.read_standard_input = true;
            }
            if operand::send(self, name, output) == Sent::OutputFailed {
                return false;
            }
        }
        cooked::finish(self, output) != Sent::OutputFailed
    }

    fn standard_input_used(&mut self) {
        if self.read_standard_input && start::was_closed(0) {
            self.messages.error(format!("closing standard input: {}", strerror(Errno::BADF)));
        }
    }
}

/// Does what was asked. What goes wrong is said through `messages`, which remembers the exit status.
pub fn run(options: &Options, messages: &mut Messages, watch: &Watch) {
    match &options.peer {
        Some(asked) => to_peer(options, asked, messages, watch),
        None => to_standard_output(options, messages, watch),
    }
}

fn to_standard_output(options: &Options, messages: &mut Messages, watch: &Watch) {
    // Looked at even if there is nothing to write, as GNU does.
    let output = if start::was_closed(1) { Err(Errno::BADF) } else { endpoint::inherited(descriptor::inherited(1)) };
    let output = match output {
        Ok(output) => output,
        Err(errno) => return messages.error(format!("standard output: {}", strerror(errno))),
    };
    if options.durable && !matches!(output.facts.kind, Kind::Regular | Kind::Block) {
        return messages
            .error("standard output cannot be flushed (--durable): it is neither a file nor a block device");
    }
    let mut run = Run::new(options, messages, watch, None);
    let output_works = run.operands(&output);
    if options.durable
        && output_works
        && let Err(errno) = durable::file(output.fd)
    {
        run.messages.error(format!("error flushing standard output: {}", strerror(errno)));
    }
    if output_works {
        run.standard_input_used(); // after a write error GNU's says nothing more
    }
    // Whatever close alone can tell (NFS, FUSE, quotas) is a write error too.
    if let Err(errno) = descriptor::close_inherited(1)
        && output_works
    {
        messages.error(format!("write error: {}", strerror(errno)));
    }
}

/// `--connect`, `--listen`: standard output is not looked at.
#[inline(never)] // its frame is large, and every page of a frame that is entered is a page fault
fn to_peer(options: &Options, asked: &options::Peer, messages: &mut Messages, watch: &Watch) {
    start::ignore_sigpipe();
    let peer = match Peer::open(asked) {
        Ok(peer) => peer,
        Err(text) => return messages.error(text),
    };
    let output = match peer.end() {
        Ok(output) => output,
        Err(errno) => return messages.error(words::unusable(&asked.address.text, errno)),
    };
    if options.explain {
        messages.note(peer.connection());
    }
    let mut run = Run::new(options, messages, watch, Some(&peer));
    if !run.operands(&output) {
        return;
    }
    run.standard_input_used();
    let sent = run.sent;
    match peer.finish(sent) {
        Ok(farewell) if options.explain => messages.note(words::closed(sent, farewell.said)),
        Ok(_) => {}
        Err(text) => messages.error(text),
    }
}
