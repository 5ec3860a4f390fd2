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
        let bytes = content::bytes(7, length);
        match self {
            Source::Pipe | Source::SlowPipe | Source::Fifo | Source::Tcp | Source::UnixStream | Source::Tty => {
                Some(self.open_stream(scene, bytes))
            }
            Source::UnixDatagram | Source::Seqpacket | Source::Udp => Some(self.open_messages(bytes)),
            _ => self.open_file(scene, bytes).unwrap_or_else(|reason| {
                let name = format!("{}: {pair}", skip::current_test());
                skip::skip!(name, reason);
                None
            }),
        }
    }

    /// What has a size, be it a wrong one; the error is the reason why it cannot be had, unless that was said.
    fn open_file(self, scene: &Scene, bytes: Vec<u8>) -> Result<Option<Opened>, String> {
        let opened = match self {
            Source::Regular(fs) => Scene::on(fs).map(|place| {
                let path = place.file("source", &bytes).display().to_string();
                named(path, bytes).holding(place)
            }),
            Source::Sparse => Scene::on(Fs::Ext4).map(|place| {
                let length = bytes.len();
                let pieces = [(0, &bytes[..length / 2]), (length as u64, &bytes[..length / 3])];
                let path = place.sparse_file("source", length as u64 * 2, &pieces);
                let whole = std::fs::read(&path).unwrap();
                named(path.display().to_string(), whole).holding(place)
            }),
            Source::Memfd => {
                let mut file = File::from(rustix::fs::memfd_create("source", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
                file.write_all(&bytes).unwrap();
                file.rewind().unwrap();
                Some(stdin(file, bytes))
            }
            Source::Pseudo(path) => {
                let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
                Some(named(path.into(), bytes))
            }
            Source::Block => {
                let whole = content::bytes(7, bytes.len().next_multiple_of(512));
                let device = LoopDevice::over(&scene.file("image", &whole))?;
                Some(named(device.path.display().to_string(), whole).holding(device))
            }
            Source::Null => Some(named("/dev/null".into(), Vec::new())),
            other => unreachable!("{other:?} is no file"),
        };
        Ok(opened)
    }

    /// What comes as it comes.
    fn open_stream(self, scene: &Scene, bytes: Vec<u8>) -> Opened {
        match self {
            Source::Pipe | Source::SlowPipe => {
                let (read, write) = sockets::pipe();
                let piece = if self == Source::Pipe { bytes.len().max(1) } else { 5000 };
                drop(sockets::write_slowly(File::from(write), bytes.clone(), piece));
                stdin(read, bytes)
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
                named(path, bytes)
            }
            Source::Tcp => {
                let (theirs, ours) = sockets::tcp_pair();
                drop(sockets::write_slowly(ours, bytes.clone(), 100_000));
                stdin(theirs, bytes)
            }
            Source::UnixStream => {
                let (theirs, ours) = sockets::unix_pair();
                drop(sockets::write_slowly(ours, bytes.clone(), 100_000));
                stdin(theirs, bytes)
            }
            Source::Tty => {
                let mut terminal = terminal::Terminal::new();
                let text = content::text(1000);
                // ^D at the start of a line is the end.
                terminal.master.write_all(&[&text[..], &[4]].concat()).unwrap();
                stdin(terminal.slave, text).holding(terminal.master)
            }
            other => unreachable!("{other:?} is no stream"),
        }
    }

    /// What comes in messages; the end is an empty one, or with packets the end of the connection.
    fn open_messages(self, bytes: Vec<u8>) -> Opened {
        match self {
            Source::UnixDatagram => {
                let (theirs, ours) = sockets::datagram_pair();
                for message in bytes.chunks(4000).chain([&[][..]]) {
                    ours.send(message).unwrap();
                }
                stdin(theirs, bytes).holding(ours)
            }
            Source::Udp => {
                let (theirs, ours) = sockets::udp_pair();
                for message in bytes.chunks(4000).chain([&[][..]]) {
                    ours.send(message).unwrap();
                }
                stdin(theirs, bytes).holding(ours)
            }
            Source::Seqpacket => {
                let (theirs, mut ours) = sockets::seqpacket_pair();
                for message in bytes.chunks(4000) {
                    ours.write_all(message).unwrap();
                }
                stdin(theirs, bytes)
            }
            other => unreachable!("{other:?} keeps no messages apart"),
        }
    }
}

/// A source with a name.
fn named(argument: String, bytes: Vec<u8>) -> Opened {
    Opened { argument: Some(argument), stdin: None, bytes, _alive: Vec::new() }
}

/// A source without one.
fn stdin(descriptor: impl Into<OwnedFd>, bytes: Vec<u8>) -> Opened {
    Opened { argument: None, stdin: Some(descriptor.into()), bytes, _alive: Vec::new() }
}

impl Opened {
    /// The same, and `what` lives as long.
    fn holding(mut self, what: impl Any) -> Opened {
        self._alive.push(Box::new(what));
        self
    }
}
