//! A neighbour that is no other machine: a second network namespace at the other end of a veth pair, as containers have it.

#![allow(unsafe_code, reason = "unshare(2) and gettid(2) are called through libc")]

use super::skip;
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};

/// The neighbour's addresses; ours end in 1. The last is link-local: only with its interface it is an address.
pub const NEIGHBOUR: [&str; 3] = ["10.9.0.2", "[fd09::2]", "[fe80::2%v0]"];

/// Runs `case` on a thread whose network is a namespace of its own, with a socket that listens in the neighbour's, on all its
/// addresses. Commands that the case runs live there too. Skipped by name where that cannot be had.
pub fn with_neighbour(case: impl FnOnce(TcpListener) + Send) {
    let name = skip::current_test();
    let (to_here, from_there) = mpsc::channel();
    let (to_there, from_here) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || be_the_neighbour(&to_here, &from_here));
        let on_thread = move || match join(&from_there, &to_there) {
            Ok(listener) => {
                case(listener);
                drop(to_there); // the neighbour's network is there as long as its thread
            }
            Err(reason) => skip::skip!(reason),
        };
        let thread = std::thread::Builder::new().name(name).spawn_scoped(scope, on_thread).unwrap();
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// What the neighbour says: its thread's number, then its listening socket.
enum Word {
    Thread(libc::pid_t),
    Listens(TcpListener),
    No(String),
}

/// In the neighbour's thread: makes a network, waits for the interface, and listens.
fn be_the_neighbour(say: &Sender<Word>, hear: &Receiver<()>) {
    // SAFETY: it takes nothing and cannot fail.
    let thread = unsafe { libc::gettid() };
    let listens = || {
        unshare()?;
        say.send(Word::Thread(thread)).map_err(|e| e.to_string())?;
        hear.recv().map_err(|e| e.to_string())?;
        up("v1", 2)?;
        TcpListener::bind("[::]:0").map_err(|e| format!("no IPv6: {e}"))
    };
    let _ = say.send(listens().map_or_else(Word::No, Word::Listens));
    let _ = hear.recv();
}

/// In the case's: joins the two by a veth pair; the neighbour's socket.
fn join(hear: &Receiver<Word>, say: &Sender<()>) -> Result<TcpListener, String> {
    loop {
        match hear.recv().map_err(|e| e.to_string())? {
            Word::Thread(neighbour) => {
                unshare()?;
                run("ip link set lo up")?;
                run(&format!("ip link add v0 type veth peer name v1 netns {neighbour}"))?;
                up("v0", 1)?;
                say.send(()).map_err(|e| e.to_string())?;
            }
            Word::Listens(listener) => return Ok(listener),
            Word::No(reason) => return Err(reason),
        }
    }
}

/// A network of this thread's own.
fn unshare() -> Result<(), String> {
    // SAFETY: a system call with a constant; it changes the network of this thread alone.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    if result == 0 { Ok(()) } else { Err(format!("unshare: {}", std::io::Error::last_os_error())) }
}

/// Gives an interface its addresses. None waits to be found out as somebody else's.
fn up(interface: &str, host: u8) -> Result<(), String> {
    run(&format!("ip link set {interface} addrgenmode none"))?;
    run(&format!("ip address add 10.9.0.{host}/24 dev {interface}"))?;
    run(&format!("ip address add fd09::{host}/64 dev {interface} nodad"))?;
    run(&format!("ip address add fe80::{host}/64 dev {interface} nodad"))?;
    run(&format!("ip link set {interface} up"))
}

fn run(line: &str) -> Result<(), String> {
    let mut words = line.split(' ');
    let output = Command::new(words.next().unwrap_or_default()).args(words).output();
    let output = output.map_err(|e| format!("{line}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr)))
}
