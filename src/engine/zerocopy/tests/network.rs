//! The session over interfaces that gather and that do not: in a network of its own, in which each of these tests runs
//! again (`in_a_network`).

use super::*;
use std::time::Duration;

const PIECE: usize = 24 * 1024;

// <linux/tcp.h>; not all of them in libc.
const TCP_REPAIR: i32 = 19;
const TCP_REPAIR_QUEUE: i32 = 20;
const TCP_RECV_QUEUE: i32 = 1;

/// Makes sure that the test runs in a network of its own, and says whether the caller is to go on.
///
/// Bytes that reach a socket of this machine are always copied on their way in. So what our socket sends goes to an
/// `ifb` device, which drops it after having sent it; a mark routes it there. The peer, at the other end of a connection
/// over `lo`, gets its bytes from the test (TCP_REPAIR), and what it then sends acknowledges them. The MTU is large so that
/// each send is one segment: segmentation in software (GSO) copies for an interface that does not gather, and does not
/// say so (Linux 6.18: code 0).
fn in_a_network(name: &str) -> bool {
    let name = &format!("network::{name}");
    if is_again(name) {
        let script = "ip link set lo up && ip address add 10.9.0.1/32 dev lo
            ip link add zccp0 type ifb && ip link set zccp0 mtu 65535 arp off up
            ip rule add pref 5 fwmark 7 lookup 100 && ip rule add pref 10 lookup local && ip rule del pref 0
            ip route add default dev zccp0 table 100";
        shell(script);
        return true;
    }
    let can =
        Command::new("unshare").args(["-n", "sh", "-c", "ip link add zccp0 type ifb && ethtool -k zccp0"]).output();
    match can {
        Ok(output) if output.status.success() => again(name, &["unshare", "-n"]),
        Ok(output) => skipped(name, String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => skipped(name, &format!("unshare: {error}")),
    }
    false
}

fn shell(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().expect("sh");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A connection whose first end sends by `zccp0`.
fn connected_by_ifb() -> (TcpStream, TcpStream) {
    let (ours, peer) = connected_at("10.9.0.1:0"); // 127.0.0.0/8 is never routed elsewhere
    socket::set_option(&ours, libc::SOL_SOCKET, libc::SO_MARK, 7).expect("SO_MARK");
    ours.set_nonblocking(true).expect("O_NONBLOCK");
    for end in [&ours, &peer] {
        end.set_nodelay(true).expect("TCP_NODELAY"); // what is given is sent, within TCP's window
    }
    (ours, peer)
}

/// Waits until everything a socket has sent is acknowledged.
fn await_acknowledgement(socket: &TcpStream) {
    for _ in 0..5_000 {
        if crate::sys::socket::unacknowledged(socket) == Ok(0) {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("not acknowledged: {:?}", crate::sys::socket::unacknowledged(socket));
}

/// Puts what our end has sent into the peer's queue, and has it acknowledged. It must not be more than the peer's window,
/// which is 64 KiB: what has not left cannot be acknowledged.
fn acknowledge(ours: &TcpStream, mut peer: &TcpStream, sent: &[u8]) {
    for (name, value) in [(TCP_REPAIR, 1), (TCP_REPAIR_QUEUE, TCP_RECV_QUEUE)] {
        socket::set_option(peer, libc::IPPROTO_TCP, name, value).expect("TCP_REPAIR");
    }
    peer.write_all(sent).expect("the peer's queue");
    socket::set_option(peer, libc::IPPROTO_TCP, TCP_REPAIR, 0).expect("TCP_REPAIR");
    let mut queued = vec![0; sent.len()];
    peer.read_exact(&mut queued).expect("the peer's queue");
    peer.write_all(b"x").expect("a byte, which acknowledges");
    await_acknowledgement(ours);
    // What our end acknowledges is dropped too, and the peer must not wait for too much of it: let it hear, by `lo`.
    socket::set_option(ours, libc::SOL_SOCKET, libc::SO_MARK, 0).expect("SO_MARK");
    peer.write_all(b"x").expect("a byte");
    await_acknowledgement(peer);
    socket::set_option(ours, libc::SOL_SOCKET, libc::SO_MARK, 7).expect("SO_MARK");
}

/// Sends it all in pieces of 24 KiB, two under way at a time; what the settling left and the number of flagged sends.
fn send_all_by_ifb(bytes: &[u8]) -> (Settled, u32) {
    let (source, (ours, peer)) = (file(bytes), connected_by_ifb());
    let (mut flow, mut sending) = (Flow::from(0, 0), session(&source, &ours).expect("open"));
    let mut acknowledged = 0;
    for steps in 1.. {
        let step = sending.step(&mut flow, Grant { bytes: PIECE as u64, more: false });
        if steps % 2 == 0 || !matches!(step, Step::Moved(_)) {
            let given = flow.given() as usize;
            acknowledge(&ours, &peer, &bytes[acknowledged..given]);
            acknowledged = given;
        }
        match step {
            Step::Moved(_) | Step::Error(Side::Sink, Errno::AGAIN) => {}
            Step::End => break,
            other => panic!("{other:?}"),
        }
    }
    let settled = sending.settle(&mut flow);
    assert_eq!((settled.error, settled.carry.len(), flow.settled()), (None, 0, bytes.len() as u64));
    socket::set_option(&ours, libc::SOL_SOCKET, libc::SO_MARK, 0).expect("SO_MARK");
    (settled, next_number(&ours))
}

#[test]
fn an_interface_that_gathers_completes_without_a_copy() {
    if !in_a_network("an_interface_that_gathers_completes_without_a_copy") {
        return;
    }
    let (settled, next) = send_all_by_ifb(&content(20 * PIECE));
    // The second piece went plain, because the first, the probe, was still under way.
    assert_eq!((settled.remarks, next), (vec![Remark::CompletionsZeroCopy { sends: 19 }], 19));
}

#[test]
fn an_interface_that_does_not_gather_completes_with_a_copy() {
    if !in_a_network("an_interface_that_does_not_gather_completes_with_a_copy") {
        return;
    }
    shell("ethtool -K zccp0 sg off");
    let (settled, next) = send_all_by_ifb(&content(4 * PIECE));
    assert_eq!((settled.remarks.len(), next), (1, 1), "{settled:?}");
    assert!(matches!(settled.remarks[0], Remark::CompletionsCopied { .. }));
}

#[test]
fn a_buffer_is_left_alone_until_its_bytes_are_acknowledged() {
    if !in_a_network("a_buffer_is_left_alone_until_its_bytes_are_acknowledged") {
        return;
    }
    let bytes = content(3 * PIECE);
    let (source, (ours, peer)) = (file(&bytes), connected_by_ifb());
    let (mut flow, mut sending) = (Flow::from(0, 0), session(&source, &ours).expect("open"));
    let grant = Grant { bytes: PIECE as u64, more: false };
    assert_eq!(sending.step(&mut flow, grant), Step::Moved(PIECE as u64));
    acknowledge(&ours, &peer, &bytes[..PIECE]);
    for _ in 0..2 {
        assert_eq!(sending.step(&mut flow, grant), Step::Moved(PIECE as u64));
    }
    let held: Vec<_> = (0..sending.buffers.len()).filter(|&buffer| sending.ledger.holds(buffer)).collect();
    assert_eq!((held.len(), flow.settled()), (2, PIECE as u64));
    for (buffer, piece) in held.into_iter().zip(bytes[PIECE..].chunks(PIECE)) {
        assert!(sending.buffers[buffer].bytes()[..PIECE] == *piece);
    }
    acknowledge(&ours, &peer, &bytes[PIECE..]);
    let settled = sending.settle(&mut flow);
    assert_eq!((settled.error, settled.remarks), (None, vec![Remark::CompletionsZeroCopy { sends: 3 }]));
    assert_eq!(flow.settled(), bytes.len() as u64);
}

#[test]
fn a_connection_that_dies_ends_the_wait() {
    if !in_a_network("a_connection_that_dies_ends_the_wait") {
        return;
    }
    let (source, (ours, peer)) = (file(&content(BLOCK)), connected_by_ifb());
    let (mut flow, mut sending) = (Flow::from(0, 0), session(&source, &ours).expect("open"));
    assert!(matches!(sending.step(&mut flow, ALL), Step::Moved(_)));
    assert_eq!(flow.settled(), 0);
    sockopt::set_socket_linger(&peer, Some(Duration::ZERO)).expect("SO_LINGER");
    drop(peer); // by a reset
    let settled = sending.settle(&mut flow);
    assert_eq!(settled.error, Some((Side::Sink, Errno::CONNRESET)));
}

#[test]
fn the_route_tells_the_interface_not_the_address() {
    if !in_a_network("the_route_tells_the_interface_not_the_address") {
        return;
    }
    let (ours, peer) = connected_by_ifb();
    let told = |end: &TcpStream| {
        let interface = crate::sys::interface::of_socket(end).expect("an interface");
        (interface.name().into_owned(), interface.gathers)
    };
    assert_eq!(told(&ours), ("zccp0".into(), Some(true)));
    assert_eq!(told(&peer), ("lo".into(), Some(true)));
    shell("ethtool -K zccp0 sg off");
    assert_eq!(told(&ours), ("zccp0".into(), Some(false)));
    shell("ip rule add pref 3 ipproto tcp sport 1-65534 lookup 101; ip route add unreachable default table 101");
    assert_eq!(crate::sys::interface::of_socket(&ours), None);
}
