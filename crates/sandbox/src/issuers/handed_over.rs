//! Issuers whose keys are handed to the sandbox, because it cannot reach them: those of clusters outside of it.

use std::fmt;

use podpass_token::{KeySet, KeySetError, UnusableKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{MAX_DOCUMENT, bucket_of};
use crate::s3::Buckets;
use crate::state::{Changes, Extent, NotKept, RowError, Rows, Table};

/// An issuer and the keys that verify its tokens, as [`Running::add_issuer`](crate::Running::add_issuer) takes them.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: String,
    jwks: Value,
    keys: KeySet,
}

/// Why an issuer is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// The URL is none that a token's `iss` and an OIDC provider can share.
    #[error("`{url}` is not the URL of an issuer: {problem}")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The JWKS is larger than STS reads.
    #[error("the JWKS has {bytes} bytes; STS reads at most {MAX_DOCUMENT}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The JWKS cannot be read.
    #[error("the JWKS of the issuer cannot be used")]
    Jwks(#[source] KeySetError),
    /// The JWKS has no key that can verify a token.
    #[error("the JWKS has no key that verifies tokens{}", listed(unusable))]
    NoUsableKey {
        /// The keys it has, and why each is not usable.
        unusable: Vec<UnusableKey>,
    },
}

/// An issuer cannot be handed over because a bucket of the sandbox is that issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{issuer}` is the bucket `{bucket}` of this sandbox, which publishes its own keys")]
pub struct HostedIssuer {
    /// The issuer's URL.
    pub issuer: String,
    /// The bucket's name.
    pub bucket: String,
}

/// Why an issuer is not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddIssuerError {
    /// A bucket of the sandbox is that issuer.
    #[error(transparent)]
    Hosted(#[from] HostedIssuer),
    /// The sandbox's state cannot be written.
    #[error("{problem}")]
    NotKept {
        /// The file and what the operating system said.
        problem: String,
    },
}

/// What became of something that was handed to the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It was not there before.
    Created,
    /// It replaced what was there.
    Configured,
    /// It was there already.
    Unchanged,
}

/// The issuers that were handed over, by their URLs.
#[derive(Debug, Default)]
pub(crate) struct HandedOver(Table<String, Issuer>);

// === impl Issuer ===

impl Issuer {
    /// Takes an issuer's URL exactly as its tokens have it in `iss`, and its JWKS.
    ///
    /// The URL must be https, with a host, and without user, query and fragment. The JWKS must have at least one key
    /// that AWS's rules let verify a token.
    pub fn new(url: impl Into<String>, jwks: &str) -> Result<Self, IssuerError> {
        let url = url.into();
        if let Some(problem) = problem_of(&url) {
            return Err(IssuerError::Url { url, problem });
        }
        if jwks.len() > MAX_DOCUMENT {
            return Err(IssuerError::TooLarge { bytes: jwks.len() });
        }
        let keys = KeySet::from_jwks_json(jwks).map_err(IssuerError::Jwks)?;
        if keys.key_ids().next().is_none() {
            return Err(IssuerError::NoUsableKey {
                unusable: keys.unusable().to_vec(),
            });
        }
        let jwks = serde_json::from_str(jwks).expect("the JWKS was just read as JSON");
        Ok(Self { url, jwks, keys })
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The JWKS.
    pub fn jwks(&self) -> &Value {
        &self.jwks
    }

    /// The keys of the JWKS that verify tokens, and those that do not.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }
}

// === impl Change ===

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        })
    }
}

// === impl AddIssuerError ===

impl From<NotKept> for AddIssuerError {
    fn from(error: NotKept) -> Self {
        Self::NotKept {
            problem: error.to_string(),
        }
    }
}

// === impl HandedOver ===

impl HandedOver {
    /// Adds an issuer, or replaces the one of the same URL.
    ///
    /// One that a bucket of the sandbox is already is refused: its tokens would be verified with other keys than
    /// everybody can see there. A bucket that is made later does not displace an issuer that was handed over before.
    pub(crate) fn add(
        &mut self,
        issuer: Issuer,
        buckets: &Buckets,
    ) -> Result<Change, HostedIssuer> {
        let change = match self.0.get(&issuer.url) {
            Some(known) if known.jwks == issuer.jwks => Change::Unchanged,
            Some(_) => Change::Configured,
            None => {
                if let Some(bucket) = bucket_of(&issuer.url).filter(|name| buckets.contains(name)) {
                    return Err(HostedIssuer {
                        issuer: issuer.url,
                        bucket,
                    });
                }
                Change::Created
            }
        };
        self.0.insert(issuer.url.clone(), issuer);
        Ok(change)
    }

    /// Adds the issuers' rows to a change.
    pub(crate) fn write_changes(&self, changes: &mut Changes, extent: Extent) {
        for row in self.0.touched(extent) {
            if let Some(issuer) = row.now {
                changes.put(&["issuer", row.key], &issuer.jwks);
            }
        }
    }

    /// Takes the row of an issuer.
    pub(crate) fn load(&mut self, url: &str, jwks: &Value) -> Result<(), RowError> {
        let issuer = Issuer::new(url, &jwks.to_string())
            .map_err(|error| RowError::new(error.to_string()))?;
        self.0.insert(url.to_owned(), issuer);
        Ok(())
    }

    /// The keys of an issuer, when it was handed over under exactly this URL.
    pub(crate) fn keys_of(&self, url: &str) -> Option<&KeySet> {
        self.0.get(url).map(Issuer::keys)
    }
}

impl Rows for HandedOver {
    fn settle(&mut self) {
        self.0.settle_flat();
    }

    fn undo(&mut self) {
        self.0.undo_flat();
    }
}

fn problem_of(url: &str) -> Option<&'static str> {
    let Some(rest) = url.strip_prefix("https://") else {
        return Some("it does not start with `https://`");
    };
    if rest.contains(['?', '#']) {
        return Some("it has a query or a fragment");
    }
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Some("it names a user");
    }
    if host.parse::<http::uri::Authority>().is_err() || host.starts_with(':') {
        return Some("it names no host");
    }
    url.parse::<http::Uri>()
        .is_err()
        .then_some("it has characters that no URL has")
}

fn listed(unusable: &[UnusableKey]) -> String {
    unusable.iter().fold(String::new(), |text, key| {
        let separator = if text.is_empty() { ": " } else { "; " };
        format!("{text}{separator}{key}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The RSA key of RFC 7517, appendix A.1, whose `alg` says RS256.
    const KEY: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

    fn jwks(keys: &str) -> String {
        format!(r#"{{"keys":[{keys}]}}"#)
    }

    fn issuer(url: &str, keys: &str) -> Issuer {
        Issuer::new(url, &jwks(keys)).unwrap()
    }

    #[test]
    fn urls_are_those_that_an_oidc_provider_can_have() {
        for url in [
            "https://kubernetes.default.svc",
            "https://kubernetes.default.svc.cluster.local",
            "https://10.96.0.1:6443",
            "https://[::1]:6443/",
            "https://issuer.example/Path/with/slash/",
            "https://prod-oidc.s3.eu-west-1.amazonaws.com",
        ] {
            assert_eq!(issuer(url, KEY).url(), url);
        }
        for (url, part) in [
            ("http://issuer.example", "https://"),
            ("HTTPS://issuer.example", "https://"),
            ("issuer.example", "https://"),
            ("", "https://"),
            ("https://", "no host"),
            ("https:///path", "no host"),
            ("https://:6443", "no host"),
            ("https://issuer.example?a=b", "query"),
            ("https://issuer.example/#a", "fragment"),
            ("https://user@issuer.example", "user"),
            ("https://issuer.example/a b", "characters"),
            (" https://issuer.example", "https://"),
            ("https://issuer.example\n", "no host"),
        ] {
            let error = Issuer::new(url, &jwks(KEY)).unwrap_err().to_string();
            assert!(error.contains(part), "{url:?}: {error}");
        }
    }

    #[test]
    fn jwks_needs_a_usable_key() {
        let encryption = KEY.replace(r#""alg":"RS256""#, r#""use":"enc""#);
        for (case, jwks, part) in [
            ("not JSON", "nothing".to_owned(), "cannot be used"),
            ("a single key", KEY.to_owned(), "cannot be used"),
            ("no key", jwks(""), "no key that verifies tokens"),
            (
                "only for encryption",
                jwks(&encryption),
                "key 1 (kid 2011-04-29): its `use` is `enc`",
            ),
            (
                "too large",
                format!("{}{}", " ".repeat(MAX_DOCUMENT), jwks(KEY)),
                "at most 131072",
            ),
        ] {
            let error = Issuer::new("https://issuer.example", &jwks).unwrap_err();
            assert!(error.to_string().contains(part), "{case}: {error}");
        }
        let mixed = issuer(
            "https://issuer.example",
            &format!("{encryption},{}", KEY.replace("2011", "2012")),
        );
        assert_eq!(mixed.keys().key_ids().collect::<Vec<_>>(), ["2012-04-29"]);
    }

    #[test]
    fn the_same_url_replaces_and_the_same_keys_change_nothing() {
        let (mut handed_over, buckets) = (HandedOver::default(), Buckets::default());
        let url = "https://issuer.example";
        let other = KEY.replace("2011-04-29", "other");
        for (case, keys, expected) in [
            ("first", KEY.to_owned(), Change::Created),
            ("again", format!(" {KEY} "), Change::Unchanged),
            ("other keys", other.clone(), Change::Configured),
        ] {
            assert_eq!(
                handed_over.add(issuer(url, &keys), &buckets),
                Ok(expected),
                "{case}"
            );
        }
        assert!(handed_over.keys_of("https://issuer.example/").is_none());
        let keys = handed_over.keys_of(url).unwrap();
        assert_eq!(keys.key_ids().collect::<Vec<_>>(), ["other"]);
    }
}
