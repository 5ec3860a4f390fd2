//! A file system in this process that answers short, ends early, lies about sizes and fails on request.
//!
//! strace can only pretend that a call moved less than it did; here reads and writes truly are short. It speaks the
//! kernel's FUSE protocol itself (`<linux/fuse.h>`, version 7.31) over `/dev/fuse`, so nothing needs to be installed.
//! One thread answers one request at a time; files live in memory. The cases look at them through [`Mount::bytes`] and
//! never open them from this process, which could otherwise wait for itself while exiting.

use super::case::Scene;
use super::filesystems::{may_mount, mount, unmount};
use super::skip;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is wrong with a file.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The size that stat tells, whatever the file holds.
    pub size_says: Option<u64>,
    /// A read gives at most so many bytes.
    pub read_at_most: Option<usize>,
    /// The first read at this offset gives 0 bytes although more follow; reads before it stop there.
    pub zero_once_at: Option<u64>,
    /// A read at or after this offset fails with this errno; reads before it stop there.
    pub read_error: Option<(u64, i32)>,
    /// A write takes at most so many bytes.
    pub write_at_most: Option<usize>,
    /// A write at or after this offset fails with this errno; writes before it stop there.
    pub write_error: Option<(u64, i32)>,
    /// close(2) fails with this errno.
    pub close_error: Option<i32>,
    /// fsync(2) fails with this errno.
    pub fsync_error: Option<i32>,
    /// So many bytes a second are read.
    pub bytes_a_second: Option<u64>,
    /// Reads and writes go through the page cache (without it, FOPEN_DIRECT_IO: each call reaches us as it is).
    pub cached: bool,
    /// It has no offsets that could be named: lseek(2), pread(2) and pwrite(2) are ESPIPE.
    pub no_offsets: bool,
}

struct Node {
    name: String,
    bytes: Vec<u8>,
    faults: Faults,
    zero_given: bool,
}

#[derive(Default)]
struct State {
    /// Node number 2 is the first; 1 is the directory they are all in.
    nodes: Vec<Node>,
    /// What is wrong with files that are created.
    created: Faults,
}

/// A mounted file system; unmounted when dropped.
pub struct Mount {
    place: PathBuf,
    state: Arc<Mutex<State>>,
}

impl Mount {
    /// Mounts one in the directory `fuse` of the scene; `None`, and the test skipped by name, where that cannot be had.
    pub fn new(scene: &Scene) -> Option<Mount> {
        match Mount::try_new(scene) {
            Ok(mount) => Some(mount),
            Err(reason) => {
                skip::skip!(format!("{} on fuse", skip::current_test()), reason);
                None
            }
        }
    }

    fn try_new(scene: &Scene) -> Result<Mount, String> {
        may_mount()?;
        let device = File::options().read(true).write(true).open("/dev/fuse").map_err(|e| format!("/dev/fuse: {e}"))?;
        let place = scene.directory("fuse");
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0,allow_other", device.as_raw_fd());
        mount("shortfs", &place, "fuse", &options)?;
        let state = Arc::new(Mutex::new(State::default()));
        let served = Arc::clone(&state);
        std::thread::Builder::new().name("fuse".into()).spawn(move || serve(device, &served)).unwrap();
        Ok(Mount { place, state })
    }

    /// Adds a file.
    pub fn file(&self, name: &str, bytes: &[u8], faults: Faults) -> PathBuf {
        let node = Node { name: name.into(), bytes: bytes.to_vec(), faults, zero_given: false };
        self.state.lock().unwrap().nodes.push(node);
        self.place.join(name)
    }

    /// Files that are created from now on have these faults.
    pub fn created_files_have(&self, faults: Faults) {
        self.state.lock().unwrap().created = faults;
    }

    /// The full path of `name`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// What a file holds; `None` if there is none of that name.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state.lock().unwrap();
        state.nodes.iter().find(|n| n.name == name).map(|n| n.bytes.clone())
    }

    /// All names are gone.
    pub fn forget_all(&self) {
        self.state.lock().unwrap().nodes.iter_mut().for_each(|n| n.name.clear());
    }

    /// Every name there is.
    pub fn names(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.nodes.iter().map(|n| n.name.clone()).filter(|name| !name.is_empty()).collect()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        unmount(&self.place);
    }
}

// Opcodes of <linux/fuse.h>.
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const SETATTR: u32 = 4;
const UNLINK: u32 = 10;
const RENAME: u32 = 12;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const STATFS: u32 = 17;
const RELEASE: u32 = 18;
const FSYNC: u32 = 20;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const OPENDIR: u32 = 27;
const READDIR: u32 = 28;
const RELEASEDIR: u32 = 29;
const CREATE: u32 = 35;
const INTERRUPT: u32 = 36;
const DESTROY: u32 = 38;
const BATCH_FORGET: u32 = 42;

const MAX_WRITE: u32 = 1 << 20;
const FOPEN_DIRECT_IO: u32 = 1;
const FOPEN_NONSEEKABLE: u32 = 4;
const FUSE_BIG_WRITES: u32 = 1 << 5;
const FUSE_MAX_PAGES: u32 = 1 << 22;
const FATTR_SIZE: u32 = 1 << 3;

/// One request, after its header.
struct Request<'a> {
    opcode: u32,
    node: u64,
    body: &'a [u8],
}

impl Request<'_> {
    fn u32(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.body[at..at + 4].try_into().unwrap())
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.body[at..at + 8].try_into().unwrap())
    }

    /// The NUL-terminated name that starts at `at`.
    fn name(&self, at: usize) -> String {
        let bytes = self.body[at..].split(|b| *b == 0).next().unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }
}

fn serve(mut device: File, state: &Mutex<State>) {
    let mut buffer = vec![0; MAX_WRITE as usize + 4096];
    // ENODEV: unmounted.
    while let Ok(length) = device.read(&mut buffer) {
        let header = &buffer[..40];
        let opcode = u32::from_ne_bytes(header[4..8].try_into().unwrap());
        let unique = &header[8..16];
        let node = u64::from_ne_bytes(header[16..24].try_into().unwrap());
        let request = Request { opcode, node, body: &buffer[40..length] };
        if matches!(opcode, FORGET | BATCH_FORGET | INTERRUPT) {
            continue;
        }
        let (error, body) = match state.lock().unwrap().answer(&request) {
            Ok(body) => (0, body),
            Err(errno) => (-errno, Vec::new()),
        };
        if opcode == READ
            && let Some(rate) = state.lock().unwrap().node(&request).ok().and_then(|node| node.faults.bytes_a_second)
        {
            std::thread::sleep(Duration::from_micros(body.len() as u64 * 1_000_000 / rate));
        }
        let mut reply = Vec::with_capacity(16 + body.len());
        reply.extend((16 + body.len() as u32).to_ne_bytes());
        reply.extend(error.to_ne_bytes());
        reply.extend(unique);
        reply.extend(body);
        // ENOENT: the caller was killed and does not wait any more.
        let _ = device.write(&reply);
    }
}

impl State {
    fn answer(&mut self, request: &Request<'_>) -> Result<Vec<u8>, i32> {
        match request.opcode {
            INIT => Ok(init()),
            LOOKUP => {
                let name = request.name(0);
                let at = self.nodes.iter().position(|n| n.name == name).ok_or(libc::ENOENT)?;
                Ok(self.entry(at as u64 + 2))
            }
            GETATTR => Ok([&[0; 16][..], &self.attributes(request.node)].concat()),
            SETATTR => self.set_attributes(request),
            CREATE => {
                let faults = self.created.clone();
                let direct = open_flags(&faults);
                // struct fuse_create_in is 16 bytes; the name follows.
                self.nodes.push(Node { name: request.name(16), bytes: Vec::new(), faults, zero_given: false });
                Ok([self.entry(self.nodes.len() as u64 + 1), opened(direct)].concat())
            }
            OPEN => Ok(opened(open_flags(&self.node(request)?.faults))),
            READ => self.read(request),
            WRITE => self.write(request),
            UNLINK => {
                let name = request.name(0);
                let node = self.nodes.iter_mut().find(|n| n.name == name).ok_or(libc::ENOENT)?;
                node.name.clear();
                Ok(Vec::new())
            }
            RENAME => {
                // struct fuse_rename_in is the new directory's number; both names follow.
                let (old, new) = (request.name(8), request.name(8 + request.name(8).len() + 1));
                self.nodes.iter_mut().filter(|n| n.name == new).for_each(|n| n.name.clear());
                let node = self.nodes.iter_mut().find(|n| n.name == old).ok_or(libc::ENOENT)?;
                node.name = new;
                Ok(Vec::new())
            }
            FLUSH => self.node(request)?.faults.close_error.map_or(Ok(Vec::new()), Err),
            FSYNC => self.node(request)?.faults.fsync_error.map_or(Ok(Vec::new()), Err),
            STATFS => Ok(statfs()),
            OPENDIR => Ok(opened(0)),
            READDIR | RELEASE | RELEASEDIR | DESTROY => Ok(Vec::new()),
            // copy_file_range, fallocate, lseek, xattrs, …: the kernel then does without, or says EOPNOTSUPP.
            _ => Err(libc::ENOSYS),
        }
    }

    fn node(&mut self, request: &Request<'_>) -> Result<&mut Node, i32> {
        self.nodes.get_mut((request.node as usize).wrapping_sub(2)).ok_or(libc::ENOENT)
    }

    fn read(&mut self, request: &Request<'_>) -> Result<Vec<u8>, i32> {
        let (offset, size) = (request.u64(8), request.u32(16) as usize);
        let node = self.node(request)?;
        let mut end = offset.saturating_add(size.min(node.faults.read_at_most.unwrap_or(size)) as u64);
        if let Some((at, errno)) = node.faults.read_error {
            if offset >= at {
                return Err(errno);
            }
            end = end.min(at);
        }
        if let Some(at) = node.faults.zero_once_at.filter(|_| !node.zero_given) {
            if offset == at {
                node.zero_given = true;
                return Ok(Vec::new());
            }
            if offset < at {
                end = end.min(at);
            }
        }
        let length = node.bytes.len() as u64;
        Ok(node.bytes[offset.min(length) as usize..end.min(length) as usize].to_vec())
    }

    fn write(&mut self, request: &Request<'_>) -> Result<Vec<u8>, i32> {
        let (offset, size) = (request.u64(8), request.u32(16) as usize);
        let node = self.node(request)?;
        let mut taken = size.min(node.faults.write_at_most.unwrap_or(size));
        if let Some((at, errno)) = node.faults.write_error {
            if offset >= at {
                return Err(errno);
            }
            taken = taken.min((at - offset) as usize);
        }
        let (start, end) = (offset as usize, offset as usize + taken);
        if node.bytes.len() < end {
            node.bytes.resize(end, 0);
        }
        // struct fuse_write_in is 40 bytes; the data follow.
        node.bytes[start..end].copy_from_slice(&request.body[40..40 + taken]);
        Ok([(taken as u32).to_ne_bytes(), [0; 4]].concat())
    }

    fn set_attributes(&mut self, request: &Request<'_>) -> Result<Vec<u8>, i32> {
        if request.u32(0) & FATTR_SIZE != 0 {
            let size = request.u64(16) as usize;
            self.node(request)?.bytes.resize(size, 0);
        }
        Ok([&[0; 16][..], &self.attributes(request.node)].concat())
    }

    /// `struct fuse_entry_out`, valid for no time at all.
    fn entry(&self, node: u64) -> Vec<u8> {
        [&node.to_ne_bytes()[..], &[0; 32], &self.attributes(node)].concat()
    }

    /// `struct fuse_attr`
    fn attributes(&self, number: u64) -> Vec<u8> {
        let node = (number as usize).checked_sub(2).and_then(|at| self.nodes.get(at));
        let size = node.map_or(0, |n| n.faults.size_says.unwrap_or(n.bytes.len() as u64));
        let mode: u32 = if number == 1 { 0o40777 } else { 0o100_644 };
        let mut out = Vec::with_capacity(88);
        for wide in [number, size, size.div_ceil(512), 1, 1, 1] {
            out.extend(wide.to_ne_bytes());
        }
        // Three nanoseconds, mode, links, owner, group, device, block size, flags.
        for narrow in [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0] {
            out.extend(narrow.to_ne_bytes());
        }
        out
    }
}

fn open_flags(faults: &Faults) -> u32 {
    let cached = if faults.cached { 0 } else { FOPEN_DIRECT_IO };
    cached | if faults.no_offsets { FOPEN_NONSEEKABLE } else { 0 }
}

/// `struct fuse_open_out`
fn opened(flags: u32) -> Vec<u8> {
    [&[0; 8][..], &flags.to_ne_bytes(), &[0; 4]].concat()
}

/// `struct fuse_init_out`
fn init() -> Vec<u8> {
    let mut out = Vec::new();
    // Version 7.31; read ahead as much as is written at once.
    for word in [7, 31, MAX_WRITE, FUSE_BIG_WRITES | FUSE_MAX_PAGES] {
        out.extend(word.to_ne_bytes());
    }
    // max_background and congestion_threshold, then max_write and time_gran, then max_pages.
    out.extend([0; 4]);
    out.extend(MAX_WRITE.to_ne_bytes());
    out.extend(1u32.to_ne_bytes());
    out.extend(((MAX_WRITE / 4096) as u16).to_ne_bytes());
    out.resize(64, 0);
    out
}

/// `struct fuse_kstatfs`: room for everything.
fn statfs() -> Vec<u8> {
    let mut out = Vec::new();
    for wide in [1u64 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20] {
        out.extend(wide.to_ne_bytes());
    }
    for narrow in [4096u32, 255, 4096, 0] {
        out.extend(narrow.to_ne_bytes());
    }
    out.resize(80, 0);
    out
}

#[test]
fn reads_are_short_and_then_complete() {
    let scene = Scene::new();
    let Some(mount) = Mount::new(&scene) else { return };
    let bytes = super::content::bytes(1, 300_001);
    mount.file("short", &bytes, Faults { read_at_most: Some(1000), ..Faults::default() });
    let Some((outcome, trace)) =
        super::strace::trace(&scene, &["-P", "fuse/short"], scene.program("/bin/cat").argument("fuse/short"))
    else {
        return;
    };
    outcome.succeeds().stdout_is(&bytes);
    assert!(trace.count("read") > 300, "{} reads", trace.count("read"));
}

#[test]
fn writes_fail_and_closes_fail() {
    let scene = Scene::new();
    let Some(mount) = Mount::new(&scene) else { return };
    mount.created_files_have(Faults { write_error: Some((5000, libc::ENOSPC)), ..Faults::default() });
    let bytes = scene.file("a", &super::content::bytes(1, 10_000));
    scene.program("/bin/cp").arguments(["a", "fuse/full"]).run().fails_with(1).stderr_has("No space left on device");
    assert_eq!(mount.bytes("full").unwrap(), std::fs::read(bytes).unwrap()[..5000]);
    mount.created_files_have(Faults { close_error: Some(libc::EDQUOT), ..Faults::default() });
    scene.program("/bin/cp").arguments(["a", "fuse/quota"]).run().fails_with(1).stderr_has("Disk quota exceeded");
}
