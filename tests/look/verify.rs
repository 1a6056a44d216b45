//! `podpass verify`: the way really gone, whole and broken at each step.

use podpass_testkit::{ControlPlaneOptions, Identity, Ran};
use serde_json::Value;

use crate::stand::{ISSUER, Stand};

const ROLE: &str = "arn:aws:iam::123456789012:role/prod-irsa-test-irsa-test";
const SUBJECT: &str = "system:serviceaccount:irsa-test:irsa-test";

fn account(name: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: irsa-test, annotations: \
         {{{annotations}}}}}\n"
    )
}

fn with_role(name: &str, role: &str) -> String {
    account(name, &format!("eks.amazonaws.com/role-arn: '{role}'"))
}

async fn furnished() -> Option<Stand> {
    let stand = Stand::start(ControlPlaneOptions::default()).await?;
    stand.kubectl(&["create", "namespace", "irsa-test"]);
    stand.apply(&with_role("irsa-test", ROLE));
    Some(stand)
}

/// The results of the six steps.
fn results(ran: &Ran) -> Vec<String> {
    let document = ran.json();
    let steps = document["steps"].as_array().unwrap().iter();
    steps
        .map(|step| step["result"].as_str().unwrap().to_owned())
        .collect()
}

/// The step's results when the one of that number breaks.
#[track_caller]
fn breaks_at(ran: &Ran, code: i32, broken: usize, parts: &[&str]) {
    ran.refused(code, parts);
    let expected: Vec<&str> = (0..6)
        .map(|step| match step.cmp(&broken) {
            std::cmp::Ordering::Less => "ok",
            std::cmp::Ordering::Equal => "broken",
            std::cmp::Ordering::Greater => "not-reached",
        })
        .collect();
    assert_eq!(results(ran), expected, "{ran:#?}");
    assert_eq!(ran.json()["verified"], false);
}

fn verify(stand: &Stand, arguments: &[&str]) -> Ran {
    stand.podpass(&[&["verify", "-o", "json"], arguments].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_002_27_the_arn_of_the_caller_is_that_of_the_annotated_role() {
    let Some(stand) = furnished().await else {
        return;
    };
    let document = verify(&stand, &["irsa-test/irsa-test"]).succeeded_json();
    let arn = document["callerIdentity"]["Arn"].as_str().unwrap();
    let (session, _) = arn.rsplit_once('/').unwrap();
    let role = session
        .replace("arn:aws:sts:", "arn:aws:iam:")
        .replace(":assumed-role/", ":role/");
    assert_eq!(role, ROLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_38_the_role_is_really_taken_on() {
    let Some(stand) = furnished().await else {
        return;
    };
    let ran = verify(&stand, &["irsa-test/irsa-test"]);
    ran.succeeded();
    let document = ran.json();
    assert_eq!(results(&ran), ["ok"; 6]);
    let identity = &document["callerIdentity"];
    let arn = identity["Arn"].as_str().unwrap();
    assert!(
        arn.starts_with(
            "arn:aws:sts::123456789012:assumed-role/prod-irsa-test-irsa-test/podpass-verify-"
        ),
        "{arn}"
    );
    assert_eq!(identity["Account"], "123456789012");
    let session = arn.rsplit('/').next().unwrap();
    let user_id = identity["UserId"].as_str().unwrap();
    assert!(
        user_id.starts_with("AROA") && user_id.ends_with(&format!(":{session}")),
        "{user_id}"
    );
    let token = &document["steps"][2]["found"];
    assert_eq!(
        (&token["iss"], &token["sub"]),
        (&ISSUER.into(), &SUBJECT.into())
    );
    assert_eq!(token["aud"], "sts.amazonaws.com");
    assert_eq!(document["steps"][3]["found"]["publishedKids"], token["kid"]);

    let page = stand.podpass(&["verify", "irsa-test/irsa-test"]);
    let page = page.succeeded();
    for part in [
        "STEP",
        "caller identity",
        SUBJECT,
        "Arn      arn:aws:sts::123456789012:assumed-role/",
    ] {
        assert!(page.contains(part), "missing {part:?} in {page}");
    }
    // The token itself is nobody's business.
    assert!(!page.contains("eyJ") && !ran.out.contains("eyJ"), "{page}");

    // Another's role, which its trust policy does not give to this one; and this one's to another.
    stand.apply(&account("bare", ""));
    let other = verify(&stand, &["irsa-test/bare", "--role-arn", ROLE]);
    breaks_at(
        &other,
        1,
        4,
        &[
            "AccessDenied",
            "[TRUST_SUB_MISMATCH]",
            "podpass simulate",
            "irsa-test/bare",
        ],
    );

    // Whoever may not read the API server's own keys is still told what STS says.
    stand.kubectl(&[
        "-n",
        "irsa-test",
        "create",
        "role",
        "tokens",
        "--verb=get,create",
        "--resource=serviceaccounts,serviceaccounts/token",
    ]);
    stand.kubectl(&[
        "-n",
        "irsa-test",
        "create",
        "rolebinding",
        "tokens",
        "--role=tokens",
        "--user=somebody",
    ]);
    write_user(&stand, "somebody");
    let ran = stand.podpass_as("somebody", &["verify", "irsa-test/irsa-test", "-o", "json"]);
    ran.succeeded();
    assert_eq!(results(&ran), ["ok", "ok", "ok", "not-checked", "ok", "ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_breaks_by_itself() {
    let Some(stand) = furnished().await else {
        return;
    };
    breaks_at(
        &verify(&stand, &["irsa-test/absent"]),
        1,
        0,
        &["irsa-test/absent", "create serviceaccount"],
    );

    stand.apply(&account("bare", ""));
    breaks_at(
        &verify(&stand, &["irsa-test/bare"]),
        1,
        1,
        &["NO_ROLE_ANNOTATION", "podpass bind irsa-test/bare"],
    );
    stand.apply(&with_role("misspelt", "arn:aws:iam::1234567890:role/app"));
    breaks_at(
        &verify(&stand, &["irsa-test/misspelt"]),
        1,
        1,
        &["BAD_ROLE_ARN", "1234567890"],
    );

    stand.kubectl(&[
        "-n",
        "irsa-test",
        "create",
        "role",
        "reader",
        "--verb=get",
        "--resource=serviceaccounts",
    ]);
    stand.kubectl(&[
        "-n",
        "irsa-test",
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        "--user=reader",
    ]);
    write_user(&stand, "reader");
    let forbidden = stand.podpass_as("reader", &["verify", "irsa-test/irsa-test", "-o", "json"]);
    breaks_at(
        &forbidden,
        3,
        2,
        &["`create` on `serviceaccounts/token` in namespace `irsa-test`"],
    );

    let audience =
        format!("eks.amazonaws.com/role-arn: '{ROLE}', eks.amazonaws.com/audience: sts.amazon.com");
    stand.apply(&account("typo", &audience));
    let ran = verify(&stand, &["irsa-test/typo"]);
    breaks_at(
        &ran,
        1,
        4,
        &[
            "AUDIENCE_NOT_IN_CLIENT_IDS",
            "Incorrect token audience",
            "`sts.amazon.com`",
        ],
    );
    let missing = verify(
        &stand,
        &[
            "irsa-test/irsa-test",
            "--role-arn",
            "arn:aws:iam::999999999999:role/app",
        ],
    );
    breaks_at(
        &missing,
        1,
        4,
        &[
            "OIDC_PROVIDER_MISSING",
            "No OpenIDConnect provider found in your account for",
            "arn:aws:iam::999999999999:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com",
        ],
    );
    let absent = verify(
        &stand,
        &[
            "irsa-test/irsa-test",
            "--role-arn",
            "arn:aws:iam::123456789012:role/absent",
        ],
    );
    breaks_at(
        &absent,
        1,
        4,
        &["AccessDenied", "[ROLE_MISSING]", "--role-name absent "],
    );
    let unreachable = verify(
        &stand,
        &[
            "irsa-test/irsa-test",
            "--endpoint-url",
            "http://127.0.0.1:1",
        ],
    );
    breaks_at(&unreachable, 1, 4, &["cannot reach http://127.0.0.1:1"]);

    verify(
        &stand,
        &[
            "irsa-test/irsa-test",
            "--role-arn",
            "arn:aws:iam::12345:role/app",
        ],
    )
    .refused(2, &["--role-arn", "BAD_ACCOUNT_ID"]);
    verify(&stand, &["irsa-test"]).refused(2, &["NAMESPACE/NAME"]);
    let mut elsewhere = stand.command(
        "admin",
        &[
            "verify",
            "irsa-test/irsa-test",
            "--server",
            "https://127.0.0.1:1",
        ],
    );
    podpass_testkit::run(&mut elsewhere).refused(1, &["https://127.0.0.1:1", "cannot be reached"]);
    stand.write_kubeconfig("expired", &Identity::Token("expired".to_owned()));
    stand
        .podpass_as("expired", &["verify", "irsa-test/irsa-test"])
        .refused(3, &["log in to the cluster again"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_10_a_key_that_is_not_published_is_named() {
    let Some(stand) = furnished().await else {
        return;
    };
    let healthy = verify(&stand, &["irsa-test/irsa-test"]);
    healthy.succeeded();
    let kid = healthy.json()["steps"][2]["found"]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let before = stand.kubectl(&["get", "--raw", "/openid/v1/jwks"]);

    stand.replace_published_keys();
    let tampered = verify(&stand, &["irsa-test/irsa-test"]);
    breaks_at(
        &tampered,
        1,
        4,
        &[
            "Couldn't retrieve verification key",
            "[ISSUER_KEY_MISSING]",
            &format!("`{kid}`"),
        ],
    );
    let broken: &Value = &tampered.json()["steps"][4]["broken"];
    assert_eq!(broken["compared"]["kid"], kid.as_str());

    // What the API server serves is what the bucket has to have.
    stand.publish(&before);
    verify(&stand, &["irsa-test/irsa-test"]).succeeded();
}

fn write_user(stand: &Stand, name: &str) {
    let identity = Identity::User {
        name: name.to_owned(),
        groups: Vec::new(),
    };
    stand.write_kubeconfig(name, &identity);
}

/// The two steps at the API server: their results, and what they say.
fn kube_steps(ran: &Ran) -> [Value; 2] {
    let document = ran.json();
    let steps = document["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 8, "{document:#}");
    let [with, without] = [steps[6].clone(), steps[7].clone()];
    assert_eq!(with["step"], "API with token");
    assert_eq!(without["step"], "API without token");
    [with, without]
}

/// The document's curl: with the token 200 and the API's versions.
#[tokio::test(flavor = "multi_thread")]
async fn seed_002_13_the_api_server_takes_its_own_token() {
    let Some(stand) = furnished().await else {
        return;
    };
    let ran = verify(&stand, &["irsa-test/irsa-test", "--kube"]);
    ran.succeeded();
    assert_eq!(results(&ran), ["ok"; 8]);
    let [with, _] = kube_steps(&ran);
    let versions: Value = serde_json::from_str(&stand.kubectl(&["get", "--raw", "/api"])).unwrap();
    let versions = versions["versions"][0].as_str().unwrap();
    assert_eq!(
        with["found"],
        serde_json::json!({"sub": SUBJECT, "aud": ISSUER, "answer": format!("200 APIVersions {versions}")})
    );
    let page = stand.podpass(&["verify", "irsa-test/irsa-test", "--kube"]);
    let page = page.succeeded();
    assert!(page.contains("API with token"), "{page}");
    assert!(!page.contains("eyJ") && !ran.out.contains("eyJ"), "{page}");

    // No role has to do with it, and no AWS: the way to the role ends, and this one is gone all the same.
    stand.apply(&account("bare", ""));
    let ran = verify(&stand, &["irsa-test/bare", "--kube"]);
    ran.refused(1, &["NO_ROLE_ANNOTATION"]);
    let [with, without] = kube_steps(&ran);
    assert_eq!(
        (&with["result"], &without["result"]),
        (&"ok".into(), &"ok".into())
    );
    // A service account that is gone gets no token.
    let ran = verify(&stand, &["irsa-test/absent", "--kube"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    let [with, without] = kube_steps(&ran);
    assert_eq!(with["result"], "broken");
    let message = with["broken"]["message"].as_str().unwrap();
    assert!(message.contains("irsa-test/absent"), "{with}");
    assert_eq!(without["result"], "ok");

    // A caller that is known and may not even look.
    stand.kubectl(&["delete", "clusterrolebinding", "system:discovery"]);
    let patience = std::time::Duration::from_secs(30);
    let ran = podpass_testkit::eventually("the binding is gone", patience, async || {
        let ran = verify(&stand, &["irsa-test/irsa-test", "--kube"]);
        (ran.code != 0).then_some(ran)
    })
    .await;
    ran.refused(
        1,
        &["refuses `/api` (403)", SUBJECT, "system:discovery", "= aud"],
    );
    assert_eq!(ran.json()["verified"], false);
}

/// Without a token the API server says 403 to `system:anonymous`, which is how it should be.
#[tokio::test(flavor = "multi_thread")]
async fn seed_002_14_without_a_token_the_api_server_takes_nobody() {
    let Some(stand) = furnished().await else {
        return;
    };
    let ran = verify(&stand, &["irsa-test/irsa-test", "--kube"]);
    ran.succeeded();
    let [_, without] = kube_steps(&ran);
    assert_eq!(without["result"], "ok");
    assert_eq!(
        without["found"],
        serde_json::json!({"answer": "403 as it should be", "user": "system:anonymous"})
    );

    // Somebody let everybody in.
    stand.kubectl(&[
        "create",
        "clusterrolebinding",
        "everybody",
        "--clusterrole=system:discovery",
        "--user=system:anonymous",
    ]);
    let patience = std::time::Duration::from_secs(30);
    let ran = podpass_testkit::eventually("the binding counts", patience, async || {
        let ran = verify(&stand, &["irsa-test/irsa-test", "--kube"]);
        (ran.code != 0).then_some(ran)
    })
    .await;
    ran.refused(
        1,
        &["answers 200 to `/api` without a token", "system:anonymous"],
    );
    assert_eq!(kube_steps(&ran)[1]["result"], "broken");
}

/// An API server that takes no anonymous calls says 401 to them, and to a token of another's key.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_without_anonymous_calls_is_told() {
    let options = ControlPlaneOptions {
        api_server: podpass_testkit::ApiServerOptions {
            extra_flags: vec!["--anonymous-auth=false".to_owned()],
            ..podpass_testkit::ApiServerOptions::default()
        },
        ..ControlPlaneOptions::default()
    };
    let Some(stand) = Stand::start(options).await else {
        return;
    };
    stand.kubectl(&["create", "namespace", "irsa-test"]);
    stand.apply(&with_role("irsa-test", ROLE));
    let ran = verify(&stand, &["irsa-test/irsa-test", "--kube"]);
    ran.succeeded();
    let [_, without] = kube_steps(&ran);
    assert_eq!(
        without["found"]["answer"],
        "401 as it should be: the API server takes no anonymous calls"
    );
}
