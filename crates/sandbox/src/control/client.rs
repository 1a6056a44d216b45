//! The caller's side of control calls.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use super::PREFIX;
use super::message::{ClockReading, FaultList, Handed, HandedIssuer, Refusal, Reset};
use crate::clock::ClockSetting;
use crate::event::{EventId, EventTold, EventsPage};
use crate::faults::{Fault, FaultId, FaultState};
use crate::issuers::{Change, Issuer};
use crate::settings::Secret;

/// Makes control calls to a running sandbox, of this process or another.
#[derive(Clone, Debug)]
pub struct ControlClient {
    address: SocketAddr,
    token: Secret,
}

/// Why a control call was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The endpoint is not that of a sandbox, `http://ADDRESS:PORT`.
    #[error("`{endpoint}` is not the endpoint of a sandbox")]
    Endpoint {
        /// The endpoint as given.
        endpoint: String,
    },
    /// Nobody answers there.
    #[error("cannot connect to the sandbox at {address}")]
    Connect {
        /// The address.
        address: SocketAddr,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// The answer did not come in time.
    #[error("the sandbox at {address} did not answer within {} s", TIMEOUT.as_secs())]
    TimedOut {
        /// The address.
        address: SocketAddr,
    },
    /// The connection broke off.
    #[error("the connection to the sandbox at {address} broke off")]
    BrokenOff {
        /// The address.
        address: SocketAddr,
        /// What happened to it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bearer is that of another run of the sandbox.
    #[error("the sandbox at {address} does not accept the bearer: {message}")]
    NotAuthorised {
        /// The address.
        address: SocketAddr,
        /// The sandbox's words.
        message: String,
    },
    /// What is asked for conflicts with what the sandbox holds.
    #[error("{message}")]
    Conflict {
        /// The sandbox's words.
        message: String,
    },
    /// The sandbox refuses what it was given, or does not know the call.
    #[error("the sandbox at {address} refused the call with status {}: {message}", status.as_u16())]
    Refused {
        /// The address.
        address: SocketAddr,
        /// The HTTP status.
        status: StatusCode,
        /// The sandbox's words.
        message: String,
    },
    /// What answers is not a sandbox of this version.
    #[error("{address} gave an answer that is not a sandbox's")]
    Unexpected {
        /// The address.
        address: SocketAddr,
    },
}

impl ControlClient {
    /// Takes a sandbox's endpoint and the bearer of its control calls.
    pub fn new(endpoint: &str, token: Secret) -> Result<Self, ControlError> {
        let address = endpoint
            .strip_prefix("http://")
            .and_then(|address| address.parse::<SocketAddr>().ok());
        let mut address = address.ok_or_else(|| ControlError::Endpoint {
            endpoint: endpoint.to_owned(),
        })?;
        // A sandbox that listens on every address is called at loopback.
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(Self { address, token })
    }

    /// Hands an issuer over.
    pub async fn add_issuer(&self, issuer: &Issuer) -> Result<Change, ControlError> {
        let message = HandedIssuer {
            issuer: issuer.url().to_owned(),
            jwks: issuer.jwks().clone(),
        };
        let handed: Handed = self.put("issuers", &message).await?;
        Ok(handed.change)
    }

    /// Sets the clock; returns the time that it shows now.
    pub async fn set_clock(&self, setting: ClockSetting) -> Result<Timestamp, ControlError> {
        let reading: ClockReading = self.put("clock", &setting).await?;
        Ok(reading.now)
    }

    /// Reads a page of events: those after `cursor`, which is where the last page ended, and of them the `newest` so
    /// many.
    pub async fn events(
        &self,
        cursor: Option<u64>,
        newest: Option<usize>,
    ) -> Result<EventsPage, ControlError> {
        let cursor = cursor.map(|cursor| format!("cursor={cursor}&"));
        let newest = newest.map(|newest| format!("newest={newest}"));
        let (cursor, newest) = (cursor.unwrap_or_default(), newest.unwrap_or_default());
        self.call(
            Method::GET,
            &format!("events?{cursor}{newest}"),
            Vec::new(),
            TIMEOUT,
        )
        .await
    }

    /// Waits up to 20 seconds for events after `cursor`; the page is empty when there were none.
    pub async fn next_events(&self, cursor: u64) -> Result<EventsPage, ControlError> {
        let seconds = LONG_POLL.as_secs();
        let path = format!("events?cursor={cursor}&wait={seconds}");
        self.call(Method::GET, &path, Vec::new(), TIMEOUT + LONG_POLL)
            .await
    }

    /// Reads one event with all that was compared.
    pub async fn event(&self, id: EventId) -> Result<EventTold, ControlError> {
        self.call(Method::GET, &format!("events/{id}"), Vec::new(), TIMEOUT)
            .await
    }

    /// Adds a fault.
    pub async fn add_fault(&self, fault: &Fault) -> Result<FaultState, ControlError> {
        let body = serde_json::to_vec(fault).expect("messages have only text and times");
        self.call(Method::POST, "faults", body, TIMEOUT).await
    }

    /// Lists the faults, also those that are over.
    pub async fn faults(&self) -> Result<Vec<FaultState>, ControlError> {
        let list: FaultList = self
            .call(Method::GET, "faults", Vec::new(), TIMEOUT)
            .await?;
        Ok(list.faults)
    }

    /// Takes one fault away, or all, and tells which there were. Whoever is held by one is let go.
    pub async fn clear_faults(&self, id: Option<FaultId>) -> Result<Vec<FaultState>, ControlError> {
        let path = id.map_or_else(|| "faults".to_owned(), |id| format!("faults/{id}"));
        let list: FaultList = self
            .call(Method::DELETE, &path, Vec::new(), TIMEOUT)
            .await?;
        Ok(list.faults)
    }

    /// Puts everything back as it was at the start, with the same keys, and returns the ids of the accounts.
    ///
    /// IAM, buckets, handed-over issuers, faults, CloudTrail's history and the clock go back; events stay.
    pub async fn reset(&self) -> Result<Vec<String>, ControlError> {
        let reset: Reset = self
            .call(Method::POST, "reset", Vec::new(), TIMEOUT)
            .await?;
        Ok(reset.accounts)
    }

    async fn put<T: DeserializeOwned>(
        &self,
        call: &str,
        message: &impl Serialize,
    ) -> Result<T, ControlError> {
        let body = serde_json::to_vec(message).expect("messages have only text and times");
        self.call(Method::PUT, call, body, TIMEOUT).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        longest: Duration,
    ) -> Result<T, ControlError> {
        let exchange = self.exchange(method, path, body);
        let address = self.address;
        let (status, body) = tokio::time::timeout(longest, exchange)
            .await
            .map_err(|_| ControlError::TimedOut { address })??;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|_| ControlError::Unexpected { address });
        }
        let refusal: Refusal =
            serde_json::from_slice(&body).map_err(|_| ControlError::Unexpected { address })?;
        let message = refusal.message;
        Err(match status {
            StatusCode::UNAUTHORIZED => ControlError::NotAuthorised { address, message },
            StatusCode::CONFLICT => ControlError::Conflict { message },
            status => ControlError::Refused {
                address,
                status,
                message,
            },
        })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), ControlError> {
        let address = self.address;
        let stream = TcpStream::connect(address)
            .await
            .map_err(|source| ControlError::Connect { address, source })?;
        let broken = |source: Box<dyn std::error::Error + Send + Sync>| ControlError::BrokenOff {
            address,
            source,
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(error.into()))?;
        let request = self.request(method, path, body);
        let answer = async move {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| broken(error.into()))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER)
                .collect()
                .await
                .map_err(broken)?;
            Ok((status, body.to_bytes()))
        };
        // The connection ends once the answer is read and the sender gone; a failure of it reaches the answer too.
        let (answer, _) = tokio::join!(answer, connection);
        answer
    }

    fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{PREFIX}{path}")
            .parse()
            .expect("the path has only letters, digits and separators");
        let bearer = format!("Bearer {}", self.token.expose());
        let headers = request.headers_mut();
        for (name, value) in [
            (HOST, self.address.to_string()),
            (CONTENT_TYPE, "application/json".to_owned()),
            (AUTHORIZATION, bearer),
        ] {
            // A bearer with characters that no header has is nobody's; without it the sandbox refuses.
            if let Ok(mut value) = HeaderValue::try_from(value) {
                value.set_sensitive(name == AUTHORIZATION);
                headers.insert(name, value);
            }
        }
        request
    }
}

/// Loopback answers at once or not at all.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than what the sandbox would wait.
const LONG_POLL: Duration = Duration::from_secs(20);
/// Bytes: one event may have a trace as large as all that are kept.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
