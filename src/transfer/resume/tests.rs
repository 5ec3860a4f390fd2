//! Repairs of real files.

use super::*;
use crate::engine::Policy;
use crate::sys::facts::FileSystem;
use crate::transfer::{Capabilities, Counters, Plan, Scratch, copy, endpoint};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

/// An unnamed file beside the build, which is on a disk.
fn file(bytes: &[u8]) -> File {
    let flags = fs::OFlags::TMPFILE | fs::OFlags::RDWR | fs::OFlags::CLOEXEC;
    let directory = option_env!("CARGO_TARGET_TMPDIR").unwrap_or(env!("CARGO_MANIFEST_DIR"));
    let file = File::from(fs::open(directory, flags, fs::Mode::from_raw_mode(0o600)).expect("open"));
    file.write_all_at(bytes, 0).expect("write");
    file
}

fn contents(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; file.metadata().expect("stat").len() as usize];
    file.read_exact_at(&mut bytes, 0).expect("read");
    bytes
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[7] | 1).collect()
}

fn end(file: &File) -> End<'_> {
    let mut end = endpoint::own(file.as_fd(), Facts::of(file).expect("facts"));
    end.file_system = FileSystem::of(file).ok();
    end
}

/// Repairs, and goes on where something is missing.
fn resume(source: &File, sink: &File, sparse: Sparse) -> Repair {
    let repair = repair(&end(source), &end(sink), sparse, Meter { counters: &Counters::new(), limit: None });
    assert_eq!(repair.failure, None);
    if let Some(start) = repair.missing_from {
        let (learned, policy) = (Capabilities::new(), Policy { sparse, ..Policy::default() });
        let (from, to) = (End { start, ..end(source) }, End { start, ..end(sink) });
        let ask = endpoint::ask(from, to, false, &policy, &learned);
        let trail = copy(&ask, &Plan::of(&ask, &learned), &learned, None, &mut Scratch::new(), &Counters::new());
        assert!(trail.is_complete(), "{trail:?}");
    }
    repair
}

#[test]
fn only_what_differs_is_written() {
    const MIB: usize = 1 << 20;
    let right = pattern(20 * MIB + 777);
    let source = file(&right);
    for (length, wrong) in [
        (right.len(), vec![]),
        (right.len(), vec![0]),
        (right.len(), vec![right.len() - 1, 3 * MIB, 3 * MIB + 4095, 9 * MIB - 1]),
        (5 * MIB + 1, vec![5 * MIB]),
        (1, vec![0]),
        (0, vec![]),
    ] {
        let sink = file(&right[..length]);
        for at in &wrong {
            sink.write_all_at(&[0], *at as u64).expect("write");
        }
        let repair = resume(&source, &sink, Sparse::Auto);
        assert_eq!(contents(&sink), right, "{length} {wrong:?}");
        assert_eq!(repair.compared, length as u64);
        assert!(repair.rewritten <= 4096 * wrong.len() as u64, "{repair:?}");
        assert_eq!(repair.rewritten == 0, wrong.is_empty());
        assert_eq!(repair.missing_from, (length < right.len()).then_some(length as u64));
        assert_eq!(repair.cut, 0);
    }
}

#[test]
fn what_is_whole_is_not_touched() {
    let right = pattern(3_000_000);
    let (source, sink) = (file(&right), file(&right));
    let before = sink.metadata().expect("stat");
    let repair = resume(&source, &sink, Sparse::Auto);
    assert!(repair.found_nothing());
    let after = sink.metadata().expect("stat");
    assert_eq!((before.ctime(), before.ctime_nsec()), (after.ctime(), after.ctime_nsec()));
}

#[test]
fn what_is_too_long_is_cut() {
    let right = pattern(100_000);
    let source = file(&right);
    for length in [100_001, 12_000_000] {
        let sink = file(&pattern(length));
        sink.write_all_at(&[0; 10], 50_000).expect("write");
        let repair = resume(&source, &sink, Sparse::Auto);
        assert_eq!(contents(&sink), right);
        assert_eq!((repair.cut, repair.missing_from), (length as u64 - 100_000, None));
    }
    let empty = file(b"");
    let sink = file(b"something");
    assert_eq!(resume(&empty, &sink, Sparse::Auto).cut, 9);
    assert_eq!(contents(&sink), b"");
}

#[test]
fn a_hole_of_the_source_is_made_one_or_written_as_sparse_says() {
    let source = file(b"");
    source.write_all_at(&pattern(65536), 4 << 20).expect("write");
    source.set_len(8 << 20).expect("grow");
    assert!(Facts::of(&source).expect("facts").looks_sparse(), "the build is on a file system that has no holes");
    for (sparse, at_most, at_least) in
        [(Sparse::Auto, 128 << 10, 0), (Sparse::Always, 128 << 10, 0), (Sparse::Never, u64::MAX, 6 << 20)]
    {
        let sink = file(&pattern(6 << 20));
        let repair = resume(&source, &sink, sparse);
        assert_eq!(contents(&sink), contents(&source), "{sparse:?}");
        let allocated = Facts::of(&sink).expect("facts").allocated;
        assert!((at_least..=at_most).contains(&allocated), "{sparse:?}: {allocated} {repair:?}");
    }
}

#[test]
fn holes_of_both_are_passed_over_and_count_as_equal() {
    let (source, sink) = (file(b""), file(b""));
    for file in [&source, &sink] {
        file.write_all_at(b"here", 1 << 40).expect("write");
    }
    assert!(end(&source).facts.looks_sparse(), "the build is on a file system that has no holes");
    let repair = resume(&source, &sink, Sparse::Auto);
    assert!(repair.found_nothing());
    assert_eq!(repair.compared, (1 << 40) + 4);
    sink.write_all_at(b"x", 1 << 39).expect("write");
    let repair = resume(&source, &sink, Sparse::Auto);
    assert_eq!(repair.rewritten + repair.punched, 4096);
    let mut byte = [9];
    sink.read_exact_at(&mut byte, 1 << 39).expect("read");
    assert_eq!(byte, [0]);
}

#[test]
fn only_files_are_resumed() {
    let file = Facts::of(file(b"")).expect("facts");
    let null = Facts::of(File::open("/dev/null").expect("open")).expect("facts");
    assert_eq!(possible(&file, &file), Ok(()));
    assert_eq!(possible(&null, &file), Err(Hopeless::Source));
    assert_eq!(possible(&file, &null), Err(Hopeless::Sink));
}
