//! One GET over HTTPS, to an address that was looked at first.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, HOST, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use podpass_exchange::{IssuerFailure, IssuerFailureKind};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::super::address::closed;
use super::super::{MAX_DOCUMENT, invalid, unreachable};
use super::Reach;
use super::tls::{self, Untrusted};

/// What a GET came to.
pub(super) enum Got {
    /// The body of an answer of status 200.
    Document(String),
    /// The URL of a redirection.
    Elsewhere(String),
}

/// Asks for `url`, which is https; the connection goes to the address that was checked.
pub(super) async fn get(
    url: &str,
    reach: &Reach,
    thumbprints: &[String],
) -> Result<Got, IssuerFailure> {
    let uri: Uri = url
        .parse()
        .map_err(|error| unreachable(url, format!("the URL cannot be read: {error}")))?;
    let authority = uri
        .authority()
        .ok_or_else(|| unreachable(url, "the URL has no host"))?;
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(443);
    let address = checked_address(url, host, port, reach).await?;
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| unreachable(url, format!("no connection to {address}: {error}")))?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| unreachable(url, format!("`{host}` is no name for TLS: {error}")))?;
    let untrusted = Untrusted::default();
    let config = tls::client(&reach.authorities, thumbprints, &untrusted)
        .map_err(|error| unreachable(url, format!("TLS: {error}")))?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.map_err(|error| {
        let why = untrusted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match why {
            Some(why) => IssuerFailure {
                kind: IssuerFailureKind::CertificateUntrusted,
                url: url.to_owned(),
                detail: why,
            },
            None => unreachable(url, format!("TLS with {address}: {error}")),
        }
    })?;
    let broken = |error: hyper::Error| unreachable(url, format!("HTTP with {address}: {error}"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority.as_str())
        .header(USER_AGENT, concat!("podpass/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|error| unreachable(url, format!("the URL cannot be asked for: {error}")))?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        read(url, response).await
    };
    // The connection is driven beside the request and ends with it.
    tokio::select! {
        answered = answered => answered,
        Err(error) = connection => Err(broken(error)),
    }
}

/// The first address of the host; fails unless it is one on the open internet, or all may be reached.
async fn checked_address(
    url: &str,
    host: &str,
    port: u16,
    reach: &Reach,
) -> Result<SocketAddr, IssuerFailure> {
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| unreachable(url, format!("`{host}` cannot be resolved: {error}")))?;
    let mut refused = None;
    for address in found {
        match closed(address.ip()) {
            Some(what) if !reach.allow_private => {
                refused.get_or_insert_with(|| (address.ip(), what));
            }
            _ => return Ok(address),
        }
    }
    Err(match refused {
        Some((address, what)) => unreachable(
            url,
            format!(
                "`{host}` is {address}, a {what} address; `podpass sandbox start --allow-private-issuers` permits it"
            ),
        ),
        None => unreachable(url, format!("`{host}` has no address")),
    })
}

async fn read(url: &str, response: Response<Incoming>) -> Result<Got, IssuerFailure> {
    let status = response.status();
    if status.is_redirection() {
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .ok_or_else(|| unreachable(url, format!("status {status} without a Location")))?;
        return Ok(Got::Elsewhere(absolute(url, location)));
    }
    if status != StatusCode::OK {
        return Err(unreachable(url, format!("status {}", status.as_u16())));
    }
    let body = Limited::new(response.into_body(), MAX_DOCUMENT);
    let body = body.collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            invalid(url, format!("it has more than {MAX_DOCUMENT} bytes"))
        } else {
            unreachable(url, format!("the answer breaks off: {error}"))
        }
    })?;
    String::from_utf8(body.to_bytes().to_vec())
        .map(Got::Document)
        .map_err(|_| invalid(url, "the document is not UTF-8".to_owned()))
}

/// A `Location` is a URL, or a path on the same host.
fn absolute(url: &str, location: &str) -> String {
    if !location.starts_with('/') || location.starts_with("//") {
        return location.to_owned();
    }
    let host = url.strip_prefix("https://").unwrap_or(url);
    let host = host.split('/').next().unwrap_or(host);
    format!("https://{host}{location}")
}
