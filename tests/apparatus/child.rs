//! What a child inherits, and the other ends of its pipes.

#![allow(unsafe_code, reason = "what a child inherits is set between fork and exec, where only raw calls are allowed")]

use super::command::{Output, Reader};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A pipe: the end to read, the end to write.
pub(super) fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap()
}

/// The child's end of an output, and ours with the way to read it.
pub(super) fn outlet(output: Output, fd: i32, closed: &mut Vec<i32>) -> (Stdio, Option<(OwnedFd, Reader)>) {
    match output {
        Output::Pipe(reader) => {
            let (read, write) = pipe();
            (write.into(), (reader != Reader::Gone).then_some((read, reader)))
        }
        Output::Closed => {
            closed.push(fd);
            (Stdio::null(), None)
        }
        Output::Full => (File::options().write(true).open("/dev/full").unwrap().into(), None),
        Output::Descriptor(fd) => (fd.into(), None),
    }
}

/// What is set between fork and exec.
pub(super) fn prepare(
    command: &mut std::process::Command,
    closed: Vec<i32>,
    ignores_sigpipe: bool,
    limits: Vec<(u32, u64)>,
) {
    let before_exec = move || {
        // SAFETY: each of these is async-signal-safe, or a bare system call on Linux, and none allocates; the two
        // vectors were made before the fork and are only read.
        unsafe {
            libc::umask(0o022);
            // A shell's command in the background begins with SIGINT and SIGQUIT ignored, nohup's with SIGHUP; no case means
            // that.
            for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
                libc::signal(signal, libc::SIG_DFL);
            }
            if ignores_sigpipe {
                libc::signal(libc::SIGPIPE, libc::SIG_IGN);
            }
            for (resource, value) in [(libc::RLIMIT_CORE, 0)].iter().chain(&limits) {
                let limit = libc::rlimit { rlim_cur: *value, rlim_max: *value };
                if libc::setrlimit(*resource as _, &limit) == -1 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            for fd in &closed {
                libc::close(*fd);
            }
        }
        Ok(())
    };
    // SAFETY: the closure keeps to what may be done between fork and exec in a process with threads, see above.
    unsafe { command.pre_exec(before_exec) };
}

/// A filter (seccomp(2)) that answers each of these system calls with the action beside it.
pub(super) fn filter(command: &mut std::process::Command, answers: &[(u32, u32)]) {
    let instruction = |code: u32, jf, k| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let mut filter = vec![instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)]; // seccomp_data.nr
    for (number, action) in answers {
        filter.push(instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, *number));
        filter.push(instruction(libc::BPF_RET | libc::BPF_K, 0, *action));
    }
    filter.push(instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW));
    let before_exec = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
        // SAFETY: bare system calls; the filter outlives them, and the kernel copies it.
        let set = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if set { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: nothing is allocated between fork and exec.
    unsafe { command.pre_exec(before_exec) };
}

/// Leaves the child two of the processors it may run on, or the one there is.
pub(super) fn keep_to_two_processors(command: &mut std::process::Command) {
    let before_exec = || {
        // SAFETY: bare system calls into sets of the size that is said, and macros that only set and read their bits.
        let set = unsafe {
            let (size, mut allowed) = (size_of::<libc::cpu_set_t>(), std::mem::zeroed());
            let mut two: libc::cpu_set_t = std::mem::zeroed();
            libc::sched_getaffinity(0, size, &raw mut allowed) == 0 && {
                let numbers = (0..size * 8).filter(|number| libc::CPU_ISSET(*number, &allowed));
                numbers.take(2).for_each(|number| libc::CPU_SET(number, &mut two));
                libc::sched_setaffinity(0, size, &raw const two) == 0
            }
        };
        if set { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: nothing is allocated between fork and exec.
    unsafe { command.pre_exec(before_exec) };
}

/// Reads `fd` as `reader` says, on a thread of its own.
pub(super) fn collect(fd: OwnedFd, reader: Reader) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut file = File::from(fd);
        let mut bytes = Vec::new();
        let _ = match reader {
            Reader::Takes(limit) => (&file).take(limit as u64).read_to_end(&mut bytes),
            Reader::Slow => read_slowly(&mut file, &mut bytes),
            Reader::All | Reader::Gone => file.read_to_end(&mut bytes),
        };
        drop(file);
        let _ = send.send(bytes);
    });
    receive
}

fn read_slowly(file: &mut File, bytes: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut block = [0; 4096];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(bytes.len()),
            n => bytes.extend_from_slice(&block[..n]),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
