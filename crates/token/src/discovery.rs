//! The discovery document of an issuer.

use serde::Serialize;

use crate::jwk::to_indented_json;

/// Renders `.well-known/openid-configuration` for the issuer, whose keys are published at `<issuer>/keys.json`.
///
/// The members and their order are those of OpenShift's `ccoctl aws create-identity-provider`, including the second
/// `sub` among the claims; the indentation is four spaces and there is no newline at the end. The issuer is taken as
/// it stands, because AWS compares it character by character.
pub fn discovery_document(issuer: &str) -> String {
    to_indented_json(&DiscoveryDocument {
        issuer,
        jwks_uri: format!("{issuer}/keys.json"),
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
        claims_supported: ["aud", "exp", "sub", "iat", "iss", "sub"],
    })
}

#[derive(Serialize)]
struct DiscoveryDocument<'a> {
    issuer: &'a str,
    jwks_uri: String,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    claims_supported: [&'static str; 6],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_members_in_the_order_of_ccoctl() {
        let expected = r#"{
    "issuer": "https://demo-oidc.s3.eu-west-1.amazonaws.com",
    "jwks_uri": "https://demo-oidc.s3.eu-west-1.amazonaws.com/keys.json",
    "response_types_supported": [
        "id_token"
    ],
    "subject_types_supported": [
        "public"
    ],
    "id_token_signing_alg_values_supported": [
        "RS256"
    ],
    "claims_supported": [
        "aud",
        "exp",
        "sub",
        "iat",
        "iss",
        "sub"
    ]
}"#;
        assert_eq!(
            discovery_document("https://demo-oidc.s3.eu-west-1.amazonaws.com"),
            expected
        );
    }
}
