//! What can be written to.

use crate::apparatus::block::LoopDevice;
use crate::apparatus::terminal::Terminal;
use crate::apparatus::{Fs, Scene, skip, sockets};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// What a file opened with O_APPEND held before.
const BEFORE: &[u8] = b"what was there before\n";

/// A kind of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    Regular(Fs),
    /// A regular file on ext4 opened with O_APPEND, with something in it.
    Append,
    Memfd,
    Block,
    Null,
    Pipe,
    /// A pipe whose reader is slow.
    SlowPipe,
    Tcp,
    UnixStream,
    UnixDatagram,
    Seqpacket,
    Udp,
    /// A terminal in raw modes.
    Tty,
}

/// A sink that has been opened.
pub struct Opened {
    /// What standard output is.
    pub descriptor: OwnedFd,
    /// What it was given, once the child has ended.
    pub collect: Box<dyn FnOnce() -> Vec<u8>>,
}

impl Sink {
    /// Whether what was written can be seen.
    pub fn keeps_bytes(self) -> bool {
        self != Sink::Null
    }

    /// How much of what the sink holds is to be compared: a device holds more than was written.
    pub fn seen(self, expected: &[u8], delivered: &[u8]) -> usize {
        if self == Sink::Block { expected.len().min(delivered.len()) } else { delivered.len() }
    }

    /// Opens one; `None`, and `pair` skipped by name, where that cannot be had.
    pub fn open(self, scene: &Scene, pair: &str) -> Option<Opened> {
        match self {
            Sink::Regular(fs) => {
                let place = Scene::on(fs)?;
                let file = place.create("sink");
                Some(opened(file, move || place.bytes("sink")))
            }
            Sink::Append => {
                let place = Scene::on(Fs::Ext4)?;
                place.file("sink", BEFORE);
                let file = place.open_with("sink", libc::O_APPEND);
                Some(opened(file, move || place.bytes("sink").strip_prefix(BEFORE).expect("what was there").to_vec()))
            }
            Sink::Memfd => {
                let file = File::from(rustix::fs::memfd_create("sink", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
                let mut copy = file.try_clone().unwrap();
                let collect = move || {
                    let mut bytes = Vec::new();
                    copy.rewind().unwrap();
                    copy.read_to_end(&mut bytes).map(|_| bytes).unwrap()
                };
                Some(opened(file, collect))
            }
            Sink::Block => {
                let image = scene.file("sink-image", &[0; 1 << 20]);
                match LoopDevice::over(&image) {
                    Ok(device) => {
                        let file = File::options().write(true).open(&device.path).unwrap();
                        Some(opened(file, move || device.bytes()))
                    }
                    Err(reason) => {
                        let name = format!("{}: {pair}", skip::current_test());
                        skip::skip!(name, reason);
                        None
                    }
                }
            }
            Sink::Null => Some(opened(File::options().write(true).open("/dev/null").unwrap(), Vec::new)),
            Sink::Pipe | Sink::SlowPipe => {
                let (read, write) = sockets::pipe();
                let read = File::from(read);
                let reader = if self == Sink::Pipe { sockets::read_all(read) } else { sockets::read_slowly(read) };
                Some(opened(write, move || reader.join().unwrap()))
            }
            Sink::Tcp => {
                let (theirs, ours) = sockets::tcp_pair();
                let reader = sockets::read_all(ours);
                Some(opened(theirs, move || reader.join().unwrap()))
            }
            Sink::UnixStream => {
                let (theirs, ours) = sockets::unix_pair();
                let reader = sockets::read_all(ours);
                Some(opened(theirs, move || reader.join().unwrap()))
            }
            Sink::UnixDatagram | Sink::Seqpacket | Sink::Udp => Some(self.open_messages()),
            Sink::Tty => {
                let Terminal { master, slave } = Terminal::raw();
                let screen = Terminal::screen(master);
                Some(opened(slave, move || screen.finish()))
            }
        }
    }

    fn open_messages(self) -> Opened {
        // Long enough that only a broken case waits for it: an empty message, or the end, comes first.
        let patience = Duration::from_secs(20);
        match self {
            Sink::UnixDatagram => {
                let (theirs, ours) = sockets::datagram_pair();
                let (end, reader) = (theirs.try_clone().unwrap(), sockets::read_messages(ours.into(), patience));
                opened(theirs, move || end.send(&[]).map(|_| reader.join().unwrap().concat()).unwrap())
            }
            Sink::Udp => {
                let (theirs, ours) = sockets::udp_pair();
                let (end, reader) = (theirs.try_clone().unwrap(), sockets::read_messages(ours.into(), patience));
                opened(theirs, move || end.send(&[]).map(|_| reader.join().unwrap().concat()).unwrap())
            }
            _ => {
                let (theirs, ours) = sockets::seqpacket_pair();
                let reader = sockets::read_messages(ours.into(), patience);
                opened(theirs, move || reader.join().unwrap().concat())
            }
        }
    }
}

fn opened(descriptor: impl Into<OwnedFd>, collect: impl FnOnce() -> Vec<u8> + 'static) -> Opened {
    Opened { descriptor: descriptor.into(), collect: Box::new(collect) }
}
