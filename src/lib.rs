//! zccp and zccat: `cp` and `cat` that move bytes by the best path the kernel offers and say which it was.
//!
//! # The map
//!
//! | room | what it is for |
//! |---|---|
//! | [`cli`] | argv → options: one clap table per name, GNU's abbreviations, order rules and diagnostics |
//! | [`cp`] | operands → entries; decide; the two ends of each copy opened, named and closed |
//! | [`cat`] | operands → descriptors; raw output, or formatted as its options say; a socket of its own and its peer |
//! | [`report`] | every word the user reads: messages, quoting, `--explain`, `--debug`, progress, `--json`, signals |
//! | [`transfer`] | endpoints, the plan (pure), capabilities, verdicts on errnos, pace, the one driver loop, the trail |
//! | [`engine`] | one file per kernel path and one table of them all; the contract they keep |
//! | [`sys`] | the only `unsafe`: libc and memmap2, thin and typed, one file per kernel subject |
//!
//! Floors, top to bottom: `main` › `cli` › `cp` `cat` › `report` › `transfer` › `engine` › `sys`. A room uses rooms
//! below it, never above; `cp` and `cat` do not know each other. `tests/floors.rs` reads the sources and keeps it so.
//!
//! # One copy, straight down
//!
//! argv → Options → Action → (source [`transfer::End`], sink [`transfer::End`]) → [`transfer::Plan`] →
//! steps of an engine → [`transfer::Trail`] → report → exit status. Each stage hands the next a value; none calls back.
//!
//! # Where to go
//!
//! * A new kernel path: one file in [`engine`], one line in its table, one name in [`engine::Name`]; when it is chosen is
//!   said in [`transfer::plan`], what its errnos mean in [`transfer::verdict`].
//! * A figure behind a choice: beside the constant, in [`transfer::plan`], [`transfer::endpoint`] or the engine;
//!   `cargo bench --bench compare` measures it again.
//! * An option: one entry in `cli::table`, one line in `cli::mapping`, one field in `cp::Options` or `cat::Options`. What
//!   it goes with, and what not: `cli::rules`.
//! * A sentence: [`report`], or where GNU has it in the room that has found the fault.
//! * A slow or removable target: [`transfer::targets`] knows which are, [`transfer::window`] holds one copy to what is
//!   allowed in memory; `cargo bench --bench slow` measures it.
//! * How far a job is: whoever copies adds to [`transfer::progress`], whoever shows it reads there; [`report::watch`] is
//!   told when a copy begins and ends.
//! * A name that must not outlive the program: [`sys::temporary`], after [`report::interrupt::tidy`].
//! * What cp does with a source and a destination: [`cp::decide`], pure.
//!
//! # What is never done where
//!
//! * Engines know neither each other, nor paths, nor options beyond the policy they are given, nor clocks.
//! * `decide`, `plan` and `cook` make no system call.
//! * An errno is judged in one place only: [`transfer::verdict`].
//! * Nothing that can fail happens in `Drop`; descriptors whose close can report an error are closed by
//!   [`sys::descriptor::close`].
//! * Nothing is predicted and reported as done: reports are made from the trail.
//! * Nothing of a destination is cut before it is known that it is not the source, that an engine can work and, where
//!   the file system can say so, that there is room: the driver does the cutting, last thing before the first byte.
//!
//! # What is not as one would first design it
//!
//! * The ends of a copy are borrowed ([`transfer::End`]); who opened a descriptor closes it, because only there is it
//!   known what a failing close means. `report` stands above `transfer`: it prints the plan and the trail.
//! * The vocabulary between driver and engines ([`engine::contract`]) lives with the engines, so that they need nothing
//!   from above.
//! * An early zero, a source that changed while its pages were passed on and the bytes that have to go by value are all left to
//!   read_write, to the end of the file: one way on instead of three, and the trail tells it.
//! * Files of 64 KiB to 8 MiB go by splice onto ext4, xfs, btrfs and tmpfs, not by read and write: one copy of the bytes instead of
//!   two shows as soon as two workers share the memory's bandwidth. What waits in the pipe is the source's pages, so a
//!   pipe-full counts only if the source was left alone meanwhile (`engine::splice`).
//! * What a directory is worth to a second worker is weighed by the bytes that had to be moved for what was copied of it so far:
//!   fifty videos are fewer entries than any threshold that suits small files (`cp::tree`).
//! * Operands that go into one directory are copied side by side too, but only those that are independent of each other, which is
//!   found out first: in a tree every name stands for a place of its own, operands may be names of one file, or lead to
//!   what another one is copied to (`cp::operands::independent`).
//! * EPERM is not remembered beyond the file it was met on: an immutable file says so as well as a seccomp filter does,
//!   and a refused call costs less than a microsecond.
//! * read(2) itself can return zeros that were never in the file, on ext4, beside a process that cuts and regrows it
//!   (measured, `engine::watch`). After a mapping was disturbed, reads are therefore held against size and change time
//!   too; undisturbed copies read as everybody does.
//! * A tree has no queue of directories. Every worker goes through its part as one alone would, entry after entry, and gives
//!   half of what is left in the directory nearest to the root to a worker that has nothing to do (`cp::tree`). So there is no
//!   queue that could grow, what is said has its place in the walk, and one directory with very many files is shared as well.
//! * Each worker has a table of descriptors of its own, so that opening and closing take no lock that others need. So a
//!   descriptor's number means nothing to another thread, and `/proc/self/fd` is the first thread's:
//!   [`sys::descriptor::name_in_proc`] gives a descriptor's name in /proc.
//! * Two workers may share one processor for a long time while another processor is idle; they look, and one of them moves
//!   (`cp::apart`).
//! * There are as many workers as processors, and more while these mostly wait for what they read (`cp::workers::Staff`): eight read
//!   8,000 files from a virtual machine's disk in a third of the time that one takes. Such a disk often says that it rotates,
//!   which is not believed (`sys::block`).
//! * XFS puts workers that make files in one of its allocation groups at the same moment to sleep, which takes several times as
//!   long as making a file. They wait for each other awake, outside of the kernel (`cp::groups`): a tree takes four fifths of the
//!   time. And small files of one directory are made eight at a time, by turns, and then filled (`cp::tree::row`).
//! * Where the order of what is done shows, one worker does it: questions, backups, a directory copied into itself.
//!   Where it shows of single entries only, in a tree that is copied onto an existing one, those wait for their turn
//!   (`cp::tree::turn`).
//! * A small file of a tree does not go through the driver: one read and one write. Whatever is out of the ordinary starts
//!   over there (`transfer::whole`). The driver's bookkeeping and shared counters cost two workers 4 %.
//! * Nothing is allocated ahead on xfs, only on ext4: xfs does it by itself, and was slower with it (`transfer::preallocate`).
//! * RWF_DONTCACHE does not hold a writer back, so slow targets get a window of sync_file_range, and the flag would add
//!   nothing to that (`transfer::window`, docs/numbers-slow.md). As `cp` neither is done.
//! * A reader holds the pipe's lock while it copies out, so the driver leaves a full pipe alone for a moment instead of
//!   coming back after every read (`transfer::lull`): less processor time at both ends. Engines still know no clock.
//! * FAT keeps a file's length in its directory: what was flushed and then renamed is flushed once more there
//!   (`transfer::durable`; tests/in-a-kernel shows it in a kernel that has vfat).
//! * No signal interrupts fsync(2). Whoever sees a progress line can stop it all the same: once a flush begins, another thread
//!   takes the signals (`sys::signal`).
//! * Over loopback, neither read and write nor sendfile is best for TCP: the bytes are sent from a mapping, in large pieces, so
//!   that there is one copy and the receiver is woken less often (`engine::mmap`, docs/numbers-cat.md).
//! * Sendfile is chosen for TCP only where a device takes the bytes: another address may be a container on this machine, whose
//!   queue would hold the pages themselves (seen over veth, `tests/sharing.rs`), and nobody can wait for it to be read if the
//!   file is cut short. It costs such a copy a sixth of its speed. Where sendfile is asked for all the same, what may be unread in
//!   the receiver's queue has a bound (`sys::socket`), and that much goes by value.
//! * Rust's runtime does not run, so nothing of it has to be undone: the programs begin with C's `main` (`sys::start`). That
//!   halves the system calls of a small run.
//! * The memory a copy lands in decides its speed on a virtual machine: pages that the host has not backed yet make
//!   every rival look the same. The comparison uses memory again that was in use a moment ago.

pub mod cat;
pub mod cli;
pub mod cp;
pub mod engine;
pub mod report;
pub mod sys;
pub mod transfer;

use cli::{Invocation, Options, Parsed, Program};
use report::foresee::{Sources, Trees};
use report::interrupt::Rest;
use report::watch::{Reporting, When};
use report::{Json, Messages, Watch, interrupt};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

/// The whole program: reads the command line, does what it says, and gives the exit status (0 or 1). `default` is the
/// program to be if `argv[0]` is no name of ours; `arguments` begin with `argv[0]`.
pub fn run(default: Program, arguments: Vec<OsString>) -> i32 {
    let mut arguments = arguments.into_iter();
    let argv0 = arguments.next().unwrap_or_else(|| OsString::from(default.name()));
    let invocation = Invocation::new(argv0, default);
    let mut messages = Messages::new(invocation.name().as_bytes());
    match cli::parse(&invocation, arguments, &mut |text| messages.warn(text)) {
        // Threads and signal handlers read them until the program ends.
        Ok(Parsed::Run(options)) => return work(Box::leak(Box::new(options)), &invocation, messages),
        Ok(Parsed::Help(text) | Parsed::Version(text)) => messages.print(text),
        Ok(Parsed::Page(text)) => messages.print(text),
        Ok(Parsed::Engines(directory)) => {
            interrupt::tidy(); // the files may have names for a moment
            match transfer::survey::survey(&directory) {
                Ok(found) => messages.print(report::survey::table(&found, &directory)),
                Err(why) => messages.error(report::survey::unmeasurable(why, &directory)),
            }
        }
        Err(error) => {
            messages.note(error.render(&invocation));
            messages.fail();
        }
    }
    messages.finish()
}

/// Does the program's work; the exit status.
fn work(options: &'static Options, invocation: &Invocation, mut messages: Messages) -> i32 {
    let (reporting, target, sources) = reporting(options);
    let operands = sources.operands;
    let json = match target.map(|target| Json::open(target, &sources, inherited(options))).transpose() {
        Ok(json) => json.map(Arc::new),
        Err(text) => {
            messages.error(text);
            return messages.finish();
        }
    };
    if let Some(json) = &json {
        sys::start::ignore_sigpipe(); // who reads about the copy may go, and the copy goes on
        if json.is_standard_error() {
            interrupt::be_silent();
        }
        json.start(invocation.program().name(), operands);
        messages.to_json(Some(Arc::clone(json)));
    }
    let watch = Watch::new(&invocation.name().to_string_lossy(), reporting, json, sources);
    let watch: &'static Watch = Box::leak(Box::new(watch)); // as the options
    watch.is_told();
    match options {
        Options::Zccp(options) => cp::run(options, &mut messages, watch),
        Options::Zccat(options) => cat::run(options, &mut messages, watch),
    }
    watch.finish(!messages.failed());
    let status = messages.finish();
    match watch.summary(status) {
        Ok(()) => status,
        Err(text) => {
            let mut messages = Messages::new(invocation.name().as_bytes());
            messages.error(text);
            messages.finish()
        }
    }
}

/// Of the descriptors that the program was started with, those that bytes are copied from or to.
fn inherited(options: &Options) -> &'static [i32] {
    let Options::Zccat(options) = options else { return &[] };
    match (options.operands.iter().any(|name| name == "-"), options.peer.is_none()) {
        (true, true) => &[0, 1],
        (true, false) => &[0],
        (false, true) => &[1],
        (false, false) => &[],
    }
}

/// What is to be shown, where JSON goes, and the sources.
fn reporting(options: &'static Options) -> (Reporting, Option<&'static report::json::Target>, Sources) {
    match options {
        Options::Zccp(options) => {
            let unasked = options.progress == When::Auto && (options.strictly_gnu || options.quiet);
            let reporting = Reporting {
                when: if unasked || options.dry_run { When::Never } else { options.progress },
                notices: !options.quiet && !options.strictly_gnu,
                status: !options.strictly_gnu,
                last_word: !options.quiet && !options.strictly_gnu && !options.dry_run,
                rest: match (options.safety.atomic, cli::can_be_resumed(options)) {
                    (true, _) => Rest::Goes,
                    (false, true) => Rest::Resumable,
                    (false, false) => Rest::Stays,
                },
            };
            (reporting, options.json.as_ref(), options.foreseeable())
        }
        Options::Zccat(options) => {
            // Others own the terminal in a pipeline, and what goes to a terminal itself is no place for a bar.
            let shows = match options.progress {
                When::Auto => options.peer.is_some() && !options.strictly_gnu,
                When::Always => options.peer.is_some() || !rustix::termios::isatty(sys::descriptor::inherited(1)),
                When::Never => false,
            };
            let reporting = Reporting {
                when: if shows { options.progress } else { When::Never },
                notices: !options.strictly_gnu,
                status: !options.strictly_gnu,
                last_word: false,
                rest: Rest::Stays,
            };
            let sources = Sources {
                operands: &options.operands,
                followed: true,
                trees: Trees::Unknown,
                told_of: false,
                excluded: None,
            };
            (reporting, options.json.as_ref(), sources)
        }
    }
}
