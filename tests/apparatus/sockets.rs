//! The other ends of sockets and FIFOs: pairs on loopback, and real peer programs.

#![allow(unsafe_code, reason = "socketpair types, SO_LINGER and O_NONBLOCK are set through libc")]

use super::case::Scene;
use super::running::Running;
use super::skip;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a peer waits for something before the case is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connected TCP pair on loopback: (the child's, ours).
pub fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, _) = listener.accept().unwrap();
    (theirs, ours)
}

/// A connected UDP pair on loopback: (the child's, ours). What the child sends is kept in our receive buffer, and lost where
/// that is full.
pub fn udp_pair() -> (UdpSocket, UdpSocket) {
    let theirs = UdpSocket::bind("127.0.0.1:0").unwrap();
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    theirs.connect(ours.local_addr().unwrap()).unwrap();
    ours.connect(theirs.local_addr().unwrap()).unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    (theirs, ours)
}

/// A pair of unix stream sockets.
pub fn unix_pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

/// A pair of unix datagram sockets.
pub fn datagram_pair() -> (UnixDatagram, UnixDatagram) {
    UnixDatagram::pair().unwrap()
}

/// A pair of unix seqpacket sockets, as files: a read is one message.
pub fn seqpacket_pair() -> (File, File) {
    let mut fds = [0; 2];
    // SAFETY: socketpair writes two descriptors into an array of two.
    let result =
        unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, fds.as_mut_ptr()) };
    assert_eq!(result, 0, "socketpair: {}", std::io::Error::last_os_error());
    // SAFETY: both descriptors are new and nobody else's.
    unsafe { (File::from_raw_fd(fds[0]), File::from_raw_fd(fds[1])) }
}

/// A pipe: (read end, write end).
pub fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap()
}

/// Sets O_NONBLOCK on the open file description, as another process sharing it may do.
pub fn set_nonblocking(fd: &impl AsRawFd) {
    // SAFETY: F_GETFL and F_SETFL take and return plain numbers.
    unsafe {
        let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
        assert_eq!(libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK), 0);
    }
}

/// Reads a stream to its end on a thread of its own.
pub fn read_all(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map(|_| bytes).unwrap()
    })
}

/// Reads a stream to its end slowly: 4096 bytes, a millisecond's sleep, and again.
pub fn read_slowly(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut bytes, mut block) = (Vec::new(), [0; 4096]);
        loop {
            match stream.read(&mut block).unwrap() {
                0 => return bytes,
                n => bytes.extend_from_slice(&block[..n]),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    })
}

/// Begins to read only after `pause`, and then reads a stream to its end.
pub fn read_after(stream: impl Read + Send + 'static, pause: Duration) -> JoinHandle<Vec<u8>> {
    std::thread::sleep(pause);
    read_all(stream)
}

/// Reads messages until there is nothing for `quiet`: datagram sockets have no end.
pub fn read_messages(socket: OwnedFd, quiet: Duration) -> JoinHandle<Vec<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut file = File::from(socket);
        let (mut messages, mut block) = (Vec::new(), vec![0; 1 << 20]);
        loop {
            let time_out =
                rustix::event::Timespec { tv_sec: quiet.as_secs() as i64, tv_nsec: quiet.subsec_nanos().into() };
            let mut fds = [rustix::event::PollFd::new(&file, rustix::event::PollFlags::IN)];
            if rustix::event::poll(&mut fds, Some(&time_out)).unwrap() == 0 {
                return messages;
            }
            match file.read(&mut block) {
                // The other end of a seqpacket pair has gone, or nobody holds the other socket any more.
                Ok(0) | Err(_) => return messages,
                Ok(n) => messages.push(block[..n].to_vec()),
            }
        }
    })
}

/// Writes `bytes` into a stream on a thread of its own, in pieces with pauses, then closes it.
pub fn write_slowly(mut stream: impl Write + Send + 'static, bytes: Vec<u8>, piece: usize) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for part in bytes.chunks(piece) {
            if stream.write_all(part).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    })
}

/// Closes a TCP connection with a reset (RST), not an end.
pub fn reset(stream: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: setsockopt reads one `linger` of the length given.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        )
    };
    assert_eq!(result, 0);
    drop(stream);
}

/// Bytes that a TCP socket has sent and the peer has not acknowledged, and those it has yet to send (SIOCOUTQ, tcp(7)).
pub fn unacknowledged(socket: &TcpStream) -> i32 {
    let mut bytes = 0;
    // SAFETY: the call stores one int at the address given.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    bytes
}

/// Waits until a program that sends to `ours` sleeps, and nothing moves; how much is unread then, bytes.
pub fn until_stuck(running: &Running, ours: &TcpStream) -> u64 {
    let mut unread = 0;
    running.wait_until("waiting", || {
        let before = std::mem::replace(&mut unread, rustix::io::ioctl_fionread(ours).unwrap());
        unread > 0 && unread == before && running.is_asleep()
    });
    unread
}

/// The number at a place of a file of /proc/sys/net.
pub fn system(name: &str, place: usize) -> usize {
    let text = std::fs::read_to_string(format!("/proc/sys/net/{name}")).unwrap();
    text.split_whitespace().nth(place).unwrap().parse().unwrap()
}

/// The most bytes that the buffers of both sockets of a TCP connection may hold.
pub fn most_in_two() -> usize {
    system("ipv4/tcp_rmem", 2).max(2 * system("core/rmem_max", 0)) + system("ipv4/tcp_wmem", 2)
}

/// A TCP port on loopback that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Which program listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerProgram {
    /// OpenBSD's netcat.
    Nc,
    /// socat.
    Socat,
}

/// A real peer that listens on loopback and writes what it receives into a file.
pub struct Peer {
    child: Child,
    /// The port it listens on.
    pub port: u16,
    /// What it received so far.
    pub received: std::path::PathBuf,
}

impl Peer {
    /// Starts `program` and waits until it listens; `None`, and the test skipped by name, if it is not installed.
    pub fn listen(scene: &Scene, program: PeerProgram) -> Option<Peer> {
        let name = if program == PeerProgram::Nc { "nc" } else { "socat" };
        if !skip::has_program(name) {
            skip::skip!(format!("{} with {name}", skip::current_test()), format!("{name} is not installed"));
            return None;
        }
        let port = free_port();
        let received = scene.path(format!("received-{port}"));
        let mut command = Command::new(name);
        match program {
            PeerProgram::Nc => command.args(["-l", "-N", "127.0.0.1", &port.to_string()]),
            PeerProgram::Socat => command.args(["-u", &format!("TCP4-LISTEN:{port},bind=127.0.0.1"), "STDOUT"]),
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&received).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let peer = Peer { child, port, received };
        peer.wait_until_listening();
        Some(peer)
    }

    /// Asks the kernel's table, because a trial connection would be taken for the real one.
    fn wait_until_listening(&self) {
        let entry = format!("0100007F:{:04X} 00000000:0000 0A", self.port);
        let deadline = Instant::now() + PATIENCE;
        while !std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&entry) {
            assert!(Instant::now() < deadline, "the peer does not listen on port {}", self.port);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A connection to it, to be the child's standard output.
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }

    /// Waits for it to end, and gives what it received.
    pub fn finish(mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the peer on port {} does not end", self.port);
            std::thread::sleep(Duration::from_millis(2));
        }
        std::fs::read(&self.received).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
