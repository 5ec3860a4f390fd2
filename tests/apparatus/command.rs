//! A program to run: what it is given, and what it finds open.

use super::child::{collect, filter, keep_to_two_processors, outlet, pipe, prepare};
use super::running::{Outcome, Running};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Only against hanging: nothing here is timed.
const TIME_OUT: Duration = Duration::from_secs(60);

/// What the child finds as descriptor 0.
pub enum Input {
    /// `/dev/null`
    Null,
    /// Nothing: the descriptor is closed.
    Closed,
    /// A pipe that gives these bytes and then ends.
    Bytes(Vec<u8>),
    /// Any open file, pipe end or socket.
    Descriptor(OwnedFd),
}

/// What the child finds as descriptor 1 or 2.
pub enum Output {
    /// A pipe, and how it is read.
    Pipe(Reader),
    /// Nothing: the descriptor is closed.
    Closed,
    /// `/dev/full`
    Full,
    /// Any open file, pipe end or socket.
    Descriptor(OwnedFd),
}

/// How the other end of the child's output pipe behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Reads everything as it comes.
    All,
    /// Reads 4096 bytes at a time and sleeps a millisecond between, so that the pipe is full most of the time.
    Slow,
    /// Reads that many bytes and closes its end.
    Takes(usize),
    /// Has closed its end before the child starts.
    Gone,
}

/// A program to run: arguments, environment and descriptors. Nothing is inherited but what is said here.
#[must_use = "a command does nothing until it is run"]
pub struct Command {
    program: PathBuf,
    name: Option<OsString>,
    description: String,
    arguments: Vec<OsString>,
    directory: PathBuf,
    variables: Vec<(OsString, OsString)>,
    input: Input,
    output: Output,
    errors: Output,
    time_out: Duration,
    ignores_sigpipe: bool,
    limits: Vec<(u32, u64)>,
    user: Option<u32>,
    two_processors: bool,
    filtered: Vec<(u32, u32)>,
}

impl Command {
    pub(super) fn new(program: PathBuf, directory: PathBuf) -> Command {
        Command {
            program,
            name: None,
            description: String::new(),
            arguments: Vec::new(),
            directory,
            variables: Vec::new(),
            input: Input::Null,
            output: Output::Pipe(Reader::All),
            errors: Output::Pipe(Reader::All),
            time_out: TIME_OUT,
            ignores_sigpipe: false,
            limits: Vec::new(),
            user: None,
            two_processors: false,
            filtered: Vec::new(),
        }
    }

    /// One more argument.
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Command {
        self.arguments.push(argument.as_ref().into());
        self
    }

    /// More arguments.
    pub fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_os_string()));
        self
    }

    /// What this case of many is, shown before the command line if it fails.
    pub fn described_as(mut self, description: &str) -> Command {
        self.description = format!("[{description}] ");
        self
    }

    /// Another `argv[0]`.
    pub fn called(mut self, name: impl AsRef<OsStr>) -> Command {
        self.name = Some(name.as_ref().into());
        self
    }

    /// One variable of the environment, which otherwise holds `PATH` and `LC_ALL=C` only.
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Command {
        self.variables.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Standard input; `/dev/null` if not said.
    pub fn stdin(mut self, input: Input) -> Command {
        self.input = input;
        self
    }

    /// Standard input is this file, pipe end or socket, with its offset and flags.
    pub fn stdin_from(self, descriptor: impl Into<OwnedFd>) -> Command {
        self.stdin(Input::Descriptor(descriptor.into()))
    }

    /// Standard output; a pipe read to its end if not said.
    pub fn stdout(mut self, output: Output) -> Command {
        self.output = output;
        self
    }

    /// Standard output is this file, pipe end or socket, with its offset and flags.
    pub fn stdout_to(self, descriptor: impl Into<OwnedFd>) -> Command {
        self.stdout(Output::Descriptor(descriptor.into()))
    }

    /// Standard error; a pipe read to its end if not said.
    pub fn stderr(mut self, output: Output) -> Command {
        self.errors = output;
        self
    }

    /// The parent ignored SIGPIPE; if not said, it has the default action.
    pub fn ignoring_sigpipe(mut self) -> Command {
        self.ignores_sigpipe = true;
        self
    }

    /// setrlimit(2), soft and hard: `limit(libc::RLIMIT_FSIZE, 5000)`.
    pub fn limit(mut self, resource: u32, value: u64) -> Command {
        self.limits.push((resource, value));
        self
    }

    /// Runs as that user and group, with no other groups.
    pub fn with_user(mut self, user: u32) -> Command {
        self.user = Some(user);
        self
    }

    /// That system call fails with ENOSYS, as on a kernel that has it not. For those that strace does not know by name.
    pub fn without_call(self, number: libc::c_long) -> Command {
        self.filtered(number, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32)
    }

    /// That system call ends the program (SIGSYS), as systemd's `SystemCallFilter=` does.
    pub fn killed_for(self, number: libc::c_long) -> Command {
        self.filtered(number, libc::SECCOMP_RET_KILL_PROCESS)
    }

    fn filtered(mut self, number: libc::c_long, action: u32) -> Command {
        self.filtered.push((u32::try_from(number).unwrap(), action));
        self
    }

    /// It may run on two processors only, so that more threads than that have to share one.
    pub fn on_two_processors(mut self) -> Command {
        self.two_processors = true;
        self
    }

    /// Another time-out than 60 s.
    pub fn time_out(mut self, time_out: Duration) -> Command {
        self.time_out = time_out;
        self
    }

    /// The same command as an argument of `wrapper`: `strace -o FILE zccp …`.
    pub fn under<A: AsRef<OsStr>>(mut self, wrapper: &str, options: impl IntoIterator<Item = A>) -> Command {
        assert!(self.name.is_none(), "a wrapper cannot set another argv[0]");
        let mut arguments: Vec<OsString> = options.into_iter().map(|a| a.as_ref().to_os_string()).collect();
        arguments.push(std::mem::replace(&mut self.program, wrapper.into()).into());
        arguments.append(&mut self.arguments);
        self.arguments = arguments;
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Outcome {
        self.spawn().finish()
    }

    /// Starts it, for cases that do something while it runs.
    #[track_caller]
    pub fn spawn(self) -> Running {
        let shown = self.shown();
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory).env_clear().process_group(0);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
        command.envs(self.variables);
        if let Some(name) = &self.name {
            command.arg0(name);
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let mut closed = Vec::new();
        let mut fed = None;
        command.stdin(match self.input {
            Input::Null => Stdio::null(),
            Input::Closed => {
                closed.push(0);
                Stdio::null()
            }
            Input::Bytes(bytes) => {
                let (read, write) = pipe();
                fed = Some((File::from(write), bytes));
                read.into()
            }
            Input::Descriptor(fd) => fd.into(),
        });
        let (stdout, collect_stdout) = outlet(self.output, 1, &mut closed);
        let (stderr, collect_stderr) = outlet(self.errors, 2, &mut closed);
        command.stdout(stdout).stderr(stderr);
        prepare(&mut command, closed, self.ignores_sigpipe, self.limits);
        if self.two_processors {
            keep_to_two_processors(&mut command);
        }
        if !self.filtered.is_empty() {
            filter(&mut command, &self.filtered);
        }
        let child = command.spawn().unwrap_or_else(|e| panic!("{shown}: {e}"));
        // The parent's copies of the child's descriptors go with the command, or no reader would ever see an end.
        drop(command);
        if let Some((mut pipe, bytes)) = fed {
            // A child that stops reading is no fault of the feeder's: EPIPE ends it.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        let pid = Pid::from_child(&child);
        Running {
            shown,
            directory: self.directory,
            pidfd: pidfd_open(pid, PidfdFlags::empty()).unwrap(),
            pid,
            child,
            deadline: Instant::now() + self.time_out,
            stdout: collect_stdout.map(|(fd, reader)| collect(fd, reader)),
            stderr: collect_stderr.map(|(fd, reader)| collect(fd, reader)),
        }
    }

    /// The command line, for messages.
    fn shown(&self) -> String {
        let name = self.name.as_deref().unwrap_or(self.program.as_os_str());
        let mut shown = format!("{}{}", self.description, name.to_string_lossy());
        for argument in &self.arguments {
            let argument = argument.to_string_lossy();
            if argument.is_empty() || argument.contains([' ', '\n', '$', '\'', '"', ';', '|']) {
                shown += &format!(" '{argument}'");
            } else {
                shown += &format!(" {argument}");
            }
        }
        shown
    }
}
