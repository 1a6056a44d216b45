//! What a Service does for a webhook's replicas: a TCP balancer that follows readiness.
//!
//! EndpointSlices refuse loopback addresses and there is no kube-proxy here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Uri;
use http::uri::PathAndQuery;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A process that connections may be handed to.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Where it takes connections.
    pub address: SocketAddr,
    /// What it is asked, for example `https://127.0.0.1:9443/readyz`. 200 means ready; a certificate is not checked.
    pub probe: Uri,
}

/// Listens on loopback and hands each connection to one of the ready backends in turn; it ends when dropped.
///
/// As with a Service, a connection that is open stays where it is, one that arrives when nothing is ready is closed,
/// and none is tried a second time elsewhere.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    members: Arc<[Member]>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Member {
    address: SocketAddr,
    ready: AtomicBool,
}

/// Together at most 200 ms from a change to its effect: a probe that takes longer than its share means not ready.
const PROBE_EVERY: Duration = Duration::from_millis(50);
const PROBE_WITHIN: Duration = Duration::from_millis(150);

impl Balancer {
    /// Starts on a free port. Nothing is ready until it has answered a probe.
    pub async fn start(backends: &[Backend]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let members: Arc<[Member]> = backends
            .iter()
            .map(|backend| Member {
                address: backend.address,
                ready: AtomicBool::new(false),
            })
            .collect();
        let mut tasks = JoinSet::new();
        for (index, backend) in backends.iter().enumerate() {
            tasks.spawn(probe(backend.probe.clone(), Arc::clone(&members), index));
        }
        tasks.spawn(accept(listener, Arc::clone(&members)));
        Self {
            address,
            members,
            _tasks: tasks,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The backends that are ready now.
    pub fn ready(&self) -> Vec<SocketAddr> {
        ready(&self.members)
    }
}

fn ready(members: &[Member]) -> Vec<SocketAddr> {
    members
        .iter()
        .filter(|member| member.ready.load(Ordering::Relaxed))
        .map(|member| member.address)
        .collect()
}

async fn probe(uri: Uri, members: Arc<[Member]>, index: usize) {
    let mut server = uri.clone().into_parts();
    server.path_and_query = Some(PathAndQuery::from_static("/"));
    let server = Uri::from_parts(server).expect("the probe has a scheme and a host");
    let mut config = kube::Config::new(server);
    config.accept_invalid_certs = true;
    config.root_cert = Some(Vec::new());
    config.default_retry = false;
    let client = kube::Client::try_from(config).expect("the configuration is complete");
    let mut ticks = tokio::time::interval(PROBE_EVERY);
    loop {
        ticks.tick().await;
        let request = http::Request::get(uri.path()).body(Vec::new());
        let request = request.expect("the path comes from a URI");
        let answer = tokio::time::timeout(PROBE_WITHIN, client.request_text(request)).await;
        let ready = matches!(answer, Ok(Ok(_)));
        members[index].ready.store(ready, Ordering::Relaxed);
    }
}

async fn accept(listener: TcpListener, members: Arc<[Member]>) {
    let turn = AtomicUsize::new(0);
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let ready = ready(&members);
        if ready.is_empty() {
            continue;
        }
        let address = ready[turn.fetch_add(1, Ordering::Relaxed) % ready.len()];
        connections.spawn(forward(client, address));
    }
}

async fn forward(mut client: TcpStream, address: SocketAddr) {
    if let Ok(mut backend) = TcpStream::connect(address).await {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut backend).await;
    }
}
