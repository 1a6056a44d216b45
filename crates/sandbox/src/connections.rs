//! Connections: accepting them, reading each request whole within limits, and closing them when the sandbox stops.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::control;
use crate::front::Tunnel;
use crate::gateway::{Gateway, Withheld};
use crate::host::{HostName, without_port};
use crate::received::{BodyFailure, Received};
use crate::route::Route;

/// A connection that was accepted.
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    /// The address of this machine that the client connected to.
    pub(crate) local: SocketAddr,
}

/// How requests of a connection come in.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    /// The tunnel whose TLS they come through; `None` on a plain port.
    pub(crate) tunnel: Option<Arc<Tunnel>>,
}

/// What requests can be read from: a socket, or the TLS in a tunnel.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

/// Serves connections until `stopped` is told or its sender is gone, then lets requests in progress finish.
pub(crate) async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    mut stopped: oneshot::Receiver<()>,
    serve: impl Fn(Accepted, &GracefulShutdown) -> F,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // One that has no address is gone already.
                    let Ok(local) = stream.local_addr() else { continue };
                    // Answers are small and written whole; waiting to fill a packet would only add latency.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(Accepted { stream, peer, local }, &graceful));
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
    drop(listener);
    gateway.events().end();
    // After the grace period the set is dropped, which ends what is left.
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

/// Serves the requests of a connection.
pub(crate) async fn serve(stream: impl Stream, way: Way, gateway: Arc<Gateway>, watcher: Watcher) {
    let service = service_fn(move |request| {
        let (gateway, way) = (Arc::clone(&gateway), way.clone());
        async move {
            let answer = answer(&gateway, request, &way).await;
            answer.map(|response| response.map(Full::new))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "Connection ended early");
    }
}

async fn answer(
    gateway: &Gateway,
    request: Request<Incoming>,
    way: &Way,
) -> Result<Response<Bytes>, Withheld> {
    if !is_host_sane(&request) {
        let text = "the request needs one Host header";
        return Ok(plain(StatusCode::BAD_REQUEST, text));
    }
    let (parts, body) = request.into_parts();
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let host = text(HOST).unwrap_or_default();
    if let Some(tunnel) = &way.tunnel
        && !without_port(host).eq_ignore_ascii_case(tunnel.host())
    {
        let text = "the Host header names another host than the tunnel leads to";
        return Ok(plain(StatusCode::MISDIRECTED_REQUEST, text));
    }
    let host = HostName::read(host);
    let limit = if control::is_meant(parts.uri.path(), &host) {
        MAX_CONTROL
    } else if Route::expects_objects(
        text(AUTHORIZATION),
        parts.uri.query().unwrap_or_default(),
        text(CONTENT_TYPE),
    ) {
        MAX_OBJECT
    } else {
        MAX_FORM
    };
    let (body, failure) = match read_body(body, limit).await {
        Ok(body) => (body, None),
        Err(failure) => (Bytes::new(), Some(failure)),
    };
    let received = Received {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body,
        peer: way.peer.ip(),
        local: way.local.ip(),
        secure: way.tunnel.is_some(),
        form: OnceLock::new(),
    };
    if let Some(failure) = failure {
        return Ok(gateway.refuse_body(&received, failure));
    }
    gateway.answer(&received).await
}

async fn read_body(body: Incoming, limit: usize) -> Result<Bytes, BodyFailure> {
    // Refused before it is asked for, a client that expects `100 Continue` does not even send it.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyFailure::TooLarge { limit });
    }
    let read = Limited::new(body, limit).collect();
    match tokio::time::timeout(BODY_TIMEOUT, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyFailure::TooLarge { limit }),
        Ok(Err(_)) => Err(BodyFailure::Incomplete),
        Err(_) => Err(BodyFailure::Slow),
    }
}

/// A name that is not known here is fine (it may be an alias of this machine), several or none are not.
fn is_host_sane(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let first = hosts.next().and_then(|host| host.to_str().ok());
    first.is_some_and(|host| host.parse::<http::uri::Authority>().is_ok()) && hosts.next().is_none()
}

fn plain(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response
}

/// How long requests in progress may take once the sandbox stops.
const GRACE: Duration = Duration::from_secs(2);
/// How long a client may take to send a request's head; also how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes: AWS takes 5 GiB, but here objects live in memory.
const MAX_OBJECT: usize = 64 * 1024 * 1024;
/// Bytes: a JWKS of 128 KiB, and room for its issuer.
const MAX_CONTROL: usize = 256 * 1024;
/// Bytes: the largest parameters are a policy document of 128 KiB, percent-encoded, and a token of 20 000.
const MAX_FORM: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
