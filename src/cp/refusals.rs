//! Why one source is not copied, in GNU's words: said by the copy and by `--dry-run`, which must not drift apart.

use super::location::Location;
use crate::sys::text::strerror;
use rustix::io::Errno;

/// Nothing is written through a link that leads nowhere.
pub(super) fn dangling(to: &Location<'_>) -> String {
    format!("not writing through dangling symlink {}", to.quoted())
}

/// The source cannot be opened.
pub(super) fn unreadable(from: &Location<'_>, errno: Errno) -> String {
    format!("cannot open {} for reading: {}", from.quoted(), strerror(errno))
}

/// The destination cannot be made or opened.
pub(super) fn cannot_create(to: &Location<'_>, errno: Errno) -> String {
    format!("cannot create regular file {}: {}", to.quoted(), strerror(errno))
}

/// The backup would take the source's place.
pub(super) fn might_destroy(from: &Location<'_>, to: &Location<'_>) -> String {
    format!("backing up {} might destroy source;  {} not copied", to.quoted(), from.quoted()) // two spaces: GNU's
}

/// The two are one file, by whatever names.
pub(super) fn same_file(from: &Location<'_>, to: &Location<'_>) -> String {
    format!("{} and {} are the same file", from.quoted(), to.quoted())
}

/// The destination is what `--json` is written to, which would end up with both in it.
pub(super) fn is_the_stream(to: &Location<'_>) -> String {
    format!("cannot create regular file {}: JSON is written to it", to.quoted())
}
