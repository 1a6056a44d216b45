//! Identifiers in AWS's forms: access keys, unique ids and request ids.
//!
//! Like AWS's, access key ids and unique ids carry their account: the first six bytes after the prefix are a number
//! whose top bit is set, and whose lowest seven bits are random.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podpass_policy::AccountId;
use uuid::Uuid;

use crate::random::{self, RandomFailure};
use crate::settings::Secret;

/// What an identifier is for; its first four letters tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdKind {
    LongTermKey,
    TemporaryKey,
    Role,
    User,
    Group,
    ManagedPolicy,
    InstanceProfile,
}

impl IdKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::LongTermKey => "AKIA",
            Self::TemporaryKey => "ASIA",
            Self::Role => "AROA",
            Self::User => "AIDA",
            Self::Group => "AGPA",
            Self::ManagedPolicy => "ANPA",
            Self::InstanceProfile => "AIPA",
        }
    }

    /// Access keys have 20 characters, unique ids 21.
    fn is_access_key(self) -> bool {
        matches!(self, Self::LongTermKey | Self::TemporaryKey)
    }
}

/// Makes an identifier of an account.
pub(crate) fn new_id(kind: IdKind, account: &AccountId) -> Result<String, RandomFailure> {
    let [low, tail @ .., last] = random::bytes::<6>()?;
    // Twelve digits need 40 bits, so the number leaves the top bit of 48 alone.
    let account: u64 = account.as_str().parse().unwrap_or_default();
    let number = (1 << 47) | (account << 7) | u64::from(low & 0x7f);
    let [_, _, head @ ..] = number.to_be_bytes();
    let bytes: Vec<u8> = head.into_iter().chain(tail).collect();
    let mut id = format!("{}{}", kind.prefix(), base32(&bytes));
    if !kind.is_access_key() {
        id.push(char::from(BASE32[usize::from(last & 0x1f)]));
    }
    Ok(id)
}

/// The account that an access key id or unique id carries; `None` when the text is no such id.
pub(crate) fn account_of(id: &str) -> Option<AccountId> {
    let digits: Option<Vec<u64>> = id
        .get(4..14)?
        .bytes()
        .map(|byte| BASE32.iter().position(|digit| *digit == byte))
        .map(|digit| u64::try_from(digit?).ok())
        .collect();
    // Ten digits are 50 bits, of which the first 48 are the number.
    let number = digits?.iter().fold(0, |number, digit| number << 5 | digit) >> 2;
    let is_marked = number >> 47 == 1;
    let account = (number & ((1 << 47) - 1)) >> 7;
    is_marked.then(|| format!("{account:012}").parse().ok())?
}

/// Makes a secret access key: 40 characters of the base64 alphabet.
pub(crate) fn new_secret() -> Result<Secret, RandomFailure> {
    Ok(Secret::new(STANDARD.encode(random::bytes::<30>()?)))
}

/// The id of a request at STS and IAM: a UUID.
pub(crate) fn new_request_id() -> String {
    Uuid::new_v4().to_string()
}

/// The id of a request at S3: sixteen upper-case letters and digits.
pub(crate) fn new_s3_request_id() -> String {
    base32(&Uuid::new_v4().as_bytes()[..10])
}

/// RFC 4648 base32 without padding; five bytes make eight characters.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(buffer >> bits) as usize & 0x1f]));
        }
    }
    text
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> AccountId {
        id.parse().unwrap()
    }

    #[test]
    fn ids_carry_their_account_as_aws_ids_do() {
        let id = new_id(IdKind::Role, &account("123456789012")).unwrap();
        assert!(id.starts_with("AROARZPUZDIK"), "{id}");
        assert_eq!(id.len(), 21);
        let id = new_id(IdKind::TemporaryKey, &account("000000000000")).unwrap();
        assert!(id.starts_with("ASIAQAAAAAAA"), "{id}");
        assert_eq!(id.len(), 20);
    }

    #[test]
    fn accounts_are_read_back_from_ids() {
        for text in [
            "123456789012",
            "000000000000",
            "999999999999",
            "210987654321",
        ] {
            let id = new_id(IdKind::LongTermKey, &account(text)).unwrap();
            assert_eq!(account_of(&id), Some(account(text)), "{id}");
        }
        // Ids that others published together with their accounts, and the form that moto issues.
        for (id, expected) in [
            ("ASIAQNZGKIQY56JQ7WML", Some("029608264753")),
            ("ASIAY34FZKBOKMUTVV7A", Some("609629065308")),
            ("ASIAR2TG44V5PDTTBZRR", Some("125843596666")),
            ("AKIARZPUZDIKAAAAAAAA", Some("123456789012")),
            ("AKIAIOSFODNN7EXAMPLE", None),
            ("AKIA", None),
            ("AKIA0189018901890189", None),
            ("test_access_key_1", None),
        ] {
            assert_eq!(account_of(id), expected.map(account), "{id}");
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (text, expected) in [
            ("", ""),
            ("fooba", "MZXW6YTB"),
            ("foobafooba", "MZXW6YTBMZXW6YTB"),
        ] {
            assert_eq!(base32(text.as_bytes()), expected);
        }
    }

    #[test]
    fn request_ids_have_their_services_form() {
        assert_eq!(new_request_id().len(), 36);
        let id = new_s3_request_id();
        assert!(
            id.len() == 16
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
            "{id}"
        );
    }

    #[test]
    fn secrets_have_forty_characters() {
        assert_eq!(new_secret().unwrap().expose().len(), 40);
    }
}
