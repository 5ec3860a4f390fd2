//! Over the wire: nc and socat as peers, and a device on which MSG_ZEROCOPY truly does not copy.

use crate::apparatus::sockets::{Peer, PeerProgram};
use crate::apparatus::strace::trace;
use crate::apparatus::veth::with_neighbour;
use crate::apparatus::zerocopy_net::{Connection, Gather, with_device};
use crate::apparatus::{Fs, Outcome, Scene, content, for_each_engine, skip, sockets};

const LENGTH: usize = 3_000_001;

#[test]
fn real_peers_get_every_byte() {
    for program in [PeerProgram::Nc, PeerProgram::Socat] {
        for_each_engine(|engine| {
            let Some(scene) = Scene::on(Fs::Ext4) else { return };
            let bytes = content::bytes(1, LENGTH);
            scene.file("big", &bytes);
            let Some(peer) = Peer::listen(&scene, program) else { return };
            let command = scene.zccat(engine.option_with_fallback()).argument("big").stdout_to(peer.connect());
            command.described_as(engine.name()).run().succeeds().stderr_is("");
            assert_eq!(content::difference(&bytes, &peer.finish()), None, "{program:?}, {}", engine.name());
        });
    }
}

#[test]
fn through_nc_as_people_type_it() {
    for tool in ["nc", "bash"] {
        if !skip::has_program(tool) {
            return skip::skip!(format!("{tool} is not installed"));
        }
    }
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(1, LENGTH);
    scene.file("big", &bytes);
    let Some(peer) = Peer::listen(&scene, PeerProgram::Socat) else { return };
    scene.shell(&format!("\"$ZCCAT\" big | nc -N 127.0.0.1 {}", peer.port)).run().succeeds();
    assert_eq!(content::difference(&bytes, &peer.finish()), None);
    let Some(peer) = Peer::listen(&scene, PeerProgram::Socat) else { return };
    let script = format!("bash -c '\"$ZCCAT\" big >/dev/tcp/127.0.0.1/{}'", peer.port);
    scene.shell(&script).run().succeeds().stderr_is("");
    assert_eq!(content::difference(&bytes, &peer.finish()), None);
}

/// Sends a file by zerocopy through the device, all of it; what zccat says.
fn sent_by_zerocopy() -> Outcome {
    let scene = Scene::new();
    scene.file("big", &content::bytes(1, LENGTH));
    let connection = Connection::new();
    let command = scene.zccat(["--engine=zerocopy", "--explain", "big"]).stdout_to(connection.descriptor());
    let outcome = command.run();
    outcome.succeeds();
    assert_eq!(connection.bytes_sent(), LENGTH as u64);
    outcome
}

#[test]
fn zerocopy_is_seen_not_to_copy_where_the_device_gathers() {
    with_device(Gather::On, || {
        sent_by_zerocopy().stderr_has("completed without a copy").stderr_lacks("copied after all");
    });
}

#[test]
fn zerocopy_says_so_where_the_kernel_copied() {
    with_device(Gather::Tapped, || _ = sent_by_zerocopy().stderr_has("copied after all"));
    // Loopback always copies.
    let scene = Scene::new();
    let bytes = content::bytes(1, LENGTH);
    scene.file("big", &bytes);
    let (theirs, ours) = sockets::tcp_pair();
    let reader = sockets::read_all(ours);
    let outcome = scene.zccat(["--engine=zerocopy", "--explain", "big"]).stdout_to(theirs).run();
    outcome.succeeds().stderr_has("copied after all");
    assert_eq!(content::difference(&bytes, &reader.join().unwrap()), None);
}

#[test]
fn zerocopy_claims_nothing_where_the_device_does_not_gather() {
    // The kernel copies into packets and, over TCP, completes with code 0 all the same.
    with_device(Gather::Off, || {
        let outcome = sent_by_zerocopy();
        let said = outcome.stderr_text();
        if !said.contains("does not gather") && !said.contains("copied after all") {
            outcome.fail("nothing says that the interface made the kernel copy");
        }
    });
}

#[test]
fn sendfile_says_whether_the_interface_gathers() {
    // More than may be unread (tcp_wmem[2], 4 MiB, and tcp_rmem[2], 32): the last so many bytes are sent by value.
    for (gather, said) in [(Gather::On, "ifb0 gathers"), (Gather::Off, "ifb0 does not gather")] {
        with_device(gather, || {
            let scene = Scene::new();
            scene.file("big", &content::bytes(1, 14 * LENGTH));
            let connection = Connection::new();
            let command = scene.zccat(["--engine=sendfile", "--explain", "big"]).stdout_to(connection.descriptor());
            // What may still be queued when zccat ends is no page of the file.
            let by_value = " on by value, so that nothing queued is a page of the source";
            command.run().succeeds().stderr_has(said).stderr_has(by_value);
            assert_eq!(connection.bytes_sent(), 14 * LENGTH as u64);
        });
    }
}

/// How many operands there are, and whether what is sent by reference is explained, makes no difference.
#[test]
fn the_way_is_asked_for_once_a_connection() {
    with_neighbour(|listener| {
        let scene = Scene::new();
        scene.sparse_file("big", 42_000_000, &[]); // more than may be unread: tcp_wmem[2] and tcp_rmem[2]
        let address = format!("--connect=tcp:10.9.0.2:{}", listener.local_addr().unwrap().port());
        let peer = std::thread::spawn(move || sockets::read_all(listener.accept().unwrap().0).join().unwrap().len());
        let command = scene.zccat([&address, "--engine=sendfile", "--explain", "big", "big", "big"]);
        let Some((outcome, seen)) = trace(&scene, &["-e", "trace=socket,ioctl"], command) else { return };
        outcome.succeeds();
        assert_eq!(outcome.stderr_text().matches("v0 gathers").count(), 3, "{}", outcome.stderr_text());
        let count = |name, word: &str| seen.named(name).filter(|call| call.arguments.iter().any(|a| a == word)).count();
        assert_eq!((count("socket", "AF_NETLINK"), count("ioctl", "SIOCETHTOOL")), (1, 1));
        assert_eq!(peer.join().unwrap(), 3 * 42_000_000);
    });
}

#[test]
fn a_small_file_is_not_held_back() {
    // SPLICE_F_MORE or MSG_MORE on the last piece makes TCP wait 200 ms for more. strace shows flags without a clock.
    for_each_engine(|engine| {
        let scene = Scene::new();
        scene.file("small", &content::bytes(1, 100));
        let (theirs, ours) = sockets::tcp_pair();
        let reader = sockets::read_all(ours);
        let command = scene.zccat(engine.option_with_fallback()).argument("small").stdout_to(theirs);
        let Some((outcome, trace)) = trace(&scene, &[], command) else { return };
        outcome.succeeds();
        assert_eq!(reader.join().unwrap().len(), 100);
        let held = |call: &&crate::apparatus::strace::Call| call.arguments.iter().any(|a| a.contains("_MORE"));
        let last = trace.touching(1).filter(|call| matches!(call.result, Ok(1..))).last().filter(held);
        assert_eq!(last, None, "{}", engine.name());
    });
}
