//! OIDC providers.

use crate::fixture::{ACCOUNT, Fixture};

#[test]
fn providers_keep_what_aws_keeps() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let thumbprint = "A9D53002E97E00E043244F3D170D6F4C414104FD";
    let created = admin
        .iam(
            "CreateOpenIDConnectProvider",
            &[
                ("Url", "https://Issuer.example/Path/"),
                ("ClientIDList.member.1", "openshift"),
                ("ClientIDList.member.2", "sts.amazonaws.com"),
                ("ClientIDList.member.3", "openshift"),
                ("ThumbprintList.member.1", thumbprint),
                ("Tags.member.1.Key", "key"),
                ("Tags.member.1.Value", "1"),
            ],
        )
        .ok();
    let arn = created.text("OpenIDConnectProviderArn").unwrap();
    assert_eq!(
        arn,
        format!("arn:aws:iam::{ACCOUNT}:oidc-provider/Issuer.example/Path/")
    );
    admin
        .iam(
            "TagOpenIDConnectProvider",
            &[
                ("OpenIDConnectProviderArn", &arn),
                ("Tags.member.1.Key", "Key"),
                ("Tags.member.1.Value", "2"),
            ],
        )
        .ok();
    for (action, client_id) in [
        ("AddClientIDToOpenIDConnectProvider", "openshift"),
        ("AddClientIDToOpenIDConnectProvider", "third"),
        (
            "RemoveClientIDFromOpenIDConnectProvider",
            "sts.amazonaws.com",
        ),
        ("RemoveClientIDFromOpenIDConnectProvider", "never-there"),
    ] {
        admin
            .iam(
                action,
                &[("OpenIDConnectProviderArn", &arn), ("ClientID", client_id)],
            )
            .ok();
    }
    let read = admin
        .iam(
            "GetOpenIDConnectProvider",
            &[("OpenIDConnectProviderArn", &arn)],
        )
        .ok();
    assert_eq!(read.text("Url").as_deref(), Some("Issuer.example/Path/"));
    let lower = thumbprint.to_lowercase();
    assert!(
        read.body.contains(
            "<ClientIDList><member>openshift</member><member>third</member></ClientIDList>"
        ),
        "{}",
        read.body
    );
    assert!(
        read.body.contains(&format!(
            "<ThumbprintList><member>{lower}</member></ThumbprintList>"
        )),
        "{}",
        read.body
    );
    assert_eq!(read.texts("Key"), ["key", "Key"]);
    let listed = admin.iam("ListOpenIDConnectProviders", &[]).ok();
    assert_eq!(listed.texts("Arn"), [arn.as_str()]);
    admin
        .iam(
            "UntagOpenIDConnectProvider",
            &[
                ("OpenIDConnectProviderArn", &arn),
                ("TagKeys.member.1", "key"),
            ],
        )
        .ok();
    let tags = admin
        .iam(
            "ListOpenIDConnectProviderTags",
            &[("OpenIDConnectProviderArn", &arn)],
        )
        .ok();
    assert_eq!(tags.texts("Key"), ["Key"]);
    admin
        .iam(
            "DeleteOpenIDConnectProvider",
            &[("OpenIDConnectProviderArn", &arn)],
        )
        .ok();
    assert!(
        admin
            .iam("ListOpenIDConnectProviders", &[])
            .ok()
            .texts("Arn")
            .is_empty()
    );
}
