//! getopt_long(3)'s reading of a command line: permutation, `--`, clusters, abbreviations and its diagnostics, for any
//! table of options. What comes out names every option in full, so that clap has nothing left to guess or to refuse.

use super::gnu::GnuNames;
use super::usage::UsageError;
use clap::builder::PossibleValue;
use clap::{Arg, Command};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A command line, read up to its end or to the first thing that ends the reading.
#[derive(Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The options in order: `--name`, `--name=value`, or `-x` where there is no name.
    pub options: Vec<OsString>,
    /// The operands in order.
    pub operands: Vec<OsString>,
    /// What ended the reading. GNU acts on options as they come: an earlier mistake in them is said first.
    pub end: End,
}

/// What ended the reading of a command line.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// There was nothing more.
    Complete,
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// Something that is not in the table.
    Wrong(UsageError),
}

/// Reads `arguments` (without `argv[0]`). With `posixly_correct` the first operand ends the options.
pub fn read(
    command: &Command,
    gnu: &GnuNames,
    posixly_correct: bool,
    arguments: impl IntoIterator<Item = OsString>,
) -> CommandLine {
    let mut reader = Reader { command, gnu, options: Vec::new(), operands: Vec::new() };
    let end = reader.read(posixly_correct, arguments.into_iter()).err().unwrap_or(End::Complete);
    CommandLine { options: reader.options, operands: reader.operands, end }
}

struct Reader<'a> {
    command: &'a Command,
    gnu: &'a GnuNames,
    options: Vec<OsString>,
    operands: Vec<OsString>,
}

impl From<UsageError> for End {
    fn from(error: UsageError) -> End {
        End::Wrong(error)
    }
}

impl<'a> Reader<'a> {
    fn read(&mut self, posixly_correct: bool, mut arguments: impl Iterator<Item = OsString>) -> Result<(), End> {
        while let Some(argument) = arguments.next() {
            match argument.as_bytes() {
                b"--" => break,
                [b'-', b'-', long @ ..] => self.long(long, &mut arguments)?,
                [b'-', letters @ ..] if !letters.is_empty() => self.letters(letters, &mut arguments)?,
                _ => {
                    self.operands.push(argument);
                    if posixly_correct {
                        break;
                    }
                }
            }
        }
        self.operands.extend(arguments);
        Ok(())
    }

    fn long(&mut self, typed: &[u8], arguments: &mut impl Iterator<Item = OsString>) -> Result<(), End> {
        let (name, attached) = match typed.iter().position(|&byte| byte == b'=') {
            Some(at) => (&typed[..at], Some(OsStr::from_bytes(&typed[at + 1..]).to_os_string())),
            None => (typed, None),
        };
        let (name, option) = self.resolve(name, typed)?;
        let value = match (option.get_action().takes_values(), attached) {
            (false, Some(_)) => return Err(UsageError::takes_no_argument(name).into()),
            (true, None) if !option.is_require_equals_set() => {
                Some(arguments.next().ok_or_else(|| UsageError::needs_argument(name))?)
            }
            (_, attached) => attached,
        };
        self.push(option, value)
    }

    /// The option that `name` is, spelled in full or abbreviated; `typed` is what stands in the diagnostic.
    fn resolve(&self, name: &[u8], typed: &[u8]) -> Result<(&'a str, &'a Arg), UsageError> {
        let in_table = |name: &[u8]| {
            let mut options = self.command.get_arguments();
            options.find_map(|option| {
                let names = option.get_long().into_iter().chain(option.get_aliases().unwrap_or_default());
                names.into_iter().find(|full| full.as_bytes() == name).map(|full| (full, option))
            })
        };
        let all = self.gnu.all;
        if let Some(full) = all.iter().find(|full| full.as_bytes() == name) {
            return in_table(full.as_bytes()).ok_or_else(|| UsageError::unrecognized(typed));
        }
        let candidates: Vec<&str> = all.iter().copied().filter(|full| full.as_bytes().starts_with(name)).collect();
        let Some(first) = candidates.first() else {
            // Ours, which must be spelled in full.
            return in_table(name).ok_or_else(|| UsageError::unrecognized(typed));
        };
        // glibc compares with the first that fits only: `--` alone names both of a pair that comes later.
        let same = |other: &str| self.gnu.synonyms.contains(&(*first, other));
        if candidates[1..].iter().any(|other| !same(other)) {
            let possibilities: Vec<&str> = candidates.iter().copied().filter(|other| !same(other)).collect();
            return Err(UsageError::ambiguous(typed, &possibilities));
        }
        in_table(first.as_bytes()).ok_or_else(|| UsageError::unrecognized(first.as_bytes()))
    }

    fn letters(&mut self, letters: &[u8], arguments: &mut impl Iterator<Item = OsString>) -> Result<(), End> {
        for (at, &letter) in letters.iter().enumerate() {
            let mut options = self.command.get_arguments();
            let option = options
                .find(|option| is_letter(option, char::from(letter)))
                .ok_or_else(|| UsageError::invalid_letter(letter))?;
            // A letter has no way to say `=`, which an optional argument needs.
            if !option.get_action().takes_values() || option.is_require_equals_set() {
                self.push(option, None)?;
                continue;
            }
            let rest = &letters[at + 1..];
            let value = match rest {
                [] => arguments.next().ok_or_else(|| UsageError::letter_needs_argument(letter))?,
                _ => OsStr::from_bytes(rest).to_os_string(),
            };
            return self.push(option, Some(value));
        }
        Ok(())
    }

    fn push(&mut self, option: &Arg, value: Option<OsString>) -> Result<(), End> {
        match option.get_id().as_str() {
            "help" => return Err(End::Help),
            "version" => return Err(End::Version),
            _ => {}
        }
        let mut canonical = match (option.get_long(), option.get_short()) {
            (Some(long), _) => format!("--{long}"),
            (None, letter) => {
                letter.into_iter().fold(String::from("-"), |text, letter| text + letter.encode_utf8(&mut [0; 4]))
            }
        }
        .into_bytes();
        if let Some(value) = value {
            canonical.push(b'=');
            canonical.extend_from_slice(self.keywords(option, value)?.as_bytes());
        }
        self.options.push(OsString::from_vec(canonical));
        Ok(())
    }

    /// `value` with each keyword spelled in full, if the option has keywords.
    fn keywords(&self, option: &Arg, value: OsString) -> Result<OsString, UsageError> {
        let valid = option.get_possible_values();
        if valid.is_empty() {
            return Ok(value);
        }
        let name = option.get_long().unwrap_or_default();
        let abbreviated = self.gnu.all.contains(&name);
        let Some(delimiter) = option.get_value_delimiter() else {
            return Ok(keyword(name, &value, &valid, abbreviated)?.into());
        };
        let words: Result<Vec<&str>, UsageError> = value
            .as_bytes()
            .split(|&byte| char::from(byte) == delimiter)
            .map(|word| keyword(name, OsStr::from_bytes(word), &valid, abbreviated))
            .collect();
        Ok(words?.join(delimiter.encode_utf8(&mut [0; 4])).into())
    }
}

fn is_letter(option: &Arg, letter: char) -> bool {
    option.get_short() == Some(letter) || option.get_visible_short_aliases().is_some_and(|all| all.contains(&letter))
}

/// The keyword that `word` is. The options that GNU has take abbreviations of keywords. Those that are ours take none, but a
/// `-` for the `_` of a keyword (`copy-file-range`).
fn keyword<'v>(
    option: &str,
    word: &OsStr,
    valid: &'v [PossibleValue],
    abbreviated: bool,
) -> Result<&'v str, UsageError> {
    let names = || valid.iter().map(PossibleValue::get_name);
    let is_word = |name: &str| {
        let same = |(a, &b): (u8, &u8)| a == b || !abbreviated && a == b'_' && b == b'-';
        name.len() == word.len() && name.bytes().zip(word.as_bytes()).all(same)
    };
    if let Some(name) = names().find(|name| is_word(name)) {
        return Ok(name);
    }
    let mut candidates = names().filter(|name| abbreviated && name.as_bytes().starts_with(word.as_bytes()));
    let problem = match (candidates.next(), candidates.next()) {
        (Some(only), None) => return Ok(only),
        (Some(_), Some(_)) => "ambiguous",
        (None, _) => "invalid",
    };
    Err(UsageError::keyword(problem, word, option, &names().collect::<Vec<_>>()))
}
