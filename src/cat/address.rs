//! Where a peer is, as the user writes it: `tcp:HOST:PORT`, `tcp:[ADDR:]PORT`, `unix:PATH`. Pure: nothing is looked up.

use super::options::Role;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Where `--listen` listens if no address is given: on this machine only.
const LOOPBACK: &str = "127.0.0.1";

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As it was written.
    pub text: OsString,
    /// What that means.
    pub socket: SocketAddress,
}

/// What an address means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// A name or an address, without the brackets, and a port.
    Tcp(String, u16),
    /// A path.
    Unix(PathBuf),
}

impl Address {
    /// Reads `text`.
    ///
    /// # Errors
    /// What is wrong with it, to be said after its name.
    pub fn parse(role: Role, text: &OsStr) -> Result<Address, &'static str> {
        let socket = match text.as_bytes() {
            [b't', b'c', b'p', b':', rest @ ..] => tcp(role, rest)?,
            [b'u', b'n', b'i', b'x', b':'] => return Err("the path is missing"),
            [b'u', b'n', b'i', b'x', b':', path @ ..] => SocketAddress::Unix(OsStr::from_bytes(path).into()),
            _ => return Err("it begins with neither tcp: nor unix:"),
        };
        Ok(Address { text: text.to_os_string(), socket })
    }
}

fn tcp(role: Role, text: &[u8]) -> Result<SocketAddress, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8")?;
    let (host, port) = match (role, text.rsplit_once(':')) {
        (_, Some((host, port))) => (host, port),
        (Role::Listen, None) => (LOOPBACK, text),
        (Role::Connect, None) => return Err("the port is missing: tcp:HOST:PORT"),
    };
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or("an IPv6 address ends with ']': tcp:[::1]:PORT")?,
        None if host.contains(':') => return Err("an IPv6 address is written in brackets: tcp:[::1]:PORT"),
        None => host,
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    // The standard parser takes a sign as well.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if digits && port > 0 => Ok(SocketAddress::Tcp(host.to_string(), port)),
        _ => Err("the port is not a number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(role: Role, text: &str) -> Result<SocketAddress, &'static str> {
        Address::parse(role, OsStr::new(text)).map(|address| address.socket)
    }

    fn tcp(host: &str, port: u16) -> Result<SocketAddress, &'static str> {
        Ok(SocketAddress::Tcp(host.to_string(), port))
    }

    #[test]
    fn hosts_ports_and_paths() {
        for role in [Role::Connect, Role::Listen] {
            assert_eq!(socket(role, "tcp:example.org:80"), tcp("example.org", 80));
            assert_eq!(socket(role, "tcp:10.0.0.1:65535"), tcp("10.0.0.1", 65535));
            assert_eq!(socket(role, "tcp:[::1]:9000"), tcp("::1", 9000));
            assert_eq!(socket(role, "tcp:[fe80::1%eth0]:9000"), tcp("fe80::1%eth0", 9000));
            assert_eq!(socket(role, "unix:/run/a:b"), Ok(SocketAddress::Unix("/run/a:b".into())));
            assert_eq!(socket(role, "unix: "), Ok(SocketAddress::Unix(" ".into())));
        }
        assert_eq!(socket(Role::Listen, "tcp:9000"), tcp("127.0.0.1", 9000));
    }

    #[test]
    fn what_is_none_is_refused() {
        for role in [Role::Connect, Role::Listen] {
            let wrong = [
                "",
                "tcp",
                "unix",
                "unix:",
                "udp:a:1",
                "TCP:a:1",
                "a:1",
                "tcp:",
                "tcp::1",
                "tcp:[]:1",
                "tcp:a:",
                "tcp:a:0",
                "tcp:a:65536",
                "tcp:a:+1",
                "tcp:a:-1",
                "tcp:a:http",
                "tcp:a: 1",
                "tcp:::1:9000",
                "tcp:[::1",
                "tcp:[::1]",
            ];
            for text in wrong {
                assert!(socket(role, text).is_err(), "{role:?} {text}");
            }
        }
        assert!(socket(Role::Connect, "tcp:9000").is_err());
    }
}
