//! A command that runs, and what came of it: assertions that print what was run and what differs.

use super::content;
use super::skip;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// A command that has been started.
#[must_use = "a command that was started has to be finished"]
pub struct Running {
    pub(super) shown: String,
    pub(super) directory: PathBuf,
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    pub(super) child: std::process::Child,
    pub(super) deadline: Instant,
    pub(super) stdout: Option<Receiver<Vec<u8>>>,
    pub(super) stderr: Option<Receiver<Vec<u8>>>,
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

    /// Whether its first thread sleeps, as a program does that waits for more input: what it did before is done and counted.
    pub fn is_asleep(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid.as_raw_nonzero()));
        // `PID (NAME) S …`, and a name may have anything in it (proc_pid_stat(5)).
        stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, after)| after.starts_with('S')))
    }

    /// The most memory it had at one time, bytes (VmHWM of proc_pid_status(5)); `None` once it has ended.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid.as_raw_nonzero())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10)
    }

    /// Bytes that it has given to write(2) and its like (wchar of proc_pid_io(5)); `None` once it has ended.
    pub fn written(&self) -> Option<u64> {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.pid.as_raw_nonzero())).ok()?;
        let line = io.lines().find_map(|line| line.strip_prefix("wchar:"))?;
        line.trim().parse().ok().filter(|_| self.is_running())
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

    /// Waits for its end. If it has not ended by the time-out it is killed, and the outcome says so.
    #[track_caller]
    pub fn finish_or_kill(mut self) -> Outcome {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let time_out = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        if poll(&mut fds, Some(&time_out)) == Ok(0) {
            self.signal(Signal::KILL);
            self.deadline += Duration::from_secs(5);
        }
        self.finish()
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

/// Kills what still runs, so that a case that fails early leaves no process behind that waits for ever.
impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process_group(self.pid, Signal::KILL);
            let _ = self.child.wait();
        }
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
