//! What was sent stays what it was: once zccat has ended, no change of the source reaches whoever reads its output.

use crate::apparatus::veth::with_neighbour;
use crate::apparatus::{Command, Engine, Fs, Outcome, Running, Scene, content, skip, sockets};
use rustix::fs::FallocateFlags;
use rustix::process::Signal;
use std::fs::File;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::time::Duration;

/// A user that has no processes, and so no pipes.
const NOBODY: u32 = 65_533;

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
    early: usize,
    change: impl Fn(&File),
) -> (Outcome, Vec<u8>) {
    let option = engine.map(|engine| Engine::named(engine).option().expect("an option"));
    late_of(scene.zccat(option).argument("a"), scene, (reader, writer), early, change)
}

/// As [`late`], of any program that is told to send the scene's `a`.
fn late_of(
    command: Command,
    scene: &Scene,
    (reader, writer): (OwnedFd, OwnedFd),
    mut early: usize,
    change: impl Fn(&File),
) -> (Outcome, Vec<u8>) {
    let running = command.stdout_to(writer).spawn();
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
            early += if running.is_running() { 4096.max(early / 500) } else { 0 };
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

type Change = fn(&File);

/// What can be done to a source in place.
const CHANGES: [(&str, Change); 3] = [
    ("overwritten", |file| file.write_all_at(&vec![b'!'; 12_000_000], 0).unwrap()),
    ("cut", |file| file.set_len(100).unwrap()),
    ("punched", |file| {
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(file, punch, 0, 12_000_000).unwrap();
    }),
];

#[test]
fn cutting_or_punching_the_source_afterwards_changes_nothing() {
    for (what, change) in CHANGES {
        for engine in [None, Some("splice"), Some("sendfile"), Some("mmap")] {
            let Some(scene) = Scene::on(Fs::Ext4) else { return };
            let bytes = content::bytes(10, 12_000_000);
            scene.file("a", &bytes);
            let (outcome, arrived) = read_the_rest_late(&scene, engine, bytes.len(), change);
            outcome.succeeds();
            assert!(content::difference(&bytes, &arrived).is_none(), "{engine:?}: the reader saw it {what}");
        }
    }
}

#[test]
fn what_is_still_in_an_inherited_tcp_connection_is_no_page_of_the_source() {
    for (what, change) in CHANGES {
        for fs in [Fs::Ext4, Fs::Tmpfs] {
            for engine in [None, Some("read_write"), Some("splice"), Some("sendfile")] {
                let Some(scene) = Scene::on(fs) else { continue };
                let bytes = content::bytes(12, 12_000_000);
                scene.file("a", &bytes);
                // On loopback pages go on into the receiver's queue, and all of this may be there.
                let (theirs, ours) = sockets::tcp_pair();
                let ends = (ours.into(), theirs.into());
                let (outcome, arrived) = late(&scene, engine, ends, bytes.len() - 1_000_000, change);
                outcome.succeeds();
                let what = format!("{} {engine:?}: the reader saw it {what}", fs.name());
                assert!(content::difference(&bytes, &arrived).is_none(), "{what}");
            }
        }
    }
}

#[test]
fn nor_is_it_where_most_of_it_went_as_pages() {
    as_pages_to(sockets::tcp_pair);
}

/// To a container on this machine pages go as to another machine, but get into the receiver's queue as they are.
#[test]
fn nor_is_it_where_the_peer_is_in_another_network_on_this_machine() {
    with_neighbour(|listener| {
        let port = listener.local_addr().unwrap().port();
        as_pages_to(|| (TcpStream::connect(("10.9.0.2", port)).unwrap(), listener.accept().unwrap().0));
    });
}

/// Sends much by sendfile over a connection (the child's end, ours), of which as much as goes is left unread when it ends.
#[track_caller]
fn as_pages_to(connection: impl Fn() -> (TcpStream, TcpStream)) {
    let queue = sockets::most_in_two();
    for buffer in [None, Some(sockets::system("core/rmem_max", 0))] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        let bytes = content::bytes(14, queue + 12_000_000);
        scene.file("a", &bytes);
        let (theirs, ours) = connection();
        if let Some(bytes) = buffer {
            rustix::net::sockopt::set_socket_recv_buffer_size(&ours, bytes).unwrap();
        }
        // Nearly as much is left unread as a peer can leave that has read fast before: its buffer grows as it reads.
        let ends = (ours.into(), theirs.into());
        let command = scene.zccat(["--engine=sendfile", "--explain"]).argument("a");
        let (outcome, arrived) = late_of(command, &scene, ends, bytes.len() - queue / 2, |file| {
            file.write_all_at(&vec![b'!'; bytes.len()], 0).unwrap();
        });
        outcome.succeeds().stderr_has("moved: sendfile ");
        assert!(content::difference(&bytes, &arrived).is_none(), "the reader saw the change");
    }
}

/// Sends the scene's `a` to the neighbour that listens, and cuts it to half of what waits there unread, when no more goes into
/// the connection. Zccat, its end of the connection, and the neighbour's.
fn cut_while_sent(scene: &Scene, engine: Option<&str>, listener: &TcpListener) -> (Running, TcpStream, TcpStream) {
    let theirs = TcpStream::connect(("10.9.0.2", listener.local_addr().unwrap().port())).unwrap();
    let (ours, _) = listener.accept().unwrap();
    let same = theirs.try_clone().unwrap();
    let option = engine.map(|engine| Engine::named(engine).option().expect("an option"));
    let running = scene.zccat(option).argument("a").stdout_to(theirs).spawn();
    let unread = sockets::until_stuck(&running, &ours);
    File::options().write(true).open(scene.path("a")).unwrap().set_len((unread / 2) | 1).unwrap();
    (running, same, ours)
}

/// Reads until zccat has ended, little at a time.
fn read_until_ended(running: &Running, ours: &mut TcpStream) -> Vec<u8> {
    ours.set_read_timeout(Some(Duration::from_millis(10))).unwrap(); // there is another end still
    let (mut arrived, mut piece) = (Vec::new(), [0; 64 * 1024]);
    running.wait_until("ended", || {
        let n = ours.read(&mut piece).unwrap_or(0);
        arrived.extend_from_slice(&piece[..n]);
        !running.is_running()
    });
    ours.set_read_timeout(None).unwrap();
    arrived
}

/// Less goes by value then than may be unread. To a neighbour nothing goes by reference unless that is asked for.
#[test]
fn nor_is_it_to_a_neighbour_where_the_source_was_cut_short() {
    with_neighbour(|listener| {
        for fs in [Fs::Ext4, Fs::Tmpfs] {
            let Some(scene) = Scene::on(fs) else { continue };
            let bytes = content::bytes(17, sockets::most_in_two() + 12_000_000);
            let source = scene.file("a", &bytes);
            let (running, same, mut ours) = cut_while_sent(&scene, None, &listener);
            let mut arrived = read_until_ended(&running, &mut ours);
            running.finish().fails_with(1).stderr_has("a became shorter while it was copied: ");
            let length = std::fs::metadata(&source).unwrap().len() as usize;
            std::fs::write(&source, vec![b'!'; length]).unwrap();
            drop(same);
            ours.read_to_end(&mut arrived).unwrap();
            assert!(arrived.len() > length, "nothing was under way when it was cut");
            assert!(bytes.starts_with(&arrived), "{}: the reader saw the change", fs.name());
        }
    });
}

/// Where it is asked for, zccat ends when none of its pages waits in its own queue, or when nobody will read them.
#[test]
fn pages_of_a_source_that_was_cut_short_are_waited_for_until_they_are_acknowledged() {
    with_neighbour(|listener| {
        for (engine, goes_away) in [("sendfile", false), ("splice", false), ("sendfile", true)] {
            let Some(scene) = Scene::on(Fs::Ext4) else { return };
            scene.file("a", &content::bytes(18, sockets::most_in_two() + 12_000_000));
            let (running, same, mut ours) = cut_while_sent(&scene, Some(engine), &listener);
            // So much that there is room again, and it meets the end of the file.
            let unread = sockets::until_stuck(&running, &ours);
            ours.read_exact(&mut vec![0; unread as usize]).unwrap();
            sockets::until_stuck(&running, &ours);
            assert!(sockets::unacknowledged(&same) > 0, "nothing has to be waited for");
            if goes_away {
                sockets::reset(ours);
            } else {
                read_until_ended(&running, &mut ours);
                assert_eq!(sockets::unacknowledged(&same), 0, "{engine}");
            }
            running.finish().fails_with(1).stderr_has("a became shorter while it was copied: ");
        }
    });
}

/// A reader that makes its pipe larger when zccat has made its plan: more is unread at the end than could be then.
#[test]
fn nor_is_it_in_a_pipe_that_was_made_larger() {
    for engine in [None, Some("splice"), Some("sendfile")] {
        let Some(scene) = Scene::on(Fs::Ext4) else { return };
        // Not so large that zccat makes the pipe larger itself.
        let bytes = content::bytes(16, 3_000_000);
        scene.file("a", &bytes);
        let option = engine.map(|engine| Engine::named(engine).option().expect("an option"));
        let (reader, writer) = sockets::pipe();
        let running = scene.zccat(option).argument("a").stdout_to(writer).spawn();
        let mut reader = File::from(reader);
        let mut arrived = vec![0; 10_000];
        reader.read_exact(&mut arrived).unwrap();
        rustix::pipe::fcntl_setpipe_size(&reader, 1 << 20).unwrap();
        // Until all that is left is in the pipe, or zccat has ended.
        let mut piece = [0; 10_000];
        while arrived.len() < bytes.len() - 1_000_000 {
            let n = reader.read(&mut piece).unwrap();
            arrived.extend_from_slice(&piece[..n]);
        }
        running.wait_until("waiting or ended", || {
            let queued = rustix::io::ioctl_fionread(&reader).unwrap();
            !running.is_running() || queued as usize + arrived.len() == bytes.len()
        });
        // So long nothing is read; then, all but what went by value.
        std::thread::sleep(Duration::from_millis(50));
        while running.is_running() {
            let n = reader.read(&mut piece).unwrap();
            arrived.extend_from_slice(&piece[..n]);
            std::thread::sleep(Duration::from_millis(5));
        }
        let outcome = running.finish();
        assert!(arrived.len() < bytes.len(), "nothing was left unread");
        File::options().write(true).open(scene.path("a")).unwrap().write_all_at(&vec![b'!'; bytes.len()], 0).unwrap();
        reader.read_to_end(&mut arrived).unwrap();
        outcome.succeeds();
        assert!(content::difference(&bytes, &arrived).is_none(), "{engine:?}: the reader saw the change");
    }
}

#[test]
fn a_rival_that_splices_does_not_keep_that_promise() {
    // What makes the cases above cases: without the care taken, they fail. `ZCCP_UU_CAT` names uutils' cat (0.12 here).
    let Some(rival) = std::env::var_os("ZCCP_UU_CAT") else { return skip::skip!("ZCCP_UU_CAT names no uutils cat") };
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(13, 12_000_000);
    scene.file("a", &bytes);
    let (_, change) = CHANGES[0];
    let command = scene.program(&rival).argument("a");
    let (outcome, arrived) = late_of(command, &scene, sockets::pipe(), bytes.len() - 20_000, change);
    outcome.succeeds();
    assert!(content::difference(&bytes, &arrived).is_some(), "it does keep the promise now: say so in the README");
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

#[test]
fn many_at_once_leave_the_users_other_pipes_as_they_are() {
    // All pipes of a user together may hold 64 MiB (pipe-user-pages-soft); whoever makes one after that gets 8 KiB.
    let scene = Scene::new();
    scene.sparse_file("big", 5_000_000, &[]);
    std::fs::set_permissions(scene.path("."), std::fs::Permissions::from_mode(0o777)).unwrap();
    let script = "
        for i in $(seq 80); do \"$ZCCAT\" --explain big 2>said.$i | sleep 60 & done
        while test \"$(cat said.* | grep -c plan)\" -lt 80; do sleep 0.1; done
        \"$ZCCAT\" --explain big 2>last | cat >/dev/null";
    let command = scene.shell(script);
    let running = if skip::is_root() { command.with_user(NOBODY) } else { command }.spawn();
    running
        .wait_until("looked", || std::fs::read_to_string(scene.path("last")).is_ok_and(|said| said.contains("moved")));
    let said = std::fs::read_to_string(scene.path("last")).unwrap();
    running.signal(Signal::KILL);
    let _ = running.finish();
    assert!(said.contains("pipe that holds 65536 bytes"), "{said}");
}
