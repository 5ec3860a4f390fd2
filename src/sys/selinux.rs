//! Whether this kernel has SELinux at work.

use std::path::Path;

/// Whether SELinux is enabled: its file system is mounted where its library looks for it, and has a policy.
pub fn is_enabled() -> bool {
    ["/sys/fs/selinux", "/selinux"].iter().any(|mount| Path::new(mount).join("enforce").exists())
}
