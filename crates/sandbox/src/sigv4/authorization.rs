//! What a signed request says about its signature in the `Authorization` header.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::canonical::ALGORITHM;
use super::error::SignatureError;
use super::presigned::Presigned;

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
            signed_headers: read_signed_headers(signed_headers),
            signature: signature.to_owned(),
            presigned: None,
            header_hash,
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

pub(super) fn read_signed_headers(names: &str) -> Vec<String> {
    names.split(';').map(str::to_ascii_lowercase).collect()
}

pub(super) fn read_credential(credential: &str) -> Result<(String, Scope), SignatureError> {
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
