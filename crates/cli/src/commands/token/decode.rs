//! `podpass token decode`: what a token says, and with the issuer's keys whether it is true.

mod explanation;

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use podpass_diagnose::checkers::{CheckedClaim, Given, checked_claims};
use podpass_diagnose::simulate::TrustPolicy;
use podpass_kinds::Reason;
use podpass_token::{Jwt, KeySet, SignatureError, Token};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::{DecodeFormat, TokenDecodeArgs};
use crate::commands::simulate::read_trust;
use crate::failure::{Exit, Failure};
use crate::{files, output};

/// A decoded token, as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecodedToken<'a> {
    api_version: &'static str,
    kind: &'static str,
    header: &'a Map<String, Value>,
    claims: &'a Map<String, Value>,
    /// `valid`, or `unchecked` where no keys were given; an invalid signature is an error.
    signature: &'static str,
    /// Who checks each claim, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a [CheckedClaim]>,
}

pub(super) fn run(arguments: &TokenDecodeArgs) -> Result<ExitCode, Failure> {
    let jwt = read_token(&arguments.file)?;
    let keys = arguments.jwks.as_deref().map(read_keys).transpose()?;
    let trust = arguments.trust.as_deref().map(read_trust).transpose()?;
    let (header, claims) = (jwt.header().clone(), jwt.claims().clone());
    let checked = keys.map(|keys| keys.verify(jwt.clone()).map(|_| ()));
    let explanation = arguments
        .explain
        .then(|| explain(arguments, &jwt, trust.as_ref(), checked.as_ref()));
    let signature = if matches!(checked, Some(Ok(()))) {
        "valid"
    } else {
        "unchecked"
    };
    match arguments.output {
        DecodeFormat::Json => {
            if let Some(Err(error)) = &checked {
                return Err(refused(error));
            }
            output::json(&DecodedToken {
                api_version: crate::API_VERSION,
                kind: "DecodedToken",
                header: &header,
                claims: &claims,
                signature,
                explanation: explanation.as_deref(),
            })?;
        }
        DecodeFormat::Text => {
            if let Some(claims) = &explanation {
                let trust = trust.as_ref().map(|trust| trust.name.as_str());
                let paint = output::Paint::for_stdout();
                output::data(&explanation::render(claims, trust, paint))?;
                return match checked {
                    Some(Err(error)) => Err(refused(&error)),
                    _ => Ok(exit(claims)),
                };
            }
            let key = header.get("kid").and_then(Value::as_str);
            let key = key.map(|kid| format!(" (kid {kid})")).unwrap_or_default();
            output::line(&format!("header     {}", Value::Object(header)))?;
            output::line(&format!("claims     {}", indented(&claims)))?;
            for line in lifetime(&claims, Timestamp::now()) {
                output::line(&line)?;
            }
            match checked {
                Some(Ok(())) => output::line(&format!("signature  valid{key}"))?,
                Some(Err(error)) => {
                    output::line("signature  NOT VALID: nothing above can be believed")?;
                    return Err(refused(&error));
                }
                None => {
                    output::line("signature  not checked (give the issuer's keys with `--jwks`)")?;
                }
            }
        }
    }
    Ok(explanation.as_deref().map_or(ExitCode::SUCCESS, exit))
}

fn explain(
    arguments: &TokenDecodeArgs,
    jwt: &Jwt,
    trust: Option<&TrustPolicy>,
    checked: Option<&Result<(), SignatureError>>,
) -> Vec<CheckedClaim> {
    let given = Given {
        providers: &arguments
            .providers
            .iter()
            .map(|each| each.0.clone())
            .collect::<Vec<_>>(),
        trust,
        signed: checked.map(Result::is_ok),
        now: Timestamp::now(),
    };
    checked_claims(jwt, &given)
}

/// A claim that is not what was given for it is a difference.
fn exit(claims: &[CheckedClaim]) -> ExitCode {
    if explanation::fails(claims) {
        Exit::Failed.into()
    } else {
        ExitCode::SUCCESS
    }
}

fn read_token(path: &Path) -> Result<Jwt, Failure> {
    let token = Token::new(files::read_text(path)?.trim().to_owned());
    Jwt::decode(&token).map_err(|error| {
        let failure = Failure::input(Reason::TokenMalformed, error.to_string());
        match std::error::Error::source(&error) {
            Some(source) => failure.because(source),
            None => failure,
        }
    })
}

fn read_keys(path: &Path) -> Result<KeySet, Failure> {
    KeySet::from_jwks_json(&files::read_text(path)?)
        .map_err(|error| Failure::usage(format!("`{}` is no JWKS", path.display())).because(&error))
}

fn refused(error: &SignatureError) -> Failure {
    let reason = match error {
        SignatureError::Invalid { .. } => Reason::TokenSignatureInvalid,
        _ => Reason::IssuerKeyMissing,
    };
    Failure::denied(reason, error.to_string())
}

fn indented(claims: &Map<String, Value>) -> String {
    let text = serde_json::to_string_pretty(claims).unwrap_or_default();
    text.replace('\n', "\n           ")
}

/// The claims' times for a person.
///
/// `warnafter` is when the token would have expired if kube-apiserver had not extended it: the server counts its use
/// from then on as that of a stale token (`--service-account-extend-token-expiration`).
fn lifetime(claims: &Map<String, Value>, now: Timestamp) -> Vec<String> {
    let of_kubernetes = claims.get("kubernetes.io").and_then(Value::as_object);
    [
        (Some(claims), "iat", "issued", ""),
        (Some(claims), "nbf", "valid from", ""),
        (
            of_kubernetes,
            "warnafter",
            "warn after",
            ": asked for until then and extended; the client should have read a new token",
        ),
        (Some(claims), "exp", "expires", ""),
    ]
    .into_iter()
    .filter_map(|(holder, claim, label, meaning)| {
        let at = Timestamp::from_second(holder?.get(claim)?.as_i64()?).ok()?;
        Some(format!("{label:<10} {at} ({}){meaning}", relative(at, now)))
    })
    .collect()
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second() - now.as_second();
    let amount = match seconds.unsigned_abs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7_200 => format!("{} min", seconds / 60),
        seconds if seconds < 172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    };
    if seconds < 0 {
        format!("{amount} ago")
    } else {
        format!("in {amount}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_times_in_the_unit_a_person_would() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, expected) in [
            (1_000_030, "in 30 s"),
            (999_000, "16 min ago"),
            (1_086_400, "in 24 h"),
            (1_000_000 - 31_536_000, "365 days ago"),
        ] {
            assert_eq!(
                relative(Timestamp::from_second(seconds).unwrap(), now),
                expected
            );
        }
    }
}
