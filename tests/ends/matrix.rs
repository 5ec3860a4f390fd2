//! What each engine must do, may do and cannot do with each pair of ends.
//!
//! "Must" and "cannot" are what the calls were seen to do on Linux 6.18 (and documented long before); "may" is where the
//! kernel could but a plan may have reasons not to.

use super::sinks::Sink;
use super::sources::Source;
use crate::apparatus::Engine;
use crate::apparatus::engines::Verdict::{self, Cannot, May, Must};

/// What `engine` has to come to with `source` into `sink`, when `length` bytes are copied by `zccat`.
pub fn verdict(engine: Engine, source: Source, sink: Sink, length: usize) -> Verdict {
    if !engine.forced() || engine.name() == "read_write" {
        return Must;
    }
    // Nothing to move is a success of any call, or of none.
    if source == Source::Null || length == 0 {
        return May;
    }
    match engine.name() {
        "reflink" => reflink(source, sink),
        "copy_file_range" => copy_file_range(source, sink),
        "sendfile" => sendfile(source, sink),
        "splice" => splice(source, sink),
        "zerocopy" => zerocopy(source, sink),
        "mmap" => mmap(source, sink),
        other => unreachable!("{other} has no row"),
    }
}

/// FICLONE: regular files of one file system that shares extents, and no O_APPEND.
fn reflink(source: Source, sink: Sink) -> Verdict {
    match (source, sink) {
        // An overlay passes it to what is below, and ext4 is.
        (Source::Regular(from), Sink::Regular(to)) if from == to && to.shares_extents() => May,
        _ => Cannot,
    }
}

/// copy_file_range: EXDEV across file systems, EINVAL for what is no regular file, EBADF with O_APPEND.
fn copy_file_range(source: Source, sink: Sink) -> Verdict {
    use crate::apparatus::Fs::{Ext4, Overlay};
    match (source, sink) {
        (Source::Regular(from), Sink::Regular(to)) if from == to => Must,
        (Source::Sparse, Sink::Regular(Ext4)) => Must,
        // Overlays hand it to the file systems below, some of which are the same one.
        (Source::Regular(_) | Source::Sparse, Sink::Regular(Overlay))
        | (Source::Regular(Overlay), Sink::Regular(_)) => May,
        // A memfd is a file of the kernel's own tmpfs.
        (Source::Memfd, Sink::Memfd) => May,
        _ => Cannot,
    }
}

/// sendfile: from what has pages, to anything but O_APPEND.
fn sendfile(source: Source, sink: Sink) -> Verdict {
    match (source, sink) {
        (_, Sink::Append) => Cannot,
        (Source::Pipe | Source::SlowPipe | Source::Fifo, _) => Cannot,
        (source, sink) if (source.is_file() || source == Source::Block) && takes_pages(sink) => Must,
        // EINVAL from sendfile on many pseudo files; a socket or terminal only into a pipe; boundaries of messages lost.
        _ => May,
    }
}

/// splice through a private pipe: anything with pages or a stream of bytes, to anything but O_APPEND.
fn splice(source: Source, sink: Sink) -> Verdict {
    let streams = matches!(
        source,
        Source::Pipe | Source::SlowPipe | Source::Fifo | Source::Tcp | Source::UnixStream | Source::Block
    );
    match sink {
        Sink::Append => Cannot,
        sink if (source.is_file() || streams) && takes_pages(sink) => Must,
        _ => May,
    }
}

/// MSG_ZEROCOPY: internet sockets alone.
fn zerocopy(source: Source, sink: Sink) -> Verdict {
    match sink {
        Sink::Tcp if source.is_file() || matches!(source, Source::Pipe | Source::SlowPipe | Source::Fifo) => Must,
        Sink::Tcp | Sink::Udp => May,
        _ => Cannot,
    }
}

/// mmap: sources with pages; the sink is written to plainly.
fn mmap(source: Source, sink: Sink) -> Verdict {
    match source {
        source if source.is_file() && takes_pages(sink) => Must,
        source if source.is_file() => May,
        // A device can be mapped but has no size to hold the window against; /sys/kernel/notes is a file of its own.
        Source::Block | Source::Pseudo(_) => May,
        _ => Cannot,
    }
}

/// Sinks that sendfile, splice and plain writes of any length all reach.
fn takes_pages(sink: Sink) -> bool {
    matches!(
        sink,
        Sink::Regular(_)
            | Sink::Memfd
            | Sink::Block
            | Sink::Null
            | Sink::Pipe
            | Sink::SlowPipe
            | Sink::Tcp
            | Sink::UnixStream
    )
}
