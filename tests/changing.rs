//! Sources that change under the copy: cut, grown, cut and grown again and again. What arrives was in the file.

use crate::apparatus::{Engine, Fs, Scene, for_each_engine};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A block at `offset` in which every byte tells its place in the file; never 0.
fn block(offset: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| place(offset + i)).collect()
}

/// The only byte that ever stands at this place.
fn place(offset: u64) -> u8 {
    (offset / 4096 * 31 + offset % 251) as u8 | 1
}

/// Cuts the file to odd sizes and grows it again with the bytes that belong there, until told to stop.
fn disturb(path: &Path, size: u64, seed: u64) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let file = File::options().write(true).open(path).unwrap();
    let thread = std::thread::spawn(move || {
        let mut state = seed | 1;
        while !stopped.load(Ordering::Relaxed) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let cut = state % size;
            file.set_len(cut).unwrap();
            std::thread::yield_now();
            file.write_all_at(&block(cut, (size - cut) as usize), cut).unwrap();
        }
    });
    (stop, thread)
}

/// Every byte that arrived is the one that stood at its place.
fn only_bytes_of_the_file(arrived: &[u8], what: &str) {
    let wrong = arrived.iter().enumerate().find(|(i, byte)| **byte != place(*i as u64));
    if let Some((at, byte)) = wrong {
        panic!("{what}: byte {at} is {byte}, which never stood there ({} bytes arrived)", arrived.len());
    }
}

/// 1,000 runs in all: on ext4 and on tmpfs, into a file and into a pipe.
#[test]
fn a_mapping_never_ends_by_a_signal_nor_yields_a_byte_that_was_not_there() {
    const SIZE: u64 = 1_500_000;
    for fs in [Fs::Ext4, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let source = scene.file("a", &block(0, SIZE as usize));
        let (stop, thread) = disturb(&source, SIZE, 88_172_645_463_325_252);
        for run in 0..250 {
            let what = format!("{} run {run}", fs.name());
            let outcome = scene.zccp(["--engine=mmap,read_write", "-f", "a", "b"]).run();
            assert!(outcome.status.code().is_some(), "{what}: ended by a signal");
            only_bytes_of_the_file(&scene.bytes("b"), &what);
            let outcome = scene.zccat(["--engine=mmap,read_write", "a"]).run();
            assert!(outcome.status.code().is_some(), "{what}: ended by a signal");
            only_bytes_of_the_file(&outcome.stdout, &what);
        }
        stop.store(true, Ordering::Relaxed);
        thread.join().unwrap();
    }
}

/// A source cut short while the copy waits for its reader: what was there arrives, and it is said.
#[test]
fn a_source_that_shrinks_is_told_of() {
    use crate::apparatus::sockets::pipe;
    use std::io::Read;
    for engine in ["read_write", "mmap", "sendfile", "splice"] {
        let scene = Scene::new();
        let size = 8_000_000;
        let source = scene.file("a", &block(0, size));
        let option = Engine::named(engine).option().expect("an option");
        let (reader, writer) = pipe();
        let running = scene.zccat([option.as_str(), "a"]).stdout_to(writer).spawn();
        let mut reader = File::from(reader);
        let mut head = vec![0; 100_000];
        reader.read_exact(&mut head).unwrap();
        let cut = 3_000_000;
        File::options().write(true).open(&source).unwrap().set_len(cut).unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        let outcome = running.finish();
        outcome.fails_with(1);
        outcome.stderr_has("became shorter while it was copied");
        let arrived = head.len() + rest.len();
        assert!(arrived <= size && arrived >= head.len(), "{engine}: {arrived} bytes");
    }
}

#[test]
fn a_source_that_grows_is_copied_to_where_it_ends() {
    use crate::apparatus::sockets::pipe;
    use std::io::Read;
    for_each_engine(|engine| {
        if ["reflink", "copy_file_range", "zerocopy"].contains(&engine.name()) {
            return; // not to a pipe
        }
        let scene = Scene::new();
        let source = scene.file("a", &block(0, 3_000_000));
        let (reader, writer) = pipe();
        let mut command = scene.zccat(["a"]).stdout_to(writer);
        if let Some(option) = engine.option() {
            command = command.argument(option);
        }
        let running = command.spawn();
        let mut reader = File::from(reader);
        let mut arrived = vec![0; 50_000];
        reader.read_exact(&mut arrived).unwrap();
        let file = File::options().write(true).open(&source).unwrap();
        file.write_all_at(&block(3_000_000, 2_000_000), 3_000_000).unwrap();
        reader.read_to_end(&mut arrived).unwrap();
        running.finish().succeeds();
        assert_eq!(arrived.len(), 5_000_000, "{}", engine.name());
        only_bytes_of_the_file(&arrived, engine.name());
    });
}
