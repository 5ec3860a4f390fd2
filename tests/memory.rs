//! How much memory one copy takes, whatever the file's size: at most 8 MiB more than a copy of nothing.
//!
//! The high-water mark is looked at while the program is held up, with the copy done or most of it.

use crate::apparatus::{Fs, Scene, content, engines, sockets};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// More than any buffer, pipe or queue holds.
const SIZE: usize = 80 << 20;
const ALLOWED: u64 = 8 << 20;

/// A pipe that takes nothing more until it is read from: (read end, write end).
fn full_pipe() -> (File, OwnedFd) {
    let (reader, writer) = sockets::pipe();
    let capacity = rustix::pipe::fcntl_getpipe_size(&writer).unwrap();
    File::from(writer.try_clone().unwrap()).write_all(&vec![b'.'; capacity]).unwrap();
    (reader.into(), writer)
}

/// The peak of a copy of `from` by zccp, which waits at the end to say what it did (--debug).
fn peak_of_copy(scene: &Scene, option: Option<&str>, from: &str) -> u64 {
    let (mut reader, writer) = full_pipe();
    let _ = std::fs::remove_file(scene.path("to"));
    let running = scene.zccp(option).arguments(["--debug", from, "to"]).stdout_to(writer).spawn();
    let size = std::fs::metadata(scene.path(from)).unwrap().len();
    let there = || std::fs::metadata(scene.path("to")).is_ok_and(|to| to.len() == size);
    running.wait_until("copied it", || there() && running.is_asleep());
    // It sleeps in the write of the line, or did for a moment on the way there.
    std::thread::sleep(Duration::from_millis(20));
    let peak = running.peak_memory().expect("it has ended without saying what it did");
    let mut said = Vec::new();
    reader.read_to_end(&mut said).unwrap();
    running.finish().succeeds();
    peak
}

#[test]
fn a_file_to_a_file_takes_little_under_every_engine() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        scene.file("empty", b"");
        scene.file("big", &content::bytes(1, SIZE));
        let least = peak_of_copy(&scene, None, "empty");
        let engines = engines::ALL.map(engines::Engine::option_with_fallback);
        for option in engines.into_iter().chain([Some("--sparse=always".into()), Some("--resume".into())]) {
            let peak = peak_of_copy(&scene, option.as_deref(), "big");
            assert!(peak < least + ALLOWED, "{}, {option:?}: {least} and {peak} bytes", fs.name());
        }
    }
}

/// The peak of zccat when its reader has taken so much that it cannot have ended.
fn peak_of_stream(scene: &Scene, option: Option<&str>, (reader, writer): (impl Read + AsFd, OwnedFd)) -> u64 {
    let running = scene.zccat(option).argument("big").stdout_to(writer).spawn();
    let mut reader = reader;
    reader.read_exact(&mut vec![0; SIZE / 4]).unwrap();
    running.wait_until("held up", || running.is_asleep());
    let peak = running.peak_memory().expect("it has ended before its reader had everything");
    std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
    running.finish().succeeds();
    peak
}

#[test]
fn a_file_to_a_stream_takes_little_under_every_engine() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    scene.file("big", &content::bytes(1, SIZE));
    scene.file("empty", b"");
    let least = peak_of_copy(&scene, None, "empty");
    for option in engines::ALL.map(engines::Engine::option_with_fallback) {
        let option = option.as_deref();
        let (reader, writer) = sockets::pipe();
        let (unix, tcp) = (sockets::unix_pair(), sockets::tcp_pair());
        let peaks = [
            peak_of_stream(&scene, option, (File::from(reader), writer)),
            peak_of_stream(&scene, option, (unix.1, unix.0.into())),
            peak_of_stream(&scene, option, (tcp.1, tcp.0.into())),
        ];
        assert!(peaks.iter().all(|&peak| peak < least + ALLOWED), "{option:?}: {least} and {peaks:?} bytes");
    }
}
