//! The sandbox's own calls, beside AWS's: on the same listener, under a path that no bucket can have.
//!
//! `PUT /_podpass/issuers` hands an issuer over, `PUT /_podpass/clock` sets the clock, `GET /_podpass/events` tells what
//! happened, `/_podpass/faults` adds, lists and clears faults, `POST /_podpass/reset` puts
//! everything back as it was at the start. A call needs the bearer that this
//! run of the sandbox made up, and a `Host` that is the sandbox's own address: a page in a browser whose name was
//! rebound to this machine has another. Calls leave no event, because they are none of AWS's.

mod client;
mod events;
mod faults;
mod message;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::message::{ClockReading, Handed, HandedIssuer, Refusal, Reset};
use crate::clock::{Clock, ClockSetting};
use crate::event::EventLog;
use crate::faults::Faults;
use crate::gateway::Beginning;
use crate::host::HostName;
use crate::issuers::{Change, HostedIssuer, Issuer, Remote};
use crate::random::{self, RandomFailure};
use crate::received::{BodyFailure, Received};
use crate::settings::Secret;
use crate::state::{NotKept, State};
use crate::trail::Trail;

pub use self::client::{ControlClient, ControlError};

/// What answers control calls.
#[derive(Debug)]
pub(crate) struct Control {
    token: Secret,
}

/// What control calls look at and change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Controlled<'a> {
    pub(crate) state: &'a RwLock<State>,
    pub(crate) clock: &'a Clock,
    pub(crate) events: &'a EventLog,
    pub(crate) faults: &'a Faults,
    pub(crate) trail: &'a Trail,
    pub(crate) beginning: &'a Beginning,
    pub(crate) remote: &'a Remote,
}

/// An answer other than 200.
struct Refused {
    status: StatusCode,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

/// Whether a request is for the sandbox itself: no service of AWS has such a path at a name without a bucket.
pub(crate) fn is_meant(path: &str, host: &HostName) -> bool {
    path.starts_with(PREFIX) && !host.is_aws() && host.bucket.is_none()
}

/// The answer to a control call whose body could not be read.
pub(crate) fn refuse_body(failure: BodyFailure) -> Response<Bytes> {
    let (status, message) = match failure {
        BodyFailure::TooLarge { limit } => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the request has more than {limit} bytes"),
        ),
        BodyFailure::Incomplete => (
            StatusCode::BAD_REQUEST,
            "the request ended before its announced length".to_owned(),
        ),
        BodyFailure::Slow => (
            StatusCode::REQUEST_TIMEOUT,
            "the request took too long to send".to_owned(),
        ),
    };
    Refused::new(status, message).response()
}

impl Control {
    /// Makes the bearer up: 256 random bits.
    pub(crate) fn random() -> Result<Self, RandomFailure> {
        let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>()?);
        Ok(Self {
            token: Secret::new(token),
        })
    }

    /// The bearer that every call needs.
    pub(crate) fn token(&self) -> &Secret {
        &self.token
    }

    /// Answers a call.
    pub(crate) async fn answer(
        &self,
        request: &Received,
        controlled: Controlled<'_>,
    ) -> Response<Bytes> {
        let answer = match self.admit(request) {
            Ok(()) => route(request, controlled).await,
            Err(refused) => Err(refused),
        };
        answer.unwrap_or_else(Refused::response)
    }

    fn admit(&self, request: &Received) -> Result<(), Refused> {
        let host = request.header("host").unwrap_or_default();
        if !is_own_address(host, request.local) {
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "control calls must name the sandbox by its address, or as localhost",
            ));
        }
        let mut given = request.headers.get_all(AUTHORIZATION).iter();
        let first = given.next().and_then(|value| value.to_str().ok());
        let bearer = first
            .filter(|_| given.next().is_none())
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, bearer)| bearer.trim())
            .unwrap_or_default();
        let expected = self.token.expose().as_bytes();
        constant_time::verify_slices_are_equal(bearer.as_bytes(), expected).map_err(|_| Refused {
            header: Some((WWW_AUTHENTICATE, "Bearer")),
            ..Refused::new(
                StatusCode::UNAUTHORIZED,
                "control calls need the bearer that is in the sandbox's run file",
            )
        })
    }
}

async fn route(request: &Received, controlled: Controlled<'_>) -> Result<Response<Bytes>, Refused> {
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let (name, item) = match path.split_once('/') {
        Some((name, item)) => (name, Some(item)),
        None => (path, None),
    };
    let methods = match (name, item) {
        ("issuers" | "clock", None) => "PUT",
        ("events", _) => "GET",
        ("faults", None) => "GET, POST, DELETE",
        ("faults", Some(_)) => "DELETE",
        ("reset", None) => "POST",
        _ => return Err(unknown_call()),
    };
    if !methods.split(", ").any(|method| request.method == method) {
        return Err(Refused {
            header: Some((ALLOW, methods)),
            ..Refused::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("this control call is made with {methods}"),
            )
        });
    }
    match (name, item) {
        ("issuers", _) => add_issuer(request, controlled),
        ("clock", _) => set_clock(request, controlled),
        ("events", None) => events::list(request, controlled).await,
        ("events", Some(id)) => events::tell(id, controlled),
        ("reset", _) => reset(controlled),
        ("faults", item) => faults::answer(request, item, controlled),
        _ => Err(unknown_call()),
    }
}

fn unknown_call() -> Refused {
    Refused::new(
        StatusCode::NOT_FOUND,
        "this sandbox has no such control call",
    )
}

fn add_issuer(request: &Received, controlled: Controlled<'_>) -> Result<Response<Bytes>, Refused> {
    let given: HandedIssuer = read(request)?;
    let issuer = Issuer::new(given.issuer, &given.jwks.to_string())
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let change = controlled.add_issuer(issuer)?;
    change
        .map(|change| json(StatusCode::OK, &Handed { change }))
        .map_err(|error| Refused::new(StatusCode::CONFLICT, error.to_string()))
}

fn set_clock(request: &Received, controlled: Controlled<'_>) -> Result<Response<Bytes>, Refused> {
    let setting: ClockSetting = read(request)?;
    controlled.set_clock(setting)?;
    let reading = ClockReading {
        now: controlled.clock.now(),
        setting,
    };
    Ok(json(StatusCode::OK, &reading))
}

fn reset(controlled: Controlled<'_>) -> Result<Response<Bytes>, Refused> {
    controlled.reset()?;
    let accounts = controlled.beginning.accounts.iter();
    let accounts = accounts.map(|account| account.id.to_string()).collect();
    Ok(json(StatusCode::OK, &Reset { accounts }))
}

fn read<T: DeserializeOwned>(request: &Received) -> Result<T, Refused> {
    serde_json::from_slice(&request.body)
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, format!("the request: {error}")))
}

impl Controlled<'_> {
    /// Puts everything back as it was at the start, with the same keys; events and their numbers stay.
    fn reset(self) -> Result<(), Refused> {
        let setting = self.beginning.clock();
        let fresh = State::fresh(self.beginning, Clock::new(setting).now())
            .map_err(|error| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.replace(fresh)?;
        self.clock.set(setting);
        drop(state);
        self.faults.clear(None);
        self.trail.clear();
        self.remote.forget();
        Ok(())
    }

    /// Hands an issuer over.
    pub(crate) fn add_issuer(
        self,
        issuer: Issuer,
    ) -> Result<Result<Change, HostedIssuer>, NotKept> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.change(|state| state.handed_over.add(issuer, &state.buckets))
    }

    /// Lets the clock go otherwise.
    fn set_clock(self, setting: ClockSetting) -> Result<(), NotKept> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let Ok(()) = state.change(|state| {
            *state.clock = Some(setting);
            Ok::<(), Infallible>(())
        })?;
        self.clock.set(setting);
        Ok(())
    }
}

impl From<NotKept> for Refused {
    fn from(error: NotKept) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            header: None,
        }
    }

    fn response(self) -> Response<Bytes> {
        let refusal = Refusal {
            message: self.message,
        };
        let mut response = json(self.status, &refusal);
        if let Some((name, value)) = self.header {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Bytes> {
    let text = serde_json::to_vec(value).expect("messages have only text and times");
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether a `Host` is `localhost`, a loopback address, or the address at which the connection came in.
fn is_own_address(host: &str, local: IpAddr) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback() || address == local.to_canonical())
}

/// Bucket names have no underscore.
const PREFIX: &str = "/_podpass/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_the_sandboxs_own_addresses() {
        let local: IpAddr = "192.0.2.7".parse().unwrap();
        for (host, own) in [
            ("127.0.0.1:4566", true),
            ("127.8.9.1", true),
            ("[::1]:4566", true),
            ("localhost:4566", true),
            ("LOCALHOST", true),
            ("192.0.2.7:80", true),
            ("192.0.2.8:80", false),
            ("evil.example:4566", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("0.0.0.0:4566", false),
            ("", false),
        ] {
            assert_eq!(is_own_address(host, local), own, "{host}");
        }
    }

    #[test]
    fn paths_of_buckets_in_the_host_are_s3s() {
        for (host, path, meant) in [
            ("127.0.0.1:4566", "/_podpass/clock", true),
            // For it to be refused, and not answered by S3.
            ("evil.example", "/_podpass/clock", true),
            ("127.0.0.1:4566", "/podpass/clock", false),
            ("b.localhost:4566", "/_podpass/clock", false),
            ("b.s3.eu-west-1.amazonaws.com", "/_podpass/clock", false),
            ("s3.eu-west-1.amazonaws.com", "/_podpass/clock", false),
        ] {
            assert_eq!(is_meant(path, &HostName::read(host)), meant, "{host}{path}");
        }
    }

    #[test]
    fn bearers_are_long_and_differ() {
        let (one, other) = (Control::random().unwrap(), Control::random().unwrap());
        assert_eq!(one.token().expose().len(), 43);
        assert_ne!(one.token(), other.token());
        assert!(!format!("{one:?}").contains(one.token().expose()));
    }
}
