//! A command line without options is read without clap's table. Building the table takes more than a third of all instructions
//! of a `zccat` of 4 KiB (362 thousand with it, 227 without: callgrind) and a quarter of its page faults (105 and 79).

use super::{Invocation, Options, Program};
use crate::engine::Policy;
use crate::{cat, cp};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// What `arguments` ask for, if all of them are operands and their number is right; otherwise the arguments, unchanged. A test
/// compares it with what the table makes of them.
pub(super) fn options(invocation: &Invocation, arguments: Vec<OsString>) -> Result<Options, Vec<OsString>> {
    if arguments.iter().any(may_be_option) {
        return Err(arguments);
    }
    match invocation.program {
        Program::Zccat => Ok(Options::Zccat(zccat(invocation, arguments))),
        Program::Zccp if arguments.len() >= 2 => Ok(Options::Zccp(zccp(invocation, arguments))),
        Program::Zccp => Err(arguments),
    }
}

fn may_be_option(argument: &OsString) -> bool {
    argument.len() > 1 && argument.as_bytes().starts_with(b"-")
}

fn zccp(invocation: &Invocation, operands: Vec<OsString>) -> cp::Options {
    cp::Options {
        program: invocation.name().to_string_lossy().into_owned(),
        strictly_gnu: invocation.is_strictly_gnu(),
        operands,
        called: invocation.argv0().to_os_string(),
        policy: Policy { considerate: !invocation.is_strictly_gnu(), ..Policy::default() },
        ..cp::Options::default()
    }
}

fn zccat(invocation: &Invocation, mut operands: Vec<OsString>) -> cat::Options {
    if operands.is_empty() {
        operands.push("-".into());
    }
    cat::Options {
        program: invocation.name().to_string_lossy().into_owned(),
        strictly_gnu: invocation.is_strictly_gnu(),
        operands,
        ..cat::Options::default()
    }
}
