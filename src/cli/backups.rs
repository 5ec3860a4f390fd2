//! Backups: whether they are asked for, how they are numbered and what they end in, by option or by environment.

use super::mapping::position;
use super::table::NO_ARGUMENT;
use super::usage::UsageError;
use crate::cp::backup;
use crate::cp::options::{Backup, Numbering};
use clap::ArgMatches;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// The words for a way of numbering backups, and what each means.
const NUMBERINGS: [([&str; 2], Option<Numbering>); 4] = [
    (["none", "off"], None),
    (["simple", "never"], Some(Numbering::Simple)),
    (["existing", "nil"], Some(Numbering::Existing)),
    (["numbered", "t"], Some(Numbering::Numbered)),
];

/// Whether an option asks for them.
pub(super) fn wanted(matches: &ArgMatches) -> bool {
    ["b", "backup", "suffix"].iter().any(|option| position(matches, option).is_some())
}

/// How backups are made, by the options and, where these say nothing, by the environment.
///
/// # Errors
/// What GNU says of a word that names no way of numbering.
pub(super) fn asked(
    matches: &ArgMatches,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Backup>, UsageError> {
    if !wanted(matches) {
        return Ok(None);
    }
    let given = matches.get_many::<OsString>("backup").into_iter().flatten().rfind(|value| *value != NO_ARGUMENT);
    let (word, what) = match given.filter(|word| !word.is_empty()) {
        Some(word) => (word.clone(), "backup type"),
        None => (variable("VERSION_CONTROL").unwrap_or_default(), "$VERSION_CONTROL"),
    };
    let numbering = if word.is_empty() { Some(Numbering::Existing) } else { numbering(&word, what)? };
    let suffix = backup::suffix(matches.get_one("suffix").cloned(), variable("SIMPLE_BACKUP_SUFFIX"));
    Ok(numbering.map(|numbering| Backup { numbering, suffix }))
}

/// A word or an abbreviation of it that fits no word of another meaning.
fn numbering(word: &OsStr, what: &str) -> Result<Option<Numbering>, UsageError> {
    let begins = |name: &str| name.as_bytes().starts_with(word.as_bytes());
    if let Some((_, found)) = NUMBERINGS.iter().find(|(names, _)| names.iter().any(|name| word == *name)) {
        return Ok(*found);
    }
    let mut fitting = NUMBERINGS.iter().filter(|(names, _)| names.iter().any(|name| begins(name)));
    let problem = match (fitting.next(), fitting.next()) {
        (Some((_, found)), None) => return Ok(*found),
        (Some(_), Some(_)) => "ambiguous",
        (None, _) => "invalid",
    };
    Err(UsageError::keyword_of(problem, word, what, &NUMBERINGS.map(|(names, _)| names)))
}
