//! What the two ends of a copy are: everything the plan wants to know is asked here, and no more than it needs.

use super::capabilities::Capabilities;
use super::plan::BIG;
use crate::engine::{Ask, End, Nature, Offsets, Policy, Reflink, Sparse};
use crate::sys::facts::{Facts, FileSystem, Kind};
use crate::sys::socket::Socket;
use crate::sys::{block, pipe};
use rustix::fs::{self, OFlags};
use rustix::io::Errno;
use rustix::termios;
use std::os::fd::BorrowedFd;

/// Files of at most this many bytes go by one read and one write, and nothing is asked about their file systems.
///
/// FICLONE begins to pay between 16 and 64 KiB: of 64 KiB a file took xfs 39 µs of processor time by read and write and 30
/// by FICLONE, btrfs 84 and 27; of 1 KiB 24 and 35, 25 and 30 (a C program, 2 processors, Linux 6.18).
pub const SMALL_FILE: u64 = 32 * 1024;

/// From this many bytes on pipes are made larger: they are a quota of the user, not to be spent on trifles.
pub const GROW_FROM: u64 = 4 << 20;

/// What it is made to hold, bytes: the default /proc/sys/fs/pipe-max-size, more is refused to ordinary users.
const GROW_TO: u64 = 1 << 20;

/// An end opened by the program itself: explicit offsets from 0, no O_APPEND.
pub fn own(fd: BorrowedFd<'_>, facts: Facts) -> End<'_> {
    let offsets = if facts.has_offsets() { Offsets::Explicit } else { Offsets::None };
    End { fd, facts, offsets, start: 0, nature: nature(fd, &facts), file_system: None, append: false, direct: false }
}

/// An end the program was started with: its file offset is shared, its flags are whatever they are.
///
/// # Errors
/// EBADF of fstat(2).
pub fn inherited(fd: BorrowedFd<'_>) -> Result<End<'_>, Errno> {
    let facts = Facts::of(fd)?;
    let flags = fs::fcntl_getfl(fd)?;
    // A seekable kind that will not seek (some device or FUSE file) is a stream.
    let position = if facts.has_offsets() { fs::tell(fd).ok() } else { None };
    Ok(End {
        fd,
        facts,
        offsets: if position.is_some() { Offsets::Shared } else { Offsets::None },
        start: position.unwrap_or(0),
        nature: nature(fd, &facts),
        file_system: None,
        append: flags.contains(OFlags::APPEND),
        direct: flags.contains(OFlags::DIRECT),
    })
}

fn nature(fd: BorrowedFd<'_>, facts: &Facts) -> Nature {
    match facts.kind {
        Kind::Regular => Nature::File,
        Kind::Block => Nature::Block,
        Kind::Pipe => Nature::Pipe { capacity: pipe::capacity(fd).unwrap_or(4096) },
        Kind::Socket => Socket::of(fd).map_or(Nature::Other, Nature::Socket),
        Kind::Character if termios::isatty(fd) => Nature::Tty,
        Kind::Character => Nature::Device,
        Kind::Directory | Kind::Symlink | Kind::Other => Nature::Other,
    }
}

/// Puts the question of a copy: what else the plan has to know of these ends is asked of the kernel now.
///
/// `replaced`: the sink is a file of our own with contents that the copy replaces.
pub fn ask<'a>(
    mut source: End<'a>,
    mut sink: End<'a>,
    replaced: bool,
    policy: &'a Policy,
    capabilities: &Capabilities,
) -> Ask<'a> {
    let expected = expected(&source);
    if is_small(&source.facts, policy) && source.offsets == Offsets::Explicit && sink.is_regular() {
        source.file_system = capabilities.known_file_system(source.facts.device); // spares the last read
    } else {
        source.file_system = file_system(&source, capabilities);
        sink.file_system = file_system(&sink, capabilities);
        if is_without_offsets(&source) {
            source.offsets = Offsets::None;
        }
        // Files of /proc that are made as they are read (seq_file) can be written, but not at an offset.
        if is_without_offsets(&sink)
            || (sink.file_system == Some(FileSystem::Pseudo) && sink.offsets == Offsets::Explicit)
        {
            sink.offsets = Offsets::None;
        }
    }
    if let Nature::Pipe { capacity } = &mut sink.nature
        && expected.is_none_or(|bytes| bytes >= GROW_FROM)
        && source.nature != Nature::Tty
    {
        *capacity = pipe::grow(sink.fd, GROW_TO).unwrap_or(*capacity);
    }
    // Elsewhere a clone may do it all, and needs no such question.
    let asked = source.nature == Nature::File
        && sink.nature == Nature::File
        && matches!(sink.file_system, Some(FileSystem::Ext4 | FileSystem::Tmpfs))
        && expected.is_some_and(|bytes| bytes >= BIG);
    let processors = asked.then(|| capabilities.processors());
    Ask { source, sink, expected, replaced, policy, processors }
}

/// Whether it is so large that a second thread and preallocation pay.
pub fn is_big(ask: &Ask<'_>) -> bool {
    ask.expected.is_some_and(|bytes| bytes >= BIG)
}

/// Whether a file goes by one read and one write, so that nothing else has to be known of it or of a new destination.
pub fn is_small(source: &Facts, policy: &Policy) -> bool {
    let plain = policy.engines.is_empty() && policy.reflink != Reflink::Always && policy.sparse == Sparse::Auto;
    plain && source.kind == Kind::Regular && (1..=SMALL_FILE).contains(&source.size) && !source.looks_sparse()
}

/// Whether it calls itself a regular file and has no offsets all the same: nonseekable_open of drivers (trace_pipe) and of FUSE
/// (FOPEN_NONSEEKABLE), where pread and pwrite are ESPIPE too. (Of a small file read_write finds it out itself.)
fn is_without_offsets(end: &End<'_>) -> bool {
    let perhaps = matches!(end.file_system, Some(FileSystem::Pseudo | FileSystem::Fuse | FileSystem::Other(_)));
    perhaps && end.is_regular() && end.offsets == Offsets::Explicit && fs::tell(end.fd).is_err()
}

fn file_system(end: &End<'_>, capabilities: &Capabilities) -> Option<FileSystem> {
    matches!(end.nature, Nature::File | Nature::Block)
        .then(|| capabilities.file_system(end.fd, end.facts.device))
        .flatten()
}

/// Bytes from where the source starts to its size. A size of 0 says nothing (procfs), a block device keeps its own
/// elsewhere.
fn expected(source: &End<'_>) -> Option<u64> {
    let size = match source.nature {
        Nature::File => source.facts.size,
        Nature::Block => block::size(source.fd).ok()?,
        _ => return None,
    };
    size.checked_sub(source.start).filter(|bytes| *bytes > 0)
}
