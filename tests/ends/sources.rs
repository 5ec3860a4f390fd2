//! What can be read.

use crate::apparatus::block::LoopDevice;
use crate::apparatus::{Fs, Scene, content, skip, sockets, terminal};
use std::any::Any;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::OwnedFd;

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Regular(Fs),
    /// Data, a hole, data and a hole at the end.
    Sparse,
    Memfd,
    /// A pseudo file: its stat says size 0, or 4096, or the truth.
    Pseudo(&'static str),
    Block,
    Null,
    Pipe,
    /// A pipe into which pieces come slowly.
    SlowPipe,
    Fifo,
    Tcp,
    UnixStream,
    /// A unix datagram socket; an empty message ends it.
    UnixDatagram,
    Seqpacket,
    /// A UDP socket; an empty datagram ends it.
    Udp,
    Tty,
}

/// A source that has been opened, or can be by name.
pub struct Opened {
    /// The operand, if it has a name.
    pub argument: Option<String>,
    /// What standard input is, if it has none.
    pub stdin: Option<OwnedFd>,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whatever has to live as long as the source.
    _alive: Vec<Box<dyn Any>>,
}

impl Source {
    pub const ALL: [Source; 22] = [
        Source::Regular(Fs::Ext4),
        Source::Regular(Fs::Xfs),
        Source::Regular(Fs::Btrfs),
        Source::Regular(Fs::Tmpfs),
        Source::Regular(Fs::Overlay),
        Source::Sparse,
        Source::Memfd,
        // A seq file that splice can read, one that it cannot, a sysctl, an attribute of sysfs, a binary one.
        Source::Pseudo("/proc/filesystems"),
        Source::Pseudo("/proc/swaps"),
        Source::Pseudo("/proc/sys/kernel/ostype"),
        Source::Pseudo("/sys/class/net/lo/mtu"),
        Source::Pseudo("/sys/kernel/notes"),
        Source::Block,
        Source::Null,
        Source::Pipe,
        Source::Fifo,
        Source::Tcp,
        Source::UnixStream,
        Source::UnixDatagram,
        Source::Seqpacket,
        Source::Udp,
        Source::Tty,
    ];

    /// Those that much can come from.
    pub const STREAMS: [Source; 6] =
        [Source::Regular(Fs::Ext4), Source::Sparse, Source::Pipe, Source::SlowPipe, Source::Tcp, Source::UnixStream];

    /// A regular file or memfd: size, offsets and a mapping mean something.
    pub fn is_file(self) -> bool {
        matches!(self, Source::Regular(_) | Source::Sparse | Source::Memfd)
    }

    /// Makes one that holds about `length` bytes; `None`, and `pair` skipped by name, where that cannot be had.
    pub fn open(self, scene: &Scene, pair: &str, length: usize) -> Option<Opened> {
        let named =
            |argument: String, bytes: Vec<u8>| Opened { argument: Some(argument), stdin: None, bytes, _alive: vec![] };
        let stdin = |fd: OwnedFd, bytes: Vec<u8>| Opened { argument: None, stdin: Some(fd), bytes, _alive: vec![] };
        let bytes = content::bytes(7, length);
        let skipped = |reason: &str| {
            let name = format!("{}: {pair}", skip::current_test());
            skip::skip!(name, reason);
            None
        };
        match self {
            Source::Regular(fs) => {
                let place = Scene::on(fs)?;
                let path = place.file("source", &bytes).display().to_string();
                Some(Opened { _alive: vec![Box::new(place)], ..named(path, bytes) })
            }
            Source::Sparse => {
                let place = Scene::on(Fs::Ext4)?;
                let (size, tail) = (length as u64 * 2, &bytes[..length / 3]);
                let path = place.sparse_file("source", size, &[(0, &bytes[..length / 2]), (length as u64, tail)]);
                let whole = std::fs::read(&path).unwrap();
                Some(Opened { _alive: vec![Box::new(place)], ..named(path.display().to_string(), whole) })
            }
            Source::Memfd => {
                let mut file = File::from(rustix::fs::memfd_create("source", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
                file.write_all(&bytes).unwrap();
                file.rewind().unwrap();
                Some(stdin(file.into(), bytes))
            }
            Source::Pseudo(path) => match std::fs::read(path) {
                Ok(bytes) => Some(named(path.into(), bytes)),
                Err(error) => skipped(&format!("{path}: {error}")),
            },
            Source::Block => {
                let whole = content::bytes(7, length.next_multiple_of(512));
                let image = scene.file("image", &whole);
                match LoopDevice::over(&image) {
                    Ok(device) => {
                        let path = device.path.display().to_string();
                        Some(Opened { _alive: vec![Box::new(device)], ..named(path, whole) })
                    }
                    Err(reason) => skipped(&reason),
                }
            }
            Source::Null => Some(named("/dev/null".into(), Vec::new())),
            Source::Pipe | Source::SlowPipe => {
                let (read, write) = sockets::pipe();
                let piece = if self == Source::Pipe { length.max(1) } else { 5000 };
                drop(sockets::write_slowly(File::from(write), bytes.clone(), piece));
                Some(stdin(read, bytes))
            }
            Source::Fifo => {
                let path = scene.fifo("fifo").display().to_string();
                let (name, copy) = (path.clone(), bytes.clone());
                // Opening a FIFO for writing waits for its reader; one that never comes keeps this thread only.
                std::thread::spawn(move || {
                    if let Ok(mut fifo) = File::options().write(true).open(name) {
                        let _ = fifo.write_all(&copy);
                    }
                });
                Some(named(path, bytes))
            }
            Source::Tcp => {
                let (theirs, ours) = sockets::tcp_pair();
                drop(sockets::write_slowly(ours, bytes.clone(), 100_000));
                Some(stdin(theirs.into(), bytes))
            }
            Source::UnixStream => {
                let (theirs, ours) = sockets::unix_pair();
                drop(sockets::write_slowly(ours, bytes.clone(), 100_000));
                Some(stdin(theirs.into(), bytes))
            }
            Source::UnixDatagram => {
                let (theirs, ours) = sockets::datagram_pair();
                for message in bytes.chunks(4000) {
                    ours.send(message).unwrap();
                }
                ours.send(&[]).unwrap();
                Some(Opened { _alive: vec![Box::new(ours)], ..stdin(theirs.into(), bytes) })
            }
            Source::Seqpacket => {
                let (theirs, mut ours) = sockets::seqpacket_pair();
                for message in bytes.chunks(4000) {
                    ours.write_all(message).unwrap();
                }
                Some(stdin(theirs.into(), bytes))
            }
            Source::Udp => {
                let (theirs, ours) = sockets::udp_pair();
                for datagram in bytes.chunks(4000) {
                    ours.send(datagram).unwrap();
                }
                ours.send(&[]).unwrap();
                Some(Opened { _alive: vec![Box::new(ours)], ..stdin(theirs.into(), bytes) })
            }
            Source::Tty => {
                let mut terminal = terminal::Terminal::new();
                let text = content::text(1000);
                // ^D at the start of a line is the end.
                terminal.master.write_all(&[&text[..], &[4]].concat()).unwrap();
                Some(Opened { _alive: vec![Box::new(terminal.master)], ..stdin(terminal.slave.into(), text) })
            }
        }
    }
}
