//! One evaluation of a permissions policy of ten statements, the last of which decides.

use std::hint::black_box;

use podpass_policy::{
    Attached, Context, Document, DocumentKind, Policies, Principal, Request, decide,
};

/// A session reads an object under its role's policy; verdict and trace.
pub(crate) fn evaluation() -> impl FnMut() {
    let document = Document::parse(POLICY, DocumentKind::Permissions).expect("the policy is valid");
    assert_eq!(document.statements.len(), 10);
    let principal = Principal::RoleSession {
        role: ROLE.parse().expect("the ARN is valid"),
        session: SESSION.parse().expect("the ARN is valid"),
    };
    let mut context = Context::new();
    for (key, value) in [
        ("aws:PrincipalArn", ROLE),
        ("aws:PrincipalAccount", "123456789012"),
        ("aws:PrincipalType", "AssumedRole"),
        ("aws:RequestedRegion", "eu-west-1"),
        ("aws:SecureTransport", "true"),
        ("aws:SourceIp", "10.1.2.3"),
        ("aws:ResourceAccount", "123456789012"),
    ] {
        context.insert(key, value);
    }
    move || {
        let request = Request {
            principal: &principal,
            action: "s3:GetObject",
            resource: "arn:aws:s3:::team-a-data/reports/2026/11/summary.csv",
            context: &context,
        };
        let policies = Policies {
            identity: vec![Attached {
                source: "inline policy irsa-test of role irsa-test-irsa-test-credentials",
                document: &document,
            }],
            ..Policies::default()
        };
        let decision = decide(black_box(&request), black_box(&policies));
        assert!(black_box(&decision).is_allowed());
    }
}

const ROLE: &str = "arn:aws:iam::123456789012:role/irsa-test-irsa-test-credentials";
const SESSION: &str =
    "arn:aws:sts::123456789012:assumed-role/irsa-test-irsa-test-credentials/botocore-session-1";
const POLICY: &str = include_str!("../../fixtures/permissions.json");
