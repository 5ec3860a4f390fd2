//! What is said when the command line is wrong: GNU's and glibc's texts, and always the exit status 1.

use super::Invocation;
use crate::report::quote::{locale_quote, shell_always};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A command line that cannot be obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError {
    speaker: Speaker,
    text: Vec<u8>,
    hint: bool,
}

/// getopt_long begins its messages with all of `argv[0]`, the program with the last component of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    Getopt,
    Program,
}

impl UsageError {
    /// What getopt_long(3) says. Raw bytes: it does not quote.
    fn getopt(pieces: &[&[u8]]) -> UsageError {
        UsageError { speaker: Speaker::Getopt, text: pieces.concat(), hint: true }
    }

    /// What the program says, with the line that points at `--help`.
    pub(super) fn with_hint(text: impl Into<Vec<u8>>) -> UsageError {
        UsageError { speaker: Speaker::Program, text: text.into(), hint: true }
    }

    /// What the program says, and no more (as GNU cp does of `-t` with `-T`, and of `-t` twice).
    pub(super) fn without_hint(text: impl Into<Vec<u8>>) -> UsageError {
        UsageError { speaker: Speaker::Program, text: text.into(), hint: false }
    }

    pub(super) fn unrecognized(option: &[u8]) -> UsageError {
        UsageError::getopt(&[b"unrecognized option '--", option, b"'"])
    }

    pub(super) fn invalid_letter(letter: u8) -> UsageError {
        UsageError::getopt(&[b"invalid option -- '", &[letter], b"'"])
    }

    pub(super) fn letter_needs_argument(letter: u8) -> UsageError {
        UsageError::getopt(&[b"option requires an argument -- '", &[letter], b"'"])
    }

    pub(super) fn needs_argument(name: &str) -> UsageError {
        UsageError::getopt(&[b"option '--", name.as_bytes(), b"' requires an argument"])
    }

    pub(super) fn takes_no_argument(name: &str) -> UsageError {
        UsageError::getopt(&[b"option '--", name.as_bytes(), b"' doesn't allow an argument"])
    }

    pub(super) fn ambiguous(option: &[u8], possibilities: &[&str]) -> UsageError {
        let list: String = possibilities.iter().map(|name| format!(" '--{name}'")).collect();
        UsageError::getopt(&[b"option '--", option, b"' is ambiguous; possibilities:", list.as_bytes()])
    }

    /// A value that is none of the words `valid`, or an abbreviation of several.
    pub(super) fn keyword(problem: &str, value: &OsStr, option: &str, valid: &[&str]) -> UsageError {
        let option = locale_quote(OsStr::new(&format!("--{option}")));
        let list: String = valid.iter().map(|word| format!("\n  - {}", locale_quote(OsStr::new(word)))).collect();
        let value = locale_quote(value);
        UsageError::with_hint(format!("{problem} argument {value} for {option}\nValid arguments are:{list}"))
    }

    /// A value that the option cannot take, and why.
    pub(super) fn value(value: &OsStr, option: &str, problem: &str) -> UsageError {
        let (value, option) = (locale_quote(value), locale_quote(OsStr::new(option)));
        UsageError::with_hint(format!("invalid argument {value} for {option}: {problem}"))
    }

    /// As [`Self::keyword`], where words have synonyms and `what` is no option.
    pub(super) fn keyword_of(problem: &str, value: &OsStr, what: &str, valid: &[[&str; 2]]) -> UsageError {
        let quoted = |word: &str| locale_quote(OsStr::new(word));
        let list: String = valid.iter().map(|[a, b]| format!("\n  - {}, {}", quoted(a), quoted(b))).collect();
        let (value, what) = (locale_quote(value), quoted(what));
        UsageError::with_hint(format!("{problem} argument {value} for {what}\nValid arguments are:{list}"))
    }

    pub(super) fn operand(text: &str, operand: &OsStr) -> UsageError {
        UsageError::with_hint(format!("{text} {}", shell_always(operand)))
    }

    /// All that is said, without the last newline.
    pub fn render(&self, invocation: &Invocation) -> Vec<u8> {
        let argv0 = invocation.argv0.as_bytes();
        let speaker = match self.speaker {
            Speaker::Getopt => argv0,
            Speaker::Program => invocation.name().as_bytes(),
        };
        let mut said = [speaker, b": ", &self.text].concat();
        if self.hint {
            said.extend_from_slice(&[b"\nTry '", argv0, b" --help' for more information."].concat());
        }
        said
    }
}
