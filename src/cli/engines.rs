//! `--engine=help`: in which directory the engines are to be tried.

use super::table::ENGINES_HELP;
use super::usage::UsageError;
use clap::ArgMatches;
use std::ffi::{OsStr, OsString};

/// The directory, if engines are to be tried: of `-t`, the operand, or the working directory.
///
/// # Errors
/// `help` among engines, and more than one directory: nothing is copied, and exit status 0 would say that something was.
pub(super) fn asked(matches: &ArgMatches, operands: &[OsString]) -> Result<Option<OsString>, UsageError> {
    let words: Vec<&String> = matches.get_many("engine").into_iter().flatten().collect();
    if words.iter().all(|word| *word != ENGINES_HELP) {
        return Ok(None);
    }
    if words.len() > 1 {
        return Err(UsageError::value(OsStr::new(ENGINES_HELP), "--engine", "it stands alone"));
    }
    let target = match matches.try_get_many::<OsString>("target-directory") {
        Ok(targets) => targets.into_iter().flatten().next(), // several were refused before
        Err(_) => None,                                      // zccat has no such option
    };
    let mut directories = target.into_iter().chain(operands);
    let directory = directories.next().cloned().unwrap_or_else(|| OsString::from("."));
    match directories.next() {
        Some(extra) => Err(UsageError::operand("extra operand", extra)),
        None => Ok(Some(directory)),
    }
}
