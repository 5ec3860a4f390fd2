//! What was sent stays what it was: once zccat has ended, no change of the source reaches whoever reads its output.

use crate::apparatus::{Engine, Fs, Outcome, Scene, content, sockets};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Runs zccat with a reader that takes all but the last pipe-full before zccat ends, then changes the source in place,
/// and only then reads the rest.
fn read_the_rest_late(scene: &Scene, engine: Option<&str>, size: usize, change: impl Fn(&File)) -> (Outcome, Vec<u8>) {
    late(scene, engine, sockets::pipe(), size - 1_000_000, change)
}

/// As [`read_the_rest_late`], with the two ends given, and how much is read before zccat has to end.
fn late(
    scene: &Scene,
    engine: Option<&str>,
    (reader, writer): (OwnedFd, OwnedFd),
    mut early: usize,
    change: impl Fn(&File),
) -> (Outcome, Vec<u8>) {
    let mut command = scene.zccat(["a"]).stdout_to(writer);
    if let Some(engine) = engine {
        command = command.argument(Engine::named(engine).option().expect("an option"));
    }
    let running = command.spawn();
    let mut reader = File::from(reader);
    let mut arrived = vec![0; 64 * 1024];
    let mut have = 0;
    // Until zccat has ended, so that what is left in the pipe is what its end left there.
    running.wait_until("ended", || {
        let room = early - have;
        if room == 0 {
            // A sleeping sender of a unix socket is woken only when three quarters of its buffer are free, and a message
            // read in part counts whole (unix_write_space, net/unix/af_unix.c): a little more, until it is.
            std::thread::sleep(Duration::from_millis(20));
            early += if running.is_running() { 4096 } else { 0 };
        } else {
            arrived.resize(have + room.min(64 * 1024), 0);
            have += reader.read(&mut arrived[have..]).unwrap();
        }
        !running.is_running()
    });
    arrived.truncate(have);
    let outcome = running.finish();
    assert!(have < std::fs::metadata(scene.path("a")).unwrap().len() as usize, "nothing was left unread");
    change(&File::options().write(true).open(scene.path("a")).unwrap());
    reader.read_to_end(&mut arrived).unwrap();
    (outcome, arrived)
}

#[test]
fn what_is_still_in_the_pipe_is_no_page_of_the_source() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::Btrfs, Fs::Tmpfs] {
        for engine in [None, Some("splice"), Some("sendfile"), Some("mmap")] {
            let Some(scene) = Scene::on(fs) else { continue };
            let bytes = content::bytes(9, 12_000_000);
            scene.file("a", &bytes);
            let (outcome, arrived) = read_the_rest_late(&scene, engine, bytes.len(), |file| {
                file.write_all_at(&vec![b'!'; bytes.len()], 0).unwrap();
            });
            outcome.succeeds();
            let what = format!("{} {engine:?}", fs.name());
            assert!(content::difference(&bytes, &arrived).is_none(), "{what}: the reader saw the change");
        }
    }
}

#[test]
fn cutting_or_punching_the_source_afterwards_changes_nothing() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(10, 12_000_000);
    for _ in 0..3 {
        scene.file("a", &bytes);
        let (outcome, arrived) = read_the_rest_late(&scene, None, bytes.len(), |file| file.set_len(100).unwrap());
        outcome.succeeds();
        assert!(content::difference(&bytes, &arrived).is_none(), "the reader saw the cut");
    }
}

#[test]
fn what_is_still_in_a_unix_socket_is_no_page_of_the_source() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::Btrfs, Fs::Tmpfs] {
        for engine in [None, Some("splice"), Some("sendfile"), Some("mmap")] {
            let Some(scene) = Scene::on(fs) else { continue };
            let bytes = content::bytes(11, 12_000_000);
            scene.file("a", &bytes);
            // Less than net.core.wmem_default (212,992 bytes), so that zccat can end with as much unread.
            let (theirs, ours) = sockets::unix_pair();
            let (outcome, arrived) =
                late(&scene, engine, (ours.into(), theirs.into()), bytes.len() - 100_000, |file| {
                    file.write_all_at(&vec![b'!'; bytes.len()], 0).unwrap();
                });
            outcome.succeeds();
            let what = format!("{} {engine:?}", fs.name());
            assert!(content::difference(&bytes, &arrived).is_none(), "{what}: the reader saw the change");
        }
    }
}
