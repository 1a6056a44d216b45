//! Issuers outside of the sandbox: what is asked of them, what is believed, and what is kept.

use jiff::SignedDuration;
use podpass_kinds::Reason;
use podpass_sandbox::{Authorities, ClockSetting, Outcome, RemoteIssuers};
use podpass_token::{Jwks, KeySize, SigningKey, Token, discovery_document};

use crate::client::Reply;
use crate::fixture::{ACCOUNT, Fixture, KEY, claims};
use crate::https_issuer::{Answer, HttpsIssuer};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference \
    AssumeRoleWithWebIdentity documentation for requirements";
const UNTRUSTED: &str =
    "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint";

/// A sandbox with a role that trusts the issuer's service account.
struct Scene {
    fixture: Fixture,
    issuer: HttpsIssuer,
}

/// Whether the issuer's authority is trusted, or which thumbprints its provider has.
enum Trust {
    Authority,
    Thumbprints(Vec<String>),
}

impl Scene {
    fn new(trust: &Trust) -> Self {
        Self::with(trust, true)
    }

    fn with(trust: &Trust, allow_private: bool) -> Self {
        let runtime = crate::fixture::runtime();
        let issuer = HttpsIssuer::start(&runtime);
        let authorities = match trust {
            Trust::Authority => Authorities::from_pem(&issuer.authority).unwrap(),
            Trust::Thumbprints(_) => Authorities::default(),
        };
        let remote_issuers = RemoteIssuers {
            asked: true,
            allow_private,
            authorities,
        };
        let fixture = Fixture::start_on(runtime, remote_issuers);
        let scene = Self { fixture, issuer };
        scene.publish(&[&KEY]);
        let thumbprints = match trust {
            Trust::Authority => Vec::new(),
            Trust::Thumbprints(thumbprints) => thumbprints.clone(),
        };
        scene.register(&thumbprints);
        scene
    }

    fn publish(&self, keys: &[&SigningKey]) {
        let url = self.issuer.url();
        let discovery = discovery_document(&url);
        self.issuer.answer(DISCOVERY, Answer::Document(discovery));
        let keys: Vec<_> = keys.iter().map(|key| key.public().clone()).collect();
        let jwks = Jwks::of(&keys).to_json();
        self.issuer.answer("/keys.json", Answer::Document(jwks));
    }

    fn register(&self, thumbprints: &[String]) {
        let url = self.issuer.url();
        let mut parameters = vec![
            ("Url".to_owned(), url.clone()),
            (
                "ClientIDList.member.1".to_owned(),
                "sts.amazonaws.com".to_owned(),
            ),
        ];
        for (index, thumbprint) in thumbprints.iter().enumerate() {
            let name = format!("ThumbprintList.member.{}", index + 1);
            parameters.push((name, thumbprint.clone()));
        }
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let admin = &self.fixture.admin;
        admin.iam("CreateOpenIDConnectProvider", &parameters).ok();
        let host = url.strip_prefix("https://").unwrap();
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{host}:sub":"system:serviceaccount:default:reader"}}}}}}]}}"#
        );
        let role = [
            ("RoleName", "reader"),
            ("AssumeRolePolicyDocument", trust.as_str()),
        ];
        admin.iam("CreateRole", &role).ok();
    }

    fn token(&self, key: &SigningKey) -> Token {
        let mut claims = claims();
        claims.issuer = self.issuer.url();
        key.mint(&claims)
    }

    fn assume(&self) -> Reply {
        self.fixture.assume(self.token(&KEY).expose())
    }

    /// The reason, and what was found where.
    #[track_caller]
    fn denied(&self, reply: &Reply) -> (Reason, String) {
        let event = self.fixture.event(reply);
        let Outcome::Denied { reason, .. } = event.outcome else {
            panic!("{event:?}")
        };
        let failure = event.exchange.as_ref().unwrap().first_failure().unwrap();
        (
            reason.unwrap(),
            format!("{}: {}", failure.what, failure.actual.as_deref().unwrap()),
        )
    }
}

#[test]
fn an_issuer_elsewhere_is_asked_for_its_keys() {
    let scene = Scene::new(&Trust::Authority);
    scene.assume().ok();
    assert_eq!(scene.issuer.asked(), [DISCOVERY, "/keys.json"]);
    // One request, one event.
    let events = scene.fixture.sandbox.events();
    let exchanges = events
        .iter()
        .filter(|event| event.action == "AssumeRoleWithWebIdentity");
    assert_eq!(exchanges.count(), 1);
}

/// Whoever is not registered has no request made for them.
#[test]
fn only_registered_issuers_are_asked() {
    let scene = Scene::new(&Trust::Authority);
    let mut claims = claims();
    claims.issuer = format!("{}/other", scene.issuer.url());
    let reply = scene.fixture.assume(KEY.mint(&claims).expose());
    assert!(
        reply
            .message()
            .starts_with("No OpenIDConnect provider found")
    );
    let mut claims = self::claims();
    claims.issuer = scene.issuer.url();
    claims.audiences = vec!["other".to_owned()];
    let reply = scene.fixture.assume(KEY.mint(&claims).expose());
    assert_eq!(reply.message(), "Incorrect token audience");
    assert_eq!(scene.issuer.asked(), [""; 0]);
}

#[test]
fn addresses_of_this_machine_are_refused_unless_permitted() {
    let scene = Scene::with(&Trust::Authority, false);
    let reply = scene.assume();
    assert_eq!(reply.message(), NO_KEY);
    let (reason, found) = scene.denied(&reply);
    assert_eq!(reason, Reason::IssuerUnreachable);
    assert!(
        found.contains("a loopback address") && found.contains("--allow-private-issuers"),
        "{found}"
    );
    assert_eq!(scene.issuer.asked(), [""; 0]);
}

/// "Obtain the thumbprint": public authorities first, then an authority of the chain whose SHA-1 is listed.
#[test]
fn a_private_authority_is_trusted_by_its_thumbprint() {
    let other = "0".repeat(40);
    let nothing = Scene::new(&Trust::Thumbprints(vec![other.clone()]));
    let reply = nothing.assume();
    assert_eq!(reply.error(), (400, "InvalidIdentityToken".to_owned()));
    assert_eq!(reply.message(), UNTRUSTED);
    let (reason, found) = nothing.denied(&reply);
    assert_eq!(reason, Reason::IssuerCertificateUntrusted);
    let [authority, own] = &nothing.issuer.thumbprints;
    assert!(
        found.contains(&format!("SHA-1 of the chain: {own} {authority}")),
        "{found}"
    );
    // IAM keeps thumbprints in lower case, and takes both.
    let update = |thumbprint: &str| {
        let host = nothing.issuer.url().replace("https://", "");
        let arn = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{host}");
        let parameters = [
            ("OpenIDConnectProviderArn", arn.as_str()),
            ("ThumbprintList.member.1", other.as_str()),
            ("ThumbprintList.member.2", thumbprint),
        ];
        let admin = &nothing.fixture.admin;
        admin
            .iam("UpdateOpenIDConnectProviderThumbprint", &parameters)
            .ok();
    };
    update(own);
    let reply = nothing.assume();
    assert_eq!(reply.message(), UNTRUSTED);
    assert!(
        nothing
            .denied(&reply)
            .1
            .contains("the server's own certificate")
    );
    update(&authority.to_uppercase());
    nothing.assume().ok();
}

/// A listed authority is no licence for another host's certificate.
#[test]
fn the_certificate_has_to_be_the_hosts() {
    let scene = Scene::new(&Trust::Authority);
    // 127.0.0.1 is not in the certificate, which is localhost's.
    let elsewhere = format!("https://127.0.0.1:{}/keys.json", scene.issuer.port);
    let discovery = discovery_document(&scene.issuer.url())
        .replace(&format!("{}/keys.json", scene.issuer.url()), &elsewhere);
    scene.issuer.answer(DISCOVERY, Answer::Document(discovery));
    let reply = scene.assume();
    assert_eq!(reply.message(), UNTRUSTED);
    assert!(scene.denied(&reply).1.starts_with(&elsewhere));
}

#[test]
fn what_an_issuer_must_not_do() {
    let scene = Scene::new(&Trust::Authority);
    let url = scene.issuer.url();
    let discovery = discovery_document(&url);
    let jwks_at = |to: &str| Answer::Document(discovery.replace(&format!("{url}/keys.json"), to));
    for (case, at, answer, reason, found) in [
        (
            "gone",
            DISCOVERY,
            Answer::Status(404),
            Reason::IssuerUnreachable,
            "status 404",
        ),
        (
            "broken",
            "/keys.json",
            Answer::Status(503),
            Reason::IssuerUnreachable,
            "status 503",
        ),
        (
            "no JSON",
            DISCOVERY,
            Answer::Document("{".to_owned()),
            Reason::IssuerDocumentInvalid,
            "not JSON",
        ),
        (
            "too large",
            "/keys.json",
            Answer::Document(" ".repeat(131_073)),
            Reason::IssuerDocumentInvalid,
            "more than 131072 bytes",
        ),
        (
            "keys over http",
            DISCOVERY,
            jwks_at("http://localhost/keys.json"),
            Reason::IssuerUnreachable,
            "not https",
        ),
        (
            "redirected to http",
            "/keys.json",
            Answer::Redirect("http://localhost/keys.json".to_owned()),
            Reason::IssuerUnreachable,
            "not https",
        ),
        (
            "redirected to itself",
            "/keys.json",
            Answer::Redirect("/keys.json".to_owned()),
            Reason::IssuerUnreachable,
            "more than 5 redirections",
        ),
        (
            // Names under AWS's suffixes never leave the sandbox.
            "redirected into a bucket that is not here",
            "/keys.json",
            Answer::Redirect("https://absent.s3.eu-west-1.amazonaws.com/keys.json".to_owned()),
            Reason::IssuerUnreachable,
            "NoSuchBucket",
        ),
    ] {
        scene.issuer.answer(at, answer);
        let reply = scene.assume();
        assert_eq!(reply.message(), NO_KEY, "{case}");
        let denied = scene.denied(&reply);
        assert_eq!(denied.0, reason, "{case}: {}", denied.1);
        assert!(denied.1.contains(found), "{case}: {}", denied.1);
        scene.publish(&[&KEY]);
    }
    // A failure is not kept.
    scene.assume().ok();
}

#[test]
fn redirections_are_followed() {
    let scene = Scene::new(&Trust::Authority);
    scene.issuer.answer(
        "/moved",
        Answer::Document(Jwks::of(&[KEY.public().clone()]).to_json()),
    );
    scene.issuer.answer(
        "/half",
        Answer::Redirect(format!("{}/moved", scene.issuer.url())),
    );
    scene
        .issuer
        .answer("/keys.json", Answer::Redirect("/half".to_owned()));
    scene.assume().ok();
    assert_eq!(
        scene.issuer.asked(),
        [DISCOVERY, "/keys.json", "/half", "/moved"]
    );
}

#[test]
fn an_issuer_that_does_not_answer_costs_five_seconds() {
    let scene = Scene::new(&Trust::Authority);
    scene.issuer.answer(DISCOVERY, Answer::Silence);
    let reply = scene.assume();
    assert_eq!(reply.message(), NO_KEY);
    let (reason, found) = scene.denied(&reply);
    assert_eq!(reason, Reason::IssuerUnreachable);
    assert!(found.contains("no answer within 5 seconds"), "{found}");
}

/// `aws.md` A.4, step 8: kept for five minutes; a key that is not among those that are kept is looked for once in
/// thirty seconds.
#[test]
fn keys_are_kept_and_an_unknown_one_is_looked_for() {
    let scene = Scene::new(&Trust::Authority);
    let next = SigningKey::generate(KeySize::Rsa2048).unwrap();
    let ahead = |seconds: i64| {
        let offset = SignedDuration::from_secs(seconds);
        scene
            .fixture
            .sandbox
            .clock()
            .set(ClockSetting::Offset(offset));
    };
    let by_next = || scene.fixture.assume(scene.token(&next).expose());
    scene.assume().ok();
    scene.issuer.asked();
    scene.assume().ok();
    assert_eq!(scene.issuer.asked(), [""; 0], "kept");

    assert_eq!(by_next().message(), NO_KEY);
    assert_eq!(scene.issuer.asked().len(), 2, "looked for");
    scene.publish(&[&KEY, &next]);
    assert_eq!(by_next().message(), NO_KEY);
    assert_eq!(scene.issuer.asked(), [""; 0], "not twice in thirty seconds");
    ahead(31);
    by_next().ok();
    assert_eq!(scene.issuer.asked().len(), 2);

    // A key that is withdrawn counts until the keys are asked for again.
    scene.publish(&[&next]);
    ahead(31 + 290);
    scene.assume().ok();
    ahead(31 + 310);
    assert_eq!(scene.assume().message(), NO_KEY);
}

/// Many at once make one request.
#[test]
fn those_who_want_the_same_wait_for_one_answer() {
    let scene = Scene::new(&Trust::Authority);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| scene.assume().ok());
        }
    });
    assert_eq!(scene.issuer.asked(), [DISCOVERY, "/keys.json"]);
}

#[test]
fn a_pem_file_without_an_authority_is_refused() {
    for (text, found) in [
        ("", "there is no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "certificate 1 is none",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "certificate 1 cannot be read",
        ),
    ] {
        let error = Authorities::from_pem(text).unwrap_err().to_string();
        assert!(error.contains(found), "{text:?}: {error}");
    }
}
