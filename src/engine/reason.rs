//! Why an engine is passed over. `report::explain` has the words.

use crate::sys::facts::FileSystem;
use rustix::io::Errno;

/// Why an engine is passed over for a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    // It cannot work:
    /// The source is not a regular file.
    SourceNotRegular,
    /// The sink is not a regular file.
    SinkNotRegular,
    /// The sink is not a TCP socket.
    SinkNotTcp,
    /// The source cannot be mapped.
    SourceNotMappable,
    /// The source is not a kind that sendfile reads from: a file or a device.
    SourceNotSendable,
    /// One end is of a kind that splice does not work on.
    NotSpliceable,
    /// The sink was opened with O_APPEND.
    SinkAppends,
    /// An end is a socket that keeps message boundaries: one write is one message.
    KeepsMessages,
    /// The copy does not start at the edge of a block of both files, and a clone takes whole blocks.
    NotAtABlock,
    /// There are bytes in the sink already (`1<>file`), and a clone would not tell how many of its own it brought.
    SinkNotEmpty,
    /// The source's size is 0, so it may be made up when read.
    SizeUnknown,
    /// The source was opened with O_DIRECT.
    SourceIsDirect,

    // The user said so:
    /// `--reflink=never`.
    ReflinkNever,
    /// `--reflink=always`.
    ReflinkAlways,
    /// `--sparse=always`: every byte has to be looked at.
    SparseAlways,
    /// Not on the `--engine` list.
    NotListed,

    // It would not pay:
    /// These file systems cannot share extents.
    CannotShare(FileSystem),
    /// The two are on different kinds of file system.
    DifferentFileSystems(FileSystem, FileSystem),
    /// Nothing below this file system does the copy for us, so read_write is faster.
    NoOffload(FileSystem),
    /// Small: one read and one write are the cheapest.
    Small,
    /// Measured slower than the engine chosen for such a pair.
    Slower,
    /// Only used when asked for.
    OnlyWhenAsked,
    /// The whole file fits the reader's pipe; a copy of it is as fast, and safe from later changes of the source.
    FitsThePipe,
    /// The whole source may be unread in the socket, or at its peer, when the program ends.
    FitsTheSocket,
    /// No device takes the bytes, so pages may get into the queue of a peer on this machine, and would change there with the file.
    MayStayHere,
    /// Terminals are read and written plainly.
    Terminal,
    /// /proc, /sys and the like are read plainly.
    Pseudo,

    // It was tried:
    /// It refused earlier in this run, on this pair of file systems or on this kernel.
    Remembered(Errno),
}
