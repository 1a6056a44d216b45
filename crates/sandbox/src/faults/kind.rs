//! The kinds of faults and how they are written.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter};
use serde::{Deserialize, Serialize};

/// What goes wrong. It is written as `KIND` or `KIND=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum FaultKind {
    /// `throttle`: the service has had too many requests.
    Throttle,
    /// `latency=DURATION`: the answer takes so much longer.
    Latency(SignedDuration),
    /// `propagation=DURATION`: changes of IAM are seen so much later, by the sandbox's clock. OIDC providers are seen at
    /// once.
    Propagation(SignedDuration),
    /// `error=CODE[:STATUS]`: the service answers with an error.
    Error {
        /// AWS's error code.
        code: String,
        /// The HTTP status, 400 to 599.
        status: u16,
    },
    /// `stale-jwks`: STS keeps the keys of an issuer as they are now, or as it sees them first.
    StaleJwks,
    /// `session-life=DURATION`: sessions that STS grants end after so long, whatever was asked for.
    SessionLife(SignedDuration),
    /// `clock-skew=OFFSET`: the service's clock is so far ahead of the client's, or behind when negative.
    ClockSkew(SignedDuration),
    /// `region-down=REGION`: the services of a region answer 503.
    RegionDown(String),
    /// `hold=N`: the Nth call is done, and its answer is withheld with the connection open.
    Hold(u64),
}

/// A text that is no kind of fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseFaultKindError {
    /// No kind has that name.
    #[error("`{name}` is not a kind of fault; these are: {}", KINDS.join(", "))]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// The kind takes no value.
    #[error("`{name}` takes no value, and has `{value}`")]
    NoValue {
        /// The kind.
        name: &'static str,
        /// The value as given.
        value: String,
    },
    /// The kind's value is missing, or is none.
    #[error("`{value}` is not a value for {form}: {expected}")]
    Value {
        /// How the kind is written.
        form: &'static str,
        /// The value as given.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl FaultKind {
    /// The name, without the value.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Latency(_) => "latency",
            Self::Propagation(_) => "propagation",
            Self::Error { .. } => "error",
            Self::StaleJwks => "stale-jwks",
            Self::SessionLife(_) => "session-life",
            Self::ClockSkew(_) => "clock-skew",
            Self::RegionDown(_) => "region-down",
            Self::Hold(_) => "hold",
        }
    }

    /// Whether it affects nothing but STS.
    pub(super) const fn is_of_sts(&self) -> bool {
        matches!(self, Self::StaleJwks | Self::SessionLife(_))
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Throttle | Self::StaleJwks => Ok(()),
            Self::Latency(value)
            | Self::Propagation(value)
            | Self::SessionLife(value)
            | Self::ClockSkew(value) => write!(f, "={}", PRINTER.duration_to_string(value)),
            Self::Error { code, status } => write!(f, "={code}:{status}"),
            Self::RegionDown(region) => write!(f, "={region}"),
            Self::Hold(number) => write!(f, "={number}"),
        }
    }
}

impl FromStr for FaultKind {
    type Err = ParseFaultKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let Some(form) = KINDS
            .into_iter()
            .find(|form| form.split('=').next() == Some(name))
        else {
            return Err(ParseFaultKindError::Unknown {
                name: name.to_owned(),
            });
        };
        let wrong = |expected| ParseFaultKindError::Value {
            form,
            value: value.unwrap_or_default().to_owned(),
            expected,
        };
        let duration = |least| {
            let read = SpanParser::new().parse_duration(value.unwrap_or_default());
            read.ok().filter(|read| *read >= least)
        };
        let positive = || duration(SignedDuration::from_nanos(1)).ok_or_else(|| wrong(DURATION));
        Ok(match name {
            "throttle" | "stale-jwks" if value.is_some() => {
                return Err(ParseFaultKindError::NoValue {
                    name: form,
                    value: value.unwrap_or_default().to_owned(),
                });
            }
            "throttle" => Self::Throttle,
            "stale-jwks" => Self::StaleJwks,
            "latency" => Self::Latency(positive()?),
            "propagation" => Self::Propagation(positive()?),
            "session-life" => Self::SessionLife(
                duration(SignedDuration::from_secs(1)).ok_or_else(|| wrong(SESSION))?,
            ),
            "clock-skew" => {
                Self::ClockSkew(duration(SignedDuration::MIN).ok_or_else(|| wrong(OFFSET))?)
            }
            "error" => error(value.unwrap_or_default()).ok_or_else(|| wrong(ERROR))?,
            "region-down" => Self::RegionDown(
                value
                    .filter(|region| is_region(region))
                    .ok_or_else(|| wrong(REGION))?
                    .to_owned(),
            ),
            _ => Self::Hold(
                value
                    .and_then(|number| number.parse().ok())
                    .filter(|number| *number > 0)
                    .ok_or_else(|| wrong(NUMBER))?,
            ),
        })
    }
}

impl From<FaultKind> for String {
    fn from(kind: FaultKind) -> Self {
        kind.to_string()
    }
}

impl TryFrom<String> for FaultKind {
    type Error = ParseFaultKindError;

    fn try_from(text: String) -> Result<Self, ParseFaultKindError> {
        text.parse()
    }
}

fn error(text: &str) -> Option<FaultKind> {
    let (code, status) = match text.split_once(':') {
        Some((code, status)) => (code, status.parse().ok()?),
        None => (text, usual_status(text)),
    };
    let is_code = !code.is_empty()
        && code.len() <= MAX_CODE
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    (is_code && (400..=599).contains(&status)).then(|| FaultKind::Error {
        code: code.to_owned(),
        status,
    })
}

/// The status that goes with AWS's common error codes; the others are failures of the service.
fn usual_status(code: &str) -> u16 {
    match code.trim_end_matches("Exception") {
        "ServiceUnavailable" | "SlowDown" => 503,
        "AccessDenied"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "RequestTimeTooSkewed"
        | "ExpiredToken"
        | "RegionDisabled" => 403,
        "Throttling"
        | "ThrottledRequest"
        | "RequestLimitExceeded"
        | "ValidationError"
        | "InvalidIdentityToken"
        | "IDPCommunicationError"
        | "RequestTimeout"
        | "RequestExpired" => 400,
        _ => 500,
    }
}

fn is_region(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= MAX_CODE && text.split('-').count() >= 3 && text.split('-').all(is_part)
}

/// `1m30s`: no blanks, so that it is one word of a command line.
const PRINTER: SpanPrinter = SpanPrinter::new()
    .designator(Designator::Compact)
    .spacing(Spacing::None);

const DURATION: &str = "write a duration such as 300ms, 20s or 1m30s";
const SESSION: &str = "write a duration of at least 1s, such as 20s or 1m30s";
const OFFSET: &str =
    "write how far the service's clock is ahead, such as 10m, or behind, such as -10m";
const ERROR: &str = "write an error code of letters and digits, and perhaps a status from 400 to 599, such as \
    InternalFailure or ServiceUnavailable:503";
const REGION: &str = "write a region such as eu-west-1";
const NUMBER: &str = "write which call it is, from 1";

/// No code or region of AWS is half as long.
const MAX_CODE: usize = 128;

const KINDS: [&str; 9] = [
    "throttle",
    "latency=DURATION",
    "propagation=DURATION",
    "error=CODE[:STATUS]",
    "stale-jwks",
    "session-life=DURATION",
    "clock-skew=OFFSET",
    "region-down=REGION",
    "hold=N",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_what_they_print() {
        for (text, printed) in [
            ("throttle", "throttle"),
            ("latency=1500ms", "latency=1s500ms"),
            ("propagation=8s", "propagation=8s"),
            ("error=InternalFailure", "error=InternalFailure:500"),
            ("error=ServiceUnavailable", "error=ServiceUnavailable:503"),
            ("error=SlowDown:500", "error=SlowDown:500"),
            ("stale-jwks", "stale-jwks"),
            ("session-life=1m30s", "session-life=1m30s"),
            ("clock-skew=10m", "clock-skew=10m"),
            ("clock-skew=-10m", "clock-skew=-10m"),
            ("region-down=us-gov-west-1", "region-down=us-gov-west-1"),
            ("hold=2", "hold=2"),
        ] {
            let kind: FaultKind = text.parse().unwrap();
            assert_eq!(kind.to_string(), printed);
            assert_eq!(kind.to_string().parse(), Ok(kind), "{text}");
        }
    }

    #[test]
    fn what_is_no_kind_names_the_value_and_what_it_may_be() {
        for (text, parts) in [
            ("flaky", ["`flaky`", "throttle, latency=DURATION"]),
            ("throttle=2", ["`throttle`", "`2`"]),
            ("latency", ["latency=DURATION", "300ms"]),
            ("latency=soon", ["`soon`", "20s"]),
            ("latency=-1s", ["`-1s`", "20s"]),
            ("session-life=0s", ["`0s`", "at least 1s"]),
            ("clock-skew=late", ["`late`", "-10m"]),
            ("error=", ["error=CODE[:STATUS]", "InternalFailure"]),
            ("error=Bad Code", ["`Bad Code`", "400 to 599"]),
            ("error=SlowDown:200", ["`SlowDown:200`", "400 to 599"]),
            ("region-down=moon", ["`moon`", "eu-west-1"]),
            ("hold=0", ["`0`", "from 1"]),
        ] {
            let said = text.parse::<FaultKind>().unwrap_err().to_string();
            for part in parts {
                assert!(said.contains(part), "{text}: {said}");
            }
        }
    }
}
