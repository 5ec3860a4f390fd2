//! What is said of `--resume`, `--verify`, `--atomic` and `--durable`: GNU has no words for them.

use super::quote::shell_always;
use crate::sys::text::strerror;
use crate::transfer::replacement::{Refused, Unput};
use crate::transfer::resume::{Hopeless, Repair};
use crate::transfer::verify::{Change, Finding, Verified, Worth};
use rustix::io::Errno;
use std::ffi::OsStr;

/// Why a copy cannot be resumed.
pub fn hopeless(hopeless: Hopeless, source: &OsStr, sink: &OsStr) -> String {
    let (from, to) = (shell_always(source), shell_always(sink));
    match hopeless {
        Hopeless::Source => format!("cannot resume {to}: {from} can be read only from its beginning, and only once"),
        Hopeless::Sink => format!("cannot resume {to}: it is not a regular file"),
    }
}

/// `--explain`'s line about what `--resume` found.
pub fn repaired(repair: &Repair) -> String {
    let mut text = format!("  resumed: {} bytes compared", repair.compared);
    for (bytes, what) in [
        (repair.rewritten, "differed and were written anew"),
        (repair.punched, "differed and were made holes"),
        (repair.cut, "were too many and were cut off"),
    ] {
        if bytes > 0 {
            text.push_str(&format!(", {bytes} {what}"));
        }
    }
    match repair.missing_from {
        Some(at) => text.push_str(&format!("; the copy goes on at byte {at}")),
        None if repair.found_nothing() => text.push_str("; nothing was missing"),
        None => {}
    }
    text
}

/// What is wrong with a copy that was read back, if anything is.
pub fn verification(verified: &Verified, source: &OsStr, sink: &OsStr) -> Option<String> {
    let (from, to) = (shell_always(source), shell_always(sink));
    Some(match verified.finding {
        Finding::Identical => return None,
        Finding::Differs { at, source, sink } => {
            format!(
                "verification failed: {to} differs from {from} at byte {at}: 0x{sink:02x} instead of 0x{source:02x}"
            )
        }
        Finding::Length { source, sink } => {
            format!("verification failed: {to} has {sink} bytes, {from} has {source}")
        }
        Finding::Changed(change) => {
            let what = match change {
                Change::Size => "its size is another",
                Change::Modified => "it was modified",
                Change::Changed => "its change time is another",
            };
            format!("cannot verify {to}: {from} has changed since it was opened ({what})")
        }
        Finding::Lost(errno) => flushing(errno, sink),
        Finding::NotStored => {
            format!("cannot verify {to}: it is neither a file nor a block device, and cannot be read back")
        }
        // It was opened for writing alone, which is all that its permissions allow.
        Finding::Unreadable(Errno::BADF) => format!("cannot verify {to}: it may be written to, but not read"),
        Finding::Unreadable(errno) => format!("cannot verify {to}: error reading it back: {}", strerror(errno)),
        Finding::Once => format!("cannot verify {to}: {from} cannot be read a second time"),
        Finding::SourceUnreadable(errno) => {
            format!("cannot verify {to}: error reading {from} again: {}", strerror(errno))
        }
    })
}

/// What a copy's having been read back does not prove, if it does not: the kind, and the sentence.
pub fn doubt(verified: &Verified, source: &OsStr, sink: &OsStr) -> Option<(Doubt, String)> {
    let (from, to) = (shell_always(source), shell_always(sink));
    Some(match verified.worth {
        Worth::Device => return None,
        Worth::CacheDropped => {
            let text = format!(
                "{to} was read back through the page cache, which was asked to forget it before: \
                 its file system cannot be read past the cache"
            );
            (Doubt::ThroughCache, text)
        }
        Worth::Served => {
            let text = format!(
                "{to} was read back from what serves its file system, a program or a server, which may have had it in memory"
            );
            (Doubt::Served, text)
        }
        Worth::Shared(bytes) => {
            let of = if bytes >= verified.compared {
                format!("reading {to} back proves nothing: it shares its data with {from}")
            } else {
                format!("reading {to} back proves nothing of {bytes} of its bytes, which it shares with {from}")
            };
            (Doubt::Shared, format!("{of} (--reflink=never makes a copy of its own)"))
        }
        Worth::InMemory => (Doubt::InMemory, format!("reading {to} back proves nothing: its file system is in memory")),
    })
}

/// What reading a file back does not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Anything: its extents are the source's.
    Shared,
    /// Anything: it is in memory.
    InMemory,
    /// That the page cache had forgotten it.
    ThroughCache,
    /// That it is on a device: somebody serves the file system.
    Served,
}

/// The same of more files than the one that was named.
pub fn others(doubt: Doubt, count: u64) -> String {
    let (one, are) = if count == 1 { ("file", "is") } else { ("files", "are") };
    let what = match doubt {
        Doubt::Shared => "a clone of its source, so that reading it back proves nothing",
        Doubt::InMemory => "in memory, so that reading it back proves nothing",
        Doubt::ThroughCache => "only to be read through the page cache",
        Doubt::Served => "only to be read from what serves the file system",
    };
    let what = if count == 1 {
        what.to_string()
    } else {
        what.replace("a clone of its source", "clones of their sources").replace("it back", "them back")
    };
    format!("{count} more {one} {are} {what}")
}

/// `--explain`'s line about what was read back.
pub fn verified(verified: &Verified) -> String {
    let how = match verified.worth {
        Worth::Device | Worth::Shared(_) => "from the device, past the page cache",
        Worth::CacheDropped => "through the page cache, after it was asked to forget them",
        Worth::Served => "from what serves the file system",
        Worth::InMemory => "from memory",
    };
    format!("  verified: {} bytes read back {how}", verified.compared)
}

/// A flush that failed. What it was to write is lost in part, whatever a second one says.
pub fn flushing(errno: Errno, sink: &OsStr) -> String {
    format!("error flushing {}: {}", shell_always(sink), strerror(errno))
}

/// The flush of the directory that a name stands in failed.
pub fn flushing_directory(errno: Errno, sink: &OsStr) -> String {
    format!("error flushing the directory of {}: {}", shell_always(sink), strerror(errno))
}

/// What is there is no file, and only files are replaced.
pub fn not_replaceable(sink: &OsStr) -> String {
    format!("cannot replace {}: it is not a regular file", shell_always(sink))
}

/// No new file could be made beside the old one.
pub fn no_temporary(errno: Errno, sink: &OsStr) -> String {
    format!("cannot replace {}: cannot create a file beside it: {}", shell_always(sink), strerror(errno))
}

/// The old one has something that the new one could not be given.
pub fn refused(refused: &Refused, sink: &OsStr) -> String {
    let (what, errno) = match refused {
        Refused::Owner(errno) => ("its owner and group".to_string(), errno),
        Refused::Mode(errno) => ("its permissions".to_string(), errno),
        Refused::Attributes(errno) => ("its extended attributes".to_string(), errno),
        Refused::Attribute(name, errno) => (format!("its attribute {}", shell_always(name)), errno),
    };
    format!("cannot replace {}: the new file cannot be given {what}: {}", shell_always(sink), strerror(*errno))
}

/// The new one did not get to its place.
pub fn unput(unput: Unput, sink: &OsStr) -> String {
    match unput {
        Unput::Flush(errno) | Unput::Entry(errno) => flushing(errno, sink),
        Unput::Backup(errno) => format!("cannot backup {}: {}", shell_always(sink), strerror(errno)),
        Unput::Name(errno) => format!("cannot replace {}: {}", shell_always(sink), strerror(errno)),
    }
}
