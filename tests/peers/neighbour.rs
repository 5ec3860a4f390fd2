//! Peers that are further away than loopback, and names that lead to several.

use crate::apparatus::sockets::free_port;
use crate::apparatus::veth::{NEIGHBOUR, with_neighbour};
use crate::apparatus::{Scene, content, skip, sockets};
use std::net::TcpListener;

/// IPv4, IPv6, and an IPv6 address that means something on one interface only (RFC 4007).
#[test]
fn each_kind_of_address_leads_to_the_neighbour() {
    with_neighbour(|listener| {
        let scene = Scene::new();
        let bytes = content::bytes(1, 3_000_000);
        scene.file("a", &bytes);
        let port = listener.local_addr().unwrap().port();
        for host in NEIGHBOUR {
            let zccat = scene.zccat([&format!("--connect=tcp:{host}:{port}"), "a"]).spawn();
            let received = sockets::read_all(listener.accept().unwrap().0);
            zccat.finish().succeeds().stderr_is("");
            assert_eq!(content::difference(&bytes, &received.join().unwrap()), None, "{host}");
        }
        let said = "cannot connect to 'tcp:[fe80::2]:9': Invalid argument\n"; // on which interface?
        scene.zccat(["--connect=tcp:[fe80::2]:9", "a"]).run().fails_with(1).stderr_has(said);
        let said = "cannot resolve 'fe80::2%nowhere': ";
        scene.zccat(["--connect=tcp:[fe80::2%nowhere]:9", "a"]).run().fails_with(1).stderr_has(said);
    });
}

#[test]
fn the_addresses_of_a_name_are_tried_in_turn() {
    if !skip::is_root() || !skip::has_program("unshare") {
        return skip::skip!("needs root and unshare");
    }
    let scene = Scene::new();
    scene.file("a", b"a");
    scene.file("hosts", b"127.0.0.3 two\n127.0.0.2 two\n");
    let zccat = |option: &str| {
        let inside = format!("mount --bind hosts /etc/hosts && exec \"$ZCCAT\" --explain {option} a");
        scene.shell(&format!("exec unshare -m /bin/sh -c '{inside}'"))
    };
    let refused = free_port();
    zccat(&format!("--connect=tcp:two:{refused}")).run().fails_with(1).stderr_is(&format!(
        "zccat: cannot connect to 'tcp:two:{refused}': 127.0.0.3: Connection refused; 127.0.0.2: Connection refused\n"
    ));
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let running = zccat(&format!("--connect=tcp:two:{port}")).spawn();
    let received = sockets::read_all(listener.accept().unwrap().0);
    running.finish().succeeds().stderr_has(&format!("connected: 'tcp:two:{port}' is 127.0.0.2:{port}, from "));
    assert_eq!(received.join().unwrap(), b"a");
}
