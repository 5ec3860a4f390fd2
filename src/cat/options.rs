//! What was asked of `zccat`, after parsing.

use crate::engine::Policy;
use std::ffi::OsString;

/// What was asked of `zccat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The program's name as messages begin with it: the last component of `argv[0]`, as GNU has it.
    pub program: String,
    /// FILE...; `-` is standard input, and so is no operand at all (then this is a single `-`).
    pub operands: Vec<OsString>,
    /// `--explain`: plan and trail of each file, on standard error.
    pub explain: bool,
    /// `--engine`
    pub policy: Policy,
}
