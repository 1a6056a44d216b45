//! Issuers elsewhere: asked over HTTPS, and their keys kept for a while, as STS keeps them.

mod https;
mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use podpass_exchange::IssuerFailure;
use podpass_policy::OidcProviderArn;
use podpass_token::KeySet;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use self::https::Got;
use super::{Unfetched, discovery_url, fetch, invalid, jwks_uri, keys_from, unreachable};
use crate::state::State;

/// Which issuers outside of the sandbox STS asks for their keys; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteIssuers {
    /// Whether any is asked. They are asked over HTTPS, and only for a provider that is registered.
    pub asked: bool,
    /// Whether one may have an address of this machine or of a private network.
    pub allow_private: bool,
    /// Authorities that are trusted beside those of this machine.
    pub authorities: Authorities,
}

/// Certificates of authorities.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// Why there are no certificates to be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// A PEM block cannot be read.
    #[error("certificate {number} cannot be read: {problem}")]
    Pem {
        /// Which block, counted from 1.
        number: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A certificate is none of an authority's.
    #[error("certificate {number} is none that can be trusted: {problem}")]
    Certificate {
        /// Which block, counted from 1.
        number: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no PEM block.
    #[error("there is no certificate in it: a PEM block begins with `-----BEGIN CERTIFICATE-----`")]
    None,
}

/// What connections go by.
struct Reach {
    authorities: Arc<RootCertStore>,
    allow_private: bool,
}

/// The keys of issuers elsewhere.
pub(crate) struct Remote {
    reach: Option<Reach>,
    kept: Mutex<BTreeMap<OidcProviderArn, Arc<Entry>>>,
}

/// What is known of one provider's issuer.
#[derive(Default)]
struct Entry {
    kept: Mutex<Option<Kept>>,
    /// Held while the issuer is asked, so that those who want the same wait for one answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Kept {
    keys: Arc<KeySet>,
    /// Another certificate may be trusted with others.
    thumbprints: Vec<String>,
    asked: Timestamp,
    /// When it was last asked before its time, for a key that it did not have.
    hurried: Option<Timestamp>,
}

/// An issuer that has to be asked before a token can be judged.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) issuer: String,
    pub(crate) provider: OidcProviderArn,
    pub(crate) thumbprints: Vec<String>,
    pub(crate) kid: Option<String>,
}

/// What asking came to.
pub(crate) type Fetched = Result<Arc<KeySet>, IssuerFailure>;

/// What is at hand for a token.
pub(crate) enum AtHand {
    Keys(Arc<KeySet>),
    /// The issuer has to be asked.
    Ask,
    /// No issuer is asked.
    Off,
}

impl Authorities {
    /// Reads the certificates of a PEM file.
    pub fn from_pem(text: &str) -> Result<Self, AuthoritiesError> {
        let mut read = Vec::new();
        let mut store = RootCertStore::empty();
        for (index, certificate) in CertificateDer::pem_slice_iter(text.as_bytes()).enumerate() {
            let number = index + 1;
            let certificate = certificate.map_err(|error| AuthoritiesError::Pem {
                number,
                problem: error.to_string(),
            })?;
            store
                .add(certificate.clone())
                .map_err(|error| AuthoritiesError::Certificate {
                    number,
                    problem: error.to_string(),
                })?;
            read.push(certificate);
        }
        if read.is_empty() {
            return Err(AuthoritiesError::None);
        }
        Ok(Self(read))
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} certificates", self.0.len())
    }
}

impl Remote {
    pub(crate) fn new(settings: &RemoteIssuers) -> Self {
        let reach = settings.asked.then(|| {
            let mut authorities = RootCertStore::empty();
            authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            authorities.add_parsable_certificates(settings.authorities.0.iter().cloned());
            Reach {
                authorities: Arc::new(authorities),
                allow_private: settings.allow_private,
            }
        });
        Self {
            reach,
            kept: Mutex::default(),
        }
    }

    /// The keys that a token of the issuer is verified with, if they need not be asked for.
    pub(crate) fn at_hand(&self, wanted: &Wanted, now: Timestamp) -> AtHand {
        if self.reach.is_none() {
            return AtHand::Off;
        }
        let entry = lock(&self.kept).get(&wanted.provider).cloned();
        match entry.and_then(|entry| entry.serving(wanted, now)) {
            Some(keys) => AtHand::Keys(keys),
            None => AtHand::Ask,
        }
    }

    /// Asks the issuer, unless somebody else just did.
    pub(crate) async fn ask(
        &self,
        state: &RwLock<State>,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Fetched {
        let Some(reach) = &self.reach else {
            return Err(unreachable(&wanted.issuer, "no issuer is asked"));
        };
        let entry = Arc::clone(lock(&self.kept).entry(wanted.provider.clone()).or_default());
        let _turn = entry.asking.lock().await;
        if let Some(keys) = entry.serving(wanted, now) {
            return Ok(keys);
        }
        let hurried = lock(&entry.kept).as_ref().is_some_and(|kept| {
            kept.thumbprints == wanted.thumbprints && is_within(kept.asked, now, KEPT)
        });
        if hurried && let Some(kept) = lock(&entry.kept).as_mut() {
            kept.hurried = Some(now);
        }
        let asked = tokio::time::timeout(PATIENCE, reach.keys_of(state, wanted)).await;
        let keys = asked.unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            Err(unreachable(
                &discovery_url(&wanted.issuer),
                format!("no answer within {seconds} seconds"),
            ))
        })?;
        let keys = Arc::new(keys);
        *lock(&entry.kept) = Some(Kept {
            keys: Arc::clone(&keys),
            thumbprints: wanted.thumbprints.clone(),
            asked: now,
            hurried: hurried.then_some(now),
        });
        Ok(keys)
    }
}

impl Entry {
    /// The keys that are kept, as long as they are fresh and have the wanted one; when it was looked for in vain lately,
    /// also without it.
    fn serving(&self, wanted: &Wanted, now: Timestamp) -> Option<Arc<KeySet>> {
        let kept = lock(&self.kept);
        let kept = kept.as_ref()?;
        if kept.thumbprints != wanted.thumbprints || !is_within(kept.asked, now, KEPT) {
            return None;
        }
        let has_key = wanted
            .kid
            .as_deref()
            .is_none_or(|kid| kept.keys.key_ids().any(|own| own == kid));
        let in_vain = kept
            .hurried
            .is_some_and(|hurried| is_within(hurried, now, HURRY));
        (has_key || in_vain).then(|| Arc::clone(&kept.keys))
    }
}

impl Reach {
    /// Reads discovery document and JWKS, each wherever it is.
    async fn keys_of(
        &self,
        state: &RwLock<State>,
        wanted: &Wanted,
    ) -> Result<KeySet, IssuerFailure> {
        let url = discovery_url(&wanted.issuer);
        let discovery = self.document(state, &url, &wanted.thumbprints).await?;
        let jwks_url = jwks_uri(&discovery).map_err(|detail| invalid(&url, detail))?;
        let jwks = self.document(state, &jwks_url, &wanted.thumbprints).await?;
        keys_from(jwks_url, &jwks)
    }

    /// Follows redirections; names under AWS's suffixes stay inside.
    async fn document(
        &self,
        state: &RwLock<State>,
        url: &str,
        thumbprints: &[String],
    ) -> Result<String, IssuerFailure> {
        let mut at = url.to_owned();
        for _ in 0..=MAX_REDIRECTIONS {
            let inside = {
                let state = state.read().unwrap_or_else(PoisonError::into_inner);
                fetch(&state.buckets, &at)
            };
            match inside {
                Ok(document) => return Ok(document),
                Err(Unfetched::Failed(failure)) => return Err(failure),
                Err(Unfetched::Elsewhere) => {}
            }
            match https::get(&at, self, thumbprints).await? {
                Got::Document(document) => return Ok(document),
                Got::Elsewhere(next) => at = next,
            }
        }
        Err(unreachable(
            url,
            format!("more than {MAX_REDIRECTIONS} redirections"),
        ))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

/// Whether `now` is no further from `then` than this, whichever way the clock was moved.
fn is_within(then: Timestamp, now: Timestamp, duration: SignedDuration) -> bool {
    now.duration_since(then).abs() < duration
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long keys are kept; AWS says no more than that it keeps them.
const KEPT: SignedDuration = SignedDuration::from_mins(5);
/// How long an issuer is not asked again for keys that it did not have.
const HURRY: SignedDuration = SignedDuration::from_secs(30);
/// The time that STS is reported to wait for an issuer.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_REDIRECTIONS: u32 = 5;
