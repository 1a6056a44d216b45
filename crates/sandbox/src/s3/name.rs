//! Names of buckets, by the rules of general purpose buckets.

use std::net::Ipv4Addr;

use http::StatusCode;

use super::error::S3Error;

/// Object keys are at most this many bytes of UTF-8.
const MAX_KEY_BYTES: usize = 1024;
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Refuses a name no bucket can have.
///
/// # Errors
/// `InvalidBucketName`.
pub(super) fn check_bucket_name(name: &str) -> Result<(), S3Error> {
    let is_alphanumeric =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let is_valid = (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && is_alphanumeric(bytes.first())
        && is_alphanumeric(bytes.last())
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
        && !RESERVED_SUFFIXES
            .iter()
            .any(|suffix| name.ends_with(suffix));
    if is_valid {
        return Ok(());
    }
    Err(S3Error::new(
        StatusCode::BAD_REQUEST,
        "InvalidBucketName",
        "The specified bucket is not valid.",
    )
    .with("BucketName", name))
}

/// Refuses a key that is too long.
///
/// # Errors
/// `KeyTooLongError`.
pub(super) fn check_key(key: &str) -> Result<(), S3Error> {
    if key.len() <= MAX_KEY_BYTES {
        return Ok(());
    }
    Err(S3Error::new(
        StatusCode::BAD_REQUEST,
        "KeyTooLongError",
        "Your key is too long",
    )
    .with("Size", key.len().to_string())
    .with("MaxSizeAllowed", MAX_KEY_BYTES.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_rules_for_bucket_names() {
        let longest = "a".repeat(63);
        let too_long = "a".repeat(64);
        for (name, is_valid) in [
            ("mycluster-oidc", true),
            ("abc", true),
            ("a.b.c", true),
            ("1.2.3.4.5", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("ab", false),
            ("Peer-oidc", false),
            ("peer_x-oidc", false),
            ("-abc", false),
            ("abc-", false),
            (".abc", false),
            ("a..b", false),
            ("192.168.5.4", false),
            ("xn--abc", false),
            ("sthree-abc", false),
            ("abc-s3alias", false),
            ("abc--ol-s3", false),
            ("", false),
            ("été", false),
        ] {
            let outcome = check_bucket_name(name);
            assert_eq!(outcome.is_ok(), is_valid, "{name}");
            if let Err(error) = outcome {
                assert_eq!(error.code, "InvalidBucketName");
                assert_eq!(error.message, "The specified bucket is not valid.");
            }
        }
    }

    #[test]
    fn counts_a_key_in_bytes() {
        assert!(check_key(&"é".repeat(512)).is_ok());
        assert_eq!(
            check_key(&"é".repeat(513)).unwrap_err().code,
            "KeyTooLongError"
        );
    }
}
