//! One of everything is made over the wire, and every answer about it is the same after a restart.

use podpass_sandbox::Issuer;
use podpass_token::Jwks;

use super::{control_of, start};
use crate::client::{Client, Reply, sha256};
use crate::fixture::{Fixture, KEY, PROVIDER_ARN, claims, keys_of, mint};

const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
const DENY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
const BOUNDARY: &str = "arn:aws:iam::aws:policy/PowerUserAccess";
const POLICY: &str = "arn:aws:iam::123456789012:policy/team/rules";
/// The issuer that is handed over.
const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";

/// A trust policy that names an IAM principal, which is kept by its id.
fn trusting(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{principal}","arn:aws:iam::123456789012:root"]}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

/// A call of IAM that has to succeed.
type IamCall<'a> = (&'a str, &'a [(&'a str, &'a str)]);

fn make_iam(admin: &Client) {
    let gone = "arn:aws:iam::123456789012:user/gone";
    let (by_gone, by_bob) = (
        trusting(gone),
        trusting("arn:aws:iam::123456789012:user/bob"),
    );
    let calls: &[IamCall<'_>] = &[
        ("CreateUser", &[("UserName", "gone")]),
        (
            "CreateUser",
            &[
                ("UserName", "bob"),
                ("Path", "/people/"),
                ("PermissionsBoundary", BOUNDARY),
                ("Tags.member.1.Key", "Team"),
                ("Tags.member.1.Value", "ä Ü:/=+-@"),
            ],
        ),
        ("CreateUser", &[("UserName", "carol")]),
        ("UpdateUser", &[("UserName", "bob"), ("NewPath", "/")]),
        ("CreateGroup", &[("GroupName", "Team"), ("Path", "/g/")]),
        (
            "AddUserToGroup",
            &[("GroupName", "Team"), ("UserName", "bob")],
        ),
        (
            "PutGroupPolicy",
            &[
                ("GroupName", "Team"),
                ("PolicyName", "all"),
                ("PolicyDocument", ALLOW),
            ],
        ),
        (
            "PutUserPolicy",
            &[
                ("UserName", "bob"),
                ("PolicyName", "none"),
                ("PolicyDocument", DENY),
            ],
        ),
        (
            "CreatePolicy",
            &[
                ("PolicyName", "rules"),
                ("Path", "/team/"),
                ("PolicyDocument", ALLOW),
                ("Description", "the rules"),
                ("Tags.member.1.Key", "k"),
                ("Tags.member.1.Value", ""),
            ],
        ),
        (
            "CreatePolicyVersion",
            &[
                ("PolicyArn", POLICY),
                ("PolicyDocument", DENY),
                ("SetAsDefault", "true"),
            ],
        ),
        (
            "CreatePolicyVersion",
            &[("PolicyArn", POLICY), ("PolicyDocument", ALLOW)],
        ),
        (
            "DeletePolicyVersion",
            &[("PolicyArn", POLICY), ("VersionId", "v3")],
        ),
        (
            "AttachGroupPolicy",
            &[("GroupName", "Team"), ("PolicyArn", POLICY)],
        ),
        (
            "CreateRole",
            &[
                ("RoleName", "Mixed"),
                ("Path", "/a/b/"),
                ("AssumeRolePolicyDocument", &by_gone),
                ("Description", "mixed"),
                ("MaxSessionDuration", "7200"),
                ("Tags.member.1.Key", "k"),
                ("Tags.member.1.Value", "v"),
            ],
        ),
        (
            "CreateRole",
            &[
                ("RoleName", "by-bob"),
                ("AssumeRolePolicyDocument", &by_bob),
            ],
        ),
        (
            "AttachRolePolicy",
            &[("RoleName", "Mixed"), ("PolicyArn", POLICY)],
        ),
        (
            "AttachRolePolicy",
            &[("RoleName", "Mixed"), ("PolicyArn", BOUNDARY)],
        ),
        (
            "PutRolePolicy",
            &[
                ("RoleName", "Mixed"),
                ("PolicyName", "Inline"),
                ("PolicyDocument", ALLOW),
            ],
        ),
        (
            "PutRolePermissionsBoundary",
            &[("RoleName", "Mixed"), ("PermissionsBoundary", POLICY)],
        ),
        (
            "CreateInstanceProfile",
            &[
                ("InstanceProfileName", "nodes"),
                ("Path", "/n/"),
                ("Tags.member.1.Key", "k"),
                ("Tags.member.1.Value", "v"),
            ],
        ),
        (
            "AddRoleToInstanceProfile",
            &[("InstanceProfileName", "nodes"), ("RoleName", "Mixed")],
        ),
        // Those who trusted them show an id and a new name from now on.
        ("DeleteUser", &[("UserName", "gone")]),
        ("UpdateUser", &[("UserName", "bob"), ("NewUserName", "Rob")]),
        (
            "UpdateOpenIDConnectProviderThumbprint",
            &[
                ("OpenIDConnectProviderArn", PROVIDER_ARN),
                (
                    "ThumbprintList.member.1",
                    "990f4193972f2becf12ddeda5237f9c952f20d9e",
                ),
            ],
        ),
        (
            "AddClientIDToOpenIDConnectProvider",
            &[
                ("OpenIDConnectProviderArn", PROVIDER_ARN),
                ("ClientID", "other"),
            ],
        ),
        (
            "TagOpenIDConnectProvider",
            &[
                ("OpenIDConnectProviderArn", PROVIDER_ARN),
                ("Tags.member.1.Key", "k"),
                ("Tags.member.1.Value", "v"),
            ],
        ),
    ];
    for (action, parameters) in calls {
        admin.iam(action, parameters).ok();
    }
}

/// Every reading action of IAM, in each account.
fn look_at_iam(admin: &Client, looks: &mut Vec<(String, Reply)>) {
    let role = &[("RoleName", "Mixed")][..];
    let user = &[("UserName", "Rob")][..];
    let group = &[("GroupName", "Team")][..];
    let policy = &[("PolicyArn", POLICY)][..];
    let profile = &[("InstanceProfileName", "nodes")][..];
    let provider = &[("OpenIDConnectProviderArn", PROVIDER_ARN)][..];
    let calls: &[IamCall<'_>] = &[
        ("ListUsers", &[]),
        ("GetUser", user),
        ("ListUserTags", user),
        ("ListUserPolicies", user),
        (
            "GetUserPolicy",
            &[("UserName", "Rob"), ("PolicyName", "none")],
        ),
        ("ListAttachedUserPolicies", user),
        ("ListGroupsForUser", user),
        ("ListAccessKeys", user),
        ("ListAccessKeys", &[("UserName", "admin")]),
        ("ListGroups", &[]),
        ("GetGroup", group),
        ("ListGroupPolicies", group),
        (
            "GetGroupPolicy",
            &[("GroupName", "Team"), ("PolicyName", "all")],
        ),
        ("ListAttachedGroupPolicies", group),
        ("ListRoles", &[]),
        ("GetRole", role),
        ("GetRole", &[("RoleName", "by-bob")]),
        ("GetRole", &[("RoleName", "reader")]),
        ("ListRoleTags", role),
        ("ListRolePolicies", role),
        (
            "GetRolePolicy",
            &[("RoleName", "Mixed"), ("PolicyName", "Inline")],
        ),
        ("ListAttachedRolePolicies", role),
        ("ListInstanceProfiles", &[]),
        ("GetInstanceProfile", profile),
        ("ListInstanceProfileTags", profile),
        ("ListInstanceProfilesForRole", role),
        ("ListPolicies", &[]),
        ("GetPolicy", policy),
        ("ListPolicyVersions", policy),
        (
            "GetPolicyVersion",
            &[("PolicyArn", POLICY), ("VersionId", "v1")],
        ),
        (
            "GetPolicyVersion",
            &[("PolicyArn", POLICY), ("VersionId", "v2")],
        ),
        ("ListEntitiesForPolicy", policy),
        ("ListPolicyTags", policy),
        ("ListOpenIDConnectProviders", &[]),
        ("GetOpenIDConnectProvider", provider),
        ("ListOpenIDConnectProviderTags", provider),
    ];
    for (action, parameters) in calls {
        let reply = admin.iam(action, parameters).ok();
        looks.push((format!("{action} {parameters:?}"), reply));
    }
}

/// Sends a body with further headers.
fn put(admin: &Client, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let hash = sha256(body);
    let mut all = vec![("x-amz-content-sha256", hash.as_str())];
    all.extend(headers);
    admin
        .send(
            "s3",
            if target.contains("?uploads") {
                "POST"
            } else {
                "PUT"
            },
            target,
            &all,
            body,
        )
        .ok()
}

/// Buckets with every setting, objects with every attribute; gives the id of an upload under way.
fn make_s3(admin: &Client) -> String {
    let location = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    for bucket in ["docs", "bare", "removed"] {
        admin.s3("PUT", &format!("/{bucket}"), location).ok();
    }
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>";
    let ownership = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>";
    let block = "<PublicAccessBlockConfiguration><IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>";
    // A principal that was renamed, and one that is gone.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/carol"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}]}"#;
    for (setting, body) in [
        ("tagging", tags),
        ("ownershipControls", ownership),
        ("publicAccessBlock", block),
        ("policy", policy),
    ] {
        admin.s3("PUT", &format!("/docs?{setting}"), body).ok();
    }
    let moved = [("UserName", "carol"), ("NewUserName", "caroline")];
    admin.iam("UpdateUser", &moved).ok();
    admin.s3("DELETE", "/bare?publicAccessBlock", "").ok();
    admin.s3("DELETE", "/bare?ownershipControls", "").ok();
    admin.s3("PUT", "/docs/plain", "hello").ok();
    admin.s3("PUT", "/docs/empty", "").ok();
    admin.s3("PUT", "/docs/twice", "one").ok();
    admin.s3("PUT", "/docs/twice", "two").ok();
    admin.s3("PUT", "/docs/gone", "hello").ok();
    admin.s3("DELETE", "/docs/gone", "").ok();
    let headers = [
        ("content-type", "text/x"),
        ("cache-control", "no-cache"),
        ("x-amz-meta-k", "v"),
        ("x-amz-tagging", "t=1&u=2"),
        ("x-amz-storage-class", "STANDARD_IA"),
        (
            "x-amz-checksum-sha1",
            "qvTGHdzF6KLavt4PO0gs2a6pQ00=", // SHA-1 of `hello`, in Base64
        ),
    ];
    put(admin, "/docs/a%20key/%C3%BC", &headers, b"hello");
    put(
        admin,
        "/docs/copy",
        &[("x-amz-copy-source", "docs/a%20key/%C3%BC")],
        b"",
    );
    let upload = |key: &str| {
        put(
            admin,
            &format!("/docs/{key}?uploads"),
            &[("x-amz-tagging", "m=1")],
            b"",
        )
        .text("UploadId")
        .unwrap()
    };
    // One that becomes an object, one that is aborted, one that stays under way.
    let done = upload("big");
    let part = admin
        .s3(
            "PUT",
            &format!("/docs/big?partNumber=3&uploadId={done}"),
            "the only part",
        )
        .ok();
    let etag = &part.headers["etag"];
    let complete = format!(
        "<CompleteMultipartUpload><Part><PartNumber>3</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    admin
        .s3("POST", &format!("/docs/big?uploadId={done}"), &complete)
        .ok();
    let aborted = upload("aborted");
    admin
        .s3(
            "PUT",
            &format!("/docs/aborted?partNumber=1&uploadId={aborted}"),
            "part",
        )
        .ok();
    admin
        .s3("DELETE", &format!("/docs/aborted?uploadId={aborted}"), "")
        .ok();
    let under_way = upload("later");
    for (number, text) in [("1", "replaced"), ("1", "first"), ("7", "last")] {
        let target = format!("/docs/later?partNumber={number}&uploadId={under_way}");
        admin.s3("PUT", &target, text).ok();
    }
    // A bucket goes with its uploads.
    put(admin, "/removed/x?uploads", &[], b"");
    admin.s3("DELETE", "/removed", "").ok();
    under_way
}

/// Every reading operation of S3 that has something to tell.
fn look_at_s3(admin: &Client, upload: &str, looks: &mut Vec<(String, Reply)>) {
    let parts = format!("/docs/later?uploadId={upload}");
    let mut calls = vec![("GET", "/".to_owned()), ("GET", parts)];
    for bucket in ["docs", "bare", "c1-oidc"] {
        calls.push(("HEAD", format!("/{bucket}")));
        for sub in [
            "",
            "?list-type=2&fetch-owner=true",
            "?location",
            "?tagging",
            "?policy",
            "?policyStatus",
            "?publicAccessBlock",
            "?ownershipControls",
            "?acl",
            "?uploads",
            "?versioning",
        ] {
            calls.push(("GET", format!("/{bucket}{sub}")));
        }
    }
    for key in [
        "plain",
        "empty",
        "twice",
        "gone",
        "copy",
        "big",
        "a%20key/%C3%BC",
    ] {
        calls.push(("GET", format!("/docs/{key}")));
        calls.push(("GET", format!("/docs/{key}?tagging")));
    }
    calls.push(("GET", "/docs/big?partNumber=1".to_owned()));
    for (method, target) in calls {
        let headers = [
            ("x-amz-content-sha256", &*sha256(b"")),
            ("x-amz-checksum-mode", "ENABLED"),
        ];
        let reply = admin.send("s3", method, &target, &headers, b"");
        assert_ne!(reply.status, 500, "{target}: {}", reply.body);
        looks.push((format!("{method} {target}"), reply));
    }
}

/// What an answer says, without what differs each time.
fn said(reply: &Reply) -> String {
    let mut text = format!("{}\n", reply.status);
    for (name, value) in &reply.headers {
        if ![
            "date",
            "x-podpass-event",
            "x-amz-request-id",
            "x-amz-id-2",
            "x-amzn-requestid",
        ]
        .contains(&name.as_str())
        {
            text.extend([name, ": ", value, "\n"]);
        }
    }
    let mut body = reply.body.clone();
    for element in ["RequestId", "HostId"] {
        if let Some(id) = reply.text(element) {
            body = body.replace(&id, "");
        }
    }
    text + &body
}

fn look(fixture: &Fixture, upload: &str) -> Vec<(String, String)> {
    let mut looks = Vec::new();
    look_at_iam(&fixture.admin, &mut looks);
    look_at_s3(&fixture.admin, upload, &mut looks);
    let other = fixture.other_admin();
    looks.push(("other users".into(), other.iam("ListUsers", &[]).ok()));
    looks.push(("other buckets".into(), other.s3("GET", "/", "").ok()));
    looks
        .into_iter()
        .map(|(call, reply)| (call, said(&reply)))
        .collect()
}

#[test]
fn every_answer_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    first.make_identity();
    let key = [("UserName", "admin")];
    let extra = first.admin.iam("CreateAccessKey", &key).ok();
    make_iam(&first.admin);
    let upload = make_s3(&first.admin);
    let user = [("UserName", "zoe")];
    first.other_admin().iam("CreateUser", &user).ok();
    let handed = Issuer::new(CLUSTER, &Jwks::of(&[KEY.public().clone()]).to_json()).unwrap();
    first.sandbox.add_issuer(handed).unwrap();
    let of_role = first.assume(mint(&claims()).expose()).ok();
    let of_user = first.admin.sts("GetSessionToken", &[]).ok();
    let before = look(&first, &upload);
    // Otherwise the comparison would be of nothing with nothing.
    let shown = |part: &str| before.iter().any(|(_, said)| said.contains(part));
    for part in [
        "AIDA",
        "/a/b/Mixed",
        "first".len().to_string().as_str(),
        "user/caroline",
        "t</Key>",
    ] {
        assert!(shown(part), "{part}");
    }
    drop(first);

    let second = start(folder.path());
    for ((call, before), (_, after)) in before.iter().zip(&look(&second, &upload)) {
        assert_eq!(before, after, "{call}");
    }
    // Secrets and sessions go on working, and the handed issuer's tokens are verified.
    let with = |reply: &Reply| second.admin.with_keys(keys_of(reply));
    let long_term = crate::client::Keys {
        token: None,
        ..keys_of(&extra)
    };
    let again = second.admin.with_keys(long_term);
    again.sts("GetCallerIdentity", &[]).ok();
    with(&of_role).s3("GET", "/", "").ok();
    with(&of_user).sts("GetCallerIdentity", &[]).ok();
    second.assume(mint(&claims()).expose()).ok();
    let known = second
        .sandbox
        .add_issuer(Issuer::new(CLUSTER, &Jwks::of(&[KEY.public().clone()]).to_json()).unwrap());
    assert_eq!(known, Ok(podpass_sandbox::Change::Unchanged));
    // The upload goes on where it was.
    let etags: Vec<String> = second
        .admin
        .s3("GET", &format!("/docs/later?uploadId={upload}"), "")
        .texts("ETag");
    let complete = format!(
        "<CompleteMultipartUpload><Part><PartNumber>7</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        etags[1]
    );
    second
        .admin
        .s3("POST", &format!("/docs/later?uploadId={upload}"), &complete)
        .ok();
    assert_eq!(second.admin.s3("GET", "/docs/later", "").body, "last");
}

#[test]
fn what_is_deleted_stays_deleted_and_leaves_no_content() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    first.make_identity();
    make_iam(&first.admin);
    make_s3(&first.admin);
    let contents = || {
        std::fs::read_dir(folder.path().join("contents"))
            .unwrap()
            .count()
    };
    assert!(contents() > 5, "{}", contents());
    first.runtime.block_on(control_of(&first).reset()).unwrap();
    assert_eq!(contents(), 0);
    let fresh = first.admin.iam("GetUser", &[("UserName", "admin")]).ok();
    drop(first);

    let second = start(folder.path());
    let again = second.admin.iam("GetUser", &[("UserName", "admin")]).ok();
    assert_eq!(said(&again), said(&fresh));
    for action in ["ListRoles", "ListGroups", "ListInstanceProfiles"] {
        let reply = second.admin.iam(action, &[]).ok();
        assert!(reply.texts("Arn").is_empty(), "{}", reply.body);
    }
    let users = second.admin.iam("ListUsers", &[]).ok();
    assert_eq!(users.texts("UserName"), ["admin"]);
    assert!(second.admin.s3("GET", "/", "").texts("Name").is_empty());
}
