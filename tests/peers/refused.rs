//! Addresses that lead nowhere, and command lines that make no sense.

use crate::apparatus::sockets::free_port;
use crate::apparatus::{Outcome, Scene};
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

fn wrong(scene: &Scene, arguments: &[&str]) -> Outcome {
    let outcome = scene.zccat(arguments).argument("a").run();
    outcome.fails_with(1).stdout_is("");
    outcome
}

#[test]
fn who_cannot_be_reached_is_named_with_the_reason() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let port = free_port();
    let refused = format!("zccat: cannot connect to 'tcp:127.0.0.1:{port}': Connection refused\n");
    wrong(&scene, &[&format!("--connect=tcp:127.0.0.1:{port}")]).stderr_is(&refused);
    wrong(&scene, &["--connect=tcp:no-such-host.invalid:80"])
        .stderr_has("zccat: cannot resolve 'no-such-host.invalid': ");
    wrong(&scene, &["--connect=unix:none"])
        .stderr_is("zccat: cannot connect to 'unix:none': No such file or directory\n");
    let text = "zccat: cannot connect to 'unix:a': Socket operation on non-socket\n";
    wrong(&scene, &["--connect=unix:a"]).stderr_is(text);
    let _datagrams = UnixDatagram::bind(scene.path("datagrams")).unwrap();
    let text = "zccat: cannot connect to 'unix:datagrams': Protocol wrong type for socket\n";
    wrong(&scene, &["--connect=unix:datagrams"]).stderr_is(text);
    drop(UnixListener::bind(scene.path("stale")).unwrap());
    let text = "zccat: cannot connect to 'unix:stale': Connection refused\n";
    wrong(&scene, &["--connect=unix:stale"]).stderr_is(text);
    let long = "x".repeat(109);
    let text = format!("zccat: cannot connect to 'unix:{long}': File name too long\n");
    wrong(&scene, &[&format!("--connect=unix:{long}")]).stderr_is(&text);
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let scene = Scene::new();
    scene.file("a", b"a");
    // A queue that is full: nobody accepts, and a unix socket with a backlog of 0 takes one connection.
    let name = scene.path("s");
    let full = rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&full, &rustix::net::SocketAddrUnix::new(&name).unwrap()).unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let first = UnixStream::connect(&name).unwrap();
    let text = "zccat: cannot connect to 'unix:s': no answer within 0.2 s\n";
    wrong(&scene, &["--connect=unix:s", "--timeout=0.2"]).stderr_is(text);
    drop((first, full));
    let port = free_port();
    let text = format!("zccat: nobody connected to 'tcp:{port}' within 0.2 s\n");
    wrong(&scene, &[&format!("--listen=tcp:{port}"), "--timeout=0.2"]).stderr_is(&text);
    let text = "zccat: nobody connected to 'unix:t' within 0.2 s\n";
    wrong(&scene, &["--listen=unix:t", "--timeout=0.2"]).stderr_is(text).no_file("t");
}

#[test]
fn what_cannot_be_listened_on_is_named_with_the_reason() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = format!("zccat: cannot listen on 'tcp:{port}': Address already in use\n");
    wrong(&scene, &[&format!("--listen=tcp:{port}")]).stderr_is(&text);
    // 192.0.2.0/24 is nobody's (RFC 5737).
    let text = format!("zccat: cannot listen on 'tcp:192.0.2.1:{port}': Cannot assign requested address\n");
    wrong(&scene, &[&format!("--listen=tcp:192.0.2.1:{port}")]).stderr_is(&text);
    wrong(&scene, &["--listen=unix:a"]).stderr_is("zccat: cannot listen on 'unix:a': File exists\n").file_is("a", b"a");
    let text = "zccat: cannot listen on 'unix:no/s': No such file or directory\n";
    wrong(&scene, &["--listen=unix:no/s"]).stderr_is(text);
    let long = "x".repeat(109);
    let text = format!("zccat: cannot listen on 'unix:{long}': File name too long\n");
    wrong(&scene, &[&format!("--listen=unix:{long}")]).stderr_is(&text);
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let says = |arguments: &[&str], text: &str| {
        let whole = format!("zccat: {text}\nTry '");
        wrong(&scene, arguments).stderr_has(&whole).stderr_has(" --help' for more information.\n");
    };
    let scheme = "it begins with neither tcp: nor unix:";
    says(&["--connect=udp:host:1"], &format!("invalid argument 'udp:host:1' for '--connect': {scheme}"));
    says(&["--listen=9000"], &format!("invalid argument '9000' for '--listen': {scheme}"));
    says(&["--connect=tcp:host"], "invalid argument 'tcp:host' for '--connect': the port is missing: tcp:HOST:PORT");
    let port = "the port is not a number from 1 to 65535";
    says(&["--connect=tcp:host:0"], &format!("invalid argument 'tcp:host:0' for '--connect': {port}"));
    says(&["--connect=tcp:a:1", "--listen=tcp:1"], "--connect and --listen cannot be combined");
    says(&["--timeout=1"], "--timeout can be used only with --connect or --listen");
    for text in ["0", "0.0", "", "-1", "+1", "1s", "inf", "nan", ".", "1e3", "1000000001", "99999999999999999999999"] {
        let said = format!("invalid argument '{text}' for '--timeout': it is not a number of seconds above 0");
        wrong(&scene, &["--connect=tcp:127.0.0.1:1", &format!("--timeout={text}")]).stderr_has(&said);
    }
}
