//! The tokens that are exchanged, and their bare verification.

use std::time::Duration;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use podpass_token::{Jwks, KeySize, ObjectRef, ServiceAccountClaims, SigningKey, Token};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

pub(crate) const ISSUER: &str = "https://bench.example.org";

/// Distinct tokens of one key.
pub(crate) struct Tokens {
    pub(crate) jwks: String,
    pub(crate) all: Vec<Token>,
}

impl Tokens {
    pub(crate) fn mint(count: usize) -> Result<Self, String> {
        let key = SigningKey::generate(KeySize::Rsa2048).map_err(|error| error.to_string())?;
        let now = jiff::Timestamp::now().as_second();
        let token = |number: usize| {
            key.mint(&ServiceAccountClaims {
                issuer: ISSUER.to_owned(),
                audiences: vec!["sts.amazonaws.com".to_owned()],
                namespace: "bench".to_owned(),
                service_account: ObjectRef {
                    name: format!("account-{number}"),
                    uid: format!("0c0f5d4e-0000-4000-8000-{number:012}"),
                },
                pod: None,
                node: None,
                issued_at: now,
                not_before: now,
                expires_at: now + 86_400,
                warn_after: None,
                id: None,
            })
        };
        Ok(Self {
            jwks: Jwks::of(std::slice::from_ref(key.public())).to_json(),
            all: (0..count).map(token).collect(),
        })
    }

    /// The forms of the exchanges, one a line.
    pub(crate) fn bodies(&self) -> String {
        let body = |token: &Token| {
            // A token in compact form needs no escapes.
            format!(
                "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fbench\
                 &RoleSessionName=bench&WebIdentityToken={}\n",
                token.expose()
            )
        };
        self.all.iter().map(body).collect()
    }

    /// CPU time of one verification of an RSA-2048 signature with its SHA-256, the key at hand.
    pub(crate) fn bare_verification(&self) -> Result<Duration, String> {
        let jwks: Value = serde_json::from_str(&self.jwks).map_err(|error| error.to_string())?;
        let part = |name: &str| {
            let text = jwks["keys"][0][name].as_str().unwrap_or_default();
            URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|error| error.to_string())
        };
        // Parsed once: what remains is what every verifier has to do.
        let key = PublicKeyComponents {
            n: part("n")?,
            e: part("e")?,
        }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|error| error.to_string())?;
        let mut signed = Vec::new();
        for token in &self.all {
            let (text, signature) = token.expose().rsplit_once('.').ok_or("no signature")?;
            let signature = URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|error| error.to_string())?;
            signed.push((text.as_bytes(), signature));
        }
        let begun = cpu();
        for (text, signature) in signed.iter().cycle().take(VERIFICATIONS) {
            key.verify_sig(text, signature)
                .map_err(|_| "a signature is wrong")?;
        }
        Ok(cpu().saturating_sub(begun) / u32::try_from(VERIFICATIONS).unwrap_or(u32::MAX))
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanoseconds)
}

const VERIFICATIONS: usize = 30_000;
