//! The claims that AWS requires: presence, times, audience.

use jiff::Timestamp;
use podpass_kinds::Reason;
use serde_json::{Map, Value};

use crate::denial::{Code, Denial};
use crate::trace::{Comparison, StepName, Trace};

/// The required claims and those that go with them, still unproven.
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
    claims: &Map<String, Value>,
    trace: &mut Trace,
) -> Result<RequiredClaims, Denial> {
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
    let comparisons = vec![
        Comparison::holding("iss", "a claim of this name", issuer.as_str()),
        Comparison::holding("sub", "a claim of this name", subject.as_str()),
        Comparison::holding("aud", "a claim of this name", audiences.join(", ")),
    ];
    trace.push(StepName::RequiredClaims, comparisons);
    Ok(RequiredClaims {
        issuer,
        subject,
        audiences,
        authorized_party,
        expires_at: claims["exp"].clone(),
        issued_at: claims["iat"].clone(),
        not_before: claims.get("nbf").cloned(),
    })
}

impl RequiredClaims {
    /// Checks `exp`, `iat` and `nbf` with a tolerance of 300 seconds each: step 6.
    pub(super) fn check_times(&self, now: Timestamp, trace: &mut Trace) -> Result<(), Denial> {
        let mut timestamp = |name: &str, value: &Value| {
            seconds(value).ok_or_else(|| {
                let comparison = Comparison::failing(
                    name,
                    "a whole number of seconds since 1970",
                    value.to_string(),
                );
                trace.push(StepName::TokenTimes, vec![comparison]);
                Denial::new(
                    Code::InvalidIdentityToken,
                    "Invalid timestamp in token claims.",
                    Reason::TokenTimestampInvalid,
                    trace.clone(),
                )
            })
        };
        let expires_at = timestamp("exp", &self.expires_at)?;
        let issued_at = timestamp("iat", &self.issued_at)?;
        let not_before = match &self.not_before {
            Some(value) => Some(timestamp("nbf", value)?),
            None => None,
        };

        let now = now.as_second();
        let earliest = now.saturating_sub(TOLERANCE_SECONDS);
        let latest = now.saturating_add(TOLERANCE_SECONDS);
        let compare = |what: &str, rule: &str, limit: i64, actual: i64, holds: bool| {
            Comparison::new(
                what,
                [format!("{rule} {}", readable(limit))],
                Some(readable(actual)),
                holds,
            )
        };
        let mut comparisons = vec![
            compare(
                "exp",
                "later than",
                earliest,
                expires_at,
                expires_at > earliest,
            ),
            compare(
                "iat",
                "at or before",
                latest,
                issued_at,
                issued_at <= latest,
            ),
        ];
        if let Some(not_before) = not_before {
            comparisons.push(compare(
                "nbf",
                "at or before",
                latest,
                not_before,
                not_before <= latest,
            ));
        }
        let broken = comparisons.iter().position(|comparison| !comparison.holds);
        trace.push(StepName::TokenTimes, comparisons);
        let (code, message, reason) = match (broken, not_before) {
            (None, _) => return Ok(()),
            (Some(0), _) => (
                Code::ExpiredToken,
                format!(
                    "Token expired: current date/time {earliest} must be before the expiration date/time {expires_at}"
                ),
                Reason::TokenExpired,
            ),
            (Some(2..), Some(not_before)) => (
                Code::InvalidIdentityToken,
                format!(
                    "Token not yet valid: current date/time {latest} must be after or equal to the not-before \
                     date/time {not_before}"
                ),
                Reason::TokenNotYetValid,
            ),
            (Some(_), _) => (
                Code::InvalidIdentityToken,
                format!("Token issued in the future: {issued_at}"),
                Reason::TokenNotYetValid,
            ),
        };
        Err(Denial::new(code, message, reason, trace.clone()))
    }

    /// Determines the audience that counts and checks it against the provider's client ids: step 7.
    pub(super) fn effective_audience(
        &self,
        client_ids: &[String],
        trace: &mut Trace,
    ) -> Result<String, Denial> {
        let (what, audience) = match (&self.authorized_party, self.audiences.as_slice()) {
            (Some(party), _) => ("azp", party),
            (None, [only]) => ("aud", only),
            (None, several) => {
                let comparison = Comparison::failing(
                    "aud",
                    "one audience, or an `azp` claim",
                    several.join(", "),
                );
                trace.push(StepName::Audience, vec![comparison]);
                return Err(Denial::new(
                    Code::InvalidIdentityToken,
                    "Token audience contains more than one audience while authorized party is not present",
                    Reason::AudienceAmbiguous,
                    trace.clone(),
                ));
            }
        };
        let listed = client_ids.contains(audience);
        let comparison = Comparison::new(what, client_ids, Some(audience.clone()), listed);
        trace.push(StepName::Audience, vec![comparison]);
        if listed {
            return Ok(audience.clone());
        }
        Err(Denial::new(
            Code::InvalidIdentityToken,
            "Incorrect token audience",
            Reason::AudienceNotInClientIds,
            trace.clone(),
        ))
    }
}

/// `sub` may be null, which AWS answers with another error; the times may be, which makes them invalid.
fn is_missing(claims: &Map<String, Value>, name: &str) -> bool {
    match claims.get(name) {
        None => true,
        Some(Value::Null) => name == "iss" || name == "aud",
        Some(_) => false,
    }
}

fn text(claims: &Map<String, Value>, name: &str, trace: &mut Trace) -> Result<String, Denial> {
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
            trace.push(StepName::RequiredClaims, vec![comparison]);
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
    trace.push(StepName::RequiredClaims, vec![comparison]);
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
