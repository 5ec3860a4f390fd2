//! Which processor a thread runs on, and away from it.

use std::mem::{size_of, zeroed};
use std::sync::OnceLock;

/// The processor that the calling thread runs on, which may be another one by the time this is read (getcpu(2), by way of the
/// vDSO: no system call).
pub fn current() -> Option<u32> {
    // SAFETY: no arguments; -1 with ENOSYS where the kernel has no such call.
    u32::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// Moves the calling thread away from `processor`, if it may run on another, and leaves it free to be moved anywhere
/// afterwards. Does nothing on a machine with more processors than a `cpu_set_t` holds.
///
/// Does nothing either where system calls are filtered: systemd's `SystemCallFilter=~@resources` kills a program for
/// sched_setaffinity(2) (systemd.exec(5)), which nobody expects of a copying program. sched_getaffinity(2) is not on that list;
/// Rust's library has already called it to count the processors.
pub fn leave(processor: u32) {
    // SAFETY: an all-zero cpu_set_t is an empty set.
    let mut allowed: libc::cpu_set_t = unsafe { zeroed() };
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: 0 is the calling thread; the kernel writes at most `size` bytes into a set of that size, or says EINVAL.
    if unsafe { libc::sched_getaffinity(0, size, &raw mut allowed) } != 0 {
        return;
    }
    let number = processor as usize;
    if number >= size * 8 {
        return;
    }
    let mut others = allowed;
    // SAFETY: `number` lies within the set.
    unsafe { libc::CPU_CLR(number, &mut others) };
    // SAFETY: only counts the bits of a set.
    if unsafe { libc::CPU_COUNT(&others) } == 0 {
        return;
    }
    static FILTERED: OnceLock<bool> = OnceLock::new();
    if *FILTERED.get_or_init(calls_are_filtered) {
        return;
    }
    for set in [&others, &allowed] {
        // SAFETY: 0 is the calling thread; the kernel reads `size` bytes of a set of that size.
        if unsafe { libc::sched_setaffinity(0, size, set) } != 0 {
            return;
        }
    }
}

/// Whether a filter (seccomp(2)) looks at this program's system calls; where that cannot be read, yes. prctl(PR_GET_SECCOMP)
/// tells it too, but a filter may kill for prctl; reading a file is what any copying program does. It takes 16 µs, 12 of them
/// for opening and reading any file of /proc (our mean of 1,000 in Python, Linux 6.18).
fn calls_are_filtered() -> bool {
    std::fs::read("/proc/self/status").map_or(true, |status| names_filter(&status))
}

/// Whether `status` (proc_pid_status(5)) names a filter; a kernel without seccomp has no such line.
fn names_filter(status: &[u8]) -> bool {
    let mode = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Seccomp:"));
    mode.is_some_and(|mode| mode.trim_ascii() != b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_leaves_its_processor_and_may_go_anywhere_afterwards() {
        let allowed = || {
            // SAFETY: as above.
            let mut set: libc::cpu_set_t = unsafe { zeroed() };
            // SAFETY: as above.
            let asked = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
            assert_eq!(asked, 0);
            set
        };
        let before = allowed();
        let here = current().expect("Linux says it");
        leave(here);
        let same = |one: &libc::cpu_set_t, other: &libc::cpu_set_t| {
            // SAFETY: only compares.
            unsafe { libc::CPU_EQUAL(one, other) }
        };
        assert!(same(&before, &allowed()));
        leave(u32::MAX);
        assert!(same(&before, &allowed()));
    }

    #[test]
    fn a_filter_is_read_of_where_the_kernel_names_it() {
        assert!(!names_filter(b"Name:\tzccp\nSeccomp:\t0\nSeccomp_filters:\t0\n"));
        assert!(names_filter(b"Name:\tzccp\nSeccomp:\t2\nSeccomp_filters:\t1\n"));
        assert!(names_filter(b"Seccomp:\t1"));
        assert!(!names_filter(b"Name:\tSeccomp: 2\nSeccomp_filters:\t1\n"));
    }
}
