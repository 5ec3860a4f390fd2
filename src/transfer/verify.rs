//! `--verify`: what is on the device is read back and held against the source.
//!
//! Reading from the page cache would prove nothing: it holds what was written, whatever the device made of it. So the
//! destination is flushed, the cache is asked to forget it, and it is read with O_DIRECT where the file system allows
//! that. A FUSE file system on a device has what it wrote in that device's cache, which is asked to forget it as well. Where
//! reading back proves nothing all the same (extents that are the source's own, a file system in memory), or less (what is
//! behind a program or a server), that is said and not passed over.

use super::in_step::{self, Back, Meter};
use super::progress::Phase;
use crate::engine::{End, Nature, Offsets, Side};
use crate::sys::extents::{self, Extent};
use crate::sys::facts::{Facts, FileSystem};
use crate::sys::mount;
use rustix::fs::{self, Advice};
use rustix::io::{self, Errno, retry_on_intr};
use std::ops::ControlFlow;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What was found.
    pub finding: Finding,
    /// Bytes of both that were held against each other.
    pub compared: u64,
    /// What its having been read back is worth.
    pub worth: Worth,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Every byte is the source's.
    Identical,
    /// The first byte that is not.
    Differs {
        /// Its offset.
        at: u64,
        /// The source's byte.
        source: u8,
        /// The destination's.
        sink: u8,
    },
    /// All bytes are equal as far as both go, but one goes further.
    Length {
        /// Bytes of the source.
        source: u64,
        /// Bytes of the destination.
        sink: u64,
    },
    /// The source is not what it was when it was copied, so nothing can be said of the copy.
    Changed(Change),
    /// Writing to the device failed (fdatasync): what was copied is lost in part.
    Lost(Errno),
    /// The destination cannot be read back: no file and no device of blocks.
    NotStored,
    /// The destination cannot be read back: this is what reading it said.
    Unreadable(Errno),
    /// The source cannot be read a second time: a pipe, a terminal.
    Once,
    /// The source cannot be read a second time: this is what reading it said.
    SourceUnreadable(Errno),
}

/// What changed of the source since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its size.
    Size,
    /// The time of its last modification.
    Modified,
    /// The time of its last change, which nobody can set back.
    Changed,
}

/// What it proves that the destination was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// The device has it: read past the page cache.
    Device,
    /// The device has it, as far as the page cache forgot it when asked to: the file system has no O_DIRECT.
    CacheDropped,
    /// Whoever serves the file system has it: a FUSE program, a server. Where from, nobody here can tell.
    Served,
    /// Nothing: so many bytes of the destination are the source's own on the device; they were not written.
    Shared(u64),
    /// Nothing: the file system is in memory.
    InMemory,
}

/// Reads the sink back. Its descriptor is open for reading and writing, and nothing is to be written to it after this
/// (O_DIRECT stays set); `cloned`: extents were shared by the copy. `meter` is told, and slows it down.
pub fn verify(source: &End<'_>, sink: &End<'_>, cloned: bool, meter: Meter<'_>) -> Verified {
    let stored = matches!(sink.nature, Nature::File | Nature::Block);
    if !stored {
        return Verified { finding: Finding::NotStored, compared: 0, worth: Worth::Device };
    }
    if let Err(errno) = retry_on_intr(|| fs::fdatasync(sink.fd)) {
        return Verified { finding: Finding::Lost(errno), compared: 0, worth: Worth::Device };
    }
    if source.offsets != Offsets::Explicit {
        return Verified { finding: Finding::Once, compared: 0, worth: Worth::Device };
    }
    let _ = fs::fadvise(sink.fd, 0, None, Advice::DontNeed); // clean now, so all of it can go
    let below = forget_below(sink);
    let back = Back::direct(sink.fd);
    meter.counters.phase(Phase::Verifying, true);
    let (finding, compared) = held_against(source, sink, &back, meter);
    meter.counters.phase(Phase::Verifying, false);
    let shared = shared(source, sink, cloned);
    // A device node has its name on devtmpfs, and what it holds elsewhere.
    let worth = if sink.is_regular() && sink.file_system == Some(FileSystem::Tmpfs) {
        Worth::InMemory
    } else if shared > 0 {
        Worth::Shared(shared)
    } else if let Some(worth) = below {
        worth
    } else if back.is_direct() {
        Worth::Device
    } else {
        Worth::CacheDropped
    };
    let finding = match (changed(source), finding) {
        (_, Finding::Unreadable(_)) | (None, _) => finding,
        (Some(change), _) => Finding::Changed(change),
    };
    Verified { finding, compared, worth }
}

/// What is read past the file's own cache may come from another one behind it: that of the device which a FUSE program
/// writes to is flushed and asked to forget; those of servers are out of reach. `None`: there is none.
fn forget_below(sink: &End<'_>) -> Option<Worth> {
    /// v9fs, `<linux/magic.h>`
    const NINE_P: FileSystem = FileSystem::Other(0x0102_1997);
    let served = [FileSystem::Fuse, FileSystem::Nfs, FileSystem::Cifs, FileSystem::Ceph, NINE_P];
    if !sink.is_regular() || !sink.file_system.is_some_and(|kind| served.contains(&kind)) {
        return None;
    }
    let Ok(device) = mount::device_below(sink.fd) else { return Some(Worth::Served) };
    let forgotten =
        retry_on_intr(|| fs::fdatasync(&device)).and_then(|()| fs::fadvise(&device, 0, None, Advice::DontNeed));
    Some(if forgotten.is_ok() { Worth::CacheDropped } else { Worth::Served })
}

fn held_against(source: &End<'_>, sink: &End<'_>, back: &Back<'_>, meter: Meter<'_>) -> (Finding, u64) {
    // The sizes are where both should end; what is beyond is looked for, whatever they say.
    let mut from = 0;
    let mut until = source.facts.size.max(Facts::of(sink.fd).map_or(0, |now| now.size));
    loop {
        let mut differs = None;
        let mut visit = |at: u64, from: &[u8], to: &[u8]| {
            if from == to {
                return ControlFlow::Continue(());
            }
            let first = from.iter().zip(to).position(|(a, b)| a != b).unwrap_or(0);
            differs = Some(Finding::Differs { at: at + first as u64, source: from[first], sink: to[first] });
            ControlFlow::Break(())
        };
        let walked = match in_step::walk(source, (sink, back), (from, until), (meter, Phase::Verifying), &mut visit) {
            Ok(walked) => walked,
            Err((Side::Source, errno)) => return (Finding::SourceUnreadable(errno), from),
            Err((_, errno)) => return (Finding::Unreadable(errno), from),
        };
        if let Some(differs) = differs {
            return (differs, walked.to);
        }
        if walked.to < until {
            return (at_the_end(source, sink, walked.to, (walked.source_ended, walked.sink_ended)), walked.to);
        }
        let more = retry_on_intr(|| io::pread(source.fd, &mut [0u8; 1], until));
        match more {
            Ok(0) => return (at_the_end(source, sink, until, (true, sink_ends(sink, until))), until),
            Ok(_) => (from, until) = (until, u64::MAX / 2),
            Err(errno) => return (Finding::SourceUnreadable(errno), until),
        }
    }
}

/// Whether the file has no byte at `at`, which its size says truly: it is ours, and was written by size.
fn sink_ends(sink: &End<'_>, at: u64) -> bool {
    Facts::of(sink.fd).is_ok_and(|now| now.size <= at)
}

/// One of them has no byte at `at`. A device goes on behind what was copied to it.
fn at_the_end(source: &End<'_>, sink: &End<'_>, at: u64, (source_ended, sink_ended): (bool, bool)) -> Finding {
    let size = |end: &End<'_>, ended: bool| {
        if ended { at } else { Facts::of(end.fd).map_or(at, |now| now.size).max(at + 1) }
    };
    match (source_ended, sink_ended) {
        (true, _) if sink.nature == Nature::Block => Finding::Identical,
        (true, true) => Finding::Identical,
        _ => Finding::Length { source: size(source, source_ended), sink: size(sink, sink_ended) },
    }
}

fn changed(source: &End<'_>) -> Option<Change> {
    if !source.is_regular() {
        return None; // a device's times say nothing of what it holds
    }
    let Ok(now) = Facts::of(source.fd) else { return Some(Change::Changed) };
    let then = &source.facts;
    if source.file_system == Some(FileSystem::Pseudo) {
        None // made up when read, the times as well
    } else if now.size != then.size {
        Some(Change::Size)
    } else if now.modified != then.modified {
        Some(Change::Modified)
    } else if now.changed != then.changed {
        Some(Change::Changed)
    } else {
        None
    }
}

/// Bytes of the sink that are the source's own on the device. FIEMAP says of an extent that it is shared, not with whom:
/// with the source it is if that has the same place of the device at the same byte.
fn shared(source: &End<'_>, sink: &End<'_>, cloned: bool) -> u64 {
    if cloned {
        return sink.facts.size.max(source.facts.size);
    }
    let may_share = sink.is_regular() && source.is_regular() && sink.file_system == source.file_system;
    if !may_share || !sink.file_system.is_some_and(FileSystem::shares_extents) {
        return 0;
    }
    let Ok(theirs) = extents::of(sink.fd) else { return 0 };
    if !theirs.iter().any(|extent| extent.shared) {
        return 0;
    }
    extents::of(source.fd).map_or(0, |ours| common(&ours, &theirs))
}

/// Bytes that both have at the same place of the device for the same place of the file.
fn common(ours: &[Extent], theirs: &[Extent]) -> u64 {
    let mut bytes = 0;
    let (mut i, mut j) = (0, 0);
    while let (Some(a), Some(b)) = (ours.get(i), theirs.get(j)) {
        let (a_end, b_end) = (a.logical + a.length, b.logical + b.length);
        let (from, to) = (a.logical.max(b.logical), a_end.min(b_end));
        let one_place = a.physical.wrapping_sub(a.logical) == b.physical.wrapping_sub(b.logical);
        if from < to && one_place && a.placed && b.placed && b.shared {
            bytes += to - from;
        }
        if a_end <= b_end {
            i += 1;
        } else {
            j += 1;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::{Counters, endpoint};
    use std::fs::File;
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::FileExt as _;

    fn file(directory: &str, bytes: &[u8]) -> File {
        let flags = fs::OFlags::TMPFILE | fs::OFlags::RDWR | fs::OFlags::CLOEXEC;
        let file = File::from(fs::open(directory, flags, fs::Mode::from_raw_mode(0o600)).expect("open"));
        file.write_all_at(bytes, 0).expect("write");
        file
    }

    fn end(file: &File) -> End<'_> {
        let mut end = endpoint::own(file.as_fd(), Facts::of(file).expect("facts"));
        end.file_system = FileSystem::of(file).ok();
        end
    }

    fn against(source: &End<'_>, sink: &End<'_>) -> Verified {
        verify(source, sink, false, Meter { counters: &Counters::new(), limit: None })
    }

    const HERE: &str = env!("CARGO_MANIFEST_DIR");

    fn found(source: &File, sink: &File) -> Verified {
        against(&end(source), &end(sink))
    }

    #[test]
    fn the_first_byte_that_differs_is_named() {
        for length in [1usize, 4096, 5000, 3 << 20, (11 << 20) + 5] {
            let mut bytes = vec![7u8; length];
            let source = file(HERE, &bytes);
            let verified = found(&source, &file(HERE, &bytes));
            assert_eq!((verified.finding, verified.compared), (Finding::Identical, length as u64));
            for at in [0, length / 2, length - 1] {
                bytes[at] = 9;
                let expected = Finding::Differs { at: at as u64, source: 7, sink: 9 };
                assert_eq!(found(&source, &file(HERE, &bytes)).finding, expected);
                bytes[at] = 7;
            }
        }
    }

    #[test]
    fn lengths_that_differ_are_named() {
        for (a, b) in [(0, 1), (1, 0), (4096, 8192), (9 << 20, (9 << 20) + 1), (20 << 20, 3)] {
            let (source, sink) = (file(HERE, &vec![7; a]), file(HERE, &vec![7; b]));
            assert_eq!(found(&source, &sink).finding, Finding::Length { source: a as u64, sink: b as u64 });
        }
        assert_eq!(found(&file(HERE, b""), &file(HERE, b"")).finding, Finding::Identical);
    }

    #[test]
    fn a_source_that_changed_since_is_told_from_a_bad_copy() {
        let (source, sink) = (file(HERE, b"before"), file(HERE, b"before"));
        let then = end(&source);
        source.write_all_at(b"longer than before", 0).expect("write");
        assert_eq!(against(&then, &end(&sink)).finding, Finding::Changed(Change::Size));
        let then = end(&source);
        let sink = file(HERE, b"longer than before");
        std::thread::sleep(std::time::Duration::from_millis(20)); // more than a tick of the file system's clock
        source.write_all_at(b"L", 0).expect("write");
        assert_eq!(against(&then, &end(&sink)).finding, Finding::Changed(Change::Modified));
    }

    #[test]
    fn what_cannot_be_read_back_or_again_is_said() {
        let null = File::options().read(true).write(true).open("/dev/null").expect("open");
        let some = file(HERE, b"some");
        assert_eq!(found(&some, &null).finding, Finding::NotStored);
        let (reader, _writer) = rustix::pipe::pipe().expect("pipe");
        let reader = File::from(reader);
        assert_eq!(found(&reader, &some).finding, Finding::Once);
        let only_written = File::options().write(true).open(format!("/proc/self/fd/{}", fd(&some))).expect("open");
        assert_eq!(found(&some, &only_written).finding, Finding::Unreadable(Errno::BADF));
    }

    fn fd(file: &File) -> i32 {
        std::os::fd::AsRawFd::as_raw_fd(file)
    }

    #[test]
    fn memory_is_no_device() {
        let memory = || {
            let fd = fs::memfd_create("zccp-test", fs::MemfdFlags::CLOEXEC).expect("memfd");
            let file = File::from(fd);
            file.write_all_at(b"in memory", 0).expect("write");
            file
        };
        let verified = found(&memory(), &memory());
        assert_eq!((verified.finding, verified.worth), (Finding::Identical, Worth::InMemory));
    }

    #[test]
    fn shared_bytes_are_those_at_one_place() {
        let extent = |logical, physical, length, shared| Extent { logical, physical, length, shared, placed: true };
        let ours = [extent(0, 1000, 100, true), extent(100, 5000, 100, true), extent(300, 9000, 50, false)];
        assert_eq!(common(&ours, &ours), 200);
        assert_eq!(common(&ours, &[extent(50, 1050, 100, true)]), 50);
        assert_eq!(common(&ours, &[extent(50, 1051, 100, true)]), 0);
        assert_eq!(common(&ours, &[extent(300, 9000, 50, false)]), 0);
        assert_eq!(common(&ours, &[extent(120, 5020, 10, true), extent(140, 5040, 5, true)]), 15);
    }
}
