//! Presigned calls, as clusters of EKS take them for credentials.

use jiff::SignedDuration;

use crate::client::{Client, Faults, Keys};
use crate::fixture::{ACCOUNT, Fixture, claims, keys_of, mint};

const CLUSTER: (&str, &str) = ("x-k8s-aws-id", "cluster-1");
const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// The call of aws-iam-authenticator and of `aws eks get-token`.
fn target(client: &Client) -> String {
    client.presigned("sts", IDENTITY, &[CLUSTER], 60)
}

#[test]
fn whoever_has_a_presigned_call_learns_who_made_it() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    for (client, arn) in [
        (&fixture.admin, format!("arn:aws:iam::{ACCOUNT}:user/admin")),
        (
            &session,
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/reader/pod"),
        ),
    ] {
        let anonymous = client.anonymous();
        let reply = anonymous.send("sts", "GET", &target(client), &[CLUSTER], b"");
        assert_eq!(reply.ok().text("Arn"), Some(arn));
    }
}

/// A case's name, the target, the headers, and the answer's status and code.
type Sent<'a> = (&'a str, String, &'a [(&'a str, &'a str)], (u16, &'a str));

#[test]
fn a_presigned_call_is_good_for_what_it_was_signed_for() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let shifted = |clock| {
        let faults = Faults {
            clock,
            ..Faults::default()
        };
        target(&admin.with_faults(faults))
    };
    let stranger = admin.with_keys(Keys {
        id: "AKIARZPUZDIKAAAAAAAA".into(),
        secret: "secret".into(),
        token: None,
    });
    let wrong_secret = admin.with_keys(Keys {
        id: "admin_1".into(),
        secret: "wrong".into(),
        token: None,
    });
    let good = target(admin);
    let other_cluster = [(CLUSTER.0, "cluster-2")];
    let cases: [Sent<'_>; 11] = [
        ("good", good.clone(), &[CLUSTER], (200, "")),
        (
            "fourteen minutes old, whatever it says of sixty seconds",
            shifted(SignedDuration::from_mins(-14)),
            &[CLUSTER],
            (200, ""),
        ),
        (
            "sixteen minutes old",
            shifted(SignedDuration::from_mins(-16)),
            &[CLUSTER],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "from ahead",
            shifted(SignedDuration::from_mins(6)),
            &[CLUSTER],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "another cluster",
            good.clone(),
            &other_cluster,
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "no cluster",
            good.clone(),
            &[],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "another action",
            good.replace("GetCallerIdentity", "GetSessionToken"),
            &[CLUSTER],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "a second action",
            format!("{good}&Action=GetSessionToken"),
            &[CLUSTER],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "unknown key",
            target(&stranger),
            &[CLUSTER],
            (403, "InvalidClientTokenId"),
        ),
        (
            "wrong secret",
            target(&wrong_secret),
            &[CLUSTER],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "no date",
            good.replace("X-Amz-Date", "X-Date"),
            &[CLUSTER],
            (400, "IncompleteSignature"),
        ),
    ];
    for (case, target, headers, (status, code)) in cases {
        let reply = admin.anonymous().send("sts", "GET", &target, headers, b"");
        assert_eq!(
            reply.error(),
            (status, code.to_owned()),
            "{case}: {}",
            reply.body
        );
    }
    let reply = admin.send("sts", "GET", &good, &[CLUSTER], b"");
    assert_eq!(
        reply.error(),
        (400, "IncompleteSignature".to_owned()),
        "signed in both places"
    );
}

#[test]
fn a_presigned_call_keeps_the_session_that_made_it() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let one = keys_of(&fixture.assume(mint(&claims()).expose()).ok());
    let other = keys_of(&fixture.assume(mint(&claims()).expose()).ok());
    for (case, token) in [("absent", None), ("of another session", other.token)] {
        let client = fixture.admin.with_keys(Keys {
            token,
            ..one.clone()
        });
        let reply = client
            .anonymous()
            .send("sts", "GET", &target(&client), &[CLUSTER], b"");
        assert_eq!(
            reply.error(),
            (403, "InvalidClientTokenId".to_owned()),
            "{case}"
        );
    }
}
