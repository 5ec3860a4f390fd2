//! Every kind of source into every kind of sink, under every engine: the right bytes, or the right error.

mod matrix;
mod sinks;
mod sources;

use crate::apparatus::engines::{Verdict, judge};
use crate::apparatus::filesystems::for_each_filesystem;
use crate::apparatus::{Engine, Fs, Scene, content, for_each_engine};
use matrix::verdict;
use sinks::Sink;
use sources::Source;

/// Bytes in the small cases: more than a page, no multiple of anything.
const SMALL: usize = 10_000;
/// Bytes in the big cases: more than any pipe or socket buffer holds.
const BIG: usize = 3 * 1024 * 1024 + 11;

/// `zccat SOURCE >SINK` under every engine.
fn cat_all(sink: Sink, sources: &[Source], length: usize) {
    for source in sources {
        // One scene for each pair: a FIFO or loop device of one run is never another's.
        for_each_engine(|engine| cat_one(*source, sink, engine, length));
    }
}

fn cat_one(source: Source, sink: Sink, engine: Engine, length: usize) {
    let scene = Scene::new();
    let pair = format!("{source:?} into {sink:?} under {}", engine.name());
    let Some(source_end) = source.open(&scene, &pair, length) else { return };
    let Some(sink_end) = sink.open(&scene, &pair) else { return };
    let mut command = scene.zccat(engine.option()).stdout_to(sink_end.descriptor);
    command = command.arguments(source_end.argument).described_as(&pair);
    if let Some(stdin) = source_end.stdin {
        command = command.stdin_from(stdin);
    }
    let outcome = command.run();
    let mut delivered = (sink_end.collect)();
    if !outcome.succeeded() && sink == Sink::Block {
        // What the device held before is no byte of ours; the content has no zeros.
        delivered.truncate(delivered.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1));
    }
    let expected = if sink.keeps_bytes() { source_end.bytes } else { Vec::new() };
    judge(
        engine,
        verdict(engine, source, sink, length),
        &outcome,
        &delivered[..sink.seen(&expected, &delivered)],
        &expected,
    );
}

macro_rules! sinks {
    ($($name:ident: $sink:expr,)*) => {
        /// A small file's worth from every kind of source.
        mod from_everything_into {
            use super::*;
            $(#[test]
            fn $name() {
                cat_all($sink, &Source::ALL, SMALL);
            })*
        }
    };
}

sinks! {
    a_file_on_ext4: Sink::Regular(Fs::Ext4),
    a_file_on_xfs: Sink::Regular(Fs::Xfs),
    a_file_on_btrfs: Sink::Regular(Fs::Btrfs),
    a_file_on_tmpfs: Sink::Regular(Fs::Tmpfs),
    a_file_on_overlay: Sink::Regular(Fs::Overlay),
    the_end_of_a_file: Sink::Append,
    a_memfd: Sink::Memfd,
    a_block_device: Sink::Block,
    dev_null: Sink::Null,
    a_pipe: Sink::Pipe,
    tcp: Sink::Tcp,
    a_unix_stream: Sink::UnixStream,
    unix_datagrams: Sink::UnixDatagram,
    unix_packets: Sink::Seqpacket,
    udp: Sink::Udp,
    a_terminal: Sink::Tty,
}

#[test]
fn much_into_a_slow_pipe() {
    cat_all(Sink::SlowPipe, &Source::STREAMS, BIG / 4);
}

#[test]
fn much_into_a_pipe() {
    cat_all(Sink::Pipe, &Source::STREAMS, BIG);
}

#[test]
fn much_into_tcp() {
    cat_all(Sink::Tcp, &Source::STREAMS, BIG);
}

#[test]
fn much_into_a_unix_stream() {
    cat_all(Sink::UnixStream, &Source::STREAMS, BIG);
}

#[test]
fn much_into_a_file() {
    cat_all(Sink::Regular(Fs::Ext4), &Source::STREAMS, BIG);
}

/// `zccp SOURCE DEST` within each file system, for sizes around everything that matters.
#[test]
fn files_to_files_on_one_file_system() {
    for_each_filesystem(|fs, scene| {
        for length in [0, 1, 4096, SMALL, 300_001, BIG] {
            for_each_engine(|engine| copy_one((fs, &scene), (fs, &scene), engine, length));
        }
    });
}

/// `zccp SOURCE DEST` from each file system to each other.
#[test]
fn files_to_files_across_file_systems() {
    for_each_filesystem(|from, source| {
        for_each_filesystem(|to, sink| {
            if from != to {
                for_each_engine(|engine| copy_one((from, &source), (to, &sink), engine, 300_001));
            }
        });
    });
}

/// Onto nothing and over a longer file.
fn copy_one((from, source): (Fs, &Scene), (to, sink): (Fs, &Scene), engine: Engine, length: usize) {
    let expected = content::bytes(7, length);
    let older = content::bytes(99, length + 5000);
    let path = source.file("from", &expected);
    for over_longer in [false, true] {
        let target = sink.path("to");
        let _ = std::fs::remove_file(&target);
        if over_longer {
            std::fs::write(&target, &older).unwrap();
        }
        let pair = format!("{length} bytes, {from:?} to {to:?} under {}", engine.name());
        let outcome = sink.zccp(engine.option()).argument(&path).argument("to").described_as(&pair).run();
        // `zccp` owns both ends, so a whole file can be cloned.
        let verdict = match (engine.name(), from == to, to.shares_extents()) {
            ("reflink", true, true) if length > 0 => Verdict::Must,
            ("reflink", false, _) if length > 0 => Verdict::Cannot,
            _ => verdict(engine, Source::Regular(from), Sink::Regular(to), length),
        };
        let delivered = std::fs::read(&target).unwrap_or_default();
        // A refused copy may leave an existing file as it was before it was opened.
        let untouched = !outcome.succeeded() && delivered == older;
        judge(engine, verdict, &outcome, if untouched { &[] } else { &delivered }, &expected);
    }
}

#[test]
fn a_file_shares_its_extents_when_it_can() {
    for fs in [Fs::Xfs, Fs::Btrfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = content::bytes(5, BIG);
        scene.file("a", &bytes);
        for option in ["--reflink=always", "--engine=reflink", "--reflink=auto"] {
            scene.zccp([option, "a", "b"]).run().succeeds().file_is("b", &bytes);
            let shared = scene.program("/usr/sbin/filefrag").arguments(["-v", "b"]).run();
            shared.succeeds().stdout_has("shared");
            std::fs::remove_file(scene.path("b")).unwrap();
        }
        scene.zccp(["--reflink=never", "a", "b"]).run().succeeds().file_is("b", &bytes);
        // btrfs allocates late: without this the extents are not known yet.
        scene.program("/bin/sync").argument("b").run().succeeds();
        let own = scene.program("/usr/sbin/filefrag").arguments(["-v", "b"]).run();
        assert!(!String::from_utf8_lossy(&own.stdout).contains("shared"), "--reflink=never shared extents on {fs:?}");
    }
}

#[test]
fn devices_without_end_are_read_until_the_reader_goes() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let reader = crate::apparatus::Output::Pipe(crate::apparatus::Reader::Takes(1_000_000));
        let outcome = scene.zccat(engine.option()).argument("/dev/zero").stdout(reader).run();
        if outcome.status.code().is_some() && engine.forced() {
            outcome.fails_with(1).stderr_has(engine.name());
        } else {
            outcome.dies_of(libc::SIGPIPE).stderr_is("").stdout_is(vec![0; 1_000_000]);
        }
    });
}

#[test]
fn a_directory_is_no_data() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        scene.directory("d");
        scene.file("f", b"after\n");
        let outcome = scene.zccat(engine.option_with_fallback()).arguments(["d", "f"]).run();
        outcome.fails_with(1).stderr_is("zccat: d: Is a directory\n").stdout_is("after\n");
    });
}
