//! `--generate`: the man page, and the completions for six shells. The files in `man/` and `completions/` are built into the
//! program, so that one that was brought along as a single file can still explain itself.
//!
//! `cargo run -p xtask -- pages` writes those files from the option tables; a test of `xtask` fails when they are out of date.

use super::Program;
use super::usage::UsageError;
use clap::ArgMatches;
use std::ffi::OsString;

/// What can be asked for.
pub(super) const KINDS: [&str; 7] = ["bash", "zsh", "fish", "elvish", "powershell", "nushell", "man"];

macro_rules! pages {
    ($($path:literal),*) => { [$(include_str!(concat!("../../", $path))),*] };
}

/// `zccp`'s, in the order of [`KINDS`].
static ZCCP: [&str; KINDS.len()] = pages![
    "completions/zccp.bash",
    "completions/_zccp",
    "completions/zccp.fish",
    "completions/zccp.elv",
    "completions/_zccp.ps1",
    "completions/zccp.nu",
    "man/zccp.1"
];

/// `zccat`'s, in the same order.
static ZCCAT: [&str; KINDS.len()] = pages![
    "completions/zccat.bash",
    "completions/_zccat",
    "completions/zccat.fish",
    "completions/zccat.elv",
    "completions/_zccat.ps1",
    "completions/zccat.nu",
    "man/zccat.1"
];

/// The page that is asked for, if one is, without its last newline.
///
/// # Errors
/// Operands beside `--generate`: nothing would become of them, and exit status 0 would say that something had.
pub(super) fn page(
    matches: &ArgMatches,
    program: Program,
    operands: &[OsString],
) -> Result<Option<&'static str>, UsageError> {
    let Some(kind) = matches.get_one::<String>("generate") else { return Ok(None) };
    if let Some(extra) = operands.first() {
        return Err(UsageError::operand("extra operand", extra));
    }
    let pages = match program {
        Program::Zccp => &ZCCP,
        Program::Zccat => &ZCCAT,
    };
    let at = KINDS.iter().position(|known| known == kind);
    Ok(at.map(|at| pages[at].strip_suffix('\n').unwrap_or(pages[at])))
}
