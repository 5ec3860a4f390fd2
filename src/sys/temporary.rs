//! Names that were made for a time and must not remain: what a signal that ends the program removes.
//!
//! Whoever makes such a file notes it ([`note`]) before it can be seen, and takes the note back when it has its final name
//! or is gone. The list has a fixed size and never frees anything, so that a signal handler can read it.

use std::cell::UnsafeCell;
use std::ffi::OsStr;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicU8, Ordering};

/// Names at a time: more than there are workers.
const MOST: usize = 64;
/// Bytes of a name, with the NUL at its end: those of a name in a directory (NAME_MAX) or of a unix socket.
const LONGEST: usize = 256;

/// Nobody's.
const FREE: u8 = 0;
/// Being filled in.
const TAKEN: u8 = 1;
/// To be removed if the program is ended.
const NOTED: u8 = 2;
/// A signal handler is removing it, and the program ends.
const GOING: u8 = 3;

struct Slot {
    state: AtomicU8,
    name: UnsafeCell<Name>,
}

struct Name {
    directory: i32,
    bytes: [u8; LONGEST],
}

// SAFETY: the name is written only by who has brought the state from FREE to TAKEN, and read only by who has brought it from
// NOTED to GOING; both are compare-and-exchange, so there is one of either, and GOING is never left.
unsafe impl Sync for Slot {}

static SLOTS: [Slot; MOST] =
    [const { Slot { state: AtomicU8::new(FREE), name: UnsafeCell::new(Name { directory: 0, bytes: [0; LONGEST] }) } };
        MOST];

/// A name that is removed if a signal ends the program while this is there. It is not removed when this is dropped.
#[derive(Debug)]
#[must_use = "the name is forgotten when this is dropped"]
pub struct Noted<'d> {
    slot: Option<usize>,
    directory: std::marker::PhantomData<BorrowedFd<'d>>,
}

/// Notes that `name` in `directory` is ours and temporary. Beyond 64 names at a time, or for one of more than 255 bytes,
/// there is no room: those remain after a signal, as after SIGKILL.
pub fn note<'d>(directory: BorrowedFd<'d>, name: &OsStr) -> Noted<'d> {
    let name = name.as_bytes();
    let mut noted = Noted { slot: None, directory: std::marker::PhantomData };
    if name.len() >= LONGEST || name.contains(&0) {
        return noted;
    }
    for (number, slot) in SLOTS.iter().enumerate() {
        if slot.state.compare_exchange(FREE, TAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            // SAFETY: the slot is TAKEN, by us: nobody else touches its name.
            let place = unsafe { &mut *slot.name.get() };
            place.directory = directory.as_raw_fd();
            place.bytes[..name.len()].copy_from_slice(name);
            place.bytes[name.len()] = 0;
            slot.state.store(NOTED, Ordering::SeqCst);
            noted.slot = Some(number);
            break;
        }
    }
    noted
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        let Some(slot) = self.slot.map(|number| &SLOTS[number]) else { return };
        // If it is GOING the program ends, and the name stays where its reader is.
        let _ = slot.state.compare_exchange(NOTED, FREE, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// Removes every name that is noted, and tells how many there were. For signal handlers only: the program ends afterwards.
/// Called once more just before, it also removes what another thread was about to make under a name it had noted.
pub fn remove_all() -> usize {
    let mut removed = 0;
    for slot in &SLOTS {
        let noted = slot.state.compare_exchange(NOTED, GOING, Ordering::SeqCst, Ordering::SeqCst);
        if noted.is_ok() || noted == Err(GOING) {
            // SAFETY: the slot is GOING, by us, and never changes any more. The name ends in a NUL. unlinkat(2) is
            // signal-safe; the directory is open as long as the note is there.
            unsafe {
                let name = &*slot.name.get();
                if libc::unlinkat(name.directory, name.bytes.as_ptr().cast(), 0) == 0 {
                    removed += 1;
                }
            }
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::CWD;

    #[test]
    fn a_note_is_kept_as_long_as_it_is_held_and_its_place_is_used_again() {
        let noted = |name: &str| note(CWD, OsStr::new(name));
        let many: Vec<Noted<'_>> = (0..MOST + 3).map(|n| noted(&format!("zccp-test-{n}"))).collect();
        assert_eq!(many.iter().filter(|noted| noted.slot.is_some()).count(), MOST);
        drop(many);
        assert!(noted("again").slot.is_some());
        assert!(noted(&"x".repeat(LONGEST)).slot.is_none());
    }
}
