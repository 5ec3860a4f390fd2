//! The peer that `zccat` sends to: `--connect`, `--listen`, `--timeout`, and what they do to `--durable`.

use super::usage::UsageError;
use crate::cat::address::Address;
use crate::cat::options::{Peer, Role};
use clap::ArgMatches;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// The longest `--timeout`: 31 years, so that no clock overflows.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

/// The peer to send to; `None`: standard output.
///
/// # Errors
/// What is wrong with an address or a time, or with the options together.
pub(super) fn asked(matches: &ArgMatches) -> Result<Option<Peer>, UsageError> {
    let value = |name: &str| matches.get_one::<OsString>(name);
    let timeout = value("timeout").map(|text| seconds(text)).transpose()?;
    let (role, text) = match (value("connect"), value("listen")) {
        (Some(_), Some(_)) => return Err(UsageError::with_hint("--connect and --listen cannot be combined")),
        (Some(text), None) => (Role::Connect, text),
        (None, Some(text)) => (Role::Listen, text),
        (None, None) if timeout.is_some() => {
            return Err(UsageError::with_hint("--timeout can be used only with --connect or --listen"));
        }
        (None, None) => return Ok(None),
    };
    match Address::parse(role, text) {
        Ok(address) => Ok(Some(Peer { role, address, timeout })),
        Err(problem) => Err(UsageError::value(text, role.option(), problem)),
    }
}

/// A time in seconds as `--timeout` takes it: digits, with or without a fraction, and not 0.
fn seconds(text: &OsStr) -> Result<Duration, UsageError> {
    let plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = text.to_str().filter(plain).and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero() && *time <= LONGEST).ok_or_else(|| {
        UsageError::value(text, "--timeout", "it is not a number of seconds above 0, at most 1000000000")
    })
}

/// `zccat --durable`, which a peer excludes: nobody knows what it does with the bytes.
///
/// # Errors
/// If both are asked for.
pub(super) fn durable(matches: &ArgMatches, peer: Option<&Peer>) -> Result<bool, UsageError> {
    let durable = matches.get_flag("durable");
    match peer.filter(|_| durable) {
        Some(peer) => {
            let option = peer.role.option();
            Err(UsageError::with_hint(format!("--durable cannot be combined with {option}: a socket is on no device")))
        }
        None => Ok(durable),
    }
}
