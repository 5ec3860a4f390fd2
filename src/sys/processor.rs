//! Which processor a thread runs on, and away from it.

use std::mem::{size_of, zeroed};
use std::sync::OnceLock;

/// The processor that the calling thread runs on, which may be another one by the time this is read (getcpu(2), by way of the
/// vDSO: no system call).
pub fn current() -> Option<u32> {
    // SAFETY: no arguments; -1 with ENOSYS where the kernel has no such call.
    u32::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// Moves the calling thread to another processor than `processor`, if it may run on another, and leaves it free to be moved
/// anywhere afterwards. What cannot be said (more processors than a `cpu_set_t` has) changes nothing.
///
/// Nor is anything done where system calls are filtered: systemd's `SystemCallFilter=~@resources` has sched_setaffinity(2)
/// among those that a program is killed for (systemd.exec(5)), and nobody expects it of one that copies.
pub fn leave(processor: u32) {
    static FILTERED: OnceLock<bool> = OnceLock::new();
    // SAFETY: PR_GET_SECCOMP takes no more arguments: 0 without a filter, EINVAL without the feature (prctl(2)).
    if *FILTERED.get_or_init(|| unsafe { libc::prctl(libc::PR_GET_SECCOMP) } > 0) {
        return;
    }
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
    for set in [&others, &allowed] {
        // SAFETY: 0 is the calling thread; the kernel reads `size` bytes of a set of that size.
        if unsafe { libc::sched_setaffinity(0, size, set) } != 0 {
            return;
        }
    }
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
}
