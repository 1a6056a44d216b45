//! AWS's own words: for malformed documents and for denials.

use podpass_policy::{
    Attached, Context, Decision, Document, DocumentKind, Layer, MessageStyle, Policies, Principal,
    Request, Verdict, decide,
};

fn aws_message(text: &str, kind: DocumentKind) -> String {
    Document::parse(text, kind)
        .expect_err("the document is malformed")
        .aws_message()
}

#[test]
fn permissions_policies_get_iams_texts() {
    for (statement, expected) in [
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*""#,
            "Syntax errors in policy.",
        ),
        (
            r#"{"Effect":"allow","Action":"s3:*","Resource":"*"}"#,
            "Syntax errors in policy.",
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*"}"#,
            "Syntax errors in policy.",
        ),
        (
            r#"{"Effect":"Allow","Resource":"*"}"#,
            "Policy statement must contain actions.",
        ),
        (
            r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#,
            "Policy statement must contain actions.",
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*"}"#,
            "Policy statement must contain resources.",
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#,
            "Policy document should not specify a principal.",
        ),
        (
            r#"{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (
            r#"{"Effect":"Allow","Action":"GetObject","Resource":"*"}"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"x":"y"}}}"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            r#"{"Effect":"Allow","Action":"s3*:Get","Resource":"*"}"#,
            "Vendor s3* is not valid",
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#,
            r#"Resource bucket must be in ARN format or "*"."#,
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:b"}"#,
            "The policy failed legacy parsing",
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aw:s3:::b"}"#,
            r#"Partition "aw" is not valid for resource "arn:aw:s3:::b"."#,
        ),
    ] {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        assert_eq!(
            aws_message(&text, DocumentKind::Permissions),
            expected,
            "{statement}"
        );
    }
    let version = r#"{"Version":"2020-01-01","Statement":[]}"#;
    assert_eq!(
        aws_message(version, DocumentKind::Permissions),
        "Syntax errors in policy."
    );
}

#[test]
fn trust_policies_get_their_own_texts() {
    const ASSUME: &str = r#""Action":"sts:AssumeRole""#;
    let anyone = |rest: &str| format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"*"}},{rest}}}"#);
    let principal =
        |principal: &str| format!(r#"{{"Effect":"Allow","Principal":{principal},{ASSUME}}}"#);
    for (statement, expected) in [
        ("{".to_owned(), "This policy contains invalid Json"),
        (
            String::new(),
            "Could not parse the policy: Statement is empty!",
        ),
        (
            format!(r#"{{"Principal":"*",{ASSUME}}}"#),
            "Missing required field Effect",
        ),
        (
            format!(r#"{{"Effect":"Allow",{ASSUME}}}"#),
            "Missing required field Principal",
        ),
        (
            r#"{"Effect":"Allow","Principal":"*"}"#.to_owned(),
            "Missing required field Action",
        ),
        (
            principal("{}"),
            "Missing required field Principal cannot be empty!",
        ),
        (
            principal(r#"{"AWS":[]}"#),
            "Missing required field Principal cannot be empty!",
        ),
        (principal(r#""bob""#), "Principal must be a JSON object."),
        (principal(r#"["*"]"#), "Principal must be a JSON object."),
        (
            format!(r#"{{"Effect":"Allow","NotPrincipal":{{"AWS":"*"}},{ASSUME}}}"#),
            "Allow with NotPrincipal is not allowed.",
        ),
        (
            format!(r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":"*"}},{ASSUME}}}"#),
            "AssumeRole policy must not contain NotPrincipal field.",
        ),
        (
            anyone(r#""Action":"s3:GetObject""#),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            anyone(r#""Action":"sts:GetCallerIdentity""#),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            anyone(r#""Action":"*""#),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            anyone(r#""Action":"sts:AssumeRole","Resource":"*""#),
            "Has prohibited field Resource",
        ),
        (
            anyone(r#""Action":"sts:AssumeRole","NotResource":"*""#),
            "AssumeRole policy must not contain resources.",
        ),
        (
            principal(r#"{"AWS":"arn:aws:iam::123456789012:role/*"}"#),
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/*""#,
        ),
        (
            principal(r#"{"Service":"ec2"}"#),
            r#"Invalid principal in policy: "SERVICE":"ec2""#,
        ),
        (
            principal(r#"{"Federated":"https://example.com"}"#),
            "Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (
            principal(r#"{"Federated":"cognito-identity.amazonaws.com"}"#),
            "A condition block must be present for the Cognito provider",
        ),
        (
            format!(
                r#"{{"Sid":"a","Effect":"Allow","Principal":"*",{ASSUME}}},{{"Sid":"a","Effect":"Allow","Principal":"*",{ASSUME}}}"#
            ),
            "The Statement Ids in the policy are not unique",
        ),
        (
            anyone(r#""Action":"sts:AssumeRole","Condition":{"Equals":{}}"#),
            "Syntax error in policy.",
        ),
    ] {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        assert_eq!(
            aws_message(&text, DocumentKind::Trust),
            expected,
            "{statement}"
        );
    }
    let version = r#"{"Version":"2020-01-01","Statement":[]}"#;
    assert_eq!(
        aws_message(version, DocumentKind::Trust),
        "The policy must contain a valid version string"
    );
}

#[test]
fn trust_policies_take_every_action_that_assumes() {
    for action in [
        "sts:AssumeRole",
        "STS:assumerolewithwebidentity",
        "sts:AssumeRole*",
        "sts:TagSession",
        "sts:*",
    ] {
        let text =
            format!(r#"{{"Statement":{{"Effect":"Allow","Principal":"*","Action":"{action}"}}}}"#);
        assert!(
            Document::parse(&text, DocumentKind::Trust).is_ok(),
            "{action}"
        );
    }
}

#[test]
fn denials_are_worded_as_aws_does() {
    let user = Principal::User {
        arn: "arn:aws:iam::123456789012:user/bob".parse().unwrap(),
    };
    let context = Context::new();
    let request = Request {
        principal: &user,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        context: &context,
    };
    let head = "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: s3:GetObject on resource: ";
    for (verdict, reason) in [
        (
            Verdict::ImplicitDeny(Layer::Identity),
            " because no identity-based policy allows the s3:GetObject action",
        ),
        (
            Verdict::ImplicitDeny(Layer::Resource),
            " because no resource-based policy allows the s3:GetObject action",
        ),
        (
            Verdict::ImplicitDeny(Layer::Boundary),
            " because no permissions boundary allows the s3:GetObject action",
        ),
        (
            Verdict::ImplicitDeny(Layer::Session),
            " because no session policy allows the s3:GetObject action",
        ),
        (
            Verdict::ExplicitDeny(Layer::Identity),
            " with an explicit deny in an identity-based policy",
        ),
        (
            Verdict::ExplicitDeny(Layer::Resource),
            " with an explicit deny in a resource-based policy",
        ),
        (
            Verdict::ExplicitDeny(Layer::Boundary),
            " with an explicit deny in a permissions boundary",
        ),
        (
            Verdict::ExplicitDeny(Layer::Session),
            " with an explicit deny in a session policy",
        ),
    ] {
        let decision = Decision {
            level: None,
            verdict,
            trace: Vec::new(),
        };
        assert_eq!(
            decision.denied_message(&request),
            format!("{head}arn:aws:s3:::b/k{reason}")
        );
        assert_eq!(
            decision.denied_message_in(MessageStyle::S3, &request),
            format!("{head}\"arn:aws:s3:::b/k\"{reason}")
        );
        assert_eq!(
            decision.denied_message_in(MessageStyle::WithoutReason, &request),
            format!("{head}arn:aws:s3:::b/k")
        );
    }
}

#[test]
fn an_anonymous_caller_of_s3_learns_nothing() {
    let context = Context::new();
    let request = Request {
        principal: &Principal::Anonymous,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        context: &context,
    };
    let decision = decide(&request, &Policies::default());
    assert_eq!(decision.verdict, Verdict::ImplicitDeny(Layer::Resource));
    assert_eq!(
        decision.denied_message_in(MessageStyle::S3, &request),
        "Access Denied"
    );
}

#[test]
fn a_session_is_named_by_its_session_arn() {
    let role: podpass_policy::RoleArn = "arn:aws:iam::123456789012:role/a/r".parse().unwrap();
    let session = role.session_arn(&"pod".parse().unwrap());
    let principal = Principal::RoleSession { role, session };
    let context = Context::new();
    let request = Request {
        principal: &principal,
        action: "s3:ListAllMyBuckets",
        resource: "*",
        context: &context,
    };
    let text = r#"{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    let document = Document::parse(text, DocumentKind::Permissions).unwrap();
    let policies = Policies {
        identity: vec![Attached {
            source: "inline policy p",
            document: &document,
        }],
        ..Policies::default()
    };
    assert_eq!(
        decide(&request, &policies).denied_message(&request),
        "User: arn:aws:sts::123456789012:assumed-role/r/pod is not authorized to perform: s3:ListAllMyBuckets on resource: * with an explicit deny in an identity-based policy"
    );
}
