//! Network interfaces: by which one a socket's bytes leave, and whether it gathers (ETHTOOL_GSG).

use std::os::fd::AsFd;

/// An outgoing interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name ("eth0").
    pub name: String,
    /// Whether scatter-gather is on; `None` where the driver does not say.
    pub gathers: Option<bool>,
}

/// The interface that has the socket's own address.
pub fn of_socket(_fd: impl AsFd) -> Option<Interface> {
    None
}
