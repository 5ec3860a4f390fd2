//! zccat's own sockets: `--connect` and `--listen`.
//!
//! What the rooms below share: who listens, who connects, what has to arrive.

mod conduct;
mod neighbour;
mod programs;
mod refused;

use crate::apparatus::Running;
use crate::apparatus::{Input, Output, Scene, content, skip};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Nothing, little, and more than any socket buffer holds.
const SIZES: [usize; 3] = [0, 13, 5_000_000];

/// Whether somebody listens at this end of a socket, by the kernel's tables: a trial connection would be taken for the
/// real one. A unix socket stands there by the path that it was bound to, relative ones of all directories together: so
/// each case has a name of its own.
fn is_listening(end: &str) -> bool {
    let table = |name: &str| std::fs::read_to_string(format!("/proc/net/{name}")).unwrap();
    match end.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            let port = format!(":{:04X} ", port.parse::<u16>().unwrap());
            let listens = |line: &&str| line.split_whitespace().nth(3) == Some("0A");
            [table("tcp"), table("tcp6")].iter().any(|text| {
                text.lines().filter(listens).any(|line| line.split_whitespace().nth(1).unwrap().ends_with(port.trim()))
            })
        }
        // Listening: the flag __SO_ACCEPTCON (`<linux/net.h>`).
        _ => table("unix").lines().any(|line| line.contains(" 00010000 ") && line.rsplit(' ').next() == Some(end)),
    }
}

#[track_caller]
fn await_listener(end: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_listening(end) {
        assert!(Instant::now() < deadline, "nobody listens on {end}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts a program that listens on `end`; what it writes to standard output is what it has received.
fn listening(scene: &Scene, end: &str, line: &str) -> Option<Running> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap();
    if !skip::has_program(program) {
        skip::skip!(format!("{} with {program}", skip::current_test()), format!("{program} is not installed"));
        return None;
    }
    let running = scene.program(program).arguments(words).spawn();
    await_listener(end);
    Some(running)
}

/// Lines that listen on a port of 127.0.0.1.
fn listeners(port: u16) -> [String; 6] {
    [
        format!("nc -l 127.0.0.1 {port}"),
        format!("nc -l -N 127.0.0.1 {port}"),
        format!("ncat -l 127.0.0.1 {port}"),
        format!("ncat -l --recv-only 127.0.0.1 {port}"),
        format!("socat -u TCP4-LISTEN:{port},bind=127.0.0.1 STDOUT"),
        format!("socat -t 5 TCP4-LISTEN:{port},bind=127.0.0.1 STDIO"),
    ]
}

#[track_caller]
fn arrives(scene: &Scene, end: &str, line: &str, arguments: &[&str], expected: &[u8]) {
    let Some(peer) = listening(scene, end, line) else { return };
    let outcome = scene.zccat(arguments).stdout(Output::Closed).run();
    outcome.succeeds().stderr_is("");
    peer.finish().succeeds().stdout_is(expected);
}

/// zccat listens, a line of shell connects and leaves what it got in `got`.
#[track_caller]
fn serves(scene: &Scene, address: &str, end: &str, client: &str, expected: &[u8]) {
    let program = client.split_whitespace().next().unwrap();
    if !skip::has_program(program) {
        skip::skip!(format!("{} with {program}", skip::current_test()), format!("{program} is not installed"));
        return;
    }
    let zccat = scene.zccat([&format!("--listen={address}"), "a"]).stdout(Output::Closed).spawn();
    await_listener(end);
    scene.program("bash").arguments(["-c", client]).run().succeeds();
    zccat.finish().succeeds().stderr_is("");
    assert!(content::difference(expected, &scene.bytes("got")).is_none(), "{client}");
}

fn end_of(port: u16) -> String {
    format!(":{port}")
}

/// zccat connected to a peer of ours.
fn connected(scene: &Scene, options: &[&str], operands: &[&str]) -> (Running, TcpStream) {
    connected_from(scene, Input::Null, options, operands)
}

/// The same, with a standard input.
fn connected_from(scene: &Scene, stdin: Input, options: &[&str], operands: &[&str]) -> (Running, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--connect=tcp:127.0.0.1:{}", listener.local_addr().unwrap().port());
    let zccat = scene.zccat([&address]).arguments(options).arguments(operands).stdin(stdin).spawn();
    let (stream, _) = listener.accept().unwrap();
    (zccat, stream)
}
