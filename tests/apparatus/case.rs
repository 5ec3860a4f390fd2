//! A case: a [`Scene`] (a private directory), a [`Command`] (argv and descriptors in), an [`Outcome`] (status and
//! bytes out) whose assertions print what was run and what differs.

#![allow(unsafe_code, reason = "what a child inherits is set between fork and exec, where only raw calls are allowed")]

use super::content;
use super::filesystems::{self, Fs};
use super::skip;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Only against hanging: nothing here is timed.
const TIME_OUT: Duration = Duration::from_secs(60);

/// The program under test as `zccp`. `ZCCP_UNDER_TEST` names another one, so that a case about GNU's behaviour can be
/// held against GNU's own program.
pub fn zccp() -> PathBuf {
    std::env::var_os("ZCCP_UNDER_TEST").map_or_else(|| env!("CARGO_BIN_EXE_zccp").into(), PathBuf::from)
}

/// The program under test as `zccat`; `ZCCAT_UNDER_TEST` as for [`zccp`].
pub fn zccat() -> PathBuf {
    std::env::var_os("ZCCAT_UNDER_TEST").map_or_else(|| env!("CARGO_BIN_EXE_zccat").into(), PathBuf::from)
}

/// A private directory, removed at the end.
pub struct Scene {
    directory: PathBuf,
}

impl Scene {
    /// On whatever file system the build directory is on.
    pub fn new() -> Scene {
        Scene::below(Path::new(env!("CARGO_TARGET_TMPDIR")))
    }

    /// On a file system of that kind; `None`, and the test skipped by name, where that cannot be had.
    pub fn on(fs: Fs) -> Option<Scene> {
        match filesystems::mounted(fs) {
            Ok(place) => Some(Scene::below(place)),
            Err(reason) => {
                skip::skip!(format!("{} on {}", skip::current_test(), fs.name()), reason);
                None
            }
        }
    }

    /// In the directory `place`.
    pub fn below(place: &Path) -> Scene {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("scene-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let directory = place.join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Scene { directory }
    }

    /// The full path of `name`.
    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.directory.join(name.as_ref())
    }

    /// Writes a file.
    pub fn file(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes a file of `size` bytes that is a hole but for the given pieces.
    pub fn sparse_file(&self, name: impl AsRef<OsStr>, size: u64, pieces: &[(u64, &[u8])]) -> PathBuf {
        let path = self.path(name);
        let file = File::create(&path).unwrap();
        for (offset, bytes) in pieces {
            file.write_all_at(bytes, *offset).unwrap();
        }
        file.set_len(size).unwrap();
        path
    }

    /// Makes a directory.
    pub fn directory(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir(&path).unwrap();
        path
    }

    /// Makes a symbolic link.
    pub fn symlink(&self, target: impl AsRef<OsStr>, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(name);
        std::os::unix::fs::symlink(target.as_ref(), &path).unwrap();
        path
    }

    /// Makes a FIFO.
    pub fn fifo(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(name);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        path
    }

    /// What a file holds.
    #[track_caller]
    pub fn bytes(&self, name: impl AsRef<OsStr>) -> Vec<u8> {
        let path = self.path(name);
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Bytes allocated to a file (`st_blocks`).
    #[track_caller]
    pub fn allocated(&self, name: impl AsRef<OsStr>) -> u64 {
        std::fs::metadata(self.path(name)).unwrap().blocks() * 512
    }

    /// A file opened for reading.
    pub fn open(&self, name: impl AsRef<OsStr>) -> File {
        File::open(self.path(name)).unwrap()
    }

    /// A file created, or emptied, and opened for reading and writing.
    pub fn create(&self, name: impl AsRef<OsStr>) -> File {
        File::options().read(true).write(true).create(true).truncate(true).open(self.path(name)).unwrap()
    }

    /// A file created if need be and opened with extra flags of open(2), such as `O_APPEND`.
    pub fn open_with(&self, name: impl AsRef<OsStr>, flags: i32) -> File {
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(flags)
            .open(self.path(name))
            .unwrap()
    }

    /// `zccp` with these arguments, run here.
    pub fn zccp<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.program(zccp()).arguments(arguments)
    }

    /// `zccat` with these arguments, run here.
    pub fn zccat<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.program(zccat()).arguments(arguments)
    }

    /// A line of shell, run here by `/bin/sh`; `$ZCCP` and `$ZCCAT` are the programs.
    pub fn shell(&self, script: &str) -> Command {
        self.program("/bin/sh").arguments(["-c", script]).variable("ZCCP", zccp()).variable("ZCCAT", zccat())
    }

    /// Any program, run here.
    pub fn program(&self, program: impl Into<PathBuf>) -> Command {
        Command::new(program.into(), self.directory.clone())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::env::var_os("ZCCP_KEEP_SCENES").is_none() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

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
    refused: Option<u32>,
}

impl Command {
    fn new(program: PathBuf, directory: PathBuf) -> Command {
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
            refused: None,
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
    pub fn without_call(mut self, number: libc::c_long) -> Command {
        self.refused = Some(u32::try_from(number).unwrap());
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
        if let Some(number) = self.refused {
            refuse(&mut command, number);
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

fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap()
}

/// The child's end of an output, and ours with the way to read it.
fn outlet(output: Output, fd: i32, closed: &mut Vec<i32>) -> (Stdio, Option<(OwnedFd, Reader)>) {
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
fn prepare(command: &mut std::process::Command, closed: Vec<i32>, ignores_sigpipe: bool, limits: Vec<(u32, u64)>) {
    let before_exec = move || {
        // SAFETY: each of these is async-signal-safe, or a bare system call on Linux, and none allocates; the two
        // vectors were made before the fork and are only read.
        unsafe {
            libc::umask(0o022);
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

/// A filter (seccomp(2)) that says ENOSYS to one system call.
fn refuse(command: &mut std::process::Command, number: u32) {
    let instruction = |code: u32, jf, k| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let filter = [
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0), // seccomp_data.nr
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, number),
        instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
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

/// Reads `fd` as `reader` says, on a thread of its own.
fn collect(fd: OwnedFd, reader: Reader) -> Receiver<Vec<u8>> {
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

/// A command that has been started.
#[must_use = "a command that was started has to be finished"]
pub struct Running {
    shown: String,
    directory: PathBuf,
    pid: Pid,
    pidfd: OwnedFd,
    child: std::process::Child,
    deadline: Instant,
    stdout: Option<Receiver<Vec<u8>>>,
    stderr: Option<Receiver<Vec<u8>>>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 0
    }

    /// Sends it (and every process it started) a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process_group(self.pid, signal).unwrap();
    }

    /// Waits until `condition` holds; fails by name if it has not by the time-out.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        while !condition() {
            if Instant::now() > self.deadline {
                self.give_up(what);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Outcome {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let time_out = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            let mut fds = [PollFd::from_borrowed_fd(self.pidfd.as_fd(), PollFlags::IN)];
            match poll(&mut fds, Some(&time_out)) {
                Ok(0) => self.give_up("ended"),
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => panic!("poll: {e}"),
            }
        }
        let status = self.child.wait().unwrap();
        let stdout = self.collected(self.stdout.as_ref());
        let stderr = self.collected(self.stderr.as_ref());
        Outcome { shown: self.shown.clone(), directory: self.directory.clone(), status, stdout, stderr }
    }

    #[track_caller]
    fn collected(&self, from: Option<&Receiver<Vec<u8>>>) -> Vec<u8> {
        let Some(from) = from else { return Vec::new() };
        let left = self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_secs(5));
        from.recv_timeout(left).unwrap_or_else(|_| self.give_up("let go of its output"))
    }

    #[track_caller]
    fn give_up(&self, what: &str) -> ! {
        let _ = kill_process_group(self.pid, Signal::KILL);
        panic!("{}: hung: $ {} has not {what}", skip::current_test(), self.shown);
    }
}

/// What came of a run.
#[must_use = "an outcome says nothing until it is held against what was expected"]
pub struct Outcome {
    shown: String,
    directory: PathBuf,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output, if that was a pipe of ours.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, if that was a pipe of ours.
    pub stderr: Vec<u8>,
}

#[allow(clippy::return_self_not_must_use, reason = "assertions are chained or not, as the case likes")]
impl Outcome {
    /// Whether it ended with status 0.
    pub fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// Standard error as text.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Fails the test, showing what was run and how it ended.
    #[track_caller]
    pub fn fail(&self, what: &str) -> ! {
        let status = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("status {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => "no status".into(),
        };
        let stderr = self.stderr_text();
        panic!("{what}\n  $ {}\n  {status}, {} bytes on stdout, stderr:\n{stderr}", self.shown, self.stdout.len());
    }

    /// Ended with status 0.
    #[track_caller]
    pub fn succeeds(&self) -> &Outcome {
        if !self.succeeded() {
            self.fail("it should have succeeded");
        }
        self
    }

    /// Ended with that status.
    #[track_caller]
    pub fn fails_with(&self, status: i32) -> &Outcome {
        if self.status.code() != Some(status) {
            self.fail(&format!("it should have ended with status {status}"));
        }
        self
    }

    /// Was killed by that signal.
    #[track_caller]
    pub fn dies_of(&self, signal: i32) -> &Outcome {
        if self.status.signal() != Some(signal) {
            self.fail(&format!("it should have been killed by signal {signal}"));
        }
        self
    }

    /// Standard output is exactly this.
    #[track_caller]
    pub fn stdout_is(&self, expected: impl AsRef<[u8]>) -> &Outcome {
        if let Some(diff) = content::difference(expected.as_ref(), &self.stdout) {
            self.fail(&format!("standard output differs: {diff}"));
        }
        self
    }

    /// Standard output holds this text.
    #[track_caller]
    pub fn stdout_has(&self, text: &str) -> &Outcome {
        if !String::from_utf8_lossy(&self.stdout).contains(text) {
            self.fail(&format!("standard output should contain {text:?}"));
        }
        self
    }

    /// Standard error is exactly this.
    #[track_caller]
    pub fn stderr_is(&self, expected: &str) -> &Outcome {
        if let Some(diff) = content::difference(expected.as_bytes(), &self.stderr) {
            self.fail(&format!("standard error differs: {diff}"));
        }
        self
    }

    /// Standard error holds this text.
    #[track_caller]
    pub fn stderr_has(&self, text: &str) -> &Outcome {
        if !self.stderr_text().contains(text) {
            self.fail(&format!("standard error should contain {text:?}"));
        }
        self
    }

    /// Standard error does not hold this text.
    #[track_caller]
    pub fn stderr_lacks(&self, text: &str) -> &Outcome {
        if self.stderr_text().contains(text) {
            self.fail(&format!("standard error should not contain {text:?}"));
        }
        self
    }

    /// A file holds exactly this.
    #[track_caller]
    pub fn file_is(&self, path: impl AsRef<Path>, expected: &[u8]) -> &Outcome {
        let path = self.directory.join(path);
        let actual = std::fs::read(&path).unwrap_or_else(|e| self.fail(&format!("{}: {e}", path.display())));
        if let Some(diff) = content::difference(expected, &actual) {
            self.fail(&format!("{} differs: {diff}", path.display()));
        }
        self
    }

    /// There is no file of that name.
    #[track_caller]
    pub fn no_file(&self, path: impl AsRef<Path>) -> &Outcome {
        let path = self.directory.join(path);
        if path.symlink_metadata().is_ok() {
            self.fail(&format!("{} should not exist", path.display()));
        }
        self
    }
}
