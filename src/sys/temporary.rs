//! Names that were made for a time and must not remain: what a signal that ends the program removes.
//!
//! Whoever makes such a name does it by [`make`], and gives it up by [`Noted::end`]. While either is at work the thread takes
//! no signal, and a signal handler on another thread waits for it: so at no moment is there a name of ours that is not
//! noted, nor is a name noted that is somebody else's. Once a handler has begun to remove names, no thread makes or gives up
//! another: it waits for the program to end. The list has a fixed size and never frees anything, so that a signal handler
//! can read it.

use super::{signal, thread};
use rustix::io::{self, Errno};
use std::cell::UnsafeCell;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::time::Duration;

/// Names at a time: more than there are workers.
const MOST: usize = 64;
/// Bytes of a name, with the NUL at its end: those of a name in a directory (NAME_MAX) or of a unix socket.
const LONGEST: usize = 256;

/// Nobody's.
const FREE: u8 = 0;
/// Its name is being made or given up, at this moment.
const BUSY: u8 = 1;
/// To be removed if the program is ended.
const NOTED: u8 = 2;
/// A signal handler is removing it, and the program ends.
const GOING: u8 = 3;

/// How long a signal handler waits at most for another thread that makes or gives up a name: a network file system that does
/// not answer is not to keep the program from ending.
const PATIENCE: Duration = Duration::from_secs(1);

/// A signal handler has begun to remove.
static REMOVING: AtomicBool = AtomicBool::new(false);

struct Slot {
    state: AtomicU8,
    name: UnsafeCell<Name>,
}

struct Name {
    /// The descriptor, in the table of the thread of this number.
    directory: i32,
    thread: i32,
    bytes: [u8; LONGEST],
}

// SAFETY: only the thread that changed the state from FREE to BUSY writes the name, and only the one that changed it from
// NOTED to GOING reads it; both are compare-and-exchange, so there is one of each, and GOING is never left.
unsafe impl Sync for Slot {}

const NOTHING: Name = Name { directory: 0, thread: 0, bytes: [0; LONGEST] };
static SLOTS: [Slot; MOST] = [const { Slot { state: AtomicU8::new(FREE), name: UnsafeCell::new(NOTHING) } }; MOST];

/// A name that is removed if a signal ends the program while this is there. It is not removed when this is dropped.
#[derive(Debug)]
#[must_use = "the name is forgotten when this is dropped"]
pub struct Noted<'d> {
    slot: Option<usize>,
    #[allow(dead_code, reason = "held, not used")]
    directory: Directory<'d>,
}

#[derive(Debug)]
enum Directory<'d> {
    Theirs(BorrowedFd<'d>),
    /// Open as long as the note is there.
    Ours(OwnedFd),
}

/// Makes `name` in `directory`: `making` does it, and fails if there is one. It is noted as ours and temporary. Beyond 64 names
/// at a time, or for one of more than 255 bytes, there is no room: those remain after a signal, as after SIGKILL.
///
/// # Errors
/// Those of `making`.
pub fn make<'d, T>(
    directory: BorrowedFd<'d>,
    name: &OsStr,
    making: impl FnOnce() -> Result<T, Errno>,
) -> Result<(T, Noted<'d>), Errno> {
    note(Directory::Theirs(directory), name, making)
}

/// The same for a note that is kept longer than the directory is borrowed.
///
/// # Errors
/// Those of `making`, and EMFILE.
pub fn make_to_keep<T>(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    making: impl FnOnce() -> Result<T, Errno>,
) -> Result<(T, Noted<'static>), Errno> {
    note(Directory::Ours(io::fcntl_dupfd_cloexec(directory, 0)?), name, making)
}

fn note<'d, T>(
    directory: Directory<'d>,
    name: &OsStr,
    making: impl FnOnce() -> Result<T, Errno>,
) -> Result<(T, Noted<'d>), Errno> {
    signal::held_off(|| {
        let slot = take(&directory, name.as_bytes());
        let made = making();
        if let Some(number) = slot {
            SLOTS[number].state.store(if made.is_ok() { NOTED } else { FREE }, SeqCst);
        }
        Ok((made?, Noted { slot, directory }))
    })
}

/// A place for a name, BUSY from now on, if there is one.
fn take(directory: &Directory<'_>, name: &[u8]) -> Option<usize> {
    if name.len() >= LONGEST || name.contains(&0) {
        return None;
    }
    let taken = |slot: &Slot| slot.state.compare_exchange(FREE, BUSY, SeqCst, SeqCst).is_ok();
    let number = SLOTS.iter().position(taken)?;
    // SAFETY: the slot is BUSY, by us: nobody else touches its name.
    let place = unsafe { &mut *SLOTS[number].name.get() };
    place.directory = match directory {
        Directory::Theirs(fd) => fd.as_raw_fd(),
        Directory::Ours(fd) => fd.as_fd().as_raw_fd(),
    };
    place.thread = thread::number();
    place.bytes[..name.len()].copy_from_slice(name);
    place.bytes[name.len()] = 0;
    // Either a handler sees that the slot is busy, or we see the handler.
    if REMOVING.load(SeqCst) {
        SLOTS[number].state.store(FREE, SeqCst);
        thread::wait_for_the_end();
    }
    Some(number)
}

impl Noted<'_> {
    /// Gives the name up: `ending` renames or removes it. If that fails it stays noted.
    ///
    /// # Errors
    /// Those of `ending`.
    pub fn end<T>(&mut self, ending: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        let Some(number) = self.slot else { return ending() };
        let state = &SLOTS[number].state;
        signal::held_off(|| {
            if state.compare_exchange(NOTED, BUSY, SeqCst, SeqCst).is_err() {
                thread::wait_for_the_end(); // it is GOING
            }
            if REMOVING.load(SeqCst) {
                state.store(NOTED, SeqCst);
                thread::wait_for_the_end();
            }
            let ended = ending();
            state.store(if ended.is_ok() { FREE } else { NOTED }, SeqCst);
            if ended.is_ok() {
                self.slot = None;
            }
            ended
        })
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        let Some(slot) = self.slot.map(|number| &SLOTS[number]) else { return };
        // If it is GOING the program ends, and the handler that removes it goes on reading the name.
        let _ = slot.state.compare_exchange(NOTED, FREE, SeqCst, SeqCst);
    }
}

/// Removes every name that is noted, and tells how many there were. For signal handlers only: the program ends afterwards.
pub fn remove_all() -> usize {
    REMOVING.store(true, SeqCst);
    let mut waited = Duration::ZERO;
    let mut removed = 0;
    for slot in &SLOTS {
        // Another thread's: this one takes no signals while it is at it.
        while slot.state.load(SeqCst) == BUSY && waited < PATIENCE {
            std::thread::sleep(Duration::from_millis(1)); // clock_nanosleep(2), and nothing else
            waited += Duration::from_millis(1);
        }
        if slot.state.compare_exchange(NOTED, GOING, SeqCst, SeqCst).is_ok() {
            // SAFETY: the slot is GOING, by us, and never changes any more.
            removed += usize::from(remove(unsafe { &*slot.name.get() }));
        }
    }
    removed
}

/// By the directory's descriptor where it is one of this thread's table, else by what procfs calls it (proc_pid_fd(5)): threads
/// may have tables of their own. Whether it was there.
fn remove(name: &Name) -> bool {
    let ours = name.thread == thread::number() || name.directory == libc::AT_FDCWD || !thread::tables_differ();
    let mut path = Path { bytes: [0; LONGEST + 64], length: 0 };
    let (directory, name) = if ours {
        (name.directory, name.bytes.as_ptr())
    } else {
        let length = name.bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
        let _ = write!(path, "/proc/self/task/{}/fd/{}/", name.thread, name.directory);
        path.push(&name.bytes[..length]);
        path.push(&[0]);
        (libc::AT_FDCWD, path.bytes.as_ptr())
    };
    // SAFETY: unlinkat(2) is signal-safe; the name ends in a NUL, and the directory is open as long as the note is there.
    unsafe { libc::unlinkat(directory, name.cast(), 0) == 0 }
}

/// A path, made without allocating.
struct Path {
    bytes: [u8; LONGEST + 64],
    length: usize,
}

impl Path {
    fn push(&mut self, bytes: &[u8]) {
        // Two numbers of ten digits and 23 other bytes at most: there is room.
        let end = (self.length + bytes.len()).min(self.bytes.len());
        self.bytes[self.length..end].copy_from_slice(&bytes[..end - self.length]);
        self.length = end;
    }
}

impl std::fmt::Write for Path {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::CWD;

    #[test]
    fn a_note_is_kept_as_long_as_it_is_held_and_its_place_is_used_again() {
        let noted = |name: &str| make(CWD, OsStr::new(name), || Ok(())).map(|((), noted)| noted).expect("noted");
        let many: Vec<Noted<'_>> = (0..MOST + 3).map(|n| noted(&format!("zccp-test-{n}"))).collect();
        assert_eq!(many.iter().filter(|noted| noted.slot.is_some()).count(), MOST);
        drop(many);
        let mut again = noted("again");
        assert!(again.slot.is_some());
        assert_eq!(again.end(|| Err::<(), Errno>(Errno::BUSY)), Err(Errno::BUSY));
        assert!(again.slot.is_some(), "it is there still");
        assert_eq!(again.end(|| Ok(1)), Ok(1));
        assert!(again.slot.is_none());
        assert!(noted(&"x".repeat(LONGEST)).slot.is_none());
        assert_eq!(make(CWD, OsStr::new("no"), || Err::<(), Errno>(Errno::EXIST)).err(), Some(Errno::EXIST));
    }
}
