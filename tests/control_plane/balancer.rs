//! The balancer hands connections to those that are ready, and follows each change at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use podpass_testkit::{
    Backend, Balancer, Identity, SharedControlPlane, control_plane_programs, eventually,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A server of HTTP whose answers name it, and whose `/readyz` says whether it is ready.
struct Replica {
    address: SocketAddr,
    ready: Arc<AtomicBool>,
    _task: JoinSet<()>,
}

impl Replica {
    async fn start(name: char) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ready = Arc::new(AtomicBool::new(true));
        let says = Arc::clone(&ready);
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                // The request's end is not looked for: each fits into one packet.
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let status = if request[..read].starts_with(b"GET / ") {
                    "200 OK"
                } else if !request[..read].starts_with(b"GET /readyz ") {
                    "404 Not Found"
                } else if says.load(Ordering::Relaxed) {
                    "200 OK"
                } else {
                    "503 Service Unavailable"
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: 1\r\nconnection: close\r\n\r\n{name}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            address,
            ready,
            _task: task,
        }
    }

    fn backend(&self) -> Backend {
        Backend {
            address: self.address,
            probe: format!("http://{}/readyz", self.address).parse().unwrap(),
        }
    }
}

/// The name of the replica that answers, or nothing when the connection is closed.
async fn ask(address: SocketAddr) -> Option<char> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer.chars().last()
}

#[tokio::test]
async fn shares_connections_among_those_that_are_ready() {
    let (a, b) = (Replica::start('a').await, Replica::start('b').await);
    let balancer = Balancer::start(&[a.backend(), b.backend()]).await;
    let ready = async |count: usize| {
        eventually(
            "the balancer has noticed",
            Duration::from_secs(10),
            async || (balancer.ready().len() == count).then_some(()),
        )
        .await;
    };
    let four = async || {
        let mut names = String::new();
        for _ in 0..4 {
            names.push(ask(balancer.address()).await.unwrap_or('-'));
        }
        names
    };
    ready(2).await;
    assert!(["abab", "baba"].contains(&four().await.as_str()));
    a.ready.store(false, Ordering::Relaxed);
    ready(1).await;
    assert_eq!(four().await, "bbbb");
    b.ready.store(false, Ordering::Relaxed);
    ready(0).await;
    assert_eq!(four().await, "----");
    a.ready.store(true, Ordering::Relaxed);
    ready(1).await;
    assert_eq!(four().await, "aaaa");
    drop(a);
    ready(0).await;
}

#[tokio::test]
async fn follows_a_change_within_200_milliseconds() {
    let replica = Replica::start('a').await;
    let balancer = Balancer::start(&[replica.backend()]).await;
    let mut times = Vec::new();
    for round in 0..11 {
        let ready = round % 2 == 0;
        let start = Instant::now();
        replica.ready.store(ready, Ordering::Relaxed);
        while balancer.ready().is_empty() == ready {
            assert!(start.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        times.push(start.elapsed());
    }
    times.sort();
    println!("followed after {times:?}");
    // The median, because the machine may be busy with something else for a moment.
    assert!(times[5] < Duration::from_millis(200), "{times:?}");
}

#[tokio::test]
async fn asks_over_tls_and_carries_it() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let url = shared.api().url();
    let backend = Backend {
        address: url.strip_prefix("https://").unwrap().parse().unwrap(),
        probe: format!("{url}/readyz").parse().unwrap(),
    };
    let balancer = Balancer::start(&[backend]).await;
    eventually("kube-apiserver is ready", crate::PATIENCE, async || {
        balancer.ready().pop()
    })
    .await;
    let through = shared.api().at(format!("https://{}", balancer.address()));
    let version = through.client(&Identity::Admin).apiserver_version().await;
    assert!(version.is_ok(), "{version:?}");
}
