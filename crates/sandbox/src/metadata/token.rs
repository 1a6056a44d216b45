//! The tokens of version 2: each says itself when it ends, under a key of this run.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use jiff::Timestamp;

use crate::random::{self, RandomFailure};

/// Makes tokens and tells them from others.
pub(super) struct Tokens {
    key: hmac::Key,
}

impl Tokens {
    pub(super) fn random() -> Result<Self, RandomFailure> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?);
        Ok(Self { key })
    }

    /// Makes a token for so many seconds.
    pub(super) fn grant(&self, now: Timestamp, seconds: u32) -> String {
        let end = now.as_second().saturating_add(i64::from(seconds));
        let end = end.to_be_bytes();
        let tag = hmac::sign(&self.key, &end);
        URL_SAFE.encode([end.as_slice(), tag.as_ref()].concat())
    }

    /// How many seconds are left to a token; `None` for one that is over or was not made here.
    pub(super) fn seconds_left(&self, token: &str, now: Timestamp) -> Option<u32> {
        let bytes = URL_SAFE.decode(token).ok()?;
        let (end, tag) = bytes.split_first_chunk::<8>()?;
        hmac::verify(&self.key, end, tag).ok()?;
        let left = i64::from_be_bytes(*end).saturating_sub(now.as_second());
        u32::try_from(left).ok().filter(|left| *left > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_last_as_long_as_was_asked_for_and_cannot_be_made_elsewhere() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let tokens = Tokens::random().unwrap();
        let token = tokens.grant(at(1_000), 60);
        assert_eq!(token.len(), 56);
        assert_eq!(tokens.seconds_left(&token, at(1_000)), Some(60));
        assert_eq!(tokens.seconds_left(&token, at(1_059)), Some(1));
        assert_eq!(tokens.seconds_left(&token, at(1_060)), None);
        let other = Tokens::random().unwrap();
        assert_eq!(other.seconds_left(&token, at(1_000)), None);
        let bytes = URL_SAFE.decode(&token).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let changed = URL_SAFE.encode(changed);
            assert_eq!(tokens.seconds_left(&changed, at(1_000)), None, "{place}");
        }
        for text in ["", "AA==", "not base64!", &token[..40]] {
            assert_eq!(tokens.seconds_left(text, at(1_000)), None, "{text}");
        }
    }
}
