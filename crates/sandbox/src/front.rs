//! The front for clients that ignore endpoint overrides: a proxy that answers for AWS's hosts itself, over TLS.
//!
//! It speaks HTTP CONNECT, ends TLS with a certificate of its own authority, and hands what is inside to the same code
//! as the plain port. It opens no connection to anywhere: a host that is not AWS's is refused.

mod authority;
mod kept;
mod tunnel;

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::authority::Authority;
pub use self::authority::AuthorityFailure;
pub(crate) use self::kept::kept_authority;
pub use self::tunnel::{Tunnel, TunnelRefusal};
use crate::connections::{self, Accepted, Way};
use crate::gateway::Gateway;

/// What answers CONNECT.
pub(crate) struct Front {
    gateway: Arc<Gateway>,
    authority: Authority,
    room: Arc<Semaphore>,
}

/// A tunnel that was granted, once the client has its answer.
struct Granted {
    upgrade: OnUpgrade,
    tunnel: Tunnel,
    room: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").finish_non_exhaustive()
    }
}

impl Front {
    pub(crate) fn new(gateway: Arc<Gateway>, authority: Authority) -> Self {
        Self {
            gateway,
            authority,
            room: Arc::new(Semaphore::new(MAX_TUNNELS)),
        }
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Serves a connection: its CONNECT, then the requests inside of the tunnel.
    pub(crate) fn serve(
        self: Arc<Self>,
        accepted: Accepted,
        graceful: &GracefulShutdown,
    ) -> impl Future<Output = ()> + Send + use<> {
        let Accepted {
            stream,
            peer,
            local,
        } = accepted;
        let granted = Arc::new(Mutex::new(None));
        let (front, slot) = (Arc::clone(&self), Arc::clone(&granted));
        let service = service_fn(move |request| {
            let answer = front.connect(request, &slot);
            async move { Ok::<_, std::convert::Infallible>(answer) }
        });
        let connecting = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        // Held from here on, so that a stop lets the requests in the tunnel finish.
        let watcher = graceful.watcher();
        async move {
            let mut connecting = pin!(connecting);
            let connected = tokio::select! {
                connected = connecting.as_mut() => connected,
                // One that has not begun its CONNECT does not hold a stop up.
                () = self.gateway.events().wait_end() => {
                    connecting.as_mut().graceful_shutdown();
                    connecting.await
                }
            };
            if let Err(error) = connected {
                tracing::debug!(%error, "Proxy connection ended early");
                return;
            }
            let granted = lock(&granted).take();
            let Some(Granted {
                upgrade,
                tunnel,
                room: _room,
            }) = granted
            else {
                return;
            };
            match self.open(upgrade, &tunnel).await {
                Ok(stream) => {
                    let way = Way {
                        peer,
                        local,
                        tunnel: Some(Arc::new(tunnel)),
                    };
                    let gateway = Arc::clone(&self.gateway);
                    connections::serve(stream, way, gateway, watcher).await;
                }
                Err(error) => tracing::debug!(%error, %tunnel, "No TLS in the tunnel"),
            }
        }
    }

    /// Answers a request of the proxy protocol; a tunnel that is granted is put into `slot`.
    fn connect(
        &self,
        mut request: Request<Incoming>,
        slot: &Mutex<Option<Granted>>,
    ) -> Response<Full<Bytes>> {
        if request.method() != Method::CONNECT {
            let mut refusal = refuse(StatusCode::METHOD_NOT_ALLOWED, NOT_CONNECT);
            let allow = HeaderValue::from_static("CONNECT");
            refusal.headers_mut().insert(ALLOW, allow);
            return refusal;
        }
        let target = request.uri().authority().map(http::uri::Authority::as_str);
        let tunnel = match Tunnel::to(target.unwrap_or_default()) {
            Ok(tunnel) => tunnel,
            Err(refusal) => {
                tracing::info!(%refusal, "Nothing is forwarded");
                let status = match refusal {
                    TunnelRefusal::Malformed { .. } => StatusCode::BAD_REQUEST,
                    TunnelRefusal::Elsewhere { .. } | TunnelRefusal::Port { .. } => {
                        StatusCode::FORBIDDEN
                    }
                };
                return refuse(status, &refusal.to_string());
            }
        };
        if self.authority.is_over(Timestamp::now()) {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, AUTHORITY_OVER);
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            let text = format!("more than {MAX_TUNNELS} tunnels at once; close some");
            return refuse(StatusCode::SERVICE_UNAVAILABLE, &text);
        };
        *lock(slot) = Some(Granted {
            upgrade: hyper::upgrade::on(&mut request),
            tunnel,
            room,
        });
        Response::new(Full::default())
    }

    /// Ends the tunnel's TLS.
    async fn open(
        &self,
        upgrade: OnUpgrade,
        tunnel: &Tunnel,
    ) -> Result<impl connections::Stream + use<>, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TokioIo::new(upgrade.await?);
        let acceptor = TlsAcceptor::from(self.authority.config_for(tunnel)?);
        Ok(tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??)
    }
}

/// Refuses, with the text in the status line too: of a refused CONNECT most clients show nothing else.
fn refuse(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("podpass sandbox: {text}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    // What follows on the connection may have been meant for the tunnel.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if let Ok(reason) = ReasonPhrase::try_from(text.as_bytes()) {
        response.extensions_mut().insert(reason);
    }
    response
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a client may take to send its CONNECT; also how long a connection without one is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the TLS handshake in a tunnel may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a CONNECT's head.
const MAX_HEAD: usize = 16 * 1024;
/// Tunnels at once; each holds two TLS buffers.
const MAX_TUNNELS: usize = 256;
const NOT_CONNECT: &str = "this port is a proxy that takes CONNECT only; set HTTPS_PROXY to it and use https:// URLs, \
                           or AWS_ENDPOINT_URL to the sandbox's own port";
const AUTHORITY_OVER: &str =
    "the certificate authority of this proxy lived seven days and is over; start the sandbox again";
