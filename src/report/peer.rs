//! What is said of a peer (`--connect`, `--listen`): one sentence each, and how far it got.

use super::quote::shell_always;
use crate::sys::text::strerror;
use crate::transfer::Failure;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::time::Duration;

/// An address that could not be connected to.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// Which, if the host has several.
    pub address: Option<IpAddr>,
    /// Why.
    pub errno: Errno,
}

/// How far the sending got.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// Bytes the socket accepted.
    pub sent: u64,
    /// Of these, bytes that the peer has not acknowledged, where that can be told (TCP).
    pub unacknowledged: Option<u64>,
}

impl Left {
    fn text(&self) -> String {
        let sent = self.sent;
        match self.unacknowledged {
            Some(bytes) if bytes > 0 => format!("({sent} bytes were sent, {bytes} of them are not acknowledged)"),
            _ => format!("({sent} bytes were sent)"),
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

/// A host without an address; `error` is the resolver's.
pub fn cannot_resolve(host: &OsStr, error: &str) -> String {
    // Rust's own words come before getaddrinfo's.
    let reason = error.strip_prefix("failed to lookup address information: ").unwrap_or(error);
    format!("cannot resolve {}: {reason}", shell_always(host))
}

/// Nobody there, or nobody who answers in `patience`.
pub fn cannot_connect(name: &OsStr, refusals: &[Refusal], patience: Duration) -> String {
    let why = |refusal: &Refusal| match refusal.errno {
        Errno::TIMEDOUT => format!("no answer within {}", seconds(patience)),
        errno => strerror(errno),
    };
    let reasons = match refusals {
        [] => "it has no address".to_string(),
        [only] => why(only),
        several => {
            let each = |refusal: &Refusal| match refusal.address {
                Some(address) => format!("{address}: {}", why(refusal)),
                None => why(refusal),
            };
            several.iter().map(each).collect::<Vec<_>>().join("; ")
        }
    };
    format!("cannot connect to {}: {reasons}", shell_always(name))
}

/// A connection that cannot even be looked at.
pub fn unusable(name: &OsStr, errno: Errno) -> String {
    format!("{}: {}", shell_always(name), strerror(errno))
}

/// The address cannot be had.
pub fn cannot_listen(name: &OsStr, errno: Errno) -> String {
    format!("cannot listen on {}: {}", shell_always(name), strerror(errno))
}

/// Nobody connected in time.
pub fn nobody_came(name: &OsStr, patience: Duration) -> String {
    format!("nobody connected to {} within {}", shell_always(name), seconds(patience))
}

/// Not everything could be sent.
pub fn lost(name: &OsStr, failure: &Failure, left: &Left) -> String {
    let reason = match failure {
        Failure::TimedOut(patience) => format!("the peer took nothing for {}", seconds(*patience)),
        Failure::Call { errno, .. } => strerror(*errno),
        _ => strerror(Errno::IO),
    };
    format!("{}: {reason} {}", shell_always(name), left.text())
}

/// Everything was sent, but the peer keeps its side open, or does not acknowledge.
pub fn never_closed(name: &OsStr, patience: Duration, left: &Left) -> String {
    format!("{}: the peer did not close within {} {}", shell_always(name), seconds(patience), left.text())
}

/// `--explain`: a connection; the addresses where there are some (not with unix sockets).
pub fn connected(name: &OsStr, peer: Option<String>, own: Option<String>) -> String {
    match (peer, own) {
        (Some(peer), Some(own)) => format!("connected: {} is {peer}, from {own}", shell_always(name)),
        _ => format!("connected: {}", shell_always(name)),
    }
}

/// `--explain`: the end of a connection.
pub fn closed(sent: u64, said: u64) -> String {
    format!(
        "closed: the peer has taken all {sent} bytes and closed; {said} bytes that it sent meanwhile were discarded"
    )
}
