//! What an engine is asked and what it answers. Engines are small and dumb: they make one kernel call (or a pair that
//! belongs together) a step and say what it returned. EINTR, readiness, short counts, early zeros, falling back and
//! time are the driver's business (`transfer::driver`).

use super::policy::Policy;
use super::scratch::Scratch;
use super::{Name, reason::Reason};
use crate::sys::facts::{Facts, FileSystem, Kind};
use crate::sys::socket::Socket;
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// How offsets are kept at one end of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offsets {
    /// No offsets: pipes, sockets, ttys.
    None,
    /// An inherited descriptor of a file: the file offset is shared with other programs, used and advanced, so that
    /// `(zccat; cat) <f` works.
    Shared,
    /// A descriptor of our own: calls carry explicit offsets, and the file offset means nothing.
    Explicit,
}

/// What a descriptor is beyond its `st_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A regular file.
    File,
    /// A block device.
    Block,
    /// A pipe or FIFO with room for this many bytes (F_GETPIPE_SZ).
    Pipe {
        /// Capacity in bytes.
        capacity: u64,
    },
    /// A socket.
    Socket(Socket),
    /// A terminal.
    Tty,
    /// A character device that is not a terminal.
    Device,
    /// A directory, an eventfd, …
    Other,
}

/// One end of a copy: a borrowed descriptor and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The descriptor.
    pub fd: BorrowedFd<'a>,
    /// What fstat said when it was opened.
    pub facts: Facts,
    /// How offsets are kept.
    pub offsets: Offsets,
    /// Where the copy starts, in bytes: 0 for a file of our own, the file offset found for an inherited one.
    pub start: u64,
    /// What it is beyond `st_mode`.
    pub nature: Nature,
    /// Its file system, once asked; `None` for small files, where nothing hangs on it, and for what is in none.
    pub file_system: Option<FileSystem>,
    /// Opened with O_APPEND: every write goes to the end, and in-kernel copies refuse (EBADF, EINVAL).
    pub append: bool,
    /// O_DIRECT: unaligned lengths fail.
    pub direct: bool,
}

impl End<'_> {
    /// A regular file on whatever file system.
    pub fn is_regular(&self) -> bool {
        self.facts.kind == Kind::Regular
    }

    /// The socket, if it is one.
    pub fn socket(&self) -> Option<Socket> {
        match self.nature {
            Nature::Socket(socket) => Some(socket),
            _ => None,
        }
    }

    /// Whether it is a pipe or FIFO.
    pub fn is_pipe(&self) -> bool {
        matches!(self.nature, Nature::Pipe { .. })
    }
}

/// What is to be copied.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Where bytes come from.
    pub source: End<'a>,
    /// Where bytes go.
    pub sink: End<'a>,
    /// Bytes from where the source starts to its size, where it has one to be believed as a hint.
    pub expected: Option<u64>,
    /// The sink has contents that are to be cut to nothing before the first byte is moved.
    pub replaced: bool,
    /// What the user asked.
    pub policy: &'a Policy,
    /// Processors this program may use, if the plan hangs on it: `None` where it was not asked.
    pub processors: Option<usize>,
}

/// How the plan wants the engines to work on this pair; measured values, see `transfer::plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Bytes a read asks for, and a private pipe holds.
    pub block: usize,
    /// Threads that read blocks side by side and write them in turn (read_write).
    pub threads: u8,
    /// Turn runs of zero bytes into holes (`--sparse=always`): the sink's block size in bytes.
    pub holes: Option<usize>,
}

/// How far a step may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// At most this many bytes; never 0.
    pub bytes: u64,
    /// More bytes will follow these, as far as is known (SPLICE_F_MORE, MSG_MORE).
    pub more: bool,
}

/// Which end an error belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The source.
    Source,
    /// The sink.
    Sink,
    /// The call names both and does not tell.
    Either,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The sink accepted this many bytes (0 when a step only took some in).
    Moved(u64),
    /// This many zero bytes were left out of the sink (`--sparse=always`): a hole.
    Hole(u64),
    /// The call returned 0: the end, or an early zero that has to be confirmed by a read.
    Zero,
    /// The end, beyond doubt: `read` returned 0, or a clone took all there was.
    End,
    /// The call failed.
    Error(Side, Errno),
    /// The source changed while its pages were passed on, so what this step moved may hold bytes that were never in the file. Nothing
    /// counts as given but what the flow was told of; `Flow::spoiled` says how much more the sink may have been given.
    Changed,
}

/// What an engine has seen that the trail should tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// zerocopy: the kernel copied after all (a "copied" completion); from this byte on, sends were plain.
    CompletionsCopied {
        /// Bytes given when the first such completion was seen.
        at: u64,
    },
    /// zerocopy: this many sends were completed without a copy.
    CompletionsZeroCopy {
        /// Number of sends.
        sends: u64,
    },
    /// zerocopy: the kernel had no room to remember more notifications (ENOBUFS); so many times sent plain.
    NoBuffers {
        /// Number of sends.
        sends: u64,
    },
    /// sendfile to TCP: the interface the bytes leave by, and whether it gathers (ETHTOOL_GSG).
    Gathers {
        /// Interface name.
        interface: String,
        /// Scatter-gather is on; `None` where the driver does not say.
        on: Option<bool>,
    },
    /// read_write: blocks were read by this many threads.
    Threads(u8),
    /// mmap, splice: the source was changed while its pages were passed on, and what they gave does not count.
    SourceChanged {
        /// Bytes given when it was seen.
        at: u64,
    },
}

impl Remark {
    /// By which interface a TCP socket's bytes leave for another machine, and whether it gathers.
    pub fn of_interface(sink: &End<'_>) -> Option<Remark> {
        let out = sink.socket()?.out?;
        Some(Remark::Gathers { interface: out.name().into_owned(), on: out.gathers })
    }
}

/// What a session leaves behind.
#[derive(Debug, Default)]
pub struct Settled {
    /// Bytes taken from the source and not given to the sink; the driver delivers them.
    pub carry: Vec<u8>,
    /// What it has seen.
    pub remarks: Vec<Remark>,
    /// An error met while settling: bytes taken could not be got back, or completions told of one.
    pub error: Option<(Side, Errno)>,
}

/// Three counters, taken ≥ given ≥ settled: read from the source, accepted by the sink, done with. They are positions,
/// counted from where the copy starts, so holes passed over count in all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    source_start: u64,
    sink_start: u64,
    taken: u64,
    given: u64,
    settled: u64,
    spoiled: u64,
    disturbed: bool,
}

impl Flow {
    /// From the offsets where the two ends start, in bytes.
    pub fn from(source_start: u64, sink_start: u64) -> Flow {
        Flow { source_start, sink_start, ..Flow::default() }
    }

    /// `n` bytes were read from the source.
    pub fn took(&mut self, n: u64) {
        self.taken += n;
    }

    /// The sink accepted `n` bytes; they are done with at once.
    pub fn gave(&mut self, n: u64) {
        self.gave_unsettled(n);
        self.settled = self.given;
    }

    /// The sink accepted `n` bytes but the kernel still reads them from our memory.
    pub fn gave_unsettled(&mut self, n: u64) {
        self.given += n;
        self.taken = self.taken.max(self.given);
    }

    /// All that was given is done with.
    pub fn settle(&mut self) {
        self.settled = self.given;
    }

    /// `n` bytes from here on are a hole.
    pub fn skip(&mut self, n: u64) {
        self.took(n);
        self.gave(n);
    }

    /// The sink may hold bytes up to `n` beyond what was given that were never in the source.
    pub fn spoil(&mut self, n: u64) {
        self.spoiled = self.spoiled.max(self.given + n);
    }

    /// How many such bytes may still be there.
    pub fn spoiled(&self) -> u64 {
        self.spoiled.saturating_sub(self.given)
    }

    /// The source was seen to change while it was copied: whoever reads on has to look twice.
    pub fn disturb(&mut self) {
        self.disturbed = true;
    }

    /// Whether the source was seen to change while it was copied.
    pub fn is_disturbed(&self) -> bool {
        self.disturbed
    }

    /// Bytes read from the source.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes accepted by the sink.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// Bytes done with.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Bytes taken and not yet given.
    pub fn pending(&self) -> u64 {
        self.taken - self.given
    }

    /// The source's offset for the next byte to take.
    pub fn source_offset(&self) -> u64 {
        self.source_start + self.taken
    }

    /// The sink's offset for the next byte to give.
    pub fn sink_offset(&self) -> u64 {
        self.sink_start + self.given
    }
}

/// One kernel path.
pub trait Engine: Sync {
    /// Its name.
    fn name(&self) -> Name;

    /// Whether it can work on this pair at all; pure, no system call. Whether it is the best is the plan's business.
    ///
    /// # Errors
    /// The reason why not.
    fn suits(&self, ask: &Ask<'_>) -> Result<(), Reason>;

    /// Begins to move bytes from where `flow` stands.
    ///
    /// # Errors
    /// What the call that was needed to begin said (EMFILE for a private pipe, say): a refusal.
    fn open<'a>(
        &self,
        ask: &Ask<'a>,
        tuning: &Tuning,
        flow: &Flow,
        scratch: &'a mut Scratch,
    ) -> Result<Box<dyn Session + 'a>, (Side, Errno)>;
}

/// An engine at work on one pair.
pub trait Session {
    /// Moves some bytes, at most what is granted, and tells `flow`.
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step;

    /// Ends: waits for completions, and hands over what was taken and not given.
    fn settle(self: Box<Self>, flow: &mut Flow) -> Settled;
}
