//! How long slow and idle clients are waited for, on a clock that does not really pass.

use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::*;
use crate::gateway::Beginning;
use crate::issuers::{Remote, RemoteIssuers};

/// The answer to a client that sends this and then waits, and when the connection is closed, in seconds.
async fn waited(sent: &str) -> (String, u64) {
    let beginning = Beginning {
        accounts: Vec::new(),
        service_controls: Vec::new(),
        clock: None,
        behaviour: podpass_exchange::Behaviour::default(),
    };
    let remote = Remote::new(&RemoteIssuers::default());
    let gateway = Arc::new(Gateway::new(beginning, remote, None).unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let way = Way {
        peer: address,
        local: address,
        tunnel: None,
    };
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let graceful = GracefulShutdown::new();
    let began = Instant::now();
    let serving = tokio::spawn(serve(server, way, gateway, graceful.watcher()));
    client.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    serving.await.unwrap();
    (answer, began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn slow_and_idle_clients_are_closed_after_a_minute() {
    let form = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for (case, sent, expected) in [
        ("nothing", String::new(), ""),
        ("half a head", "GET / HTTP/1.1\r\nHo".to_owned(), ""),
        (
            "idle after its answer",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "HTTP/1.1 403 ",
        ),
        (
            "half a form",
            format!("{form}Content-Length: 100\r\n\r\nAction=Get"),
            "HTTP/1.1 408 ",
        ),
        (
            "half a chunk",
            format!("{form}Transfer-Encoding: chunked\r\n\r\n64\r\nabc"),
            "HTTP/1.1 408 ",
        ),
        (
            "half an upload",
            "PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc".to_owned(),
            "HTTP/1.1 400 ",
        ),
        (
            "half a control call",
            "PUT /_podpass/clock HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
                .to_owned(),
            "HTTP/1.1 408 ",
        ),
    ] {
        let (answer, seconds) = waited(&sent).await;
        assert_eq!(
            answer.get(..expected.len()),
            Some(expected),
            "{case}: {answer}"
        );
        assert_eq!(answer.is_empty(), expected.is_empty(), "{case}: {answer}");
        assert_eq!(seconds, 60, "{case}: {answer}");
    }
}
