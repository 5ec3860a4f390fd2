//! Sources that change under the copy: cut, grown, cut and grown again and again. What arrives was in the file.

use crate::apparatus::veth::with_neighbour;
use crate::apparatus::{Engine, Fs, Outcome, Scene, content, for_each_engine, skip, sockets};
use std::fs::File;
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

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

/// 1,500 runs in all: on ext4 and on tmpfs, from a mapping into a file and into a pipe, by way of a private pipe into a file
/// (what went on into a reader's pipe as pages cannot be taken back: below).
#[test]
fn a_disturbed_source_yields_no_byte_that_was_not_there_nor_an_end_by_a_signal() {
    const SIZE: u64 = 1_500_000;
    for fs in [Fs::Ext4, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let source = scene.file("a", &block(0, SIZE as usize));
        let (stop, thread) = disturb(&source, SIZE, 88_172_645_463_325_252);
        for run in 0..250 {
            for engine in ["--engine=mmap,read_write", "--engine=splice,read_write"] {
                let what = format!("{engine} on {} run {run}", fs.name());
                let outcome = scene.zccp([engine, "-f", "a", "b"]).run();
                assert!(outcome.status.code().is_some(), "{what}: ended by a signal");
                only_bytes_of_the_file(&scene.bytes("b"), &what);
            }
            let what = format!("{} run {run}", fs.name());
            let outcome = scene.zccat(["--engine=mmap,read_write", "a"]).run();
            assert!(outcome.status.code().is_some(), "{what}: ended by a signal");
            only_bytes_of_the_file(&outcome.stdout, &what);
        }
        stop.store(true, Ordering::Relaxed);
        thread.join().unwrap();
    }
}

/// Copies `a` to `b` by the plan's own choice, with the first emptying of the private pipe held up, and changes `a` meanwhile.
fn copied_while(scene: &Scene, change: impl Fn(&File)) -> Option<Outcome> {
    if !skip::has_program("strace") {
        skip::skip!("strace is not installed");
        return None;
    }
    let held_up = Duration::from_secs(2);
    let inject = format!("--inject=splice:delay_enter={}:when=2", held_up.as_micros());
    let running = scene
        .zccp(["--explain", "--reflink=never", "a", "b"])
        .under("strace", ["-f", "-qq", "-o", "/dev/null", inject.as_str()])
        .spawn();
    running.wait_until("begun", || scene.path("b").exists());
    std::thread::sleep(held_up / 4); // by now the pipe is full
    change(&File::options().write(true).open(scene.path("a")).unwrap());
    Some(running.finish())
}

#[test]
fn pages_that_wait_to_be_copied_into_a_file_do_not_count_if_the_source_is_cut_short() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = block(0, 700_000);
        scene.file("a", &bytes);
        let Some(outcome) = copied_while(&scene, |file| file.set_len(100_001).unwrap()) else { return };
        outcome
            .fails_with(1)
            .stderr_has("zccp: 'a' became shorter while it was copied: 100001 of 700000 bytes were there")
            .stderr_has("the source changed meanwhile, seen at byte 0; read_write went on");
        assert!(scene.bytes("b") == bytes[..100_001], "{}", fs.name());
    }
}

#[test]
fn what_is_written_into_the_source_while_its_pages_wait_is_copied() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let mut bytes = block(0, 700_000);
    scene.file("a", &bytes);
    let Some(outcome) = copied_while(&scene, |file| file.write_all_at(&[1; 5000], 50_000).unwrap()) else { return };
    bytes[50_000..55_000].fill(1);
    outcome.succeeds().stderr_has("the source changed meanwhile").stderr_has("read_write 700000 bytes");
    assert!(scene.bytes("b") == bytes);
}

/// A source cut short while the copy waits for its reader: what was there arrives, and it is said; also how much of it may
/// have been pages that were still unread, which the kernel clears behind the new end.
#[test]
fn a_source_that_shrinks_is_told_of() {
    let plain = ["read_write", "mmap"].map(|engine| (engine, 3_000_000, false));
    let pages = ["sendfile", "splice"].map(|engine| [(engine, 3_000_000, false), (engine, 500_000, true)]);
    for (engine, cut, cleared) in plain.into_iter().chain(pages.into_iter().flatten()) {
        for fs in [Fs::Ext4, Fs::Xfs, Fs::Btrfs, Fs::Tmpfs] {
            let Some(scene) = Scene::on(fs) else { continue };
            let what = format!("{engine} on {}, cut to {cut}", fs.name());
            let source = scene.file("a", &block(0, 8_000_000));
            let option = Engine::named(engine).option().expect("an option");
            let (reader, writer) = sockets::pipe();
            let running = scene.zccat([option.as_str(), "a"]).stdout_to(writer).spawn();
            let mut reader = File::from(reader);
            let mut arrived = vec![0; 100_000];
            reader.read_exact(&mut arrived).unwrap();
            // It has filled the pipe (1 MiB) once more.
            running.wait_until("waiting", || rustix::io::ioctl_fionread(&reader).unwrap() > 900_000);
            File::options().write(true).open(&source).unwrap().set_len(cut).unwrap();
            reader.read_to_end(&mut arrived).unwrap();
            let zeros = zeros_as_said(&running.finish(), 8_000_000, arrived, &what);
            assert_eq!(zeros > 0, cleared, "{what}: {zeros} zeros; or does this kernel pass no pages any more?");
        }
    }
}

/// Holds what arrived of a source of `size` bytes that was cut short against what zccat says of it: how much there was, and how
/// many bytes of that may be zeros. All others are the file's. How many are zeros.
fn zeros_as_said(outcome: &Outcome, size: usize, mut arrived: Vec<u8>, what: &str) -> usize {
    outcome.fails_with(1);
    let said = format!("a became shorter while it was copied: {} of {size} bytes were there", arrived.len());
    outcome.stderr_has(&said);
    let text = outcome.stderr_text();
    let perhaps = text.split_once(", and for up to ").map_or(0, |(_, rest)| {
        let (bytes, rest) = rest.split_once(' ').unwrap();
        assert_eq!(rest, "of them the reader may have got zeros\n", "{what}");
        bytes.parse().unwrap()
    });
    // The unsure ones are the file's or zeros.
    let sure = arrived.len() - perhaps;
    let zeros = arrived[sure..].iter().filter(|byte| **byte == 0).count();
    for (at, byte) in arrived.iter_mut().enumerate().skip(sure).filter(|(_, byte)| **byte == 0) {
        *byte = place(at as u64);
    }
    only_bytes_of_the_file(&arrived, what);
    zeros
}

/// To a neighbour by TCP the pages lie in the queues of both sockets when the file is cut, none of them read.
#[test]
fn a_source_that_shrinks_is_told_of_over_tcp_too() {
    with_neighbour(|listener| {
        let address = ("10.9.0.2", listener.local_addr().unwrap().port());
        let size = sockets::most_in_two() + 12_000_000;
        for engine in ["sendfile", "splice"] {
            for fs in [Fs::Ext4, Fs::Tmpfs] {
                let Some(scene) = Scene::on(fs) else { continue };
                let what = format!("{engine} on {}", fs.name());
                let source = scene.file("a", &block(0, size));
                let option = Engine::named(engine).option().expect("an option");
                let theirs = TcpStream::connect(address).unwrap();
                let mut ours = listener.accept().unwrap().0;
                let running = scene.zccat([option.as_str(), "a"]).stdout_to(theirs).spawn();
                let unread = sockets::until_stuck(&running, &ours);
                // Between two pages, so that there is something to be cleared.
                File::options().write(true).open(&source).unwrap().set_len((unread / 2) | 1).unwrap();
                let mut arrived = Vec::new();
                ours.read_to_end(&mut arrived).unwrap();
                let zeros = zeros_as_said(&running.finish(), size, arrived, &what);
                assert_ne!(zeros, 0, "{what}: does this kernel pass no pages any more?");
            }
        }
    });
}

#[test]
fn a_source_that_grows_is_copied_to_where_it_ends() {
    for_each_engine(|engine| {
        if ["reflink", "copy_file_range", "zerocopy"].contains(&engine.name()) {
            return; // not to a pipe
        }
        let scene = Scene::new();
        let source = scene.file("a", &block(0, 3_000_000));
        let (reader, writer) = sockets::pipe();
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

/// Sends the scene's `a` to a TCP connection from its mapping, with the second send held up: what happens to the file then
/// falls between the looks before and after it. `pretend` is what that send is said to have taken, instead of being made.
/// What had arrived before is told to `change`. `None` without strace.
fn sent_while(scene: &Scene, pretend: Option<usize>, change: impl Fn(&File, u64)) -> Option<(Outcome, Vec<u8>, u64)> {
    if !skip::has_program("strace") {
        skip::skip!("strace is not installed");
        return None;
    }
    let held_up = Duration::from_secs(3);
    let retval = pretend.map(|n| format!(":retval={n}")).unwrap_or_default();
    let inject = format!("--inject=sendto:delay_enter={}{retval}:when=2", held_up.as_micros());
    let (theirs, mut ours) = sockets::tcp_pair();
    let command = scene.zccat(["--explain", "--engine=mmap,read_write", "a"]).stdout_to(theirs);
    let running = command.under("strace", ["-f", "-qq", "-o", "/dev/null", inject.as_str()]).spawn();
    // All of the first send.
    ours.set_read_timeout(Some(held_up / 6)).unwrap();
    let mut arrived = vec![0; 4 << 20];
    let mut have = 0;
    running.wait_until("begun", || {
        match ours.read(&mut arrived[have..]) {
            Ok(n) => have += n,
            Err(_) if have > 0 => return true,
            Err(_) => {}
        }
        false
    });
    arrived.truncate(have);
    change(&File::options().write(true).open(scene.path("a")).unwrap(), have as u64);
    ours.set_read_timeout(None).unwrap();
    ours.read_to_end(&mut arrived).unwrap();
    Some((running.finish(), arrived, have as u64))
}

#[test]
fn what_went_out_from_behind_the_new_end_of_a_file_is_a_failure() {
    let scene = Scene::new();
    scene.file("a", &block(0, 6_000_000));
    let cut = |file: &File, sent: u64| file.set_len(sent + 1_000).unwrap();
    let Some((outcome, arrived, first)) = sent_while(&scene, Some(5_000), cut) else { return };
    outcome.fails_with(1).stderr_has(
        "zccat: a: it was cut short while it was sent, and 4000 bytes from behind its new end went out, perhaps as zeros",
    );
    // Nothing was sent but by the first, since the second was only said to be.
    assert_eq!(arrived.len() as u64, first);
    only_bytes_of_the_file(&arrived, "sent");
}

#[test]
fn a_file_cut_short_under_a_send_yields_what_is_left_of_it() {
    let scene = Scene::new();
    scene.file("a", &block(0, 6_000_000));
    let cut = |file: &File, sent: u64| file.set_len(sent + 1_000).unwrap();
    let Some((outcome, arrived, first)) = sent_while(&scene, None, cut) else { return };
    // The page that the new end lies in may have gone out whole, if the kernel asked for no more at once.
    let beyond = arrived.len() as u64 - first - 1_000;
    only_bytes_of_the_file(&arrived[..first as usize + 1_000], "sent");
    let said = if beyond > 0 { "it was cut short while it was sent" } else { "became shorter while it was copied" };
    outcome.fails_with(1).stderr_has(said);
}

#[test]
fn a_file_changed_in_place_under_a_send_arrives_as_it_is() {
    let scene = Scene::new();
    let bytes = block(0, 6_000_000);
    scene.file("a", &bytes);
    let same = |file: &File, sent: u64| file.write_all_at(&block(sent, 100_000), sent).unwrap();
    let Some((outcome, arrived, _)) = sent_while(&scene, None, same) else { return };
    outcome.succeeds().stderr_has("the source changed meanwhile").stderr_has("read_write ");
    assert!(content::difference(&bytes, &arrived).is_none());
}
