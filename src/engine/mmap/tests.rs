//! The session driven as the driver does: what does not count is cut off, and read_write goes on.

use super::*;
use crate::engine::{Policy, named};
use crate::sys::facts::Facts;
use rustix::fs::{self, SeekFrom};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// A tmpfs, and the disk the project lies on.
const PLACES: [&str; 2] = ["/dev/shm", "."];

/// Not a multiple of the page size, and more than one window.
const SIZE: usize = (5 << 20) + 12_388;

/// A file without a name, holding `bytes`.
fn file(place: &str, bytes: &[u8]) -> File {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::path::Path::new(place).join(format!(".mmap-test-{}-{number}", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).expect("create");
    std::fs::remove_file(&path).expect("remove");
    file.write_all_at(bytes, 0).expect("fill");
    file
}

/// No byte is 0, and the bytes at different places differ.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| 1 + ((i ^ (i >> 8) ^ (i >> 16)) % 255) as u8).collect()
}

fn end(fd: BorrowedFd<'_>, offsets: Offsets, start: u64, nature: Nature) -> End<'_> {
    let facts = Facts::of(fd).expect("fstat");
    End { fd, facts, offsets, start, nature, file_system: None, append: false, direct: false }
}

fn own(file: &File) -> End<'_> {
    end(file.as_fd(), Offsets::Explicit, 0, Nature::File)
}

fn stream<T: AsFd>(fd: &T, nature: Nature) -> End<'_> {
    end(fd.as_fd(), Offsets::None, 0, nature)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Copied {
    by_mmap: u64,
    given: u64,
    changed: bool,
}

/// Copies by mmap in grants of `most` bytes and then by read_write, as the driver does.
fn copy(source: End<'_>, sink: End<'_>, most: u64) -> Copied {
    let policy = Policy::default();
    let ask =
        Ask { source, sink, expected: Some(source.facts.size), replaced: false, policy: &policy, processors: None };
    let tuning = Tuning { block: 256 * 1024, threads: 2, holes: None };
    let mut scratch = Scratch::new();
    let mut flow = Flow::from(source.start, sink.start);
    let mut copied = Copied::default();
    Mmap.suits(&ask).expect("mmap suits");
    let mut session = Mmap.open(&ask, &tuning, &flow, &mut scratch).expect("open");
    loop {
        match session.step(&mut flow, Grant { bytes: most, more: true }) {
            Step::Moved(n) => copied.by_mmap += n,
            Step::Zero => break,
            Step::Changed => {
                copied.changed = true;
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    let settled = session.settle(&mut flow);
    assert_eq!(settled.remarks.is_empty(), !copied.changed);
    assert_eq!(settled.error, None);
    assert_eq!(settled.carry, [], "a window was neither whole nor nothing");
    if copied.changed && !sink.is_regular() {
        assert!(scratch.pipe.is_none(), "bytes that do not count were left in the pipe");
    }
    if flow.spoiled() > 0 {
        fs::ftruncate(sink.fd, flow.sink_offset()).expect("ftruncate");
    }
    let mut session = named(Name::ReadWrite).open(&ask, &tuning, &flow, &mut scratch).expect("open");
    loop {
        match session.step(&mut flow, Grant { bytes: u64::MAX, more: false }) {
            Step::Moved(_) => {}
            Step::End => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(session.settle(&mut flow).carry.is_empty());
    copied.given = flow.given();
    copied
}

/// What a pipe's reader got of what `work` wrote to it.
fn through_pipe<T>(work: impl FnOnce(&std::io::PipeWriter) -> T) -> (T, Vec<u8>) {
    let (mut reader, writer) = std::io::pipe().expect("pipe");
    std::thread::scope(|scope| {
        let got = scope.spawn(move || {
            let mut got = Vec::new();
            reader.read_to_end(&mut got).map(|_| got).expect("read")
        });
        let worked = work(&writer);
        drop(writer);
        (worked, got.join().expect("join"))
    })
}

fn contents(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; Facts::of(file).expect("fstat").size as usize];
    file.read_exact_at(&mut bytes, 0).expect("read");
    bytes
}

#[test]
fn whole_files_go_by_mmap() {
    let bytes = pattern(SIZE);
    let all = Copied { by_mmap: SIZE as u64, given: SIZE as u64, changed: false };
    for place in PLACES {
        let source = file(place, &bytes);
        for most in [u64::MAX, 1 << 20, 100_001] {
            let sink = file(place, b"");
            assert_eq!(copy(own(&source), own(&sink), most), all);
            assert!(contents(&sink) == bytes, "{place}, {most} at a time");
            let (copied, got) =
                through_pipe(|to| copy(own(&source), stream(to, Nature::Pipe { capacity: 65536 }), most));
            assert_eq!(copied, all);
            assert!(got == bytes, "{place} to a pipe, {most} at a time");
        }
    }
}

#[test]
fn an_inherited_source_is_read_from_where_it_stands_and_left_at_the_end() {
    let bytes = pattern(SIZE);
    let source = file(".", &bytes);
    let sink = file(".", b"");
    fs::seek(&source, SeekFrom::Start(1_000)).expect("seek");
    let from = end(source.as_fd(), Offsets::Shared, 1_000, Nature::File);

    let policy = Policy::default();
    let ask =
        Ask { source: from, sink: own(&sink), expected: None, replaced: false, policy: &policy, processors: None };
    let tuning = Tuning { block: 65536, threads: 1, holes: None };
    let (mut scratch, mut flow) = (Scratch::new(), Flow::from(1_000, 0));
    let mut session = Mmap.open(&ask, &tuning, &flow, &mut scratch).expect("open");
    let moved = session.step(&mut flow, Grant { bytes: 10_000, more: true });
    let Step::Moved(n) = moved else { panic!("{moved:?}") };
    assert_eq!((1_000 + n) % page_size(), 0, "the next window begins with a page");
    assert_eq!(fs::tell(&source), Ok(1_000 + n));
    drop(session);

    fs::seek(&source, SeekFrom::Start(1_000)).expect("seek");
    fs::ftruncate(&sink, 0).expect("ftruncate");
    let copied = copy(from, own(&sink), u64::MAX);
    assert_eq!(copied.by_mmap, SIZE as u64 - 1_000);
    assert_eq!(fs::tell(&source), Ok(SIZE as u64));
    assert!(contents(&sink) == bytes[1_000..]);
}

#[test]
fn a_window_counts_only_if_the_file_was_left_alone() {
    let bytes = pattern(131_072);
    for place in PLACES {
        type Change = fn(&File);
        let cut: Change = |file| fs::ftruncate(file, 12_388).expect("ftruncate");
        let gone: Change = |file| fs::ftruncate(file, 0).expect("ftruncate");
        let regrown: Change = |file| {
            fs::ftruncate(file, 12_388).expect("ftruncate");
            file.write_all_at(&pattern(131_072)[12_388..], 12_388).expect("regrow");
        };
        let alone: Change = |_| {};
        for (change, counts) in [(cut, false), (gone, false), (regrown, false), (alone, true)] {
            let file = file(place, &bytes);
            let sink = self::file(place, b"");
            let mut source = Source { end: own(&file), changed_at: None };
            let mut flow = Flow::from(0, 0);
            let window = source.window(&mut flow, u64::MAX, Pages::AsMet).expect("map").expect("not empty");
            change(&file);
            // Whatever is behind the pages now: no signal.
            let written = window.map.pwrite_to(&sink, 0);
            let checked = source.check(&mut flow, &window);
            assert_eq!(checked, if counts { Ok(()) } else { Err(Step::Changed) }, "{place}: {written:?}");
            assert_eq!(flow.is_disturbed(), !counts);
            assert_eq!(source.remarks().len(), usize::from(!counts));
        }
    }
}

/// Cuts the file short and lets it grow again, with the right bytes in the right places, over and over.
fn disturb(file: &File, bytes: &[u8], stop: &AtomicBool) {
    let mut seed = 1_u32;
    while !stop.load(Ordering::Relaxed) {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = (seed >> 8) as usize % bytes.len();
        fs::ftruncate(file, at as u64).expect("ftruncate");
        file.write_all_at(&bytes[at..], at as u64).expect("regrow");
    }
}

#[test]
fn a_source_cut_and_regrown_yields_no_byte_that_was_not_in_it() {
    let bytes = pattern((512 << 10) + 77);
    let (mut changed, mut unchanged) = (0, 0);
    for place in PLACES {
        let source = file(place, &bytes);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| disturb(&source, &bytes, &stop));
            // The others end when this one does, also by a panic.
            let _stop = Stop(&stop);
            for round in 0..200 {
                let from = End { facts: Facts { size: bytes.len() as u64, ..own(&source).facts }, ..own(&source) };
                let most = [u64::MAX, 128 * 1024, 65_535][round % 3];
                let (copied, got) = if round % 2 == 0 {
                    let sink = file(place, b"");
                    (copy(from, own(&sink), most), contents(&sink))
                } else {
                    through_pipe(|to| copy(from, stream(to, Nature::Pipe { capacity: 65536 }), most))
                };
                assert_eq!(got.len() as u64, copied.given);
                let wrong = got.iter().zip(&bytes).position(|(got, was)| got != was);
                assert_eq!(wrong, None, "{place}, round {round}: {copied:?}");
                *if copied.changed { &mut changed } else { &mut unchanged } += 1;
            }
        });
    }
    assert!(changed > 0, "nothing was disturbed in {unchanged} rounds");
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_the_sink_refuses_is_handed_over() {
    let bytes = pattern(SIZE);
    let source = file(".", &bytes);
    let full = OpenOptions::new().write(true).open("/dev/full").expect("open");
    let policy = Policy::default();
    let sink = stream(&full, Nature::Device);
    let ask = Ask {
        source: own(&source),
        sink,
        expected: Some(SIZE as u64),
        replaced: false,
        policy: &policy,
        processors: None,
    };
    let tuning = Tuning { block: 65536, threads: 1, holes: None };
    let (mut scratch, mut flow) = (Scratch::new(), Flow::from(0, 0));
    let mut session = Mmap.open(&ask, &tuning, &flow, &mut scratch).expect("open");
    let step = session.step(&mut flow, Grant { bytes: u64::MAX, more: true });
    assert_eq!(step, Step::Error(Side::Sink, Errno::INVAL)); // splice(2) to /dev/full
    let settled = session.settle(&mut flow);
    assert_eq!(settled.carry, bytes[..65536]);
    let mut pipe = scratch.pipe.take().expect("kept");
    // Empty again: as much as it holds goes into it without blocking.
    pipe.at_least(65536);
    let mut writer = File::from(pipe.writer().try_clone_to_owned().expect("dup"));
    writer.write_all(&bytes[..65536]).expect("write");
}

#[test]
fn it_knows_what_it_cannot_map() {
    let source = file(".", b"abc");
    let (reader, writer) = std::io::pipe().expect("pipe");
    let policy = Policy::default();
    let pipe = Nature::Pipe { capacity: 65536 };
    let asked = |source, sink, expected| {
        let ask = Ask { source, sink, expected, replaced: false, policy: &policy, processors: None };
        Mmap.suits(&ask)
    };
    let to = stream(&writer, pipe);
    assert_eq!(asked(own(&source), to, Some(3)), Ok(()));
    assert_eq!(asked(stream(&reader, pipe), to, None), Err(Reason::SourceNotRegular));
    assert_eq!(asked(own(&source), End { append: true, ..own(&source) }, Some(3)), Err(Reason::SinkAppends));
    let made_up = End { file_system: Some(FileSystem::Pseudo), ..own(&source) };
    assert_eq!(asked(made_up, to, Some(3)), Err(Reason::SourceNotMappable));
    let empty = file(".", b"");
    assert_eq!(asked(own(&empty), to, None), Err(Reason::SizeUnknown));
    let socket = crate::sys::socket::Socket { internet: false, stream: false, local: true, queue: 0, out: None };
    let datagram = End { nature: Nature::Socket(socket), ..to };
    assert_eq!(asked(own(&source), datagram, Some(3)), Err(Reason::KeepsMessages));
}
