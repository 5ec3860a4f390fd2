//! cp: operands → entries; decide; the two ends of each copy opened, named and closed.

pub mod options;

pub use options::Options;

use crate::report::Messages;

/// Does what was asked of `zccp`; the exit status.
pub fn run(options: &Options, messages: &mut Messages) -> i32 {
    messages.error(format!("cannot copy {} operands yet", options.operands.len()));
    1
}
