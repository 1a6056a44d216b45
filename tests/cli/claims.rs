//! `podpass token decode --explain`: who checks each claim.

use podpass_testkit::{Cluster, Home};
use podpass_token::{KeySize, ObjectRef, SigningKey};
use serde_json::{Value, json};

use crate::stand::{PODPASS, Ran, run};

const HOST: &str = "demo-oidc.s3.eu-west-1.amazonaws.com";
const PROVIDER: &str =
    "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com";
const OTHER_PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/oidc.example.org";
const SUBJECT: &str = "system:serviceaccount:ns:app";

fn trust(provider: &str, audience: &str, subject: &str) -> String {
    format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Principal": {{"Federated": "{provider}"}},
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {{
        "StringEquals": {{
          "{HOST}:aud": "{audience}",
          "{HOST}:sub": "{subject}"
        }}
      }}
    }}
  ]
}}
"#
    )
}

struct Explained {
    home: Home,
    cluster: Cluster,
}

impl Explained {
    /// A token as the kubelet gets it: bound to a pod on a node, with its life extended.
    fn new() -> Self {
        let home = Home::new();
        let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
        let cluster = Cluster::of_key(key, &format!("https://{HOST}"));
        let mut claims = cluster.claims("ns", "app");
        claims.node = Some(ObjectRef {
            name: "node-1".to_owned(),
            uid: "81f3c1a0-55c2-4a3c-9d62-7f4a6f0f2c11".to_owned(),
        });
        claims.warn_after = Some(claims.issued_at + 3607);
        cluster.write(home.path("token"), &claims);
        Self { home, cluster }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let decode = ["token", "decode", "token"];
        let ran = run(self.home.command(PODPASS).args(decode).args(arguments));
        // What was decoded is no secret, the token is.
        assert!(
            !ran.out.contains("eyJ") && !ran.err.contains("eyJ"),
            "{ran:#?}"
        );
        ran
    }

    fn json(&self, arguments: &[&str], code: i32) -> Value {
        let ran = self.run(&[&["--explain", "-o", "json"], arguments].concat());
        assert_eq!(ran.code, code, "{ran:#?}");
        ran.json()["explanation"].clone()
    }
}

fn claim<'a>(explanation: &'a Value, name: &str) -> &'a Value {
    let mut claims = explanation.as_array().unwrap().iter();
    let found = claims.find(|claim| claim["claim"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {explanation:#}"))
}

/// What a checker says to a claim: the values that were given for it, and whether it holds.
fn check<'a>(explanation: &'a Value, name: &str, checker: &str) -> (&'a Value, &'a Value) {
    let claim = claim(explanation, name);
    let mut checks = claim["checks"].as_array().unwrap().iter();
    let found = checks.find(|check| check["checker"] == checker);
    let found = found.unwrap_or_else(|| panic!("no {checker} in {claim:#}"));
    (&found["expected"], &found["holds"])
}

/// The document: iss is checked by IAM, aud and sub by the trust policy, the uids by Kubernetes.
#[test]
fn seed_002_35_each_claim_has_its_checker_and_the_matching_value() {
    let stand = Explained::new();
    stand
        .home
        .write("trust.json", trust(PROVIDER, "sts.amazonaws.com", SUBJECT));
    let provider = format!("{PROVIDER}=openshift,sts.amazonaws.com");
    let given = ["--trust", "trust.json", "--provider", &provider];
    let explained = stand.json(&given, 0);
    let yes = &json!(true);
    assert_eq!(check(&explained, "iss", "STS"), (&json!([PROVIDER]), yes));
    assert_eq!(
        check(&explained, "iss", "trust policy"),
        (&json!([PROVIDER]), yes)
    );
    assert_eq!(
        check(&explained, "aud", "STS"),
        (&json!(["openshift", "sts.amazonaws.com"]), yes)
    );
    assert_eq!(
        check(&explained, "aud", "trust policy"),
        (&json!(["sts.amazonaws.com"]), yes)
    );
    assert_eq!(
        check(&explained, "sub", "trust policy"),
        (&json!([SUBJECT]), yes)
    );
    for name in ["exp", "nbf", "iat"] {
        for checker in ["STS", "kube-apiserver"] {
            assert_eq!(check(&explained, name, checker).1, yes, "{name}");
        }
    }
    for (name, checker) in [
        ("kid", "STS"),
        ("kid", "kube-apiserver"),
        ("iss", "kube-apiserver"),
        ("aud", "kube-apiserver"),
        ("kubernetes.io/namespace", "kube-apiserver"),
        ("kubernetes.io/serviceaccount/name", "kube-apiserver"),
        ("kubernetes.io/serviceaccount/uid", "kube-apiserver"),
        ("kubernetes.io/pod/name", "kube-apiserver"),
        ("kubernetes.io/pod/uid", "kube-apiserver"),
        ("kubernetes.io/node/name", "nobody"),
        ("kubernetes.io/node/uid", "nobody"),
        ("kubernetes.io/warnafter", "nobody"),
        ("jti", "nobody"),
    ] {
        // Nothing that was given says what these have to be.
        assert_eq!(
            check(&explained, name, checker),
            (&Value::Null, &Value::Null)
        );
    }
    // Every claim of the token has its line.
    let uid = "cc040630-1e85-4339-9699-7106c2b37a9b";
    assert_eq!(claim(&explained, "kubernetes.io/pod/uid")["value"], uid);
    assert!(
        explained
            .as_array()
            .unwrap()
            .iter()
            .all(|claim| !claim["checks"].as_array().unwrap().is_empty()),
        "{explained:#}"
    );

    let page = stand.run(&[&["--explain"], &given[..]].concat());
    let page = page.succeeded();
    for (name, parts) in [
        ("iss ", ["STS", PROVIDER, "holds"]),
        ("aud ", ["STS", "openshift, sts.amazonaws.com", "holds"]),
        ("sub ", ["trust policy", "trust.json:11:11", "holds"]),
        (
            "kubernetes.io/pod/uid ",
            ["kube-apiserver", "dies with the pod", uid],
        ),
    ] {
        let line = page.lines().find(|line| line.starts_with(name)).unwrap();
        for part in parts {
            assert!(line.contains(part), "missing {part:?} in {line}");
        }
    }
    // Without provider and policy: what has to be there.
    let page = stand.run(&["--explain"]);
    let page = page.succeeded();
    for part in [
        &format!("arn:…:oidc-provider/{HOST}") as &str,
        "`Principal.Federated` is that provider's ARN",
        &format!("its condition on `{HOST}:aud`"),
        &format!("its condition on `{HOST}:sub`"),
        "AWS reads nothing of `kubernetes.io`",
    ] {
        assert!(page.contains(part), "missing {part:?} in\n{page}");
    }
}

#[test]
fn claims_that_do_not_match_what_was_given_are_1() {
    let stand = Explained::new();
    let fits = format!("{PROVIDER}=sts.amazonaws.com");
    let no = &json!(false);
    for (claim, checker, provider, trust) in [
        (
            "iss",
            "STS",
            &format!("{OTHER_PROVIDER}=sts.amazonaws.com"),
            trust(PROVIDER, "sts.amazonaws.com", SUBJECT),
        ),
        (
            "aud",
            "STS",
            &format!("{PROVIDER}=openshift"),
            trust(PROVIDER, "sts.amazonaws.com", SUBJECT),
        ),
        (
            "iss",
            "trust policy",
            &fits,
            trust(OTHER_PROVIDER, "sts.amazonaws.com", SUBJECT),
        ),
        (
            "aud",
            "trust policy",
            &fits,
            trust(PROVIDER, "openshift", SUBJECT),
        ),
        (
            "sub",
            "trust policy",
            &fits,
            trust(
                PROVIDER,
                "sts.amazonaws.com",
                "system:serviceaccount:ns:other",
            ),
        ),
    ] {
        stand.home.write("trust.json", trust);
        let given = ["--trust", "trust.json", "--provider", provider];
        let explained = stand.json(&given, 1);
        assert_eq!(
            check(&explained, claim, checker).1,
            no,
            "{claim}, {checker}"
        );
        // One mistake, one line that fails.
        let fails = explained
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|claim| claim["checks"].as_array().unwrap())
            .filter(|check| &check["holds"] == no);
        assert_eq!(fails.count(), 1, "{claim}, {checker}: {explained:#}");
    }
    // A token of another cluster's key.
    let other = SigningKey::generate(KeySize::Rsa2048).unwrap();
    let jwks = podpass_token::Jwks::of(std::slice::from_ref(other.public())).to_json();
    stand.home.write("keys.json", jwks);
    let ran = stand.run(&["--explain", "--jwks", "keys.json"]);
    ran.refused(1, &["ISSUER_KEY_MISSING"]);
    // An expired one: neither takes it.
    let mut claims = stand.cluster.claims("ns", "app");
    claims.expires_at = claims.issued_at - 301;
    stand.cluster.write(stand.home.path("token"), &claims);
    let explained = stand.json(&[], 1);
    for checker in ["STS", "kube-apiserver"] {
        assert_eq!(check(&explained, "exp", checker).1, no);
    }
    // STS is more patient.
    claims.expires_at = claims.issued_at - 100;
    stand.cluster.write(stand.home.path("token"), &claims);
    let explained = stand.json(&[], 1);
    assert_eq!(check(&explained, "exp", "STS").1, &json!(true));
    assert_eq!(check(&explained, "exp", "kube-apiserver").1, no);
    // Two audiences are none.
    let mut claims = stand.cluster.claims("ns", "app");
    claims.audiences.push("openshift".to_owned());
    stand.cluster.write(stand.home.path("token"), &claims);
    stand
        .home
        .write("trust.json", trust(PROVIDER, "sts.amazonaws.com", SUBJECT));
    let explained = stand.json(&["--trust", "trust.json"], 1);
    assert_eq!(check(&explained, "aud", "STS").1, no);
    assert_eq!(check(&explained, "sub", "trust policy").1, &json!(true));
}

#[test]
fn a_trust_policy_that_leaves_a_claim_open_is_told() {
    let stand = Explained::new();
    let open = trust(PROVIDER, "sts.amazonaws.com", SUBJECT)
        .replace(&format!(",\n          \"{HOST}:sub\": \"{SUBJECT}\""), "");
    stand.home.write("trust.json", open);
    let page = stand.run(&["--explain", "--trust", "trust.json"]);
    let told = "no condition: every service account of the issuer passes";
    assert!(page.succeeded().contains(told), "{page:#?}");
}

#[test]
fn what_cannot_be_compared_with_is_refused() {
    let stand = Explained::new();
    stand
        .run(&["--trust", "trust.json"])
        .refused(2, &["--explain"]);
    stand
        .run(&["--provider", PROVIDER])
        .refused(2, &["--explain"]);
    stand
        .run(&["--explain", "--provider", "oidc.example.org=a"])
        .refused(2, &["oidc.example.org", "--provider"]);
    stand
        .run(&["--explain", "--trust", "absent.json"])
        .refused(2, &["absent.json"]);
    stand.home.write("trust.json", "{\"Version\": }");
    stand
        .run(&["--explain", "--trust", "trust.json"])
        .refused(2, &["trust.json:1:13"]);
    stand.home.write("token", "not.a.token");
    stand.run(&["--explain"]).refused(2, &["TOKEN_MALFORMED"]);
    // Claims of the wrong kind are shown, not believed: `iss` is no text here.
    let odd = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOlsxXSwiYXVkIjp7fSwia3ViZXJuZXRlcy5pbyI6MX0.AAAA";
    let file = stand.home.write("odd", odd);
    let ran = run(stand
        .home
        .command(PODPASS)
        .args(["token", "decode", "--explain"])
        .arg(file));
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.out.contains("(absent)"), "{ran:#?}");
}
