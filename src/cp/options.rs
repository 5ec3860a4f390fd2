//! What was asked of `zccp`, after parsing: plain data that `cli` makes and everything below reads.

use crate::engine::Policy;
use std::ffi::OsString;

/// Where the copies go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The last operand, a directory or a file: looked at when the copy starts.
    LastOperand,
    /// `-t DIRECTORY`
    Directory(OsString),
    /// `-T`: the last operand is a file, whatever it is now.
    NoDirectory,
}

/// What was asked of `zccp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The program's name as messages begin with it: the last component of `argv[0]`, as GNU has it.
    pub program: String,
    /// Named `cp`: GNU's to the letter, nothing extra on any stream.
    pub strictly_gnu: bool,
    /// SOURCE..., without the destination unless [`Target::LastOperand`] or [`Target::NoDirectory`], where it is last.
    pub operands: Vec<OsString>,
    /// `-t`, `-T` or neither.
    pub target: Target,
    /// `-f`: if an existing destination cannot be opened, remove it and try again.
    pub force: bool,
    /// `-v`: say what is done.
    pub verbose: bool,
    /// `--debug`: GNU's line about how each file was copied; implies `-v`.
    pub debug: bool,
    /// `--explain`: plan and trail of each file, on standard error.
    pub explain: bool,
    /// `--engine`, `--reflink`, `--sparse`
    pub policy: Policy,
}
