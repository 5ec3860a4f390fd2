//! Big files with two threads: blocks are read side by side and written each in its turn.
//!
//! In turn, because at every instant the bytes below the sink's size must be the source's, also for whoever is killed or
//! loses power; and it costs nothing: 8.1 GB/s in turn, 7.9 out of turn (a C program on two AMD EPYC processors, 512 MiB
//! from and to ext4, blocks of 2 MiB, Linux 6.18). ext4, xfs, btrfs and tmpfs let one writer at a time into a file anyway.
//!
//! A block has to be whole before its turn is passed on, so here alone a loop asks again after a short count or EINTR.
//! Whatever else goes wrong ends the companionship: it is told to the driver, and if that wants to go on, this thread
//! does so alone.

use super::super::contract::{Ask, End, Flow, Grant, Offsets, Remark, Session, Settled, Side, Step, Tuning};
use crate::sys::buffer::Buffer;
use crate::sys::thread::Companion;
use rustix::io::{self, Errno};
use std::hint;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

/// Stack of the second thread, bytes: it calls nothing deep (glibc wants 16 KiB at least).
const STACK: usize = 128 * 1024;

/// How often a thread looks whether it is its turn before it sleeps: about 0.1 ms, twice what the other needs for half
/// a MiB. To be woken takes as long as that (an interrupt to another processor, on a virtual machine through its host):
/// 512 MiB onto xfs in blocks of 512 KiB took 0.060 s looking out, 0.110 s sleeping at once.
const LOOKS: u32 = 4_000;

/// A block of this many bytes takes so long to write that the other thread sleeps meanwhile.
const LONG: usize = 2 << 20;

/// So many bytes before its end the writer of a long block wakes the other, who is awake and looking out when its turn
/// comes. 512 MiB onto tmpfs in blocks of 2 MiB, wall and processor time: 0.167 and 0.234 s so; looking out all the
/// time 0.168 and 0.326, sleeping until the turn has come (blocks of ½ MiB) 0.199 and 0.274.
const NEAR: usize = 256 * 1024;

/// What both threads see. Offsets count from where the session began.
struct Shared<'a> {
    source: End<'a>,
    sink: End<'a>,
    source_start: u64,
    sink_start: u64,
    block: u64,
    turn: Mutex<Turn>,
    changed: Condvar,
    /// As `Turn::written`, to be looked at without the lock.
    written: AtomicU64,
}

#[derive(Default)]
struct Turn {
    /// The next byte nobody reads yet.
    claimed: u64,
    /// No block at or beyond this byte may be begun.
    allowed: u64,
    /// All bytes below are in the sink: whose block begins here may write.
    written: u64,
    /// All bytes below will be in the sink at any moment: whose block begins here should be awake.
    soon: u64,
    /// Threads that sleep. (To wake nobody is a system call as well.)
    asleep: u8,
    stop: Option<Stop>,
}

#[derive(Clone, Copy)]
enum Stop {
    /// The source ended (read returned 0).
    Ended,
    Failed(Side, Errno),
    /// This session is being settled.
    Told,
}

/// The session: this thread's half.
pub(super) struct InTurn<'a> {
    // Dropped (and joined) before what it borrows from.
    companion: Option<Companion<'a>>,
    shared: Arc<Shared<'a>>,
    buffer: Buffer,
    /// Bytes of `written` that the flow has been told of.
    told: u64,
    began_with_companion: bool,
}

impl<'a> InTurn<'a> {
    /// `None` where it cannot be (no offsets at an end, one processor, no thread, no memory): the plain session does it then.
    pub(super) fn open(ask: &Ask<'a>, tuning: &Tuning, flow: &Flow) -> Option<InTurn<'a>> {
        let own = |end: &End<'_>| end.offsets == Offsets::Explicit && end.facts.has_offsets() && !end.append;
        if !own(&ask.source) || !own(&ask.sink) {
            return None;
        }
        let alone = || available_parallelism().map_or(1, NonZero::get) < 2;
        if ask.processors.map_or_else(alone, |processors| processors < 2) {
            return None; // nothing would overlap, and looking out would keep the other from its work
        }
        let buffer = Buffer::new(tuning.block).ok()?;
        let shared = Arc::new(Shared {
            source: ask.source,
            sink: ask.sink,
            source_start: flow.source_offset(),
            sink_start: flow.sink_offset(),
            block: tuning.block as u64,
            turn: Mutex::default(),
            changed: Condvar::new(),
            written: AtomicU64::new(0),
        });
        let (theirs, ours) = (shared.clone(), shared.clone());
        let companion = Companion::start(STACK, move || theirs.keep_on(), move || ours.stop(Stop::Told)).ok()?;
        Some(InTurn { companion: Some(companion), shared, buffer, told: 0, began_with_companion: true })
    }

    /// Tells the flow of what both have written since it was last told.
    fn tell(&mut self, flow: &mut Flow) -> u64 {
        let new = self.shared.turn().written - self.told;
        self.told += new;
        flow.took(new);
        flow.gave(new);
        new
    }
}

impl Session for InTurn<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        self.shared.allow(self.told.saturating_add(grant.bytes));
        if let Some((at, length)) = self.shared.claim() {
            self.shared.carry_over(at, length, &mut self.buffer);
        } else {
            self.shared.await_news(self.told);
        }
        match self.tell(flow) {
            0 => {}
            new => return Step::Moved(new),
        }
        let stop = self.shared.turn().stop;
        match stop {
            None | Some(Stop::Told) => Step::Moved(0),
            Some(Stop::Ended) => Step::End,
            Some(Stop::Failed(side, errno)) => {
                if let Some(mut companion) = self.companion.take() {
                    companion.join();
                }
                self.shared.begin_again();
                Step::Error(side, errno)
            }
        }
    }

    fn settle(mut self: Box<Self>, flow: &mut Flow) -> Settled {
        if let Some(mut companion) = self.companion.take() {
            companion.join();
        }
        self.tell(flow);
        let remarks = if self.began_with_companion { vec![Remark::Threads(2)] } else { Vec::new() };
        Settled { remarks, ..Settled::default() }
    }
}

impl Shared<'_> {
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, mut turn: MutexGuard<'g, Turn>) -> MutexGuard<'g, Turn> {
        turn.asleep += 1;
        let mut turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        turn.asleep -= 1;
        turn
    }

    /// Lets go of the lock and wakes whoever waits for what was changed under it.
    fn changed(&self, turn: MutexGuard<'_, Turn>) {
        let asleep = turn.asleep > 0;
        drop(turn);
        if asleep {
            self.changed.notify_all();
        }
    }

    fn stop(&self, why: Stop) {
        let mut turn = self.turn();
        turn.stop.get_or_insert(why);
        self.changed(turn);
    }

    fn allow(&self, until: u64) {
        let mut turn = self.turn();
        if turn.allowed < until {
            turn.allowed = until;
            self.changed(turn);
        }
    }

    /// After an error was told and the companion has gone: from the last byte written on, alone.
    fn begin_again(&self) {
        let mut turn = self.turn();
        turn.stop = None;
        turn.claimed = turn.written;
    }

    /// The next block to read, if one is allowed.
    fn claim(&self) -> Option<(u64, usize)> {
        self.turn().claim(self.block)
    }

    /// Until bytes beyond `told` are written or there is nothing more to come.
    fn await_news(&self, told: u64) {
        let mut turn = self.turn();
        while turn.written == told && turn.stop.is_none() && turn.claimed > turn.written {
            turn = self.wait(turn);
        }
    }

    /// The companion's life: a block after the other until there is a stop. Without memory for a block it leaves it all
    /// to the other thread.
    fn keep_on(&self) {
        let Ok(mut buffer) = Buffer::new(self.block as usize) else { return };
        loop {
            let mut turn = self.turn();
            let (at, length) = loop {
                if turn.stop.is_some() {
                    return;
                }
                match turn.claim(self.block) {
                    Some(block) => break block,
                    None => turn = self.wait(turn),
                }
            };
            drop(turn);
            self.carry_over(at, length, &mut buffer);
        }
    }

    /// Reads one block, waits for its turn, writes it, and passes the turn on.
    fn carry_over(&self, at: u64, length: usize, buffer: &mut Buffer) {
        let (filled, read_stop) = self.read(at, &mut buffer.bytes_mut()[..length]);
        if !self.await_turn(at) {
            return;
        }
        let (written, write_stop) = self.write_block(at, &buffer.bytes()[..filled]);
        let mut turn = self.turn();
        turn.written += written;
        self.written.store(turn.written, Ordering::Release);
        if let Some(stop) = write_stop.or(read_stop) {
            turn.stop.get_or_insert(stop);
        }
        self.changed(turn);
    }

    /// Until the block at `at` may be written: awake for a short time, asleep until its turn is near, awake again. False
    /// if there is a stop.
    fn await_turn(&self, at: u64) -> bool {
        self.look_out(at);
        let mut turn = self.turn();
        while turn.written != at && turn.soon < at && turn.stop.is_none() {
            turn = self.wait(turn);
        }
        if turn.written != at && turn.stop.is_none() {
            drop(turn);
            self.look_out(at);
            turn = self.turn();
        }
        while turn.written != at && turn.stop.is_none() {
            turn = self.wait(turn);
        }
        turn.stop.is_none()
    }

    /// Waits awake for the turn of the block at `at`, but not for long.
    fn look_out(&self, at: u64) {
        for _ in 0..LOOKS {
            if self.written.load(Ordering::Acquire) == at {
                return;
            }
            hint::spin_loop();
        }
    }

    /// Writes a block, and wakes who comes next when a long one is nearly done.
    fn write_block(&self, at: u64, bytes: &[u8]) -> (u64, Option<Stop>) {
        if bytes.len() < LONG {
            return self.write(at, bytes);
        }
        let (first, last) = bytes.split_at(bytes.len() - NEAR);
        let (written, stop) = self.write(at, first);
        if stop.is_some() {
            return (written, stop);
        }
        let mut turn = self.turn();
        turn.soon = at + bytes.len() as u64;
        self.changed(turn);
        let (more, stop) = self.write(at + written, last);
        (written + more, stop)
    }

    fn read(&self, at: u64, memory: &mut [u8]) -> (usize, Option<Stop>) {
        let mut filled = 0;
        while filled < memory.len() {
            let offset = self.source_start + at + filled as u64;
            match io::pread(self.source.fd, &mut memory[filled..], offset) {
                Ok(0) => return (filled, Some(Stop::Ended)),
                Ok(n) => filled += n,
                Err(Errno::INTR) => {}
                Err(errno) => return (filled, Some(Stop::Failed(Side::Source, errno))),
            }
        }
        (filled, None)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> (u64, Option<Stop>) {
        let mut written = 0;
        while written < bytes.len() {
            let offset = self.sink_start + at + written as u64;
            match io::pwrite(self.sink.fd, &bytes[written..], offset) {
                Ok(0) => return (written as u64, Some(Stop::Failed(Side::Sink, Errno::NOSPC))),
                Ok(n) => written += n,
                Err(Errno::INTR) => {}
                Err(errno) => return (written as u64, Some(Stop::Failed(Side::Sink, errno))),
            }
        }
        (written as u64, None)
    }
}

impl Turn {
    fn claim(&mut self, block: u64) -> Option<(u64, usize)> {
        if self.stop.is_some() || self.claimed >= self.allowed {
            return None;
        }
        let at = self.claimed;
        let length = block.min(self.allowed - at);
        self.claimed += length;
        Some((at, length as usize))
    }
}
