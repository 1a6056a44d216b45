//! What a presigned request says about its signature, in its query.
//!
//! Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;

use super::authorization::{read_credential, read_signed_headers};
use super::canonical::{ALGORITHM, decode_once};
use super::error::{ExpiresFault, PRESIGNED_LIFE, SignatureError};
use super::{Authorization, Dialect};

/// What stands in the query of a presigned request where others have headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Presigned {
    /// `X-Amz-Date`.
    pub(crate) date: String,
    /// `X-Amz-Security-Token`.
    pub(crate) token: Option<String>,
    /// For how long it is good, from its date on.
    pub(crate) life: SignedDuration,
    /// `X-Amz-Content-Sha256`.
    pub(crate) payload_hash: Option<String>,
}

impl Authorization {
    /// Reads the query of a presigned request; of a repeated parameter the last one counts, as for the route.
    pub(crate) fn parse_query(query: &str, dialect: Dialect) -> Result<Self, SignatureError> {
        let parameter = |name: &str| {
            let pairs = query
                .split('&')
                .rev()
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            let mut named = pairs.filter(|(found, _)| decode_once(found) == name);
            let value = named.next().map(|(_, value)| decode_once(value));
            value.filter(|value| !value.is_empty())
        };
        let is_s3 = dialect == Dialect::S3;
        let missing: Vec<&'static str> = REQUIRED
            .into_iter()
            .chain(is_s3.then_some(EXPIRES))
            .filter(|name| parameter(name).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(SignatureError::MissingQueryParameters { names: missing });
        }
        let required = |name| parameter(name).unwrap_or_default();
        if required("X-Amz-Algorithm") != ALGORITHM {
            return Err(SignatureError::UnsupportedAlgorithm);
        }
        let (access_key_id, scope) = read_credential(&required("X-Amz-Credential"))?;
        let life = if is_s3 {
            read_expires(&required(EXPIRES)).map_err(SignatureError::Expires)?
        } else {
            PRESIGNED_LIFE
        };
        Ok(Self {
            access_key_id,
            scope,
            signed_headers: read_signed_headers(&required("X-Amz-SignedHeaders")),
            signature: required(SIGNATURE_PARAMETER),
            presigned: Some(Presigned {
                date: required("X-Amz-Date"),
                token: parameter("X-Amz-Security-Token"),
                life,
                payload_hash: parameter("X-Amz-Content-Sha256"),
            }),
            header_hash: STANDARD.encode(digest::digest(&digest::SHA256, query.as_bytes())),
        })
    }
}

/// Whether a query carries a signature; one of Signature Version 2 is refused.
///
/// Without this a presigned request would pass for an anonymous one.
pub(crate) fn is_presigned(query: &str) -> Result<bool, SignatureError> {
    let names = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    let mut presigned = false;
    for name in names {
        match decode_once(name).as_str() {
            "X-Amz-Algorithm" | "X-Amz-Credential" | SIGNATURE_PARAMETER => presigned = true,
            // Signature Version 2.
            "AWSAccessKeyId" | "Signature" => return Err(SignatureError::UnsupportedAlgorithm),
            _ => {}
        }
    }
    Ok(presigned)
}

/// Whether a query parameter, by its name in lower case, stands for a header, and not for a part of the signature.
///
/// SDKs move the `x-amz-*` headers of a request that they presign into its query, and S3 reads them there.
pub(crate) fn is_hoisted_header(name: &str) -> bool {
    let is_of_signature = [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    ]
    .contains(&name);
    name.starts_with("x-amz-") && !is_of_signature
}

fn read_expires(text: &str) -> Result<SignedDuration, ExpiresFault> {
    let seconds: i64 = text.parse().map_err(|_| ExpiresFault::NotANumber)?;
    match seconds {
        ..0 => Err(ExpiresFault::Negative),
        0..=A_WEEK => Ok(SignedDuration::from_secs(seconds)),
        _ => Err(ExpiresFault::TooLong),
    }
}

/// The parameter that the signature itself does not cover.
pub(crate) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// Only S3 looks at it.
const EXPIRES: &str = "X-Amz-Expires";

/// Seconds.
const A_WEEK: i64 = 604_800;

/// What the query of a presigned request must have.
const REQUIRED: [&str; 5] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    SIGNATURE_PARAMETER,
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_in_the_query_is_never_passed_over() {
        for (query, expected) in [
            ("", Ok(false)),
            ("prefix=Signature&versionId=null", Ok(false)),
            ("X-Amz-Algorithm=AWS4-HMAC-SHA256", Ok(true)),
            ("a=b&X-Amz-Signature=00", Ok(true)),
            ("X%2DAmz%2DCredential=a", Ok(true)),
            (
                "AWSAccessKeyId=AKID&Expires=1&Signature=x",
                Err(SignatureError::UnsupportedAlgorithm),
            ),
            ("Signature", Err(SignatureError::UnsupportedAlgorithm)),
        ] {
            assert_eq!(is_presigned(query), expected, "{query}");
        }
    }

    #[test]
    fn reads_the_query_of_a_presigned_request() {
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fsts%2Faws4_request\
            &X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Security-Token=a%2Bb\
            &X-Amz-Signature=ab";
        let read = Authorization::parse_query(query, Dialect::Query).unwrap();
        assert_eq!(read.access_key_id, "AKID");
        assert_eq!(read.scope.service, "sts");
        assert_eq!(read.signed_headers, ["host", "x-k8s-aws-id"]);
        assert_eq!(read.signature, "ab");
        let expected = Presigned {
            date: "20150830T123600Z".into(),
            token: Some("a+b".into()),
            life: PRESIGNED_LIFE,
            payload_hash: None,
        };
        assert_eq!(read.presigned, Some(expected));
        let error = Authorization::parse_query("X-Amz-Credential=a&X-Amz-Date=", Dialect::Query)
            .unwrap_err();
        let SignatureError::MissingQueryParameters { names } = error else {
            panic!("{error:?}")
        };
        assert_eq!(
            names,
            [
                "X-Amz-Algorithm",
                "X-Amz-Signature",
                "X-Amz-SignedHeaders",
                "X-Amz-Date"
            ]
        );
    }
}
