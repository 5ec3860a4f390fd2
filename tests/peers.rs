//! zccat's own sockets: real programs at the other end, peers that misbehave, and addresses that lead nowhere.

use crate::apparatus::case::Running;
use crate::apparatus::skip;
use crate::apparatus::sockets::{self, free_port};
use crate::apparatus::{Command, Engine, Input, Outcome, Output, Scene, content};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing, little, and more than any socket buffer holds.
const SIZES: [usize; 3] = [0, 13, 5_000_000];

/// Whether somebody listens at this end of a socket, by the kernel's tables: a trial connection would be taken for the
/// real one.
fn is_listening(end: &str) -> bool {
    let table = |name: &str| std::fs::read_to_string(format!("/proc/net/{name}")).unwrap();
    match end.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            let port = format!(":{:04X} ", port.parse::<u16>().unwrap());
            let listens = |line: &&str| line.split_whitespace().nth(3) == Some("0A");
            [table("tcp"), table("tcp6")].iter().any(|text| {
                text.lines().filter(listens).any(|line| line.split_whitespace().nth(1).unwrap().ends_with(port.trim()))
            })
        }
        // Listening: the flag __SO_ACCEPTCON (`<linux/net.h>`).
        _ => table("unix").lines().any(|line| line.contains(" 00010000 ") && line.ends_with(end)),
    }
}

#[track_caller]
fn await_listener(end: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_listening(end) {
        assert!(Instant::now() < deadline, "nobody listens on {end}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts a program that listens on `end`; what it writes to standard output is what it has received.
fn listening(scene: &Scene, end: &str, line: &str) -> Option<Running> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap();
    if !skip::has_program(program) {
        skip::skip!(format!("{} with {program}", skip::current_test()), format!("{program} is not installed"));
        return None;
    }
    let running = scene.program(program).arguments(words).spawn();
    await_listener(end);
    Some(running)
}

/// Lines that listen on a port of 127.0.0.1.
fn listeners(port: u16) -> [String; 6] {
    [
        format!("nc -l 127.0.0.1 {port}"),
        format!("nc -l -N 127.0.0.1 {port}"),
        format!("ncat -l 127.0.0.1 {port}"),
        format!("ncat -l --recv-only 127.0.0.1 {port}"),
        format!("socat -u TCP4-LISTEN:{port},bind=127.0.0.1 STDOUT"),
        format!("socat -t 5 TCP4-LISTEN:{port},bind=127.0.0.1 STDIO"),
    ]
}

#[track_caller]
fn arrives(scene: &Scene, end: &str, line: &str, arguments: &[&str], expected: &[u8]) {
    let Some(peer) = listening(scene, end, line) else { return };
    let outcome = scene.zccat(arguments).stdout(Output::Closed).run();
    outcome.succeeds().stderr_is("");
    peer.finish().succeeds().stdout_is(expected);
}

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
    // A host of two addresses, nobody on the first of them.
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

fn end_of(port: u16) -> String {
    format!(":{port}")
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

/// zccat listens, a line of shell connects and leaves what it got in `got`.
#[track_caller]
fn serves(scene: &Scene, address: &str, end: &str, client: &str, expected: &[u8]) {
    let program = client.split_whitespace().next().unwrap();
    if !skip::has_program(program) {
        skip::skip!(format!("{} with {program}", skip::current_test()), format!("{program} is not installed"));
        return;
    }
    let zccat = scene.zccat([&format!("--listen={address}"), "a"]).stdout(Output::Closed).spawn();
    await_listener(end);
    scene.program("bash").arguments(["-c", client]).run().succeeds();
    zccat.finish().succeeds().stderr_is("");
    assert!(content::difference(expected, &scene.bytes("got")).is_none(), "{client}");
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
        for client in ["nc -d -U s >got", "socat -u UNIX-CONNECT:s STDOUT >got"] {
            let name = scene.path("s");
            serves(&scene, "unix:s", "s", client, &bytes);
            assert!(!name.exists(), "the socket should have been removed");
        }
    }
}

#[test]
fn a_unix_socket_is_its_owners_alone_from_the_beginning() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let name = scene.path("s");
    let zccat = scene.zccat(["--listen=unix:s", "a"]).spawn();
    zccat.wait_until("made its socket", || name.exists());
    let metadata = name.symlink_metadata().unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    await_listener("s");
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

/// zccat connected to a peer of ours.
fn connected(scene: &Scene, options: &[&str], operands: &[&str]) -> (Running, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--connect=tcp:127.0.0.1:{}", listener.local_addr().unwrap().port());
    let zccat = scene.zccat([&address]).arguments(options).arguments(operands).spawn();
    let (stream, _) = listener.accept().unwrap();
    (zccat, stream)
}

#[test]
fn the_peer_sees_the_end_before_it_closes_and_zccat_waits_for_that() {
    let scene = Scene::new();
    scene.file("a", b"request");
    let (zccat, mut peer) = connected(&scene, &["--explain"], &["a"]);
    let mut received = Vec::new();
    peer.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"request");
    // Half-closed: the other half still takes an answer, which is read, so that nothing is reset.
    std::thread::sleep(Duration::from_millis(100));
    assert!(zccat.is_running());
    let answers = std::thread::spawn(move || peer.write_all(&vec![b'x'; 3_000_000]));
    let outcome = zccat.finish();
    answers.join().unwrap().unwrap();
    outcome.succeeds().stderr_has("the peer has taken all 7 bytes and closed; 3000000 bytes");
}

/// A peer that says more than both sockets' buffers hold before it reads anything: that can only go through if it is read.
fn talks_before_it_reads(mut peer: TcpStream) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        peer.write_all(&vec![b'x'; 30_000_000]).unwrap();
        let mut received = Vec::new();
        peer.read_to_end(&mut received).unwrap();
        received
    })
}

#[test]
fn a_peer_that_talks_back_before_it_reads_is_listened_to() {
    let scene = Scene::new();
    let bytes = content::bytes(5, 30_000_000);
    scene.file("a", &bytes);
    for engine in ["read_write", "sendfile", "splice", "zerocopy", "mmap"] {
        let option = Engine::named(engine).option().unwrap();
        let (zccat, peer) = connected(&scene, &[&option], &["a"]);
        let received = talks_before_it_reads(peer);
        zccat.finish().succeeds().stderr_is("");
        assert!(content::difference(&bytes, &received.join().unwrap()).is_none(), "{engine}");
    }
}

#[test]
fn a_peer_that_talks_back_before_it_reads_the_last_bytes_is_listened_to() {
    let scene = Scene::new();
    let bytes = content::bytes(6, 1_500_000);
    scene.file("a", &bytes);
    // All is in the buffers before the peer reads: what is waited for is its notifications and its close.
    for engine in ["read_write", "zerocopy"] {
        let option = Engine::named(engine).option().unwrap();
        let (zccat, peer) = connected(&scene, &[&option], &["a"]);
        let received = talks_before_it_reads(peer);
        zccat.finish().succeeds().stderr_is("");
        assert!(content::difference(&bytes, &received.join().unwrap()).is_none(), "{engine}");
    }
}

#[test]
fn a_peer_that_says_its_end_first_still_gets_everything() {
    let scene = Scene::new();
    let bytes = content::bytes(8, 20_000_000);
    scene.file("a", &bytes);
    let (zccat, peer) = connected(&scene, &[], &["a"]);
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    let received = sockets::read_after(peer, Duration::from_millis(300));
    let outcome = zccat.finish();
    outcome.succeeds().stderr_is("");
    assert!(content::difference(&bytes, &received.join().unwrap()).is_none());
}

/// Bytes of "(N bytes were sent".
#[track_caller]
fn said_to_be_sent(outcome: &Outcome) -> usize {
    let text = outcome.stderr_text();
    let number = text.split_once('(').and_then(|(_, rest)| rest.split_once(" bytes were sent"));
    number
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or_else(|| outcome.fail("it should say how much was sent"))
}

#[test]
fn a_reset_in_the_middle_is_told_with_the_bytes_sent() {
    let scene = Scene::new();
    scene.sparse_file("a", 300_000_000, &[]);
    for engine in ["read_write", "sendfile", "splice", "zerocopy", "mmap"] {
        let option = Engine::named(engine).option().unwrap();
        let (zccat, mut peer) = connected(&scene, &[&option], &["a", "a"]);
        let mut some = vec![0; 1_000_000];
        peer.read_exact(&mut some).unwrap();
        sockets::reset(peer);
        let outcome = zccat.finish();
        outcome.fails_with(1).stderr_has("zccat: 'tcp:127.0.0.1:");
        let text = outcome.stderr_text();
        assert!(
            text.contains("': Connection reset by peer (") || text.contains("': Broken pipe ("),
            "{engine}: {text}"
        );
        assert_eq!(text.lines().count(), 1, "{engine}: {text}");
        assert!((1_000_000..300_000_000).contains(&said_to_be_sent(&outcome)), "{engine}: {text}");
    }
}

#[test]
fn a_peer_that_goes_away_without_reading_is_an_error_not_a_signal() {
    let scene = Scene::new();
    scene.sparse_file("a", 300_000_000, &[]);
    let (zccat, peer) = connected(&scene, &[], &["a"]);
    drop(peer);
    zccat.finish().fails_with(1).stderr_has(" bytes were sent");
    // Of a unix socket as well.
    let listener = UnixListener::bind(scene.path("s")).unwrap();
    let zccat = scene.zccat(["--connect=unix:s", "a"]).spawn();
    drop(listener.accept().unwrap());
    zccat.finish().fails_with(1).stderr_has("zccat: 'unix:s': ");
}

#[test]
fn a_peer_that_stops_reading_is_given_up_in_time() {
    let scene = Scene::new();
    scene.sparse_file("a", 300_000_000, &[]);
    for engine in ["read_write", "sendfile", "splice", "zerocopy", "mmap"] {
        let option = Engine::named(engine).option().unwrap();
        let (zccat, peer) = connected(&scene, &["--timeout=0.5", &option], &["a"]);
        let outcome = zccat.finish();
        outcome.fails_with(1).stderr_has("': the peer took nothing for 0.5 s (").stderr_has(" are not acknowledged)\n");
        assert!((1..300_000_000).contains(&said_to_be_sent(&outcome)), "{engine}");
        drop(peer);
    }
}

#[test]
fn a_peer_that_talks_and_never_reads_is_given_up_in_time() {
    let scene = Scene::new();
    scene.sparse_file("a", 300_000_000, &[]);
    let (zccat, mut peer) = connected(&scene, &["--timeout=0.5"], &["a"]);
    let talker = std::thread::spawn(move || while peer.write_all(&[b'x'; 65536]).is_ok() {});
    zccat.finish().fails_with(1).stderr_has("': the peer took nothing for 0.5 s (");
    talker.join().unwrap();
}

#[test]
fn a_slow_peer_is_not_a_stalled_one() {
    let scene = Scene::new();
    let bytes = content::bytes(9, 12_000_000);
    scene.file("a", &bytes);
    let (zccat, peer) = connected(&scene, &["--timeout=1"], &["a"]);
    // Slower in all than the time-out, but never silent for so long.
    let received = sockets::read_slowly(peer);
    zccat.finish().succeeds().stderr_is("");
    assert!(content::difference(&bytes, &received.join().unwrap()).is_none());
}

#[test]
fn a_peer_that_never_closes_is_given_up_in_time() {
    let scene = Scene::new();
    scene.file("a", b"all of it");
    let (zccat, peer) = connected(&scene, &["--timeout=0.3"], &["a"]);
    let outcome = zccat.finish();
    outcome.fails_with(1).stderr_has("': the peer did not close within 0.3 s (9 bytes were sent)\n");
    drop(peer);
}

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
