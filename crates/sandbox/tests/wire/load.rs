//! Many clients, slow ones, half-open connections and requests beyond every limit: each is served or closed, and nobody
//! else notices.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::child::Child;
use crate::client::exchange;
use crate::fixture::Fixture;

/// A failure's bound on waiting, far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn connect(address: SocketAddr, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(sent).unwrap();
    stream
}

/// What comes until the server closes the connection.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // It may close by a reset when it has not read all.
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// An answer of the kind that has a length, on a connection that stays open.
fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap().to_ascii_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length = length.lines().next().unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).unwrap();
    head
}

fn still_serves(fixture: &Fixture) {
    fixture.admin.sts("GetCallerIdentity", &[]).ok();
}

#[test]
fn slow_clients_keep_nobody_waiting_and_end_with_the_sandbox() {
    let fixture = Fixture::start();
    let address = fixture.sandbox.address();
    let mut head = connect(address, b"");
    for byte in b"POST / HTTP/1.1\r\nHost: a\r\nContent-Le" {
        head.write_all(&[*byte]).unwrap();
    }
    let body = connect(
        address,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nAction=Get",
    );
    let silent = connect(address, b"");
    still_serves(&fixture);
    let Fixture {
        sandbox, runtime, ..
    } = fixture;
    runtime.block_on(sandbox.stop());
    for (case, stream) in [("head", head), ("body", body), ("silent", silent)] {
        assert_eq!(rest(stream), "", "{case}");
    }
}

#[test]
fn clients_that_stop_writing_are_closed() {
    let fixture = Fixture::start();
    let head = "Host: a\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for (case, sent, expected) in [
        ("nothing", String::new(), ""),
        ("half a head", "GET / HTTP/1.1\r\nHo".to_owned(), ""),
        (
            "half a body",
            format!("POST / HTTP/1.1\r\n{head}Content-Length: 100\r\n\r\nAction=Get"),
            "HTTP/1.1 400 ",
        ),
        (
            "half a chunk",
            format!("POST / HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n64\r\nabc"),
            "HTTP/1.1 400 ",
        ),
    ] {
        let stream = connect(fixture.sandbox.address(), sent.as_bytes());
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = rest(stream);
        assert_eq!(
            answer.get(..expected.len()),
            Some(expected),
            "{case}: {answer}"
        );
        assert_eq!(answer.is_empty(), expected.is_empty(), "{case}: {answer}");
    }
    still_serves(&fixture);
}

#[test]
fn heads_beyond_the_limits_are_refused() {
    let fixture = Fixture::start();
    let many: String = (0..200)
        .map(|number| ["X-", &number.to_string(), ": a\r\n"].concat())
        .collect();
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    assert_eq!(
        exchange(fixture.sandbox.address(), request.as_bytes()).status,
        431
    );

    // It is refused before it has been read whole, and then a reset may take the answer away.
    let mut stream = connect(
        fixture.sandbox.address(),
        b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
    );
    let _ = stream.write_all("a".repeat(1 << 22).as_bytes());
    let answer = rest(stream);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    still_serves(&fixture);
}

#[test]
fn bodies_beyond_the_limits_are_refused_whether_announced_or_not() {
    let fixture = Fixture::start();
    let address = fixture.sandbox.address();
    let form = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let upload = "PUT /b/k HTTP/1.1\r\nHost: a\r\n";
    let control = "PUT /_podpass/clock HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    for (case, head, status, limit) in [
        ("form", form, 413, 1024 * 1024),
        ("upload", upload, 400, 64 * 1024 * 1024),
        ("control", control, 413, 256 * 1024),
    ] {
        let announced = format!("{head}Content-Length: {}\r\n\r\n", limit + 1);
        let reply = exchange(address, announced.as_bytes());
        assert_eq!(reply.status, status, "{case}, announced: {}", reply.body);

        // A byte more than may be. The answer comes though the body is not over; all that was sent has been read, so
        // that no reset takes the answer away.
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        let mut stream = connect(address, chunked.as_bytes());
        let chunk = ["10000\r\n", &"a".repeat(1 << 16), "\r\n"].concat();
        for _ in 0..limit >> 16 {
            stream.write_all(chunk.as_bytes()).unwrap();
        }
        stream.write_all(b"1\r\na\r\n").unwrap();
        let answer = rest(stream);
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{case}, chunked: {answer}");
    }
    still_serves(&fixture);
}

#[test]
fn a_thousand_idle_connections_take_little_and_end_with_the_sandbox() {
    const COUNT: usize = 1000;
    // The clients are in this process, which may have too few descriptors for them.
    if soft_limit() < 2 * COUNT && std::env::var_os(RAISED).is_none() {
        return run_again_with_more_descriptors();
    }
    let child = Child::start_with_descriptors(2 * COUNT);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    // What is made once for all is made before.
    let mut first = connect(child.address(), request);
    answer(&mut first);
    child.admin().sts("GetCallerIdentity", &[]).ok();
    let before = child.memory();
    let mut idle: Vec<TcpStream> = (0..COUNT)
        .map(|_| {
            let mut stream = connect(child.address(), request);
            answer(&mut stream);
            stream
        })
        .collect();
    assert!(child.descriptors() >= COUNT);
    let each = child.memory().saturating_sub(before) / COUNT;
    println!("{each} bytes for each idle connection, beside {before}");
    assert!(each < 64 * 1024, "{each} bytes for each idle connection");
    child.admin().sts("GetCallerIdentity", &[]).ok();
    for stream in idle.iter_mut().step_by(100) {
        stream.write_all(request).unwrap();
        assert!(answer(stream).starts_with("http/1.1 403 "));
    }
    assert!(child.stop().success());
    for stream in idle {
        assert_eq!(rest(stream), "");
    }
}

#[test]
fn a_sandbox_out_of_descriptors_goes_on_when_it_has_some_again() {
    const LIMIT: usize = 64;
    let child = Child::start_with_descriptors(LIMIT);
    // The system completes connections that the sandbox cannot accept yet.
    let held: Vec<TcpStream> = (0..2 * LIMIT)
        .map(|_| connect(child.address(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        .collect();
    let began = Instant::now();
    while child.descriptors() < LIMIT {
        assert!(began.elapsed() < PATIENCE, "{} open", child.descriptors());
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(held);
    child.admin().sts("GetCallerIdentity", &[]).ok();
    assert!(child.stop().success());
}

/// Set where a test has run itself again.
const RAISED: &str = "PODPASS_TEST_RAISED_DESCRIPTORS";

fn soft_limit() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line
        .and_then(|line| line.split_whitespace().next())
        .unwrap();
    soft.parse().unwrap_or(usize::MAX)
}

fn run_again_with_more_descriptors() {
    let status = std::process::Command::new("sh")
        .args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "load::a_thousand_idle_connections_take_little_and_end_with_the_sandbox",
        ])
        .env(RAISED, "1")
        .status();
    assert!(status.unwrap().success());
}
