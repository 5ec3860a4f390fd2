//! The session at work on real sockets.

// Connections over an interface that gathers, and one that does not.
mod network;

use super::*;
use crate::engine::{Nature, Policy};
use crate::sys::facts::Facts;
use crate::sys::socket::{self, Socket};
use rustix::fs::{self, MemfdFlags};
use rustix::net::sockopt;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::thread;

const BLOCK: usize = 64 * 1024;

/// Bytes in which every eighth tells its place.
fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| if at % 8 == 0 { (at / 8 % 251) as u8 } else { (at / 4096) as u8 }).collect()
}

fn file(bytes: &[u8]) -> OwnedFd {
    let fd = fs::memfd_create("source", MemfdFlags::CLOEXEC).expect("memfd_create");
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[io::write(&fd, rest).expect("write")..];
    }
    fd
}

fn end(fd: &impl AsFd, offsets: Offsets, nature: Nature) -> End<'_> {
    let (fd, facts) = (fd.as_fd(), Facts::of(fd).expect("fstat"));
    End { fd, facts, offsets, start: 0, nature, file_system: None, append: false, direct: false }
}

fn from_file(fd: &OwnedFd) -> End<'_> {
    end(fd, Offsets::Explicit, Nature::File)
}

fn to_socket(fd: &impl AsFd) -> End<'_> {
    end(fd, Offsets::None, Nature::Socket(Socket::of(fd).expect("a socket")))
}

fn connected() -> (TcpStream, TcpStream) {
    connected_at("127.0.0.1:0")
}

fn connected_at(address: &str) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(address).expect("loopback");
    let ours = TcpStream::connect(listener.local_addr().expect("an address")).expect("loopback");
    (ours, listener.accept().expect("loopback").0)
}

/// All that comes in, from another thread.
fn reader(mut peer: TcpStream) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        peer.read_to_end(&mut all).expect("read");
        all
    })
}

const ALL: Grant = Grant { bytes: u64::MAX, more: false };

fn session<'a>(source: &'a OwnedFd, sink: &'a TcpStream) -> Result<Box<Sending<'a>>, (Side, Errno)> {
    Sending::open(from_file(source), to_socket(sink), BLOCK).map(Box::new)
}

/// Steps until the end; what the settling left.
fn send_all(mut sending: Box<Sending<'_>>, flow: &mut Flow) -> Settled {
    loop {
        match sending.step(flow, ALL) {
            Step::Moved(_) => {}
            Step::End => return sending.settle(flow),
            other => panic!("{other:?}"),
        }
    }
}

/// The number of the next flagged send of a socket that nothing is under way on.
fn next_number(socket: &TcpStream) -> u32 {
    zerocopy::enable(socket, true).expect("SO_ZEROCOPY");
    assert_eq!(zerocopy::send(socket, b"x", true, false), Ok(1));
    zerocopy::wait(socket, false).expect("poll");
    let completion = zerocopy::completion(socket).expect("recvmsg").expect("a notification");
    zerocopy::enable(socket, false).expect("SO_ZEROCOPY");
    assert_eq!(completion.first, completion.last);
    completion.last
}

#[test]
fn over_loopback_one_send_is_flagged_and_the_bytes_are_the_same() {
    one_send_is_flagged(connected());
}

#[test]
fn over_ipv6_too() {
    match TcpListener::bind("[::1]:0") {
        Ok(_) => one_send_is_flagged(connected_at("[::1]:0")),
        Err(error) => skipped("over_ipv6_too", &error.to_string()),
    }
}

fn one_send_is_flagged((ours, peer): (TcpStream, TcpStream)) {
    let bytes = content(3 * 1024 * 1024 + 17);
    let source = file(&bytes);
    let peer = reader(peer);
    let mut flow = Flow::from(0, 0);
    let settled = send_all(session(&source, &ours).expect("open"), &mut flow);
    assert_eq!((settled.error, settled.carry.len()), (None, 0));
    let [Remark::CompletionsCopied { at }] = settled.remarks[..] else { panic!("{:?}", settled.remarks) };
    assert!(at >= BLOCK as u64, "copied at {at}");
    assert_eq!([flow.taken(), flow.given(), flow.settled()], [bytes.len() as u64; 3]);
    assert_eq!(next_number(&ours), 1, "the number after that of the only flagged send");
    drop(ours);
    let got = peer.join().expect("the reader");
    assert!(got[..bytes.len()] == bytes[..] && got.len() == bytes.len() + 1);
}

#[test]
fn a_second_session_learns_the_numbers_anew_and_the_option_is_left_as_found() {
    let bytes = content(BLOCK + 1);
    let (source, (ours, peer)) = (file(&bytes), connected());
    let peer = reader(peer);
    for _ in 0..3 {
        assert_eq!(zerocopy::is_enabled(&ours), Ok(false));
        let settled = send_all(session(&source, &ours).expect("open"), &mut Flow::from(0, 0));
        assert!(settled.error.is_none() && settled.remarks.len() == 1, "{settled:?}");
    }
    assert_eq!(next_number(&ours), 3);
    drop(ours);
    assert!(peer.join().expect("the reader")[..3 * bytes.len()] == bytes.repeat(3));
}

#[test]
fn a_socket_without_room_says_eagain_and_what_was_taken_is_handed_over() {
    let bytes = content(16 * 1024 * 1024);
    let (source, (ours, peer)) = (file(&bytes), connected());
    ours.set_nonblocking(true).expect("O_NONBLOCK");
    let (mut flow, mut sending) = (Flow::from(0, 0), session(&source, &ours).expect("open"));
    while let Step::Moved(_) = sending.step(&mut flow, ALL) {}
    let before = flow;
    assert_eq!(sending.step(&mut flow, ALL), Step::Error(Side::Sink, Errno::AGAIN));
    assert_eq!(flow, before);
    assert!(flow.pending() > 0 && flow.given() > 0);
    let settled = sending.settle(&mut flow);
    assert_eq!((settled.error, flow.settled()), (None, flow.given()));
    drop(ours);
    let mut got = reader(peer).join().expect("the reader");
    assert_eq!(got.len() as u64, flow.given());
    got.extend_from_slice(&settled.carry);
    assert!(got[..] == bytes[..flow.taken() as usize]);
}

#[test]
fn small_pieces_go_plain() {
    let bytes = content(WORTH - 1);
    let (source, (ours, peer)) = (file(&bytes), connected());
    let settled = send_all(session(&source, &ours).expect("open"), &mut Flow::from(0, 0));
    assert!(settled.remarks.is_empty(), "{settled:?}");
    assert_eq!(next_number(&ours), 0);
    drop(ours);
    assert_eq!(reader(peer).join().expect("the reader").len(), WORTH);
}

#[test]
fn a_grant_is_not_exceeded() {
    let bytes = content(3 * BLOCK);
    let (source, (ours, peer)) = (file(&bytes), connected());
    let peer = reader(peer);
    let (mut flow, mut sending) = (Flow::from(0, 0), session(&source, &ours).expect("open"));
    let mut step = |bytes| sending.step(&mut flow, Grant { bytes, more: true });
    assert_eq!(step(11), Step::Moved(11));
    assert_eq!(step(20_000), Step::Moved(20_000));
    let settled = send_all(sending, &mut flow);
    assert_eq!((settled.error, flow.settled()), (None, bytes.len() as u64));
    drop(ours);
    assert!(peer.join().expect("the reader") == bytes);
}

#[test]
fn it_refuses_what_others_use_and_what_is_no_tcp_socket() {
    let (source, (ours, _peer)) = (file(b"x"), connected());
    zerocopy::enable(&ours, true).expect("SO_ZEROCOPY");
    assert_eq!(session(&source, &ours).err(), Some((Side::Sink, Errno::BUSY)));
    assert_eq!(zerocopy::is_enabled(&ours), Ok(true));

    let policy = Policy::default();
    let (unix, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let datagram = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let suits = |sink| {
        let ask = Ask {
            source: from_file(&source),
            sink,
            expected: None,
            replaced: false,
            policy: &policy,
            processors: None,
        };
        Zerocopy.suits(&ask)
    };
    assert_eq!(suits(to_socket(&ours)), Ok(()));
    for sink in [to_socket(&unix), to_socket(&datagram), from_file(&source)] {
        assert_eq!(suits(sink), Err(Reason::SinkNotTcp));
    }
    assert_eq!(zerocopy::enable(&unix, true), Err(Errno::OPNOTSUPP));
}

/// Runs the test of that name once more, by `wrapper` (a program and its arguments), and fails if that fails.
fn again(name: &str, wrapper: &[&str]) {
    let this = std::env::current_exe().expect("the test binary");
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(this).args(["--exact", "--nocapture"]);
    let output = command.arg(format!("engine::zerocopy::tests::{name}")).env("ZCCP_AGAIN", name).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", wrapper[0]));
    let text = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains(" 1 passed;"), "{name} by {wrapper:?}:\n{text}{told}");
}

fn is_again(name: &str) -> bool {
    std::env::var_os("ZCCP_AGAIN").is_some_and(|inner| inner == name)
}

fn skipped(name: &str, reason: &str) {
    let line = format!("SKIPPED engine::zerocopy::tests::{name}: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    if let Some(path) = std::env::var_os("ZCCP_SKIPS") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.expect("$ZCCP_SKIPS").write_all(line.as_bytes()).expect("$ZCCP_SKIPS");
    }
}

#[test]
fn without_room_for_a_notification_the_piece_goes_plain() {
    let name = "without_room_for_a_notification_the_piece_goes_plain";
    if !is_again(name) {
        // RLIMIT_MEMLOCK of 16 KiB, and no capability to exceed it.
        let limited = ["sh", "-c", "ulimit -l 16 && exec \"$0\" \"$@\""];
        let incapable = ["setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"];
        let as_root = [&incapable[..], &limited[..]].concat();
        return again(name, if rustix::process::geteuid().is_root() { &as_root } else { &limited });
    }
    let bytes = content(8 * BLOCK + 5);
    let (source, (ours, peer)) = (file(&bytes), connected());
    let peer = reader(peer);
    let mut flow = Flow::from(0, 0);
    let settled = send_all(session(&source, &ours).expect("open"), &mut flow);
    assert_eq!((settled.error, settled.remarks), (None, vec![Remark::NoBuffers { sends: 8 }]));
    assert_eq!(flow.settled(), bytes.len() as u64);
    drop(ours);
    assert!(peer.join().expect("the reader") == bytes);
}
