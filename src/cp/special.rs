//! FIFOs, sockets and devices, made anew as the source is one.

use super::links::Permissions;
use super::location::Location;
use super::{Run, attributes, links};
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use rustix::fs::{self, FileType, Mode};

/// Makes one, with what is kept of the source; whether that went well.
pub(super) fn make(run: &mut Run<'_>, from: &Location<'_>, to: &Location<'_>, source: &Facts) -> bool {
    let omitted = attributes::omitted(run.options, source);
    let mode = source.mode & 0o7777 & !omitted;
    let (file_type, what) = match source.kind {
        Kind::Pipe => (FileType::Fifo, "fifo"),
        Kind::Socket => (FileType::Socket, "special file"),
        Kind::Block => (FileType::BlockDevice, "special file"),
        Kind::Character => (FileType::CharacterDevice, "special file"),
        Kind::Regular | Kind::Directory | Kind::Symlink | Kind::Other => {
            run.messages.error(format!("{} has unknown file type", from.quoted()));
            return false;
        }
    };
    let device = if source.kind == Kind::Pipe { 0 } else { source.raw_device };
    if let Err(errno) = fs::mknodat(to.directory, &*to.name, file_type, Mode::from_raw_mode(mode), device) {
        run.messages.error(format!("cannot create {what} {}: {}", to.quoted(), strerror(to.not_made(errno))));
        return false;
    }
    let umask = run.identity.umask;
    let permissions = match omitted & !umask {
        // What bind(2) gives a socket, and mknod(1) the others.
        _ if run.options.preserve.no_mode && source.kind == Kind::Socket => Permissions::Exactly(0o777 & !umask),
        _ if run.options.preserve.no_mode => Permissions::Exactly(0o666 & !umask),
        0 => Permissions::AsMade,
        more => Permissions::Beside(more),
    };
    links::dressed(run, from, to, source, permissions)
}
