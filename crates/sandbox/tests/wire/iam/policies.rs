//! Managed policies and their versions.

use std::process::Command;

use serde_json::Value;

use super::{POLICY, user_with};
use crate::fixture::{ACCOUNT, Fixture};

/// Prints each policy that AWS manages as moto 5.2.5 ships it, one JSON object a line.
const PRINT_POLICIES: &str = "\
import json
import moto
from moto.iam.aws_managed_policies import aws_managed_policies_data as data
assert moto.__version__ == '5.2.5', moto.__version__
for name, policy in json.loads(data).items():
    print(json.dumps(dict(policy, Name=name)))
";

#[test]
fn policies_come_back_with_their_versions() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let created = admin
        .iam(
            "CreatePolicy",
            &[
                ("PolicyName", "p"),
                ("Path", "/a/"),
                ("PolicyDocument", POLICY),
                ("Description", "d"),
            ],
        )
        .ok();
    let arn = created.text("Arn").unwrap();
    assert_eq!(arn, format!("arn:aws:iam::{ACCOUNT}:policy/a/p"));
    let read = admin.iam("GetPolicy", &[("PolicyArn", &arn)]).ok();
    assert_eq!(
        (
            read.text("DefaultVersionId").as_deref(),
            read.text("Description").as_deref()
        ),
        (Some("v1"), Some("d"))
    );
    let version = admin
        .iam(
            "GetPolicyVersion",
            &[("PolicyArn", &arn), ("VersionId", "v1")],
        )
        .ok();
    assert_eq!(
        version.text("Document"),
        Some(crate::client::encode(POLICY))
    );
    let local = admin.iam("ListPolicies", &[("Scope", "Local")]).ok();
    assert_eq!(local.texts("PolicyName"), ["p"]);
    let all = admin.iam("ListPolicies", &[]).ok();
    assert_eq!(
        all.texts("PolicyName"),
        [
            "p",
            "AdministratorAccess",
            "AmazonDynamoDBReadOnlyAccess",
            "AmazonEKS_CNI_Policy",
            "AmazonRoute53FullAccess",
            "AmazonS3FullAccess",
            "AmazonS3ReadOnlyAccess",
            "IAMFullAccess",
            "IAMReadOnlyAccess",
            "PowerUserAccess",
            "ReadOnlyAccess",
            "AmazonEBSCSIDriverPolicy",
        ]
    );
    let aws = "arn:aws:iam::aws:policy/AdministratorAccess";
    assert_eq!(
        admin
            .iam("GetPolicy", &[("PolicyArn", aws)])
            .ok()
            .text("PolicyName")
            .as_deref(),
        Some("AdministratorAccess")
    );
    admin
        .iam(
            "GetPolicyVersion",
            &[("PolicyArn", aws), ("VersionId", "v1")],
        )
        .ok();
    admin.iam("DeletePolicy", &[("PolicyArn", &arn)]).ok();
    assert_eq!(admin.iam("GetPolicy", &[("PolicyArn", &arn)]).status, 404);
}

#[test]
fn policies_of_aws_are_those_of_a_peer() {
    let Some(python) = podpass_testkit::python_with_moto() else {
        return;
    };
    let output = Command::new(python)
        .args(["-I", "-c", PRINT_POLICIES])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let listed = admin.iam("ListPolicies", &[("Scope", "AWS")]).ok();
    let names = listed.texts("PolicyName");
    for (arn, name) in listed.texts("Arn").iter().zip(&names) {
        let policy = admin.iam("GetPolicy", &[("PolicyArn", arn)]).ok();
        let version = policy.text("DefaultVersionId").unwrap();
        let parameters = [("PolicyArn", arn.as_str()), ("VersionId", &version)];
        let read = admin.iam("GetPolicyVersion", &parameters).ok();
        let document = percent_decoded(&read.text("Document").unwrap());
        let document: Value = serde_json::from_str(&document).unwrap();

        let peer = theirs.iter().find(|peer| peer["Name"] == **name).unwrap();
        assert_eq!(document, peer["Document"], "{name}");
        for element in ["Path", "DefaultVersionId"] {
            let own = policy.text(element).unwrap();
            assert_eq!(peer[element], *own, "{name} {element}");
        }
        for element in ["CreateDate", "UpdateDate"] {
            let own = policy.text(element).unwrap().replace('Z', "+00:00");
            assert_eq!(peer[element], *own, "{name} {element}");
        }
        let listed = admin.iam("ListPolicyVersions", &parameters[..1]).ok();
        assert_eq!(listed.texts("VersionId"), [version], "{name}");
    }
    assert_eq!(names.len(), 11);
}

#[test]
fn policies_of_aws_permit_what_they_are_for() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    for (name, lists_users, tags_users, lists_buckets) in [
        ("AdministratorAccess", true, true, true),
        ("PowerUserAccess", false, false, true),
        ("ReadOnlyAccess", true, false, true),
        ("IAMFullAccess", true, true, false),
        ("IAMReadOnlyAccess", true, false, false),
        ("AmazonS3FullAccess", false, false, true),
        ("AmazonS3ReadOnlyAccess", false, false, true),
        ("AmazonDynamoDBReadOnlyAccess", false, false, false),
        ("service-role/AmazonEBSCSIDriverPolicy", false, false, false),
        ("AmazonEKS_CNI_Policy", false, false, false),
    ] {
        let user = name.rsplit('/').next().unwrap();
        let client = user_with(&fixture, user, r#""sts:GetCallerIdentity""#);
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        let attachment = [("UserName", user), ("PolicyArn", &arn)];
        admin.iam("AttachUserPolicy", &attachment).ok();
        let tag = [
            ("UserName", user),
            ("Tags.member.1.Key", "k"),
            ("Tags.member.1.Value", "v"),
        ];
        for (call, reply, permitted) in [
            ("ListUsers", client.iam("ListUsers", &[]), lists_users),
            ("TagUser", client.iam("TagUser", &tag), tags_users),
            ("ListBuckets", client.s3("GET", "/", ""), lists_buckets),
        ] {
            let expected = if permitted { 200 } else { 403 };
            assert_eq!(reply.status, expected, "{name} {call}: {}", reply.body);
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                hex::decode(digits).unwrap()[0]
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}
