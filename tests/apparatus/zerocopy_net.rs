//! A TCP connection over a network device that gathers, where MSG_ZEROCOPY completes without a copy (code 0).
//!
//! Every local receiver makes the kernel copy: loopback, veth, tun and packet taps all answer "copied" (code 1). So the
//! segments must leave through a device that takes pages and hands them to nobody: an `ifb` device that nothing was
//! redirected to drops them. That leaves TCP without a peer, which is made up here:
//!
//! 1. A thread moves into a network namespace of its own (unshare(2) is per thread) and makes the `ifb` device there;
//!    children started from that thread live in the same namespace. It is gone when its last user is.
//! 2. TCP_REPAIR sets a socket to ESTABLISHED with sequence numbers of our choice and no handshake (tcp(7), CRIU).
//! 3. The peer's acknowledgements are written by hand: another thread asks TCP_INFO how many bytes have gone out and
//!    sends an ACK for as many through a raw socket. It arrives over `lo`; the route to the peer is never asked for
//!    an answer.
//!
//! What was sent cannot be looked at (a tap would be a receiver); how much was sent is known from TCP_INFO. Seen on
//! 6.18: where the device gathers, every completion has code 0; with a packet tap on it, code 1. Where it does not
//! gather, the copy is made on the way to the device and **the completions say 0 all the same**, but for a few: TCP
//! claims to gather whatever the device says, and neither skb_segment nor skb_linearize tells who waits. (UDP looks at
//! the device and says 1.) So with TCP the code alone is not the truth; ETHTOOL_GSG of the interface belongs to it.

#![allow(unsafe_code, reason = "TCP_REPAIR, TCP_INFO and unshare(2) are called through libc")]

use super::skip;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const OURS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 9, 0, 1), 4000);
const PEERS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 9, 0, 2), 5000);
/// The sequence numbers that the two sides start from.
const OUR_SEQUENCE: u32 = 5000;
const PEERS_SEQUENCE: u32 = 1000;

/// ETH_P_ALL in network order: a packet socket of it sees what every device sends.
const ALL_PROTOCOLS: i32 = (libc::ETH_P_ALL as u16).to_be() as i32;

// <linux/tcp.h>, enum of repair queues and TCPOPT_*
const TCP_RECV_QUEUE: i32 = 1;
const TCP_SEND_QUEUE: i32 = 2;
const TCPOPT_MAXSEG: u32 = 2;
const TCPOPT_WINDOW: u32 = 3;

/// What the device does with a segment in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gather {
    /// It takes the pieces: MSG_ZEROCOPY completes with code 0.
    On,
    /// It does, but a packet tap makes the kernel copy each segment: code 1.
    Tapped,
    /// It cannot: the kernel copies, and seldom says so.
    Off,
}

/// Runs `case` on a thread whose network is a namespace with an `ifb` device; commands that it runs live there too.
/// Skipped by name where that cannot be had.
pub fn with_device(gather: Gather, case: impl FnOnce() + Send) {
    let name = skip::current_test();
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name(name);
        let on_thread = move || match make_device(gather) {
            // Open for as long as the case runs, and never read.
            Ok(()) => {
                let _tap = (gather == Gather::Tapped).then(|| socket(libc::AF_PACKET, libc::SOCK_RAW, ALL_PROTOCOLS));
                case();
            }
            Err(reason) => skip::skip!(reason),
        };
        let thread = builder.spawn_scoped(scope, on_thread).unwrap();
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn make_device(gather: Gather) -> Result<(), String> {
    if !skip::is_root() {
        return Err("only root can make a network namespace".into());
    }
    // SAFETY: a system call with a constant; it changes the network of this thread alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } == -1 {
        return Err(format!("unshare: {}", std::io::Error::last_os_error()));
    }
    for line in [
        "ip link set lo up",
        "ip link add ifb0 type ifb",
        "ip address add 10.9.0.1/24 dev ifb0",
        "ip link set ifb0 up",
        if gather == Gather::Off { "ethtool -K ifb0 tso off gso off sg off" } else { "ethtool -K ifb0 sg on" },
    ] {
        let mut words = line.split(' ');
        let output = Command::new(words.next().unwrap_or_default()).args(words).output();
        let output = output.map_err(|e| format!("{line}: {e}"))?;
        // With CONFIG_IFB built in, a new namespace may have its ifb0 already.
        let there_already = line.contains("link add") && String::from_utf8_lossy(&output.stderr).contains("exists");
        if !output.status.success() && !there_already {
            return Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}

/// An established TCP connection to a peer that acknowledges everything and does not exist.
pub struct Connection {
    socket: OwnedFd,
    stop: Arc<AtomicBool>,
    acknowledger: Option<JoinHandle<()>>,
}

impl Connection {
    /// Establishes it; to be called on the thread of [`with_device`].
    pub fn new() -> Connection {
        let socket = established();
        let copy = socket.try_clone().unwrap();
        let raw = raw_socket();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let acknowledger = std::thread::spawn(move || {
            let mut last = None;
            while !stopped.load(Ordering::Relaxed) {
                let sent = bytes_sent(copy.as_raw_fd());
                if last != Some(sent) {
                    send_acknowledgement(raw.as_raw_fd(), OUR_SEQUENCE.wrapping_add(sent as u32));
                    last = Some(sent);
                }
                std::thread::sleep(Duration::from_micros(500));
            }
        });
        Connection { socket, stop, acknowledger: Some(acknowledger) }
    }

    /// The socket, to be a child's standard output.
    pub fn descriptor(&self) -> OwnedFd {
        self.socket.try_clone().unwrap()
    }

    /// How many bytes went out, each counted once, when everything written to the socket has.
    pub fn bytes_sent(&self) -> u64 {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let mut waiting: libc::c_int = 0;
            // SAFETY: SIOCOUTQ (TIOCOUTQ) writes one int: bytes written and not acknowledged yet.
            let result = unsafe { libc::ioctl(self.socket.as_raw_fd(), libc::TIOCOUTQ, &mut waiting) };
            assert_eq!(result, 0, "SIOCOUTQ: {}", std::io::Error::last_os_error());
            if waiting == 0 {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "{waiting} bytes are never acknowledged");
            std::thread::sleep(Duration::from_millis(1));
        }
        bytes_sent(self.socket.as_raw_fd())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.acknowledger.take() {
            let _ = thread.join();
        }
    }
}

fn socket_option<T>(fd: RawFd, level: i32, name: i32, value: &T) {
    // SAFETY: setsockopt reads size_of::<T>() bytes of `value`.
    let result = unsafe { libc::setsockopt(fd, level, name, std::ptr::from_ref(value).cast(), size_of::<T>() as u32) };
    assert_eq!(result, 0, "setsockopt {name}: {}", std::io::Error::last_os_error());
}

fn address(of: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: of.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(of.ip().octets()) },
        sin_zero: [0; 8],
    }
}

fn socket(family: i32, kind: i32, protocol: i32) -> OwnedFd {
    // SAFETY: a new descriptor that is nobody else's, if the call succeeds.
    unsafe {
        let fd = libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol);
        assert!(fd >= 0, "socket: {}", std::io::Error::last_os_error());
        OwnedFd::from_raw_fd(fd)
    }
}

fn raw_socket() -> OwnedFd {
    socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW)
}

fn established() -> OwnedFd {
    let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0);
    let fd = socket.as_raw_fd();
    let tcp = |name, value: i32| socket_option(fd, libc::IPPROTO_TCP, name, &value);
    tcp(libc::TCP_REPAIR, 1);
    tcp(libc::TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
    tcp(libc::TCP_QUEUE_SEQ, OUR_SEQUENCE as i32);
    tcp(libc::TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
    tcp(libc::TCP_QUEUE_SEQ, PEERS_SEQUENCE as i32);
    let length = size_of::<libc::sockaddr_in>() as u32;
    let (ours, peers) = (address(OURS), address(PEERS));
    // SAFETY: both calls read one sockaddr_in of the length given.
    unsafe {
        assert_eq!(libc::bind(fd, (&raw const ours).cast(), length), 0, "{}", std::io::Error::last_os_error());
        // In repair mode this sends nothing and the connection is established at once.
        assert_eq!(libc::connect(fd, (&raw const peers).cast(), length), 0, "{}", std::io::Error::last_os_error());
    }
    // struct tcp_repair_opt { code, value }: the segment size, and window scales of 2^7 for both sides.
    socket_option(
        fd,
        libc::IPPROTO_TCP,
        libc::TCP_REPAIR_OPTIONS,
        &[TCPOPT_MAXSEG, 1460, TCPOPT_WINDOW, 7 | (7 << 16)],
    );
    tcp(libc::TCP_REPAIR, 0);
    socket
}

/// `tcpi_bytes_sent` less `tcpi_bytes_retrans`: the u64s at bytes 200 and 208 of `struct tcp_info` (Linux 4.19).
fn bytes_sent(fd: RawFd) -> u64 {
    let mut info = [0u64; 32];
    let mut length = size_of_val(&info) as u32;
    // SAFETY: getsockopt writes at most `length` bytes into `info`.
    let result =
        unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &mut length) };
    assert_eq!(result, 0, "TCP_INFO: {}", std::io::Error::last_os_error());
    info[25] - info[26]
}

/// Sends ourselves the peer's ACK of everything below `number`: RFC 791 and RFC 9293 headers, no data.
fn send_acknowledgement(raw: RawFd, number: u32) {
    let (from, to) = (PEERS.ip().octets(), OURS.ip().octets());
    let mut tcp = Vec::new();
    tcp.extend(PEERS.port().to_be_bytes());
    tcp.extend(OURS.port().to_be_bytes());
    tcp.extend(PEERS_SEQUENCE.to_be_bytes());
    tcp.extend(number.to_be_bytes());
    // Header of 5 words, flag ACK, window 60000 × 2^7, checksum and urgent pointer still 0.
    tcp.extend([5 << 4, 0x10]);
    tcp.extend(60000u16.to_be_bytes());
    tcp.extend([0; 4]);
    let pseudo: Vec<u8> = [&from[..], &to[..], &[0, 6, 0, 20], &tcp].concat();
    tcp[16..18].copy_from_slice(&checksum(&pseudo).to_be_bytes());
    // Version 4, header of 5 words, total length 40; the kernel fills in the header's checksum (raw(7)).
    let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
    packet.extend(from);
    packet.extend(to);
    packet.extend(tcp);
    let target = address(SocketAddrV4::new(*OURS.ip(), 0));
    // SAFETY: sendto reads the packet and one sockaddr_in, each of the length given.
    unsafe {
        let length = size_of::<libc::sockaddr_in>() as u32;
        libc::sendto(raw, packet.as_ptr().cast(), packet.len(), 0, (&raw const target).cast(), length);
    }
}

/// RFC 1071, of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The recipe itself, with no program of ours: sends 16 × 64 KiB with MSG_ZEROCOPY and gives the completions' codes.
fn completion_codes() -> Vec<u8> {
    let connection = Connection::new();
    let fd = connection.socket.as_raw_fd();
    socket_option(fd, libc::SOL_SOCKET, libc::SO_ZEROCOPY, &1i32);
    let data = vec![b'z'; 65536];
    let (mut sent, mut completed, mut codes) = (0u32, 0u32, Vec::new());
    for _ in 0..16 {
        // SAFETY: `data` outlives every completion, which are all waited for below.
        let result = unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), libc::MSG_ZEROCOPY) };
        assert!(result > 0, "send: {}", std::io::Error::last_os_error());
        sent += 1;
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while completed < sent {
        assert!(std::time::Instant::now() < deadline, "{completed} of {sent} sends completed");
        let mut control = [0u64; 32];
        // SAFETY: an all-zero msghdr is valid; recvmsg writes at most msg_controllen bytes into `control`.
        let read = unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = size_of_val(&control) as _;
            libc::recvmsg(fd, &mut message, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT)
        };
        if read == -1 {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        // cmsghdr is 16 bytes; then struct sock_extended_err: errno, origin/type/code/pad, ee_info, ee_data.
        let words: Vec<u8> = control.iter().flat_map(|w| w.to_ne_bytes()).collect();
        let number = |at: usize| u32::from_ne_bytes(words[at..at + 4].try_into().unwrap());
        codes.push(words[16 + 6]);
        completed += number(16 + 12).wrapping_sub(number(16 + 8)) + 1;
    }
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn a_device_that_gathers_completes_without_a_copy() {
    with_device(Gather::On, || assert_eq!(completion_codes(), [0]));
}

#[test]
fn a_tap_makes_the_kernel_copy() {
    with_device(Gather::Tapped, || assert_eq!(completion_codes(), [1]));
}

#[test]
fn a_device_that_does_not_gather_completes_too() {
    with_device(Gather::Off, || assert!(!completion_codes().is_empty()));
}
