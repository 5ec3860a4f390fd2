//! Which engines, best first, and for each passed-over one the reason. Pure: no system call is made here.
//!
//! The order for a pair is what was measured for it (`cargo bench --bench compare` measures it again), not how modern a call
//! is. An engine that cannot work says so itself (`Engine::suits`); what would not pay is decided here.

use super::capabilities::Capabilities;
use crate::engine::{self, Ask, Name, Nature, Reason, Reflink, Sparse, Tuning};
use crate::sys::facts::FileSystem;

use super::endpoint::{GROW_FROM, SMALL_FILE, is_big};
use super::preallocate;

/// A second thread and preallocation pay from this many bytes on.
pub(super) const BIG: u64 = 8 << 20;

/// Block of a big file, bytes. Two threads that look out for their turn, 512 MiB, C: with ⅛, ¼, ½ and 1 MiB ext4 0.054,
/// 0.051, 0.047, 0.046 s (Linux 6.18, 2 processors, quiet; a hot buffer written again and again, which is the least a
/// single writer can take: 0.048 s). What a thread has read it writes itself, out of its own processor's cache: with one
/// thread that only reads and one that only writes the same took 0.050 to 0.069 s, xfs 0.028 to 0.044 instead of 0.027.
/// Never 2 MiB: such a write asks ext4 and xfs for a folio of 2 MiB, and where a host takes free memory back (free page
/// reporting) none of those is backed: ext4 0.92 s, xfs 0.63 s.
const BIG_BLOCK: usize = 512 * 1024;

/// The same onto tmpfs, whose pages are single: it takes 0.3 ms for a MiB, so the threads sleep in between and are woken
/// in time (`engine::read_write`).
const TMPFS_BLOCK: usize = 2 << 20;

/// Block of other files, bytes: 64 KiB 1.5, 128 KiB 3.4, 256 KiB 4.5, 1 MiB 3.8 GB/s (a C program, 512 MiB from and to ext4,
/// two AMD EPYC processors, Linux 6.18).
const BLOCK: usize = 256 * 1024;

/// What a private pipe is asked to hold, bytes. Into a pipe of 1 MiB a GB cost sender and reader 82 ms of processor time by
/// way of 512 KiB, 115 by way of 64 KiB, 96 spliced straight (a C program, 128 MiB, 2 processors, Linux 6.18).
const PIPE: usize = 512 * 1024;

/// What a pipe holds that nobody has made larger, bytes (pipe(7)).
const ORDINARY_PIPE: usize = 64 * 1024;

/// One message to a socket that keeps message boundaries, bytes: below every default SO_SNDBUF, and below UDP's 65,507.
const MESSAGE: usize = 32 * 1024;

/// The plan of one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The engines to try, best first.
    pub engines: Vec<Name>,
    /// The others, and why not.
    pub passed_over: Vec<(Name, Reason)>,
    /// How they are to work.
    pub tuning: Tuning,
    /// The user chose the engines.
    pub forced: bool,
    /// Holes of the source are asked for and kept.
    pub seek_holes: bool,
    /// Allocate ahead of the writing.
    pub preallocate: bool,
    /// So many last bytes of the source are read and written, when an engine passes pages by reference.
    pub by_value: u64,
}

impl Plan {
    /// Chooses for `ask`, with what has been learned in this run.
    pub fn of(ask: &Ask<'_>, learned: &Capabilities) -> Plan {
        let forced = !ask.policy.engines.is_empty();
        let (wanted, why_not) = wanted(ask);
        let devices = (ask.source.facts.device, ask.sink.facts.device);
        let mut engines = Vec::with_capacity(3);
        let mut passed_over = Vec::with_capacity(Name::ALL.len());
        for &name in &wanted {
            match suits(ask, name) {
                Ok(()) => match learned.refusal(name, devices) {
                    Some(errno) => passed_over.push((name, Reason::Remembered(errno))),
                    None => engines.push(name),
                },
                Err(reason) => passed_over.push((name, reason)),
            }
        }
        if engines.is_empty() {
            // What refused one file may take another (the layers of an overlay differ), and nothing else is allowed.
            let remembered = |(_, reason): &mut (Name, Reason)| matches!(reason, Reason::Remembered(_));
            engines.extend(passed_over.extract_if(.., remembered).map(|(name, _)| name));
        }
        for name in Name::ALL {
            if !wanted.contains(&name) {
                let cannot = if forced { None } else { engine::named(name).suits(ask).err() };
                let reason = cannot.unwrap_or_else(|| why_not(ask, name));
                passed_over.push((name, reason));
            }
        }
        Plan {
            tuning: tuning(ask),
            forced,
            seek_holes: seeks_holes(ask),
            preallocate: preallocates(ask),
            by_value: by_value(ask),
            engines,
            passed_over,
        }
    }
}

/// Whether an engine can do what was asked.
fn suits(ask: &Ask<'_>, name: Name) -> Result<(), Reason> {
    let forced = !ask.policy.engines.is_empty();
    if !forced && ask.policy.reflink == Reflink::Always {
        return Ok(()); // it is FICLONE that has to say why not
    }
    if forced && makes_holes(ask) && !matches!(name, Name::Reflink | Name::ReadWrite) {
        return Err(Reason::SparseAlways);
    }
    engine::named(name).suits(ask)
}

/// Whether runs of zeros are to be left out.
fn makes_holes(ask: &Ask<'_>) -> bool {
    ask.policy.sparse == Sparse::Always && ask.sink.is_regular()
}

type WhyNot = fn(&Ask<'_>, Name) -> Reason;

/// The engines that would be best for this pair, best first, and what to say of the others.
fn wanted(ask: &Ask<'_>) -> (Vec<Name>, WhyNot) {
    use Name::{Mmap, ReadWrite, Reflink as Clone, Sendfile, Splice};
    let policy = ask.policy;
    if !policy.engines.is_empty() {
        return (policy.engines.clone(), |_, _| Reason::NotListed);
    }
    if policy.reflink == Reflink::Always {
        return (vec![Clone], |_, _| Reason::ReflinkAlways);
    }
    if ask.source.nature == Nature::Tty || ask.sink.nature == Nature::Tty {
        return (vec![ReadWrite], |_, _| Reason::Terminal);
    }
    if ask.source.file_system == Some(FileSystem::Pseudo) || ask.sink.file_system == Some(FileSystem::Pseudo) {
        return (vec![ReadWrite], |_, _| Reason::Pseudo);
    }
    match (ask.source.nature, ask.sink.nature) {
        (Nature::File, Nature::File) => file_to_file(ask),
        (Nature::File | Nature::Block, Nature::Pipe { capacity }) => match ask.expected {
            Some(bytes) if bytes > capacity => (vec![Splice, ReadWrite], slower),
            Some(_) => (vec![ReadWrite], |_, _| Reason::FitsThePipe),
            None => (vec![ReadWrite], |_, _| Reason::SizeUnknown),
        },
        (Nature::File | Nature::Block, Nature::Socket(socket)) if socket.leaves_by_device() => match ask.expected {
            Some(bytes) if bytes > socket.queue => (vec![Sendfile, ReadWrite], slower),
            Some(_) => (vec![ReadWrite], |_, _| Reason::FitsTheSocket),
            None => (vec![ReadWrite], |_, _| Reason::SizeUnknown),
        },
        // To what may be a container on this machine all goes by value: of a file that is cut short, pages would be in the peer's
        // queue when the program ends, where nobody can wait for them. 512 MiB over veth: read and write 279 ms and 267 of the
        // sender's processor, mmap 320 and 295, sendfile, which is what it costs, 237 and 172; GNU cat 305 and 296, nc 964 and
        // 940 (6.18, 2 Intel processors, `zccat --engine=NAME`, medians of 7 in turn, reader with 256 KiB).
        (Nature::File | Nature::Block, Nature::Socket(socket)) if socket.is_tcp() && !socket.local => {
            (vec![ReadWrite], by_reference_is_unsafe)
        }
        // Over loopback: one copy, into the socket. Pages that are handed on as they are (sendfile) have to come to the
        // receiver's processor from memory, and it is the slower of the two then; and whoever sends pieces of 256 KiB wakes it
        // half again as often as one who sends 2 MiB. 512 MiB from ext4, wall and sender's processor time: mmap 166 ms and
        // 0.57 of nc's; sendfile, in another run, 315 ms and 1.17; GNU cat 268 and 260 ms. Up to one block there is no
        // difference: 512 files of 256 KiB 56 ms and 55, but 128 of 1 MiB 48 and 57 (docs/numbers-cat.md).
        (Nature::File | Nature::Block, Nature::Socket(socket)) if socket.is_tcp() => match ask.expected {
            Some(bytes) if bytes > BLOCK as u64 => (vec![Mmap, ReadWrite], slower),
            Some(_) => (vec![ReadWrite], |_, _| Reason::Small),
            None => (vec![ReadWrite], |_, _| Reason::SizeUnknown),
        },
        // Into a unix socket, so much as may be unread when the program ends goes by value, and a file that is no larger
        // goes so as a whole. Sender's processor time as against 256 KiB of read and write: splice 0.37, sendfile 0.42, mmap
        // 1.6; GB/s 4.4, 3.5, 1.4, and 2.3 for read and write (6.18, 512 MiB from ext4 to `socat -u -b 262144`, medians of
        // 7 in turn).
        (Nature::File | Nature::Block, Nature::Socket(socket)) if socket.is_unix_stream() => match ask.expected {
            Some(bytes) if bytes > socket.queue => (vec![Splice, ReadWrite], slower),
            Some(_) => (vec![ReadWrite], |_, _| Reason::FitsTheSocket),
            None => (vec![ReadWrite], |_, _| Reason::SizeUnknown),
        },
        (Nature::File | Nature::Block, Nature::Device) if ask.expected.is_some_and(|bytes| bytes > SMALL_FILE) => {
            (vec![Splice, ReadWrite], slower) // /dev/null; /dev/full refuses, and write tells why
        }
        (Nature::Device, Nature::Pipe { .. }) => (vec![Splice, ReadWrite], slower),
        (Nature::Pipe { .. } | Nature::Socket(_), Nature::Pipe { .. } | Nature::Socket(_) | Nature::File) => {
            (vec![Splice, ReadWrite], slower)
        }
        _ => (vec![ReadWrite], slower),
    }
}

fn file_to_file(ask: &Ask<'_>) -> (Vec<Name>, WhyNot) {
    use Name::{CopyFileRange, ReadWrite, Reflink as Clone, Splice};
    let (Some(from), Some(to)) = (ask.source.file_system, ask.sink.file_system) else {
        return (vec![ReadWrite], |_, _| Reason::Small); // so small that nothing was asked
    };
    if ask.expected.is_none() {
        return (vec![ReadWrite], |_, _| Reason::SizeUnknown);
    }
    if ask.expected.is_some_and(|bytes| bytes <= SMALL_FILE) && !ask.source.facts.looks_sparse() {
        return (vec![ReadWrite], |_, _| Reason::Small);
    }
    let copied: &[Name] = if is_spliced(ask, from, to) { &[Splice, ReadWrite] } else { &[ReadWrite] };
    if from != to {
        return (copied.to_vec(), different);
    }
    if ask.policy.sparse == Sparse::Always {
        let shares = from.shares_extents();
        return (if shares { vec![Clone, ReadWrite] } else { vec![ReadWrite] }, every_byte);
    }
    match from {
        FileSystem::Xfs | FileSystem::Btrfs | FileSystem::Bcachefs | FileSystem::Ocfs2 => {
            ([&[Clone], copied].concat(), cannot)
        }
        FileSystem::Zfs | FileSystem::Other(_) => (vec![Clone, CopyFileRange, ReadWrite], cannot),
        _ if from.offloads() => (vec![Clone, CopyFileRange, ReadWrite], cannot),
        _ => (copied.to_vec(), cannot),
    }
}

fn slower(_: &Ask<'_>, name: Name) -> Reason {
    if name == Name::Zerocopy { Reason::OnlyWhenAsked } else { Reason::Slower }
}

/// For what may be another network on this machine.
fn by_reference_is_unsafe(ask: &Ask<'_>, name: Name) -> Reason {
    if matches!(name, Name::Sendfile | Name::Splice) { Reason::MayStayHere } else { slower(ask, name) }
}

/// For `--sparse=always`.
fn every_byte(ask: &Ask<'_>, name: Name) -> Reason {
    if name == Name::Reflink { cannot(ask, name) } else { Reason::SparseAlways }
}

/// For files on one kind of file system.
fn cannot(ask: &Ask<'_>, name: Name) -> Reason {
    let file_system = ask.sink.file_system.unwrap_or(FileSystem::Other(0));
    match name {
        Name::Reflink if !file_system.shares_extents() => Reason::CannotShare(file_system),
        Name::CopyFileRange => Reason::NoOffload(file_system),
        _ => slower(ask, name),
    }
}

impl Plan {
    /// How the engines are to work on `bytes` bytes that are left: neither a second thread nor a large block pays for a
    /// short extent or for the read that confirms the end.
    pub fn tuning_for(&self, bytes: Option<u64>) -> Tuning {
        match bytes {
            Some(bytes) if bytes < engine::scratch::SMALL as u64 => {
                Tuning { block: self.tuning.block.min(engine::scratch::SMALL), threads: 1, ..self.tuning }
            }
            Some(bytes) if bytes < BIG && self.tuning.threads > 1 => Tuning { block: BLOCK, threads: 1, ..self.tuning },
            _ => self.tuning,
        }
    }
}

/// For files on two kinds of file system.
fn different(ask: &Ask<'_>, name: Name) -> Reason {
    let of = |file_system: Option<FileSystem>| file_system.unwrap_or(FileSystem::Other(0));
    match name {
        Name::Reflink | Name::CopyFileRange => {
            Reason::DifferentFileSystems(of(ask.source.file_system), of(ask.sink.file_system))
        }
        _ => slower(ask, name),
    }
}

/// Whether two files are copied once, within the kernel, instead of twice by read and write.
///
/// Up to [`BIG`]: trees of such files by two workers, splice's time as against read and write's: ext4 into itself, files of
/// 40 KiB 0.85 (0.83), 100 KiB 0.90 (0.99), 256 KiB 0.89 (0.84), 1 MiB 0.84 (0.74), 4 MiB 0.78 (0.71); tmpfs 0.87 (0.77), 0.84
/// (0.74), 0.77 (0.87), 0.90 (0.69), 1.00 (0.91); from tmpfs onto xfs 0.67 (0.62), onto ext4 0.60 (0.62); from tmpfs and ext4
/// onto btrfs, 100 KiB 0.97, 256 KiB 0.95 and 0.89, 1 MiB, 4 MiB and 16 MiB 0.84 to 0.87. By one worker: btrfs 0.87 to 0.93, ext4
/// 1.14, 1.07, 0.87, 0.87, 0.77; tmpfs 40 KiB 1.69 (1.25), 256 KiB 1.02 (0.88). (Medians and, in parentheses, least of 9 runs
/// in turn, with a pipe of [`PIPE`] beside the program that read and wrote; again by `-r` beside `-r --sparse=never`; Linux
/// 6.18, 2 Intel processors, a noisy virtual machine.) What goes by one read and one write stays with them.
///
/// Big ones where there is but one processor for this copy. 512 MiB on one: onto ext4, with room allocated ahead, splice 0.067
/// s, read and write 0.074; onto tmpfs the same. With two, two threads read and write in 0.047 s on ext4 (0.090 of processor
/// time), and no one has found a way for two to splice faster than one: filling the private pipes is a seventh of the work,
/// and taking from pages another processor has just counted is slower (0.066 to 0.078 s). Onto btrfs, which spends most of its
/// time on its own, a second thread gains nothing: from ext4 512 MiB by splice 245 ms, by two threads that read and write 293
/// (and 0.25 s of processor time against 0.39), 128 MiB 64 and 73 (medians of 11 in turn, Linux 6.18, 2 Intel processors).
fn is_spliced(ask: &Ask<'_>, from: FileSystem, to: FileSystem) -> bool {
    // Both have their bytes in the page cache, and the source tells by its times that it was changed.
    let measured = matches!(from, FileSystem::Ext4 | FileSystem::Xfs | FileSystem::Btrfs | FileSystem::Tmpfs)
        && matches!(to, FileSystem::Ext4 | FileSystem::Xfs | FileSystem::Btrfs | FileSystem::Tmpfs);
    // `--sparse=never` asks that every byte be written, and nothing left to the kernel.
    let plain = ask.policy.sparse == Sparse::Auto;
    measured && plain && (is_middling(ask) || is_big(ask) && (ask.processors == Some(1) || to == FileSystem::Btrfs))
}

/// Whether it is a file into a file of our own, too long for one read and one write and shorter than [`BIG`].
fn is_middling(ask: &Ask<'_>) -> bool {
    let own = |end: &engine::End<'_>| end.is_regular() && end.offsets == engine::Offsets::Explicit;
    let length = engine::scratch::SMALL as u64 + 1..BIG;
    own(&ask.source) && own(&ask.sink) && !ask.sink.append && ask.expected.is_some_and(|bytes| length.contains(&bytes))
}

fn tuning(ask: &Ask<'_>) -> Tuning {
    let holes = makes_holes(ask).then(|| (ask.sink.facts.block_size as usize).clamp(512, 4096));
    let files = ask.source.facts.has_offsets() && ask.sink.facts.has_offsets();
    let big = files && is_big(ask) && holes.is_none();
    // A stream is cut into messages that any datagram socket takes; a message that comes in goes out as it is.
    let keeps_messages = |end: &engine::End<'_>| end.socket().is_some_and(|socket| !socket.stream);
    let splices = ask.sink.is_pipe() || ask.source.is_pipe();
    let threads = if big && ask.processors != Some(1) { 2 } else { 1 };
    let block = if keeps_messages(&ask.sink) && !keeps_messages(&ask.source) {
        MESSAGE
    } else if threads > 1 && ask.sink.file_system == Some(FileSystem::Tmpfs) {
        TMPFS_BLOCK
    } else if big {
        BIG_BLOCK
    } else if ask.sink.is_regular() && ask.expected.is_some_and(|bytes| bytes < engine::scratch::SMALL as u64) {
        engine::scratch::SMALL
    } else if is_middling(ask) {
        // What a pipe holds that is not grown is enough for the shorter ones: trees of 100 and 256 KiB take 1.02 to 1.03 of
        // the time, of 1 MiB onto ext4 1.37 and onto xfs 1.15; single files of 100 and 256 KiB 0.96 (medians of 9 runs in
        // turn, of 200 for single files). And growing one costs an ordinary user 50 µs (`sys::pipe`).
        if ask.expected.is_some_and(|bytes| bytes < PIPE as u64) { ORDINARY_PIPE } else { PIPE }
    } else if splices {
        if ask.expected.is_some_and(|bytes| bytes < GROW_FROM) { ORDINARY_PIPE } else { PIPE }
    } else {
        BLOCK
    };
    Tuning { block, threads, holes }
}

fn seeks_holes(ask: &Ask<'_>) -> bool {
    ask.policy.sparse != Sparse::Never
        && ask.source.facts.looks_sparse()
        && ask.sink.is_regular()
        && !ask.sink.append
        && ask.source.offsets == engine::Offsets::Explicit
        && ask.sink.offsets == engine::Offsets::Explicit
        && ask.source.file_system != Some(FileSystem::Pseudo)
}

fn preallocates(ask: &Ask<'_>) -> bool {
    ask.sink.file_system.is_some_and(preallocate::pays_on)
        && ask.sink.is_regular()
        && ask.sink.offsets == engine::Offsets::Explicit
        && !ask.sink.append
        && is_big(ask)
        && !seeks_holes(ask)
        && ask.policy.sparse != Sparse::Always
}

/// How many last bytes have to go by value, so that what is still queued when the program ends is no page of the source:
/// a pipe holds its capacity, a unix socket about its buffer, TCP at most the largest send buffer, and unless a device takes
/// them the largest receive buffer besides: loopback, and veth to a container, hand the pages themselves on to the receiver's
/// queue.
fn by_value(ask: &Ask<'_>) -> u64 {
    if !matches!(ask.source.nature, Nature::File | Nature::Block) {
        return 0; // nobody can change what a pipe or socket held
    }
    match ask.sink.nature {
        Nature::Pipe { capacity } => capacity,
        Nature::Socket(socket) => socket.queue,
        _ => 0,
    }
}
