//! A proxy that lets a chosen call through and withholds its answer: what a caller sees of a broken network.
//!
//! It stands in front of the sandbox and of kube-apiserver alike, and listens on plain HTTP/1.1.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::config::AuthInfo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The proxy; it ends, and with it every connection through it, when dropped.
#[derive(Debug)]
pub struct WithholdingProxy {
    address: SocketAddr,
    ledger: Arc<Mutex<Ledger>>,
    _tasks: JoinSet<()>,
}

/// How an answer is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withhold {
    /// The connection is closed.
    Close,
    /// The connection stays open and silent.
    Hang,
}

/// A call that the proxy has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxiedCall {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// What upstream answered; `None` while it has not.
    pub status: Option<u16>,
    /// The id under which AWS logged it (`x-amzn-requestid`).
    pub request_id: Option<String>,
    /// The caller never learns that status.
    pub withheld: bool,
}

#[derive(Debug, Default)]
struct Ledger {
    calls: Vec<ProxiedCall>,
    withhold: Option<(usize, Withhold)>,
}

/// The answer was withheld: hyper closes the connection when a service fails.
#[derive(Debug, thiserror::Error)]
#[error("the answer is withheld")]
struct Withheld;

impl WithholdingProxy {
    /// Starts in front of the server that `upstream` names: `http://…`, or `https://…` and its CA.
    ///
    /// Identity and every other header are the caller's own, `Host` too, so that a signature over it stays valid.
    pub async fn start(upstream: &kube::Config) -> Self {
        let mut upstream = upstream.clone();
        upstream.auth_info = AuthInfo::default();
        upstream.default_retry = false;
        let upstream = kube::Client::try_from(upstream).expect("the configuration is complete");
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let ledger = Arc::<Mutex<Ledger>>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, upstream, Arc::clone(&ledger)));
        Self {
            address,
            ledger,
            _tasks: tasks,
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Withholds the answer to call `number`, counted from one since the start, over all connections.
    pub fn withhold(&self, number: usize, how: Withhold) {
        self.ledger().withhold = Some((number, how));
    }

    /// The calls so far, in the order in which they arrived.
    pub fn calls(&self) -> Vec<ProxiedCall> {
        self.ledger().calls.clone()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, upstream: kube::Client, ledger: Arc<Mutex<Ledger>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let (upstream, ledger) = (upstream.clone(), Arc::clone(&ledger));
        connections.spawn(async move {
            let service =
                service_fn(move |request| handle(request, upstream.clone(), Arc::clone(&ledger)));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn handle(
    request: Request<Incoming>,
    upstream: kube::Client,
    ledger: Arc<Mutex<Ledger>>,
) -> Result<Response<Body>, Withheld> {
    let (index, withhold) = {
        let mut ledger = lock(&ledger);
        ledger.calls.push(ProxiedCall {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            status: None,
            request_id: None,
            withheld: false,
        });
        let number = ledger.calls.len();
        let chosen = ledger.withhold.filter(|(chosen, _)| *chosen == number);
        (number - 1, chosen.map(|(_, how)| how))
    };
    let Some(how) = withhold else {
        let answer = forward(&upstream, request).await;
        let call = &mut lock(&ledger).calls[index];
        call.status = Some(answer.status().as_u16());
        let request_id = answer.headers().get("x-amzn-requestid");
        call.request_id = request_id
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        return Ok(answer);
    };
    // On its own, so that the call takes effect even when the caller goes away meanwhile.
    let done = tokio::spawn(async move {
        let answer = forward(&upstream, request).await;
        let status = answer.status();
        let _ = answer.into_body().collect().await;
        status
    });
    let status = done.await.expect("forwarding does not panic");
    {
        let call = &mut lock(&ledger).calls[index];
        call.status = Some(status.as_u16());
        call.withheld = true;
    }
    match how {
        Withhold::Close => Err(Withheld),
        Withhold::Hang => std::future::pending().await,
    }
}

async fn forward(upstream: &kube::Client, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let answer = match body.collect().await {
        Ok(body) => {
            let request = Request::from_parts(head, Body::from(body.to_bytes()));
            upstream
                .send(request)
                .await
                .map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    answer.unwrap_or_else(|why| {
        let why = format!("the proxy got no answer from the server: {why}");
        let mut answer = Response::new(Body::from(why.into_bytes()));
        *answer.status_mut() = StatusCode::BAD_GATEWAY;
        answer
    })
}
