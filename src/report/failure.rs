//! Why a copy is not complete, in words: GNU's where GNU has them, otherwise one clear sentence.

use super::explain;
use super::quote::shell_always;
use crate::engine::{Name, Reason, Side};
use crate::sys::text::strerror;
use crate::transfer::{Failure, Plan, Shrank};
use rustix::io::Errno;
use std::ffi::OsStr;

/// The sentence about a source that became shorter; `name` as the program quotes it.
pub fn of_shrinking(shrank: &Shrank, name: &str) -> String {
    let Shrank { from, to, perhaps_cleared } = *shrank;
    let text = format!("{name} became shorter while it was copied: {to} of {from} bytes were there");
    match perhaps_cleared {
        0 => text,
        bytes => format!("{text}, and for up to {bytes} of them the reader may have got zeros"),
    }
}

/// The sentence for `zccp`, which knows both names.
pub fn of_copy(failure: &Failure, plan: &Plan, source: &OsStr, sink: &OsStr) -> String {
    let (from, to) = (shell_always(source), shell_always(sink));
    match failure {
        Failure::Call { side: Side::Source, errno } => format!("error reading {from}: {}", strerror(*errno)),
        Failure::Call { side: Side::Sink, errno } => format!("error writing {to}: {}", strerror(*errno)),
        Failure::Call { side: Side::Either, errno } => format!("error copying {from} to {to}: {}", strerror(*errno)),
        Failure::TimedOut(_) => format!("error writing {to}: {}", strerror(Errno::TIMEDOUT)),
        Failure::ReadBack(errno) => format!("error reading {to}: {}", strerror(*errno)),
        Failure::Clone(errno) => format!("failed to clone {to} from {from}: {}", strerror(*errno)),
        Failure::Cut(errno) => format!("cannot create regular file {to}: {}", strerror(*errno)),
        Failure::Extend(errno) => format!("failed to extend {to}: {}", strerror(*errno)),
        Failure::Seek(errno) => format!("cannot lseek {from}: {}", strerror(*errno)),
        Failure::NoRoom { .. } => format!("error writing {to}: No space left on device"),
        Failure::TooLarge { .. } => format!("error writing {to}: File too large"),
        Failure::Spoiled { bytes } => format!("error reading {from}: {}", spoiled(*bytes)),
        Failure::NoEngine | Failure::Refused { .. } => no_engine(failure, plan, &format!("{from} to {to}")),
    }
}

/// The sentence for `zccat` about one source; `None` for what is the sink's fault and named after nothing.
pub fn of_source(failure: &Failure, plan: &Plan, name: &str) -> Option<String> {
    match failure {
        Failure::Call { side: Side::Sink, .. } | Failure::Cut(_) | Failure::Extend(_) => None,
        Failure::NoRoom { .. } | Failure::TooLarge { .. } | Failure::TimedOut(_) | Failure::ReadBack(_) => None,
        Failure::Call { errno, .. } | Failure::Clone(errno) | Failure::Seek(errno) => {
            Some(format!("{name}: {}", strerror(*errno)))
        }
        Failure::Spoiled { bytes } => Some(format!("{name}: {}", spoiled(*bytes))),
        Failure::NoEngine | Failure::Refused { .. } => Some(no_engine(failure, plan, name)),
    }
}

/// The sentence for `zccat` about standard output.
pub fn of_output(failure: &Failure) -> String {
    match failure {
        Failure::Call { errno, .. } | Failure::Cut(errno) | Failure::Extend(errno) => {
            format!("write error: {}", strerror(*errno))
        }
        Failure::TooLarge { .. } => "write error: File too large".to_string(),
        Failure::TimedOut(_) => format!("write error: {}", strerror(Errno::TIMEDOUT)),
        _ => "write error: No space left on device".to_string(),
    }
}

/// The sentence for `zccat` about a source to be formatted, when `read_write` is not on the user's list.
pub fn of_formatting(listed: &[crate::engine::Name], name: &str) -> String {
    let listed: Vec<&str> = listed.iter().map(|engine| engine.as_str()).collect();
    format!("{} cannot format {name}: every byte has to be looked at, which only read_write does", listed.join(", "))
}

/// The sentence about an engine that was tried `to` somewhere (`--engine=help`), as it would be of a copy that asks for it.
pub fn of_engine(failure: &Failure, plan: &Plan, to: &str) -> String {
    let engine = plan.engines.first().map_or("it", |engine| engine.as_str());
    match failure {
        Failure::NoEngine | Failure::Refused { .. } => no_engine(failure, plan, to),
        Failure::Call { side: Side::Source, errno } | Failure::ReadBack(errno) | Failure::Seek(errno) => {
            format!("{engine} fails {to}: error reading: {}", strerror(*errno))
        }
        Failure::Call { errno, .. } | Failure::Clone(errno) | Failure::Cut(errno) | Failure::Extend(errno) => {
            format!("{engine} fails {to}: error writing: {}", strerror(*errno))
        }
        Failure::NoRoom { .. } => format!("{engine} fails {to}: No space left on device"),
        Failure::TooLarge { .. } => format!("{engine} fails {to}: File too large"),
        Failure::Spoiled { bytes } => format!("{engine} fails {to}: {}", spoiled(*bytes)),
        Failure::TimedOut(_) => format!("{engine} fails {to}: {}", strerror(Errno::TIMEDOUT)),
    }
}

/// What is worth knowing beyond GNU's sentence, where the user asked for more manners than GNU's.
pub fn hint(failure: &Failure, given: u64) -> Option<String> {
    match failure {
        Failure::NoRoom { needed, free } => {
            Some(format!("({needed} bytes are needed, {free} are free; nothing was copied)"))
        }
        Failure::TooLarge { needed } => {
            Some(format!("(no file of {needed} bytes fits that file system; nothing was copied)"))
        }
        Failure::NoEngine => None,
        _ if given > 0 => Some(format!("({given} bytes were copied)")),
        _ => None,
    }
}

/// What was sent is not all the source's.
fn spoiled(bytes: u64) -> String {
    format!("it was cut short while it was sent, and {bytes} bytes from behind its new end went out, perhaps as zeros")
}

/// Which of the user's engines cannot copy `what`, and why.
fn no_engine(failure: &Failure, plan: &Plan, what: &str) -> String {
    let listed = plan.passed_over.iter().filter(|(_, reason)| *reason != Reason::NotListed);
    let mut reasons: Vec<(Name, String)> = listed.map(|(name, reason)| (*name, explain::because(reason))).collect();
    if let Failure::Refused { engine, errno } = failure {
        reasons.push((*engine, strerror(*errno)));
    }
    match reasons.as_slice() {
        [(name, reason)] => format!("{name} cannot copy {what}: {reason}"),
        several => {
            let each: Vec<String> = several.iter().map(|(name, reason)| format!("{name} cannot: {reason}")).collect();
            format!("no engine asked for can copy {what}: {}", each.join("; "))
        }
    }
}
