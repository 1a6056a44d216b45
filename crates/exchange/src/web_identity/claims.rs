//! The claims that AWS requires: presence, times, audience.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podpass_kinds::Reason;
use serde_json::Value;

use super::known::KnownClaims;
use crate::behaviour::AudienceAnswer;
use crate::denial::{Code, Denial};
use crate::trace::{Comparison, StepName, Trace};

/// The required claims and those that go with them, still unproven. The trace shares them.
#[derive(Debug)]
pub(super) struct RequiredClaims {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// `aud`, at least one.
    pub(super) audiences: Vec<String>,
    /// `azp`, which takes the place of `aud`.
    authorized_party: Option<String>,
    expires_at: Value,
    issued_at: Value,
    not_before: Option<Value>,
}

/// Looks for the required claims: step 4.
pub(super) fn require(
    claims: &KnownClaims,
    trace: &mut Trace,
) -> Result<Arc<RequiredClaims>, Denial> {
    if let Some(missing) = REQUIRED.into_iter().find(|&name| is_missing(claims, name)) {
        let comparison = Comparison::absent(missing, "a claim of this name");
        return Err(refuse(
            trace,
            comparison,
            format!("Missing a required claim: {missing}"),
            Reason::TokenClaimMissing,
        ));
    }
    let issuer = text(claims, "iss", trace)?;
    let subject = subject(&claims["sub"], trace)?;
    let audiences = audiences(&claims["aud"], trace)?;
    let authorized_party = match claims.get("azp") {
        None | Some(Value::Null) => None,
        Some(_) => Some(text(claims, "azp", trace)?),
    };
    let claims = Arc::new(RequiredClaims {
        issuer,
        subject,
        audiences,
        authorized_party,
        expires_at: claims["exp"].clone(),
        issued_at: claims["iat"].clone(),
        not_before: claims.get("nbf").cloned(),
    });
    let compared = Arc::clone(&claims);
    trace.pass(StepName::RequiredClaims, move || {
        let present =
            |name: &str, value: &str| Comparison::holding(name, "a claim of this name", value);
        vec![
            present("iss", &compared.issuer),
            present("sub", &compared.subject),
            present("aud", &compared.audiences.join(", ")),
        ]
    });
    Ok(claims)
}

/// The times of a token and that of the request, in seconds since 1970.
#[derive(Clone, Copy)]
struct Times {
    now: i64,
    expires_at: i64,
    issued_at: i64,
    not_before: Option<i64>,
    /// The age in seconds up to which a token is young enough.
    oldest_age: Option<i64>,
}

impl RequiredClaims {
    /// Checks `exp`, `iat` and `nbf` with a tolerance of 300 seconds each, and then the age: step 6.
    pub(super) fn check_times(
        &self,
        now: Timestamp,
        oldest: Option<Duration>,
        trace: &mut Trace,
    ) -> Result<(), Denial> {
        let mut timestamp = |name: &str, value: &Value| {
            seconds(value).ok_or_else(|| {
                let comparison = Comparison::failing(
                    name,
                    "a whole number of seconds since 1970",
                    value.to_string(),
                );
                trace.fail(StepName::TokenTimes, vec![comparison]);
                Denial::new(
                    Code::InvalidIdentityToken,
                    "Invalid timestamp in token claims.",
                    Reason::TokenTimestampInvalid,
                    trace.clone(),
                )
            })
        };
        let times = Times {
            now: now.as_second(),
            expires_at: timestamp("exp", &self.expires_at)?,
            issued_at: timestamp("iat", &self.issued_at)?,
            not_before: match &self.not_before {
                Some(value) => Some(timestamp("nbf", value)?),
                None => None,
            },
            oldest_age: oldest.map(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX)),
        };
        let Some((code, message, reason)) = times.refusal() else {
            trace.pass(StepName::TokenTimes, move || times.comparisons());
            return Ok(());
        };
        trace.fail(StepName::TokenTimes, times.comparisons());
        Err(Denial::new(code, message, reason, trace.clone()))
    }

    /// Returns the audience that counts, after the claim that it stands in; `None` if there are several.
    fn sole_audience(&self) -> Option<(&'static str, &String)> {
        match (&self.authorized_party, self.audiences.as_slice()) {
            (Some(party), _) => Some(("azp", party)),
            (None, [only]) => Some(("aud", only)),
            (None, _) => None,
        }
    }

    /// Determines the audience that counts and checks it against the provider's client ids: step 7.
    pub(super) fn effective_audience(
        self: &Arc<Self>,
        client_ids: &[String],
        answer: AudienceAnswer,
        trace: &mut Trace,
    ) -> Result<String, Denial> {
        let Some((what, audience)) = self.sole_audience() else {
            let actual = self.audiences.join(", ");
            let comparison = Comparison::failing("aud", "one audience, or an `azp` claim", actual);
            trace.fail(StepName::Audience, vec![comparison]);
            return Err(Denial::new(
                Code::InvalidIdentityToken,
                "Token audience contains more than one audience while authorized party is not present",
                Reason::AudienceAmbiguous,
                trace.clone(),
            ));
        };
        if client_ids.contains(audience) {
            let (client_ids, claims) = (client_ids.to_vec(), Arc::clone(self));
            trace.pass(StepName::Audience, move || {
                let actual = claims.sole_audience().map(|(_, audience)| audience.clone());
                vec![Comparison::new(what, &client_ids, actual, true)]
            });
            return Ok(audience.clone());
        }
        let comparison = Comparison::new(what, client_ids, Some(audience.clone()), false);
        trace.fail(StepName::Audience, vec![comparison]);
        Err(Denial::new(
            Code::InvalidIdentityToken,
            answer.message(),
            Reason::AudienceNotInClientIds,
            trace.clone(),
        ))
    }
}

impl Times {
    /// The earliest end that AWS accepts.
    fn earliest(self) -> i64 {
        self.now.saturating_sub(TOLERANCE_SECONDS)
    }

    /// The latest beginning that AWS accepts.
    fn latest(self) -> i64 {
        self.now.saturating_add(TOLERANCE_SECONDS)
    }

    /// The earliest issue that is not too old.
    fn oldest(self) -> Option<i64> {
        Some(self.now.saturating_sub(self.oldest_age?))
    }

    /// Returns AWS's answer to the first time that does not hold.
    fn refusal(self) -> Option<(Code, String, Reason)> {
        let (earliest, latest) = (self.earliest(), self.latest());
        let Self {
            expires_at,
            issued_at,
            ..
        } = self;
        if expires_at <= earliest {
            let message = format!(
                "Token expired: current date/time {earliest} must be before the expiration date/time {expires_at}"
            );
            return Some((Code::ExpiredToken, message, Reason::TokenExpired));
        }
        if issued_at > latest {
            let message = format!("Token issued in the future: {issued_at}");
            return Some((
                Code::InvalidIdentityToken,
                message,
                Reason::TokenNotYetValid,
            ));
        }
        if let Some(not_before) = self.not_before.filter(|&not_before| not_before > latest) {
            let message = format!(
                "Token not yet valid: current date/time {latest} must be after or equal to the not-before \
                 date/time {not_before}"
            );
            return Some((
                Code::InvalidIdentityToken,
                message,
                Reason::TokenNotYetValid,
            ));
        }
        if self.oldest().is_some_and(|oldest| issued_at < oldest) {
            let message = format!("Token too old: {}", self.now.saturating_sub(issued_at));
            return Some((Code::ExpiredToken, message, Reason::TokenExpired));
        }
        None
    }

    fn comparisons(self) -> Vec<Comparison> {
        let later = |what: &str, limit: i64, actual: i64| {
            let expected = format!("later than {}", readable(limit));
            Comparison::new(what, [expected], Some(readable(actual)), actual > limit)
        };
        let by = |what: &str, limit: i64, actual: i64| {
            let expected = format!("at or before {}", readable(limit));
            Comparison::new(what, [expected], Some(readable(actual)), actual <= limit)
        };
        let mut comparisons = vec![
            later("exp", self.earliest(), self.expires_at),
            by("iat", self.latest(), self.issued_at),
        ];
        if let Some(not_before) = self.not_before {
            comparisons.push(by("nbf", self.latest(), not_before));
        }
        if let Some(oldest) = self.oldest() {
            let expected = format!("at or after {}", readable(oldest));
            let actual = Some(readable(self.issued_at));
            let holds = self.issued_at >= oldest;
            comparisons.push(Comparison::new("iat", [expected], actual, holds));
        }
        comparisons
    }
}

/// `sub` may be null, which AWS answers with another error; the times may be, which makes them invalid.
fn is_missing(claims: &KnownClaims, name: &str) -> bool {
    match claims.get(name) {
        None => true,
        Some(Value::Null) => name == "iss" || name == "aud",
        Some(_) => false,
    }
}

fn text(claims: &KnownClaims, name: &str, trace: &mut Trace) -> Result<String, Denial> {
    match &claims[name] {
        Value::String(text) => Ok(text.clone()),
        other => Err(wrong_type(name, "a string", other, trace)),
    }
}

/// Reads any string, also an empty one, and a number as its decimal text.
///
/// A number beyond 64 bits or with a fraction is refused: its text would depend on rounding, and two subjects must never
/// become one.
fn subject(value: &Value, trace: &mut Trace) -> Result<String, Denial> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => {
            let comparison = Comparison::failing("sub", "a string or a whole number", kind(other));
            trace.fail(StepName::RequiredClaims, vec![comparison]);
            Err(Denial::new(
                Code::InternalFailure,
                "Unknown error validating third-party token",
                Reason::TokenClaimInvalid,
                trace.clone(),
            ))
        }
    }
}

fn audiences(value: &Value, trace: &mut Trace) -> Result<Vec<String>, Denial> {
    match value {
        Value::String(audience) => Ok(vec![audience.clone()]),
        Value::Array(entries) if entries.is_empty() => {
            let comparison = Comparison::failing("aud", "at least one audience", "an empty list");
            Err(refuse(
                trace,
                comparison,
                "Claim is not allowed to be empty: aud".to_owned(),
                Reason::TokenClaimEmpty,
            ))
        }
        Value::Array(entries) => entries
            .iter()
            .map(|entry| match entry {
                Value::String(audience) => Ok(audience.clone()),
                other => Err(wrong_type(
                    "aud",
                    "a string or a list of strings",
                    other,
                    trace,
                )),
            })
            .collect(),
        other => Err(wrong_type(
            "aud",
            "a string or a list of strings",
            other,
            trace,
        )),
    }
}

fn wrong_type(name: &str, expected: &str, found: &Value, trace: &mut Trace) -> Denial {
    let comparison = Comparison::failing(name, expected, kind(found));
    refuse(
        trace,
        comparison,
        NOT_A_JWT.to_owned(),
        Reason::TokenClaimInvalid,
    )
}

fn refuse(trace: &mut Trace, comparison: Comparison, message: String, reason: Reason) -> Denial {
    trace.fail(StepName::RequiredClaims, vec![comparison]);
    Denial::new(Code::InvalidIdentityToken, message, reason, trace.clone())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads a JSON integer or a string of one.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn readable(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => format!("{seconds} ({time})"),
        Err(_) => seconds.to_string(),
    }
}

pub(super) const NOT_A_JWT: &str = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";

/// In the order in which a missing one is reported.
const REQUIRED: [&str; 5] = ["iss", "sub", "aud", "iat", "exp"];

/// How far the clocks of issuer and AWS may differ.
const TOLERANCE_SECONDS: i64 = 300;
