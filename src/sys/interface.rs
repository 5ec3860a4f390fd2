//! Network interfaces: by which one a socket's bytes leave, whether it gathers (ETHTOOL_GSG), and whether it is a device.
//!
//! The interface that has the socket's own address is not always the one: routes may be asymmetric. So the kernel's
//! routing is asked (rtnetlink(7), RTM_GETROUTE) about the very flow: addresses, ports, mark and bound device.

use super::socket;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// "Is scatter-gather on?" (`ETHTOOL_GSG`, `<linux/ethtool.h>`; not in libc).
const ETHTOOL_GSG: u32 = 0x18;

// Attributes of a route (`<linux/rtnetlink.h>`, Linux 4.19; not in libc). Kernels that do not know one pass over it.
const RTA_IP_PROTO: u16 = 27;
const RTA_SPORT: u16 = 28;
const RTA_DPORT: u16 = 29;

/// Bytes of a nlmsghdr, and of the rtmsg or ifinfomsg behind it (netlink(7), rtnetlink(7)).
const HEADER: usize = 16;
const ROUTE: usize = 12;
const LINK: usize = 16;

/// Bytes of an answer: all that the kernel says of an interface is below 8 KiB (NLMSG_GOODSIZE, `<linux/netlink.h>`).
const ANSWER: usize = 8192;

/// An outgoing interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, and zeros behind it.
    name: [u8; libc::IFNAMSIZ],
    /// Whether scatter-gather is on; `None` where the driver does not say.
    pub gathers: Option<bool>,
    /// Whether it belongs to a device (PCI, USB, virtio), which takes the bytes and hands no page on, or is a bond or VLAN of
    /// such. Of an interface that is only the kernel's own (veth, a bridge, a tunnel, lo) nobody can tell: the peer may be in a
    /// container on this machine, and the very pages get into its queue. False also where it cannot be told
    /// (IFLA_PARENT_DEV_NAME is there from Linux 5.14 on).
    pub device: bool,
}

impl Interface {
    /// Its name ("eth0").
    pub fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.name.split(|byte| *byte == 0).next().unwrap_or_default())
    }

    /// What the kernel says of the interface of this number, but for its gathering, which the driver is asked for.
    fn numbered(router: &OwnedFd, index: u32) -> Option<Interface> {
        let mut message = header(libc::RTM_GETLINK, LINK);
        message[HEADER + 4..HEADER + 8].copy_from_slice(&index.to_ne_bytes());
        let answer = asked(router, message)?;
        let said = |wanted| attribute(&answer, libc::RTM_NEWLINK, LINK, wanted);
        let mut name = [0; libc::IFNAMSIZ];
        let text = said(libc::IFLA_IFNAME)?; // with its NUL
        name.get_mut(..text.len())?.copy_from_slice(text);
        let found = Interface { name, gathers: None, device: said(libc::IFLA_PARENT_DEV_NAME).is_some() };
        let device = found.device || found.in_sysfs(index).is_some_and(|place| passes_on_to_devices(&place, LAYERS));
        Some(Interface { device, ..found })
    }

    /// Its directory in sysfs, if that shows this network and not another one: it has the same number there.
    fn in_sysfs(&self, index: u32) -> Option<PathBuf> {
        let place = Path::new("/sys/class/net").join(OsStr::from_bytes(self.name.split(|byte| *byte == 0).next()?));
        let number = std::fs::read_to_string(place.join("ifindex")).ok()?;
        (number.trim().parse() == Ok(index)).then_some(place)
    }
}

/// A VLAN on a bond on devices.
const LAYERS: usize = 2;

/// Whether the interface in this directory of sysfs is a bond or a VLAN (DEVTYPE in `uevent`), and all that it passes on to
/// (the links `lower_NAME`) are of devices, through so many layers at most. (From the kernel's source: bond_main.c,
/// vlan_dev.c, net/core/dev.c; the kernel this was written on has neither.)
fn passes_on_to_devices(place: &Path, layers: usize) -> bool {
    let says = std::fs::read_to_string(place.join("uevent")).unwrap_or_default();
    if layers == 0 || !says.lines().any(|line| line == "DEVTYPE=bond" || line == "DEVTYPE=vlan") {
        return false;
    }
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let lower = entries.filter(|entry| entry.file_name().as_bytes().starts_with(b"lower_"));
    let mut lower = lower.map(|entry| entry.path()).peekable();
    let is_of_device = |place: PathBuf| place.join("device").exists() || passes_on_to_devices(&place, layers - 1);
    lower.peek().is_some() && lower.all(is_of_device)
}

/// The interface by which a connected TCP socket's bytes leave, as the routing stands now; `None` where that cannot be
/// told. Two questions to the kernel's routing and one to the driver.
pub fn of_socket(fd: impl AsFd) -> Option<Interface> {
    let fd = fd.as_fd();
    let (router, index) = route(fd)?;
    let out = Interface::numbered(&router, index)?;
    Some(Interface { gathers: gathers(fd, &out.name).ok(), ..out })
}

/// The way of a connected TCP socket's bytes: a socket to ask the kernel about such things, and the index of the outgoing
/// interface.
fn route(fd: BorrowedFd<'_>) -> Option<(OwnedFd, u32)> {
    let peer = SocketAddr::try_from(net::getpeername(fd).ok()??).ok()?;
    let ours = SocketAddr::try_from(net::getsockname(fd).ok()?).ok()?;
    let router = net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None).ok()?;
    if let (Some(here), Some(there)) = (namespace(&router), namespace(fd))
        && here != there
    {
        return None; // the socket was made in another network namespace, whose routes are not ours
    }
    let device = [socket::option(fd, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX).unwrap_or(0) as u32, scope(peer)];
    let device = device.into_iter().find(|&index| index != 0);
    let mark = socket::option(fd, libc::SOL_SOCKET, libc::SO_MARK).unwrap_or(0) as u32;
    let answer = asked(&router, request(ours, peer, device, mark))?;
    let index = outgoing(&answer)?;
    Some((router, index))
}

/// Sends a question, and gives the kernel's answer.
fn asked(router: &OwnedFd, mut question: Vec<u8>) -> Option<Vec<u8>> {
    let length = question.len() as u32;
    question[..4].copy_from_slice(&length.to_ne_bytes());
    net::send(router, &question, SendFlags::empty()).ok()?;
    let mut answer = vec![0u8; ANSWER];
    let (length, _) = net::recv(router, answer.as_mut_slice(), RecvFlags::empty()).ok()?;
    answer.truncate(length);
    Some(answer)
}

/// A question's nlmsghdr, but for the length, and `room` zeros for what comes behind it.
fn header(kind: u16, room: usize) -> Vec<u8> {
    let mut message = vec![0u8; HEADER + room];
    message[4..6].copy_from_slice(&kind.to_ne_bytes());
    message[6..8].copy_from_slice(&(libc::NLM_F_REQUEST as u16).to_ne_bytes());
    message
}

/// The interface that a link-local IPv6 address is on.
fn scope(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V6(six) => six.scope_id(),
        SocketAddr::V4(_) => 0,
    }
}

/// "Which way does this flow go?": a nlmsghdr, a rtmsg and attributes.
fn request(ours: SocketAddr, peer: SocketAddr, device: Option<u32>, mark: u32) -> Vec<u8> {
    let (to, from) = (octets(peer.ip()), octets(ours.ip()));
    let family = if to.len() == 4 { libc::AF_INET } else { libc::AF_INET6 };
    let mut message = header(libc::RTM_GETROUTE, ROUTE);
    message[HEADER] = family as u8;
    message[HEADER + 1] = to.len() as u8 * 8;
    message[HEADER + 2] = from.len() as u8 * 8;
    let mut attribute = |kind: u16, value: &[u8]| {
        message.extend_from_slice(&(4 + value.len() as u16).to_ne_bytes());
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(value);
        message.resize(message.len().next_multiple_of(4), 0);
    };
    attribute(libc::RTA_DST, &to);
    attribute(libc::RTA_SRC, &from);
    attribute(RTA_IP_PROTO, &[libc::IPPROTO_TCP as u8]);
    attribute(RTA_SPORT, &ours.port().to_be_bytes());
    attribute(RTA_DPORT, &peer.port().to_be_bytes());
    if mark != 0 {
        attribute(libc::RTA_MARK, &mark.to_ne_bytes());
    }
    if let Some(device) = device {
        attribute(libc::RTA_OIF, &device.to_ne_bytes());
    }
    message
}

/// An address's bytes; an IPv4 address inside IPv6 (::ffff:192.0.2.1) is routed as the IPv4 address it is.
fn octets(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// The index of the outgoing interface in the kernel's answer; `None` if that is an error (no route).
fn outgoing(answer: &[u8]) -> Option<u32> {
    let index = attribute(answer, libc::RTM_NEWROUTE, ROUTE, libc::RTA_OIF)?;
    Some(u32::from_ne_bytes(index.try_into().ok()?))
}

/// An attribute of an answer of `kind`, in which they begin `room` bytes behind its nlmsghdr; `None` if it is of another
/// kind (an error), or has no such attribute.
fn attribute(answer: &[u8], kind: u16, room: usize, wanted: u16) -> Option<&[u8]> {
    let word = |at: usize| Some(u16::from_ne_bytes(answer.get(at..at + 2)?.try_into().ok()?));
    if word(4)? != kind {
        return None;
    }
    let mut at = HEADER + room;
    loop {
        let length = word(at)? as usize;
        if length < 4 {
            return None; // not an attribute: it would be read for ever
        }
        if word(at + 2)? == wanted {
            return answer.get(at + 4..at + length);
        }
        at += length.next_multiple_of(4);
    }
}

/// Whether scatter-gather is on, by SIOCETHTOOL.
fn gathers(fd: impl AsFd, name: &[u8; libc::IFNAMSIZ]) -> Result<bool, Errno> {
    #[repr(C)]
    struct Value {
        command: u32,
        data: u32,
    }
    let mut value = Value { command: ETHTOOL_GSG, data: 0 };
    // SAFETY: an ifreq is bytes, integers and pointers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, &from) in request.ifr_name.iter_mut().zip(&name[..libc::IFNAMSIZ - 1]) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: `request` holds a NUL-terminated name and a pointer to an ethtool_value (two u32), which is what this
    // command reads and writes; both outlive the call.
    if unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) } == -1 {
        return Err(super::descriptor::last_errno());
    }
    Ok(value.data != 0)
}

/// A number for the network namespace of a socket (SO_NETNS_COOKIE, Linux 5.14).
fn namespace(fd: impl AsFd) -> Option<u64> {
    let mut cookie = 0u64;
    let mut length = mem::size_of_val(&cookie) as libc::socklen_t;
    let (fd, level, name) = (fd.as_fd().as_raw_fd(), libc::SOL_SOCKET, libc::SO_NETNS_COOKIE);
    // SAFETY: `cookie` is valid for writes of the `length` bytes said; the kernel writes no more than that.
    let result = unsafe { libc::getsockopt(fd, level, name, (&raw mut cookie).cast(), &raw mut length) };
    (result == 0 && length as usize == mem::size_of_val(&cookie)).then_some(cookie)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn loopback(address: &str) -> std::io::Result<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind(address)?;
        let ours = TcpStream::connect(listener.local_addr()?)?;
        Ok((ours, listener.accept()?.0))
    }

    #[test]
    fn loopback_is_lo() {
        let (ours, peer) = loopback("127.0.0.1:0").expect("loopback");
        for end in [&ours, &peer] {
            let interface = of_socket(end).expect("an interface");
            assert_eq!(interface.name(), "lo");
            // `ethtool -k lo`: "scatter-gather: on", and "[fixed]" (Linux 6.18).
            assert_eq!(interface.gathers, Some(true));
        }
    }

    #[test]
    fn loopback_is_lo_over_ipv6_too() {
        match loopback("[::1]:0") {
            Ok((ours, _peer)) => assert_eq!(of_socket(&ours).expect("an interface").name(), "lo"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrNotAvailable),
        }
    }

    #[test]
    fn what_is_a_device_is_as_sysfs_has_it() {
        let (ours, _peer) = loopback("127.0.0.1:0").expect("loopback");
        assert!(!of_socket(&ours).expect("an interface").device);
        let (router, _) = route(ours.as_fd()).expect("a route");
        for entry in std::fs::read_dir("/sys/class/net").expect("/sys").flatten() {
            let Ok(index) = std::fs::read_to_string(entry.path().join("ifindex")) else { continue };
            let interface = Interface::numbered(&router, index.trim().parse().expect("a number"));
            let interface = interface.expect("what the kernel says of it");
            let device = entry.path().join("device").exists() || passes_on_to_devices(&entry.path(), LAYERS);
            assert_eq!(interface.device, device, "{:?}", entry.path());
            assert_eq!(Some(&*interface.name()), entry.file_name().to_str());
        }
    }

    #[test]
    fn a_bond_or_vlan_is_as_good_as_what_it_passes_on_to() {
        let net = std::env::temp_dir().join(format!("net-{}", std::process::id()));
        let make = |name: &str, kind: &str, lower: &[&str]| {
            std::fs::create_dir_all(net.join(name)).expect("made");
            std::fs::write(net.join(name).join("uevent"), format!("INTERFACE={name}\nDEVTYPE={kind}\n")).expect("made");
            for of in lower {
                let link = net.join(name).join(format!("lower_{of}"));
                std::os::unix::fs::symlink(format!("../{of}"), link).expect("made");
            }
        };
        for card in ["eth0", "eth1"] {
            std::fs::create_dir_all(net.join(card).join("device")).expect("made");
        }
        make("veth0", "veth", &[]);
        make("bond0", "bond", &["eth0", "eth1"]);
        make("bond1", "bond", &["eth0", "veth0"]);
        make("bond2", "bond", &[]);
        make("vlan0", "vlan", &["bond0"]);
        make("vlan1", "vlan", &["bond1"]);
        make("vlan2", "vlan", &["vlan0"]);
        make("bridge0", "bridge", &["eth0"]);
        let good = ["bond0", "bond1", "bond2", "vlan0", "vlan1", "vlan2", "bridge0", "veth0", "none"];
        let good: Vec<_> = good.into_iter().filter(|name| passes_on_to_devices(&net.join(name), LAYERS)).collect();
        assert_eq!(good, ["bond0", "vlan0"]);
        std::fs::remove_dir_all(&net).expect("removed");
    }

    #[test]
    fn what_is_not_connected_has_no_interface() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        assert_eq!(of_socket(&listener), None);
        let (unix, _peer) = std::os::unix::net::UnixStream::pair().expect("a pair");
        assert_eq!(of_socket(&unix), None);
    }

    #[test]
    fn an_answer_that_is_cut_or_an_error_is_none() {
        let mut reply = vec![0u8; HEADER + ROUTE];
        reply[4..6].copy_from_slice(&libc::RTM_NEWROUTE.to_ne_bytes());
        assert_eq!(outgoing(&reply), None);
        reply.extend_from_slice(&[0; 8]); // an attribute of length 0
        assert_eq!(outgoing(&reply), None);
        reply.truncate(HEADER + ROUTE);
        for part in [&6u16.to_ne_bytes(), &RTA_IP_PROTO.to_ne_bytes(), &[6, 0], &[0, 0]] {
            reply.extend_from_slice(part); // padded to 8 bytes
        }
        reply.extend_from_slice(&8u16.to_ne_bytes());
        reply.extend_from_slice(&libc::RTA_OIF.to_ne_bytes());
        reply.extend_from_slice(&7u32.to_ne_bytes());
        assert_eq!(outgoing(&reply), Some(7));
        assert_eq!(outgoing(&reply[..reply.len() - 1]), None);
        reply[4..6].copy_from_slice(&(libc::NLMSG_ERROR as u16).to_ne_bytes());
        assert_eq!(outgoing(&reply), None);
    }
}
