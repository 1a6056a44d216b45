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
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::control;
use crate::gateway::{Gateway, Withheld};
use crate::host::HostName;
use crate::received::{BodyFailure, Received};
use crate::route::Route;

/// Serves connections until `stopped` is told or its sender is gone, then lets requests in progress finish.
pub(crate) async fn accept(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    mut stopped: oneshot::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => serve(stream, peer, &gateway, &graceful, &mut connections),
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

fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    gateway: &Arc<Gateway>,
    graceful: &GracefulShutdown,
    connections: &mut JoinSet<()>,
) {
    let Ok(local) = stream.local_addr() else {
        // The client is gone already.
        return;
    };
    // Answers are small and written whole; waiting to fill a packet would only add latency.
    let _ = stream.set_nodelay(true);
    let gateway = Arc::clone(gateway);
    let service = service_fn(move |request| {
        let gateway = Arc::clone(&gateway);
        async move {
            let answer = answer(&gateway, request, peer, local).await;
            answer.map(|response| response.map(Full::new))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    connections.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "Connection ended early");
        }
    });
}

async fn answer(
    gateway: &Gateway,
    request: Request<Incoming>,
    peer: SocketAddr,
    local: SocketAddr,
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
    let host = HostName::read(text(HOST).unwrap_or_default());
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
        peer: peer.ip(),
        local: local.ip(),
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
