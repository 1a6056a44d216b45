//! Tokens of a real TokenRequest: their claims, and what a change of issuer and key does to them.

use std::fs;
use std::path::PathBuf;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenReview};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::{Api, PostParams};
use podpass_testkit::{
    ApiServerOptions, ControlPlane, ControlPlaneOptions, Home, SharedControlPlane,
    control_plane_programs,
};
use podpass_token::{Jwt, KeySet, KeySize, SigningKey, Token};
use serde_json::json;

use crate::create;

const AUDIENCE: &str = "sts.amazonaws.com";
const ISSUER: &str = "https://irsa-test-oidc.s3.us-east-1.amazonaws.com";
const NEXT_ISSUER: &str = "https://irsa-next-oidc.s3.us-east-1.amazonaws.com";

#[tokio::test]
async fn tokens_have_the_documented_claims_and_follow_the_issuer_and_the_key() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let home = Home::new();
    let (old_key, old_file) = key(&home, "old.key");
    let (next_key, next_file) = key(&home, "next.key");
    let old = ApiServerOptions {
        issuers: vec![ISSUER.to_owned()],
        signing_key: Some(old_file.clone()),
        ..ApiServerOptions::default()
    };
    let options = ControlPlaneOptions {
        api_server: old,
        ..ControlPlaneOptions::default()
    };
    let mut control_plane = ControlPlane::start(&programs, &options).await;
    let (account, pod) = workload(&control_plane).await;

    let token = request(&control_plane, &pod).await;
    let jwt = Jwt::decode(&token).unwrap();
    assert_eq!(jwt.header()["alg"], "RS256");
    assert_eq!(jwt.kid(), Some(old_key.kid()));
    let claims = jwt.claims();
    // The claims that documents 001 and 003 show.
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], json!([AUDIENCE]));
    assert_eq!(
        claims["sub"],
        "system:serviceaccount:default:irsa-test-service-account"
    );
    assert_eq!(
        claims["kubernetes.io"],
        json!({
            "namespace": "default",
            "serviceaccount": {"name": "irsa-test-service-account", "uid": account.metadata.uid},
            "pod": {"name": "aws-irsa", "uid": pod.metadata.uid},
        })
    );
    let seconds = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(seconds("exp") - seconds("iat"), 3600);
    assert_eq!(seconds("nbf"), seconds("iat"));
    assert!(is_signed_by_the_published_key(&control_plane, jwt).await);
    assert_eq!(authenticated(&control_plane, &token).await, Ok(true));

    // As OpenShift's operator does it: the next signs, both are accepted.
    control_plane
        .restart_api_server(&ApiServerOptions {
            issuers: vec![NEXT_ISSUER.to_owned(), ISSUER.to_owned()],
            signing_key: Some(next_file.clone()),
            accepted_keys: vec![old_file],
            ..ApiServerOptions::default()
        })
        .await;
    let next = request(&control_plane, &pod).await;
    let jwt = Jwt::decode(&next).unwrap();
    assert_eq!(jwt.claims()["iss"], NEXT_ISSUER);
    assert_eq!(jwt.kid(), Some(next_key.kid()));
    assert!(is_signed_by_the_published_key(&control_plane, jwt).await);
    assert_eq!(authenticated(&control_plane, &token).await, Ok(true));
    assert_eq!(authenticated(&control_plane, &next).await, Ok(true));

    // And then the old ones go.
    control_plane
        .restart_api_server(&ApiServerOptions {
            issuers: vec![NEXT_ISSUER.to_owned()],
            signing_key: Some(next_file),
            ..ApiServerOptions::default()
        })
        .await;
    assert!(authenticated(&control_plane, &token).await.is_err());
    assert_eq!(authenticated(&control_plane, &next).await, Ok(true));
}

fn key(home: &Home, name: &str) -> (SigningKey, PathBuf) {
    let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
    let path = home.path(name);
    fs::write(&path, key.to_pkcs1_pem().as_bytes()).unwrap();
    (key, path)
}

/// A service account and a pod of it. No other part than kube-apiserver is needed for that.
async fn workload(control_plane: &ControlPlane) -> (ServiceAccount, Pod) {
    let accounts = Api::default_namespaced(control_plane.admin());
    let account = json!({"metadata": {"name": "irsa-test-service-account"}});
    let account = create(&accounts, account).await;
    let pods = Api::default_namespaced(control_plane.admin());
    let pod = json!({
        "metadata": {"name": "aws-irsa"},
        "spec": {
            "serviceAccountName": "irsa-test-service-account",
            "containers": [{"name": "main", "image": "main:1"}],
        },
    });
    (account, create(&pods, pod).await)
}

async fn request(control_plane: &ControlPlane, pod: &Pod) -> Token {
    let accounts: Api<ServiceAccount> = Api::default_namespaced(control_plane.admin());
    let metadata = &pod.metadata;
    let wanted: TokenRequest = serde_json::from_value(json!({"spec": {
        "audiences": [AUDIENCE],
        "expirationSeconds": 3600,
        "boundObjectRef": {
            "apiVersion": "v1", "kind": "Pod", "name": metadata.name, "uid": metadata.uid,
        },
    }}))
    .unwrap();
    let answer = accounts
        .create_token_request("irsa-test-service-account", &PostParams::default(), &wanted)
        .await
        .unwrap();
    Token::new(answer.status.unwrap().token)
}

async fn is_signed_by_the_published_key(control_plane: &ControlPlane, jwt: Jwt) -> bool {
    let request = http::Request::get("/openid/v1/jwks").body(Vec::new());
    let keys = control_plane.admin().request_text(request.unwrap()).await;
    let keys = KeySet::from_jwks_json(&keys.unwrap()).unwrap();
    keys.verify(jwt).is_ok()
}

/// What kube-apiserver itself says of a token.
async fn authenticated(control_plane: &ControlPlane, token: &Token) -> Result<bool, String> {
    let reviews: Api<TokenReview> = Api::all(control_plane.admin());
    let review = json!({
        "metadata": {},
        "spec": {"token": token.expose(), "audiences": [AUDIENCE]},
    });
    let status = create(&reviews, review).await.status.unwrap();
    match status.error {
        Some(error) => Err(error),
        None => Ok(status.authenticated == Some(true)),
    }
}

#[tokio::test]
async fn a_life_of_less_than_ten_minutes_is_refused() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("short").await;
    let accounts: Api<ServiceAccount> = Api::namespaced(shared.admin(), &namespace);
    let wanted = json!({"spec": {"audiences": [AUDIENCE], "expirationSeconds": 599}});
    let wanted: TokenRequest = serde_json::from_value(wanted).unwrap();
    let refused = accounts
        .create_token_request("default", &PostParams::default(), &wanted)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("10 minutes"), "{refused}");
}
