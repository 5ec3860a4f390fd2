//! cat: operands → descriptors → standard output, raw or cooked.

mod cook;
mod cooked;
mod operand;
pub mod options;
mod raw;

pub use options::Options;

use crate::report::Messages;
use crate::sys::text::strerror;
use crate::sys::{descriptor, start};
use crate::transfer::{Capabilities, Scratch, endpoint};
use operand::Sent;
use rustix::io::Errno;
use std::ffi::OsStr;

/// What one run of `zccat` has at hand.
pub(crate) struct Run<'a> {
    options: &'a Options,
    messages: &'a mut Messages,
    learned: Capabilities,
    scratch: Scratch,
    /// Made for the first operand that is formatted.
    kitchen: Option<cooked::Kitchen>,
    read_standard_input: bool,
}

/// Does what was asked. What goes wrong is said through `messages`, which remembers the exit status.
pub fn run(options: &Options, messages: &mut Messages) {
    // Looked at even if there is nothing to write, as GNU does.
    let output = if start::was_closed(1) { Err(Errno::BADF) } else { endpoint::inherited(descriptor::inherited(1)) };
    let output = match output {
        Ok(output) => output,
        Err(errno) => return messages.error(format!("standard output: {}", strerror(errno))),
    };
    let mut run = Run {
        options,
        messages,
        learned: Capabilities::new(),
        scratch: Scratch::new(),
        kitchen: None,
        read_standard_input: false,
    };
    let mut output_works = true;
    for name in &options.operands {
        if name == OsStr::new("-") {
            run.read_standard_input = true;
        }
        if operand::send(&mut run, name, &output) == Sent::OutputFailed {
            output_works = false;
            break;
        }
    }
    if output_works && cooked::finish(&mut run, &output) == Sent::OutputFailed {
        output_works = false;
    }
    let standard_input_used = run.read_standard_input;
    if standard_input_used && start::was_closed(0) {
        messages.error(format!("closing standard input: {}", strerror(Errno::BADF)));
    }
    // Whatever close alone can tell (NFS, FUSE, quotas) is a write error too.
    if let Err(errno) = descriptor::close_inherited(1)
        && output_works
    {
        messages.error(format!("write error: {}", strerror(errno)));
    }
}
