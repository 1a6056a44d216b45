//! A port: bound before anything is served, then accepting until the server closes.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::Map;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::{Certificates, Shutdown, Stage};

/// An answer, whole.
pub type Answer = Response<Full<Bytes>>;

/// What answers requests: any function from a request to the future of its answer.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The answer, in time.
    type Answering: Future<Output = Answer> + Send + 'static;

    /// Answers a request.
    fn handle(&self, request: Request<Incoming>) -> Self::Answering;
}

impl<H, F> Handler for H
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    type Answering = F;

    fn handle(&self, request: Request<Incoming>) -> F {
        self(request)
    }
}

/// A port that is bound.
#[derive(Debug)]
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

/// A port that cannot be bound.
#[derive(Debug, Error)]
#[error("cannot listen on {address}")]
pub struct PortError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub error: std::io::Error,
}

/// Makes an answer of plain text.
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, plain);
    answer
}

impl Port {
    /// Binds a port, 0 for any free one. The address `::` takes connections over IPv4 too where the system says so, and stands
    /// for `0.0.0.0` where there is no IPv6.
    pub async fn bind(address: IpAddr, port: u16) -> Result<Self, PortError> {
        let wanted = SocketAddr::new(address, port);
        let error = |error| PortError {
            address: wanted,
            error,
        };
        let listener = match TcpListener::bind(wanted).await {
            // As in Go: a kernel without IPv6 knows no such family, or has no such address.
            Err(_) if address == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && !has_ipv6() => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
            }
            bound => bound,
        };
        let listener = listener.map_err(error)?;
        let address = listener.local_addr().map_err(error)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until the server closes, then lets those in progress finish, 10 s at most.
    ///
    /// With certificates it speaks TLS, with HTTP/2 where the client does; a client that speaks plain HTTP is told so
    /// as by Go's servers. Without, it speaks plain HTTP/1.1.
    pub async fn serve(
        self,
        certificates: Option<Arc<Certificates>>,
        shutdown: Shutdown,
        handler: impl Handler,
    ) {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.reached(Stage::Closing) => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // Answers are small and written whole; waiting to fill a packet would only add latency.
                        let _ = stream.set_nodelay(true);
                        let watcher = graceful.watcher();
                        let (certificates, handler) = (certificates.clone(), handler.clone());
                        connections.spawn(connection(stream, certificates, watcher, handler));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "Connection not accepted");
                        // Out of file descriptors, most likely: wait for connections to end instead of spinning.
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                // Ended connections are taken out, so that the set does not grow.
                Some(_) = connections.join_next() => {}
            }
        }
        drop(self.listener);
        // Whoever is in the middle of a handshake is not watched yet and gets its time too.
        let finished = async {
            tokio::join!(graceful.shutdown(), async {
                while connections.join_next().await.is_some() {}
            })
        };
        if tokio::time::timeout(GRACE, finished).await.is_err() {
            tracing::warn!("Requests were cut off at the end");
        }
    }
}

/// Whether a port can be bound on IPv6 at all.
fn has_ipv6() -> bool {
    std::net::TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok()
}

async fn connection(
    stream: TcpStream,
    certificates: Option<Arc<Certificates>>,
    watcher: Watcher,
    handler: impl Handler,
) {
    let Some(certificates) = certificates else {
        return speak_http1(stream, watcher, handler).await;
    };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake(stream, &certificates)).await {
        Ok(Some(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
            speak_http2(stream, watcher, handler).await;
        }
        Ok(Some(stream)) => speak_http1(stream, watcher, handler).await,
        Ok(None) | Err(_) => {}
    }
}

async fn handshake(
    mut stream: TcpStream,
    certificates: &Certificates,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut first = [0];
    let read = stream.peek(&mut first).await.ok()?;
    if read == 0 {
        return None;
    }
    if first[0] != TLS_HANDSHAKE {
        let _ = stream.write_all(NOT_TLS).await;
        let _ = stream.shutdown().await;
        return None;
    }
    let Some(served) = certificates.current() else {
        tracing::debug!("Connection refused: there is no serving certificate yet");
        return None;
    };
    let acceptor = TlsAcceptor::from(served.config());
    match acceptor.accept(stream).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            // Load balancers probe like this, so it is no warning.
            tracing::debug!(%error, "TLS handshake failed");
            None
        }
    }
}

async fn speak_http1(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    watcher: Watcher,
    handler: impl Handler,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service_fn(infallible(handler)));
    note_end(watcher.watch(connection).await);
}

async fn speak_http2(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    watcher: Watcher,
    handler: impl Handler,
) {
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        // A peer that is gone without a word is noticed.
        .keep_alive_interval(IDLE_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .serve_connection(TokioIo::new(stream), service_fn(infallible(handler)));
    note_end(watcher.watch(connection).await);
}

/// What hyper takes for a service: it could fail, and does not.
fn infallible<H: Handler>(handler: H) -> impl Fn(Request<Incoming>) -> Answered<H::Answering> {
    move |request| handler.handle(request).map(Ok)
}

type Answered<F> = Map<F, fn(Answer) -> Result<Answer, Infallible>>;

fn note_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "Connection ended early");
    }
}

/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;
/// What Go's servers say to plain HTTP on a TLS port.
const NOT_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
/// How long requests in progress may take once the server closes; the peer's time.
const GRACE: Duration = Duration::from_secs(10);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's head; also how long an idle connection of HTTP/1.1 is kept.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Requests at a time on one connection; Go's limit.
const MAX_STREAMS: u32 = 250;
