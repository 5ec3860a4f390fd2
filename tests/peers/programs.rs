//! Real programs at the other end: nc, ncat, socat, the shell, an HTTP client.

use super::{SIZES, arrives, await_listener, end_of, listeners, listening, serves};
use crate::apparatus::sockets::{self, free_port};
use crate::apparatus::{Command, Engine, Input, Scene, content, skip};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;

#[test]
fn what_real_programs_receive_is_the_file() {
    let scene = Scene::new();
    for size in SIZES {
        let bytes = content::bytes(size as u64, size);
        scene.file("a", &bytes);
        for at in 0..6 {
            let port = free_port();
            let line = &listeners(port)[at];
            arrives(
                &scene,
                &format!("127.0.0.1:{port}"),
                line,
                &[&format!("--connect=tcp:127.0.0.1:{port}"), "a"],
                &bytes,
            );
        }
    }
}

#[test]
fn each_engine_that_can_sends_the_same() {
    let scene = Scene::new();
    let bytes = content::bytes(7, 5_000_000);
    scene.file("a", &bytes);
    for engine in ["sendfile", "splice", "zerocopy", "mmap", "read_write"] {
        let port = free_port();
        let option = Engine::named(engine).option().unwrap();
        let to = format!("--connect=tcp:127.0.0.1:{port}");
        arrives(&scene, &format!("127.0.0.1:{port}"), &listeners(port)[0], &[&option, &to, "a"], &bytes);
    }
}

#[test]
fn all_operands_go_over_the_one_socket_in_order() {
    let scene = Scene::new();
    let (a, b) = (content::bytes(1, 300_000), content::bytes(2, 70_000));
    scene.file("a", &a);
    scene.file("b", &b);
    let port = free_port();
    let Some(peer) = listening(&scene, &format!("127.0.0.1:{port}"), &listeners(port)[0]) else { return };
    let command = scene.zccat([format!("--connect=tcp:127.0.0.1:{port}").as_str(), "a", "missing", "-", "b"]);
    let outcome = command.stdin(Input::Bytes(b"between".to_vec())).run();
    outcome.fails_with(1).stderr_is("zccat: missing: No such file or directory\n");
    peer.finish().succeeds().stdout_is([a.as_slice(), b"between", &b].concat());
}

#[test]
fn ipv6_and_names() {
    let scene = Scene::new();
    let bytes = content::bytes(3, 200_000);
    scene.file("a", &bytes);
    let port = free_port();
    let end = format!("127.0.0.1:{port}");
    // On many machines a host of two addresses, nobody on the first of them.
    arrives(&scene, &end, &listeners(port)[0], &[&format!("--connect=tcp:localhost:{port}"), "a"], &bytes);
    if TcpListener::bind("[::1]:0").is_err() {
        return skip::skip!("no IPv6");
    }
    let port = free_port();
    arrives(
        &scene,
        &end_of(port),
        &format!("nc -6 -l ::1 {port}"),
        &[&format!("--connect=tcp:[::1]:{port}"), "a"],
        &bytes,
    );
    let port = free_port();
    let client = format!("nc -6 -N ::1 {port} </dev/null >got");
    serves(&scene, &format!("tcp:[::1]:{port}"), &end_of(port), &client, &bytes);
}

#[test]
fn unix_sockets() {
    let scene = Scene::new();
    for size in SIZES {
        let bytes = content::bytes(size as u64, size);
        scene.file("a", &bytes);
        for line in ["nc -l -U NAME", "ncat -l -U NAME", "socat -u UNIX-LISTEN:NAME STDOUT"] {
            let _ = std::fs::remove_file(scene.path("s"));
            let name = scene.path("s").to_string_lossy().into_owned();
            arrives(&scene, &name, &line.replace("NAME", &name), &["--connect=unix:s", "a"], &bytes);
        }
    }
}

/// As long as a sockaddr_un holds, without a byte that ends it (unix(7)).
#[test]
fn a_unix_path_of_108_bytes_is_not_too_long() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let path = "p".repeat(108);
    let address = format!("unix:{path}");
    let server = scene.zccat([&format!("--listen={address}"), "a"]).spawn();
    await_listener(&path);
    scene.zccat([&format!("--connect={address}"), "a"]).run().succeeds().stderr_is("");
    server.finish().succeeds().stderr_is("").no_file(&path);
}

#[test]
fn whoever_connects_is_served() {
    let scene = Scene::new();
    for size in SIZES {
        let bytes = content::bytes(size as u64, size);
        scene.file("a", &bytes);
        let clients = [
            "nc 127.0.0.1 PORT </dev/null >got",
            "nc -d 127.0.0.1 PORT >got",
            "ncat --recv-only 127.0.0.1 PORT >got",
            "socat -u TCP4:127.0.0.1:PORT STDOUT >got",
            "cat </dev/tcp/127.0.0.1/PORT >got",
        ];
        for client in clients {
            let port = free_port();
            let address = format!("tcp:{port}");
            serves(&scene, &address, &end_of(port), &client.replace("PORT", &port.to_string()), &bytes);
        }
        for client in ["nc -d -U served >got", "socat -u UNIX-CONNECT:served STDOUT >got"] {
            let name = scene.path("served");
            serves(&scene, "unix:served", "served", client, &bytes);
            assert!(!name.exists(), "the socket should have been removed");
        }
    }
}

#[test]
fn a_unix_socket_is_its_owners_alone_from_the_beginning() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let name = scene.path("owned");
    let zccat = scene.zccat(["--listen=unix:owned", "a"]).spawn();
    zccat.wait_until("made its socket", || name.exists());
    let metadata = name.symlink_metadata().unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    await_listener("owned");
    let received = sockets::read_all(UnixStream::connect(&name).unwrap());
    zccat.finish().succeeds();
    assert_eq!(received.join().unwrap(), b"a");
    assert!(!name.exists());
}

#[test]
fn only_this_machine_reaches_a_port_without_an_address() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let port = free_port();
    let zccat = scene.zccat([&format!("--listen=tcp:{port}"), "a"]).spawn();
    await_listener(&end_of(port));
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    assert!(table.contains(&format!("0100007F:{port:04X} 00000000:0000 0A")), "{table}");
    let received = sockets::read_all(TcpStream::connect(("127.0.0.1", port)).unwrap());
    zccat.finish().succeeds();
    assert_eq!(received.join().unwrap(), b"a");
}

#[test]
fn a_socket_that_the_shell_opened_gets_the_file_too() {
    let scene = Scene::new();
    for size in SIZES {
        let bytes = content::bytes(size as u64, size);
        scene.file("a", &bytes);
        for script in ["\"$ZCCAT\" a | nc -N 127.0.0.1 PORT", "\"$ZCCAT\" a >/dev/tcp/127.0.0.1/PORT"] {
            let port = free_port();
            let Some(peer) = listening(&scene, &end_of(port), &listeners(port)[0]) else { return };
            let script = script.replace("PORT", &port.to_string());
            let command: Command = scene.program("bash").arguments(["-c", &script]);
            command.variable("ZCCAT", crate::apparatus::case::zccat()).run().succeeds();
            peer.finish().succeeds().stdout_is(&bytes);
        }
    }
}

#[test]
fn what_nc_receives_can_be_piped_through_zccat() {
    let scene = Scene::new();
    let bytes = content::bytes(11, 3_000_000);
    scene.file("a", &bytes);
    let port = free_port();
    let receiver = scene.shell(&format!("nc -l 127.0.0.1 {port} | \"$ZCCAT\" >got")).spawn();
    await_listener(&end_of(port));
    scene.zccat([&format!("--connect=tcp:127.0.0.1:{port}"), "a"]).run().succeeds();
    receiver.finish().succeeds().file_is("got", &bytes);
}

#[test]
fn an_http_client_takes_a_hand_made_response() {
    let scene = Scene::new();
    for size in SIZES {
        let body = content::bytes(size as u64, size);
        scene.file("a", &[format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").as_bytes(), &body].concat());
        for client in ["curl -sS http://127.0.0.1:PORT/ -o got", "curl -sS -4 http://localhost:PORT/a -o got"] {
            let port = free_port();
            let _ = std::fs::remove_file(scene.path("got"));
            std::fs::write(scene.path("got"), "").unwrap(); // curl makes none for an empty body
            let client = client.replace("PORT", &port.to_string());
            serves(&scene, &format!("tcp:{port}"), &end_of(port), &client, &body);
        }
    }
}

#[test]
fn a_server_that_starts_it_with_the_connection_as_standard_input_gets_a_file() {
    let scene = Scene::new();
    let bytes = content::bytes(12, 3_000_000);
    scene.file("a", &bytes);
    // As from inetd: the connection itself. Otherwise socat puts a pair of unix sockets between.
    for (how, what) in [(",nofork", "TCP socket to this machine"), ("", "unix stream socket")] {
        let port = free_port();
        let script = scene.path("receive");
        std::fs::write(&script, "exec \"$ZCCAT\" --explain >got 2>said\n").unwrap();
        let line = format!("socat TCP4-LISTEN:{port},bind=127.0.0.1 EXEC:/bin/sh\\ receive{how}");
        let server = scene.shell(&line).spawn();
        await_listener(&end_of(port));
        scene.zccat([&format!("--connect=tcp:127.0.0.1:{port}"), "a"]).run().succeeds().stderr_is("");
        server.finish().succeeds().file_is("got", &bytes);
        let said = String::from_utf8(scene.bytes("said")).unwrap();
        assert!(said.contains(what), "{said}");
        assert!(said.contains(&format!("moved: splice {} bytes", bytes.len())), "{said}");
    }
}

#[test]
fn two_of_us_understand_each_other() {
    let scene = Scene::new();
    let bytes = content::bytes(13, 5_000_000);
    scene.file("a", &bytes);
    let addresses = [format!("tcp:{}", free_port()), format!("tcp:[::1]:{}", free_port()), "unix:mutual".to_string()];
    for address in addresses {
        if address.contains("::1") && TcpListener::bind("[::1]:0").is_err() {
            skip::skip!("no IPv6");
            continue;
        }
        let server = scene.zccat([&format!("--listen={address}"), "a"]).spawn();
        let end = address.rsplit(':').next().unwrap();
        await_listener(&if end == "mutual" { end.to_string() } else { format!(":{end}") });
        let host = if address.matches(':').count() == 1 && end != "mutual" { "127.0.0.1:" } else { "" };
        let to = address.replace("tcp:", &format!("tcp:{host}"));
        // Both send; neither is kept from ending by what the other says.
        scene.zccat([&format!("--connect={to}"), "a"]).run().succeeds().stderr_is("");
        server.finish().succeeds().stderr_is("");
    }
}
