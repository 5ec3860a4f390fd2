//! How a peer behaves: it talks, is slow, goes away, resets, never closes.

use super::{connected, connected_from};
use crate::apparatus::{Engine, Input, Outcome, Scene, content, sockets};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;
use std::time::Duration;

#[test]
fn the_peer_sees_the_end_before_it_closes_and_zccat_waits_for_that() {
    let scene = Scene::new();
    scene.file("a", b"request");
    let (zccat, mut peer) = connected(&scene, &["--explain"], &["a"]);
    let mut received = Vec::new();
    peer.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"request");
    // Half-closed: the other half still takes an answer, which is read, so that nothing is reset.
    std::thread::sleep(Duration::from_millis(100));
    assert!(zccat.is_running());
    let answers = std::thread::spawn(move || peer.write_all(&vec![b'x'; 3_000_000]));
    let outcome = zccat.finish();
    answers.join().unwrap().unwrap();
    outcome.succeeds().stderr_has("the peer has taken all 7 bytes and closed; 3000000 bytes");
}

/// A peer that says more than both sockets' buffers hold before it reads anything: that can only go through if it is read.
fn talks_before_it_reads(mut peer: TcpStream) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        peer.write_all(&vec![b'x'; 30_000_000]).unwrap();
        let mut received = Vec::new();
        peer.read_to_end(&mut received).unwrap();
        received
    })
}

/// Sends `bytes` by each of the engines to a peer that talks before it reads.
#[track_caller]
fn is_listened_to(bytes: &[u8], engines: &[&str]) {
    let scene = Scene::new();
    scene.file("a", bytes);
    for engine in engines {
        let option = Engine::named(engine).option().unwrap();
        let (zccat, peer) = connected(&scene, &[&option], &["a"]);
        let received = talks_before_it_reads(peer);
        zccat.finish().succeeds().stderr_is("");
        assert!(content::difference(bytes, &received.join().unwrap()).is_none(), "{engine}");
    }
}

#[test]
fn a_peer_that_talks_back_before_it_reads_is_listened_to() {
    is_listened_to(&content::bytes(5, 30_000_000), &["read_write", "sendfile", "splice", "zerocopy", "mmap"]);
}

#[test]
fn a_peer_that_talks_back_before_it_reads_the_last_bytes_is_listened_to() {
    // All is in the buffers before the peer reads: what is waited for is its notifications and its close.
    is_listened_to(&content::bytes(6, 1_500_000), &["read_write", "zerocopy"]);
}

#[test]
fn a_peer_that_talks_while_there_is_nothing_to_send_is_listened_to() {
    let scene = Scene::new();
    let engines = ["splice", "zerocopy"].map(|engine| Engine::named(engine).option_with_fallback().unwrap());
    for option in ["-u", "-n", "--engine=read_write", &engines[0], &engines[1]] {
        let (source, gives) = sockets::pipe();
        let mut gives = std::fs::File::from(gives);
        let (zccat, mut peer) = connected_from(&scene, Input::Descriptor(source), &[option], &["-"]);
        // Only when the peer has said all that does anything come.
        gives.write_all(b"first\n").unwrap();
        peer.read_exact(&mut [0]).unwrap();
        says_much(&mut peer, option);
        gives.write_all(b"then\n").unwrap();
        drop(gives);
        let mut received = Vec::new();
        peer.read_to_end(&mut received).unwrap();
        assert!(received.ends_with(b"then\n"), "{option}: {received:?}");
        drop(peer);
        zccat.finish().succeeds().stderr_is("");
    }
}

#[test]
fn a_reset_is_told_while_there_is_nothing_to_send() {
    let scene = Scene::new();
    for option in ["-u", "-n", "--engine=read_write"] {
        let (source, gives) = sockets::pipe();
        let mut gives = std::fs::File::from(gives);
        let (zccat, mut peer) = connected_from(&scene, Input::Descriptor(source), &[option], &["-"]);
        gives.write_all(b"first\n").unwrap();
        peer.read_exact(&mut [0]).unwrap();
        sockets::reset(peer);
        zccat.finish().fails_with(1).stderr_has("': Connection reset by peer (");
        drop(gives);
    }
}

/// Says more than both sockets' buffers hold, which can only go through if it is read.
#[track_caller]
fn says_much(peer: &mut TcpStream, when: &str) {
    peer.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    for _ in 0..50 {
        peer.write_all(&[b'x'; 1_000_000]).unwrap_or_else(|why| panic!("{when}: it is not read: {why}"));
    }
}

#[test]
fn a_peer_is_heard_while_a_fifo_waits_for_who_writes_to_it() {
    let scene = Scene::new();
    scene.fifo("f");
    scene.file("a", b"first\n");
    for option in ["-u", "-n", "--engine=read_write"] {
        let (zccat, mut peer) = connected(&scene, &[option], &["a", "f"]);
        peer.read_exact(&mut [0; 6]).unwrap();
        says_much(&mut peer, option);
        // Half-closed, it still gets what comes.
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        std::fs::write(scene.path("f"), b"then\n").unwrap();
        let mut received = Vec::new();
        peer.read_to_end(&mut received).unwrap();
        assert!(received.ends_with(b"then\n"), "{option}: {received:?}");
        drop(peer);
        zccat.finish().succeeds().stderr_is("");
        // A writer that says nothing is the end of it, and what comes after that is sent.
        let (zccat, mut peer) = connected(&scene, &[], &["f", "a"]);
        std::fs::write(scene.path("f"), b"").unwrap();
        received.clear();
        peer.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"first\n");
        drop(peer);
        zccat.finish().succeeds().stderr_is("");
        // A reset is told though nobody comes to write, also after its half of the connection has ended.
        for half_closed in [false, true] {
            let (zccat, mut peer) = connected(&scene, &[option], &["a", "f"]);
            peer.read_exact(&mut [0]).unwrap();
            if half_closed {
                peer.shutdown(std::net::Shutdown::Write).unwrap();
                std::thread::sleep(Duration::from_millis(50));
            }
            sockets::reset(peer);
            let outcome = zccat.finish();
            let said = if half_closed { "': Broken pipe (" } else { "': Connection reset by peer (" };
            outcome.fails_with(1).stderr_has(said);
        }
    }
}

#[test]
fn a_peer_is_heard_while_the_rate_limit_lets_nothing_out() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(7, 200_000));
    for option in ["-u", "-v", "--engine=sendfile", "--engine=splice", "--engine=zerocopy", "--engine=read_write"] {
        // It would take half an hour.
        let (zccat, mut peer) = connected(&scene, &["--rate-limit=100", option], &["a"]);
        peer.read_exact(&mut [0]).unwrap();
        says_much(&mut peer, option);
        sockets::reset(peer);
        zccat.finish().fails_with(1).stderr_has("': Connection reset by peer (");
    }
}

#[test]
fn a_peer_that_says_its_end_first_still_gets_everything() {
    let scene = Scene::new();
    let bytes = content::bytes(8, 20_000_000);
    scene.file("a", &bytes);
    let (zccat, peer) = connected(&scene, &[], &["a"]);
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    let received = sockets::read_after(peer, Duration::from_millis(300));
    let outcome = zccat.finish();
    outcome.succeeds().stderr_is("");
    assert!(content::difference(&bytes, &received.join().unwrap()).is_none());
}

/// Bytes of "(N bytes were sent".
#[track_caller]
fn said_to_be_sent(outcome: &Outcome) -> usize {
    let text = outcome.stderr_text();
    let number = text.split_once('(').and_then(|(_, rest)| rest.split_once(" bytes were sent"));
    number
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or_else(|| outcome.fail("it should say how much was sent"))
}

#[test]
fn a_reset_in_the_middle_is_told_with_the_bytes_sent() {
    let scene = Scene::new();
    scene.sparse_file("a", 300_000_000, &[]);
    for engine in ["read_write", "sendfile", "splice", "zerocopy", "mmap"] {
        let option = Engine::named(engine).option().unwrap();
        let (zccat, mut peer) = connected(&scene, &[&option], &["a", "a"]);
        let mut some = vec![0; 1_000_000];
        peer.read_exact(&mut some).unwrap();
        sockets::reset(peer);
        let outcome = zccat.finish();
        outcome.fails_with(1).stderr_has("zccat: 'tcp:127.0.0.1:");
        let text = outcome.stderr_text();
        assert!(
            text.contains("': Connection reset by peer (") || text.contains("': Broken pipe ("),
            "{engine}: {text}"
        );
        assert_eq!(text.lines().count(), 1, "{engine}: {text}");
        assert!((1_000_000..300_000_000).contains(&said_to_be_sent(&outcome)), "{engine}: {text}");
    }
}

#[test]
fn a_peer_that_goes_away_without_reading_is_an_error_not_a_signal() {
    let scene = Scene::new();
    scene.sparse_file("a", 300_000_000, &[]);
    let (zccat, peer) = connected(&scene, &[], &["a"]);
    drop(peer);
    zccat.finish().fails_with(1).stderr_has(" bytes were sent");
    // Of a unix socket as well.
    let listener = UnixListener::bind(scene.path("s")).unwrap();
    let zccat = scene.zccat(["--connect=unix:s", "a"]).spawn();
    drop(listener.accept().unwrap());
    zccat.finish().fails_with(1).stderr_has("zccat: 'unix:s': ");
}

/// Of which poll(2) tells nothing.
#[test]
fn a_unix_peer_that_will_read_no_more_is_an_error() {
    let scene = Scene::new();
    scene.sparse_file("a", 30_000_000, &[]);
    let listener = UnixListener::bind(scene.path("s")).unwrap();
    for option in ["-u", "-A", "--engine=splice", "--engine=read_write", "--timeout=50"] {
        let zccat = scene.zccat([option, "--connect=unix:s", "a"]).spawn();
        let mut peer = listener.accept().unwrap().0;
        peer.read_exact(&mut [0; 1000]).unwrap();
        std::thread::sleep(Duration::from_millis(100)); // it waits for room
        peer.shutdown(std::net::Shutdown::Read).unwrap();
        zccat.finish().fails_with(1).stderr_has("zccat: 'unix:s': Broken pipe (");
        drop(peer);
    }
}

#[test]
fn a_peer_that_stops_reading_is_given_up_in_time() {
    let scene = Scene::new();
    scene.sparse_file("a", 300_000_000, &[]);
    for engine in ["read_write", "sendfile", "splice", "zerocopy", "mmap"] {
        let option = Engine::named(engine).option().unwrap();
        let (zccat, peer) = connected(&scene, &["--timeout=0.5", &option], &["a"]);
        let outcome = zccat.finish();
        outcome.fails_with(1).stderr_has("': the peer took nothing for 0.5 s (").stderr_has(" are not acknowledged)\n");
        assert!((1..300_000_000).contains(&said_to_be_sent(&outcome)), "{engine}");
        drop(peer);
    }
    let listener = UnixListener::bind(scene.path("s")).unwrap();
    for option in ["-u", "-n", "--engine=splice", "--engine=sendfile", "--engine=read_write"] {
        let zccat = scene.zccat(["--connect=unix:s", "--timeout=0.5", option, "a"]).spawn();
        let peer = listener.accept().unwrap().0;
        let outcome = zccat.finish();
        outcome.fails_with(1).stderr_has("zccat: 'unix:s': the peer took nothing for 0.5 s (");
        assert!((1..300_000_000).contains(&said_to_be_sent(&outcome)), "{option}");
        drop(peer);
    }
}

#[test]
fn a_peer_that_talks_and_never_reads_is_given_up_in_time() {
    let scene = Scene::new();
    scene.sparse_file("a", 300_000_000, &[]);
    let (zccat, mut peer) = connected(&scene, &["--timeout=0.5"], &["a"]);
    let talker = std::thread::spawn(move || while peer.write_all(&[b'x'; 65536]).is_ok() {});
    zccat.finish().fails_with(1).stderr_has("': the peer took nothing for 0.5 s (");
    talker.join().unwrap();
}

#[test]
fn a_slow_peer_is_not_a_stalled_one() {
    let scene = Scene::new();
    let bytes = content::bytes(9, 12_000_000);
    scene.file("a", &bytes);
    let (zccat, peer) = connected(&scene, &["--timeout=1"], &["a"]);
    // Slower in all than the time-out, but never silent for so long.
    let received = sockets::read_slowly(peer);
    zccat.finish().succeeds().stderr_is("");
    assert!(content::difference(&bytes, &received.join().unwrap()).is_none());
}

#[test]
fn a_peer_that_never_closes_is_given_up_in_time() {
    let scene = Scene::new();
    scene.file("a", b"all of it");
    let (zccat, peer) = connected(&scene, &["--timeout=0.3"], &["a"]);
    let outcome = zccat.finish();
    outcome.fails_with(1).stderr_has("': the peer did not close within 0.3 s (9 bytes were sent)\n");
    drop(peer);
}

/// The kernel counts our end of the connection among what is not acknowledged; it is no byte.
#[test]
fn what_is_not_acknowledged_is_told_to_the_byte() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(10, 1_500_000));
    let (zccat, peer) = connected(&scene, &["--timeout=0.5"], &["a"]);
    let outcome = zccat.finish();
    let arrived = rustix::io::ioctl_fionread(&peer).unwrap();
    let said = format!("(1500000 bytes were sent, {} of them are not acknowledged)\n", 1_500_000 - arrived);
    outcome.fails_with(1).stderr_has("': the peer did not close within 0.5 s (").stderr_has(&said);
}
