//! One verified exchange, and the bare verification of the same token's signature.

use std::hint::black_box;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use podpass_exchange::{OidcProvider, Role, WebIdentityRequest, assume_role_with_web_identity};
use podpass_policy::{Document, DocumentKind};
use podpass_token::{Jwks, KeySet, ObjectRef, ServiceAccountClaims, SigningKey, Token};

/// One account with a role and an OIDC provider, one issuer with a key of 2048 bits, and one token of a pod.
pub(crate) struct World {
    key: SigningKey,
    token: Token,
}

impl World {
    pub(crate) fn new() -> Self {
        let key = SigningKey::from_pem(PRIVATE_KEY).expect("the fixture is a private key");
        let object = |name: &str, uid: &str| ObjectRef {
            name: name.to_owned(),
            uid: uid.to_owned(),
        };
        let token = key.mint(&ServiceAccountClaims {
            issuer: format!("https://{HOST}"),
            audiences: vec!["sts.amazonaws.com".to_owned()],
            namespace: "irsa-test".to_owned(),
            service_account: object(
                "irsa-test-service-account",
                "65b197d7-1609-433c-825e-b423f622978b",
            ),
            pod: Some(object(
                "irsa-test-deployment-59ff8bb58d-sn6j7",
                "cc040630-1e85-4339-9699-7106c2b37a9b",
            )),
            node: Some(object(
                "ip-10-0-0-6.ec2.internal",
                "b423f622-978b-433c-825e-65b197d71609",
            )),
            issued_at: NOW,
            not_before: NOW,
            expires_at: NOW + 3600,
            warn_after: None,
            id: Some("0a3a7c55-9a4c-4f5a-8f0e-5a1f6f6f9b1d".to_owned()),
        });
        Self { key, token }
    }

    /// What any verifier has to do at least: SHA-256 over the signing input, and RSA.
    pub(crate) fn bare_verification(&self) -> impl FnMut() + use<> {
        let jwk = self.key.public().jwk();
        let number = |text: Option<String>| {
            URL_SAFE_NO_PAD
                .decode(text.expect("an RSA key has it"))
                .expect("a JWK's numbers are base64url")
        };
        let key: ParsedPublicKey = PublicKeyComponents {
            n: number(jwk.n),
            e: number(jwk.e),
        }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .expect("the key of the fixture is valid");
        let (input, signature) = self
            .token
            .expose()
            .rsplit_once('.')
            .expect("a token has three segments");
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .expect("a minted signature is base64url");
        let input = input.to_owned();
        move || {
            let result = key.verify_sig(black_box(input.as_bytes()), black_box(&signature));
            assert!(black_box(result).is_ok());
        }
    }

    /// From the request to the grant: decode, provider, times, audience, signature, trust policy, trace.
    pub(crate) fn exchange(&self) -> impl FnMut() + use<> {
        let jwks = Jwks::of(&[self.key.public().clone()]).to_json();
        let keys = KeySet::from_jwks_json(&jwks).expect("a printed JWKS can be read");
        let providers = [OidcProvider {
            arn: PROVIDER.parse().expect("the ARN is valid"),
            client_ids: vec!["openshift".to_owned(), "sts.amazonaws.com".to_owned()],
        }];
        let role = Role {
            arn: ROLE.parse().expect("the ARN is valid"),
            id: "AROARZPUZDIKAAAAAAAAA".to_owned(),
            trust: Document::parse(TRUST, DocumentKind::Trust)
                .expect("the policy is valid")
                .into(),
            max_session_seconds: 3600,
        };
        let now = Timestamp::from_second(NOW).expect("the time is in range");
        let request =
            WebIdentityRequest::new(ROLE, "botocore-session-1700000000", self.token.clone());
        move || {
            let request = black_box(&request).clone();
            let grant = assume_role_with_web_identity(
                request,
                black_box(&providers),
                Ok(&keys),
                Some(&role),
                now,
            );
            assert!(black_box(grant).is_ok());
        }
    }
}

const NOW: i64 = 1_700_000_000;
const HOST: &str = "irsa-test-oidc.s3.eu-west-1.amazonaws.com";
const PROVIDER: &str =
    "arn:aws:iam::123456789012:oidc-provider/irsa-test-oidc.s3.eu-west-1.amazonaws.com";
const ROLE: &str = "arn:aws:iam::123456789012:role/irsa-test-irsa-test-credentials";
const PRIVATE_KEY: &str =
    include_str!("../../../crates/token/tests/fixtures/rsa-2048-pkcs1-private.pem");
const TRUST: &str = include_str!("../../fixtures/trust.json");
