//! cat: operands → descriptors → standard output.

pub mod options;

pub use options::Options;

use crate::report::Messages;

/// Does what was asked of `zccat`; the exit status.
pub fn run(options: &Options, messages: &mut Messages) -> i32 {
    messages.error(format!("cannot copy {} operands yet", options.operands.len()));
    1
}
