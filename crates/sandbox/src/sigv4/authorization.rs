//! What a signed request says about its signature, in the `Authorization` header or, presigned, in the query.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::canonical::{ALGORITHM, decode_once};
use super::error::SignatureError;

/// What a client says about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key_id: String,
    pub(crate) scope: Scope,
    /// Lower-case names in the order given.
    pub(crate) signed_headers: Vec<String>,
    pub(crate) signature: String,
    /// What a presigned request has in its query; `None` for one that has the header.
    pub(crate) presigned: Option<Presigned>,
    /// Identifies the header in messages without repeating it.
    pub(crate) header_hash: String,
}

/// What stands in the query of a presigned request where others have headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Presigned {
    /// `X-Amz-Date`.
    pub(crate) date: String,
    /// `X-Amz-Security-Token`.
    pub(crate) token: Option<String>,
}

/// The credential scope: what a derived signing key is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// `YYYYMMDD`.
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    /// `aws4_request`.
    pub(crate) terminator: String,
}

impl Authorization {
    /// Reads a header value such as `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
    pub(crate) fn parse(header: &str) -> Result<Self, SignatureError> {
        let header_hash = STANDARD.encode(digest::digest(&digest::SHA256, header.as_bytes()));
        let parameters = header
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.starts_with([' ', '\t']) || rest.is_empty())
            .ok_or(SignatureError::UnsupportedAlgorithm)?;
        let parameter = |name| read_parameter(parameters, name);
        let (credential, signed_headers, signature) = (
            parameter("Credential"),
            parameter("SignedHeaders"),
            parameter("Signature"),
        );
        let (Some(credential), Some(signed_headers), Some(signature)) =
            (credential, signed_headers, signature)
        else {
            let names = [
                ("Credential", credential),
                ("Signature", signature),
                ("SignedHeaders", signed_headers),
            ];
            return Err(SignatureError::MissingParameters {
                names: names
                    .into_iter()
                    .filter_map(|(name, value)| value.is_none().then_some(name))
                    .collect(),
                header_hash,
            });
        };
        let (access_key_id, scope) = read_credential(credential)?;
        Ok(Self {
            access_key_id,
            scope,
            signed_headers: signed_headers
                .split(';')
                .map(str::to_ascii_lowercase)
                .collect(),
            signature: signature.to_owned(),
            presigned: None,
            header_hash,
        })
    }

    /// Reads the query of a presigned request; of a repeated parameter the last one counts, as for the route.
    pub(crate) fn parse_query(query: &str) -> Result<Self, SignatureError> {
        let parameter = |name: &str| {
            let pairs = query
                .split('&')
                .rev()
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            let mut named = pairs.filter(|(found, _)| decode_once(found) == name);
            let value = named.next().map(|(_, value)| decode_once(value));
            value.filter(|value| !value.is_empty())
        };
        let names = PRESIGNED
            .into_iter()
            .filter(|name| parameter(name).is_none());
        let missing: Vec<&'static str> = names.collect();
        if !missing.is_empty() {
            return Err(SignatureError::MissingQueryParameters { names: missing });
        }
        let required = |name| parameter(name).unwrap_or_default();
        if required("X-Amz-Algorithm") != ALGORITHM {
            return Err(SignatureError::UnsupportedAlgorithm);
        }
        let (access_key_id, scope) = read_credential(&required("X-Amz-Credential"))?;
        let signed_headers = required("X-Amz-SignedHeaders");
        Ok(Self {
            access_key_id,
            scope,
            signed_headers: signed_headers
                .split(';')
                .map(str::to_ascii_lowercase)
                .collect(),
            signature: required("X-Amz-Signature"),
            presigned: Some(Presigned {
                date: required("X-Amz-Date"),
                token: parameter("X-Amz-Security-Token"),
            }),
            header_hash: STANDARD.encode(digest::digest(&digest::SHA256, query.as_bytes())),
        })
    }

    /// The service named in a header's scope, without judging the rest; `None` when there is no such part.
    ///
    /// It reads the same credential as [`Authorization::parse`], so that a request goes to no other service than the
    /// one it is signed for.
    pub(crate) fn scoped_service(header: &str) -> Option<&str> {
        let (_, parameters) = header.trim_start().split_once([' ', '\t'])?;
        read_parameter(parameters, "Credential")?.split('/').nth(3)
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

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}/{}",
            self.date, self.region, self.service, self.terminator
        )
    }
}

/// The value of the first parameter of that name in `NAME=VALUE, …`.
fn read_parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters
        .split(',')
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found.trim() == name).then_some(value.trim()))
        .filter(|value| !value.is_empty())
}

fn read_credential(credential: &str) -> Result<(String, Scope), SignatureError> {
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key_id, date, region, service, terminator] = parts[..] else {
        return Err(SignatureError::CredentialElements {
            got: credential.to_owned(),
        });
    };
    let scope = Scope {
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        terminator: terminator.to_owned(),
    };
    Ok((access_key_id.to_owned(), scope))
}

/// The parameter that the signature itself does not cover.
pub(crate) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// What the query of a presigned request must have. STS does not look at `X-Amz-Expires`.
const PRESIGNED: [&str; 5] = [
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
    fn reads_header_with_and_without_blanks() {
        for header in [
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/sts/aws4_request, SignedHeaders=host;X-Amz-Date, Signature=ab",
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/sts/aws4_request,SignedHeaders=host;x-amz-date,Signature=ab",
        ] {
            let read = Authorization::parse(header).unwrap();
            assert_eq!(read.access_key_id, "AKID");
            assert_eq!(
                read.scope.to_string(),
                "20150830/us-east-1/sts/aws4_request"
            );
            assert_eq!(read.signed_headers, ["host", "x-amz-date"]);
            assert_eq!(read.signature, "ab");
            assert_eq!(Authorization::scoped_service(header), Some("sts"));
        }
    }

    #[test]
    fn names_every_missing_parameter() {
        let error = Authorization::parse("AWS4-HMAC-SHA256 Signature=ab").unwrap_err();
        let SignatureError::MissingParameters { names, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(names, ["Credential", "SignedHeaders"]);
    }

    #[test]
    fn the_routed_service_is_the_one_that_is_verified() {
        for (case, header) in [
            (
                "a decoy in another parameter",
                "AWS4-HMAC-SHA256 X=Credential=a/b/c/iam/d, Credential=AKID/20150830/us-east-1/s3/aws4_request, \
                 SignedHeaders=host, Signature=ab",
            ),
            (
                "a name that ends alike",
                "AWS4-HMAC-SHA256 MyCredential=a/b/c/iam/d, Credential=AKID/20150830/us-east-1/s3/aws4_request, \
                 SignedHeaders=host, Signature=ab",
            ),
            (
                "blanks around the name",
                "AWS4-HMAC-SHA256 Credential = AKID/20150830/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=ab",
            ),
            (
                "two credentials",
                "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/s3/aws4_request,Credential=a/b/c/iam/d,\
                 SignedHeaders=host,Signature=ab",
            ),
        ] {
            let verified = Authorization::parse(header).unwrap().scope.service;
            assert_eq!(verified, "s3", "{case}");
            assert_eq!(Authorization::scoped_service(header), Some("s3"), "{case}");
        }
    }

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
        let read = Authorization::parse_query(query).unwrap();
        assert_eq!(read.access_key_id, "AKID");
        assert_eq!(read.scope.service, "sts");
        assert_eq!(read.signed_headers, ["host", "x-k8s-aws-id"]);
        assert_eq!(read.signature, "ab");
        let expected = Presigned {
            date: "20150830T123600Z".into(),
            token: Some("a+b".into()),
        };
        assert_eq!(read.presigned, Some(expected));
        let error = Authorization::parse_query("X-Amz-Credential=a&X-Amz-Date=").unwrap_err();
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

    #[test]
    fn refuses_other_shapes() {
        for (case, header) in [
            ("basic authentication", "Basic dXNlcjpwYXNz"),
            ("signature version 2", "AWS AKID:abc="),
            ("elliptic curves", "AWS4-ECDSA-P256-SHA256 Credential=a"),
        ] {
            assert!(
                matches!(
                    Authorization::parse(header),
                    Err(SignatureError::UnsupportedAlgorithm)
                ),
                "{case}"
            );
        }
        let four = "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/sts, SignedHeaders=host, Signature=ab";
        assert!(matches!(
            Authorization::parse(four),
            Err(SignatureError::CredentialElements { .. })
        ));
    }
}
