//! The target of `podpass-policy`.

use podpass_policy::{
    Attached, Context, Document, DocumentKind, Policies, Principal, Request, decide,
};

/// Parses a policy as each kind of document, prints it both ways, and evaluates it.
pub fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for kind in [
        DocumentKind::Permissions,
        DocumentKind::Trust,
        DocumentKind::Bucket,
    ] {
        let document = match Document::parse(text, kind) {
            Ok(document) => document,
            Err(error) => {
                assert!(error.position.line >= 1 && error.position.column >= 1);
                assert!(!error.aws_message().is_empty());
                continue;
            }
        };
        let printed = document.to_json();
        for print in [&printed, &document.to_json_pretty()] {
            let again = Document::parse(print, kind)
                .unwrap_or_else(|error| panic!("{error} in what was printed: {print}"));
            assert_eq!(again.to_json(), printed, "printed another meaning");
        }
        evaluate(&document);
    }
}

/// A policy alone, as the caller's own and as the resource's: a Deny may never turn into an Allow by coming twice.
fn evaluate(document: &Document) {
    let principal = Principal::User {
        arn: "arn:aws:iam::123456789012:user/alice"
            .parse()
            .expect("the ARN is valid"),
    };
    let mut context = Context::new();
    context.insert("aws:SourceIp", "10.1.2.3");
    context.insert("aws:username", "alice");
    context.insert("aws:CurrentTime", "2026-11-23T00:00:00Z");
    context.insert("aws:TagKeys", vec!["team".to_owned(), "*".to_owned()]);
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::bucket/key",
        context: &context,
    };
    let attached = Attached {
        source: "a policy",
        document,
    };
    let policies = |count| Policies {
        identity: vec![attached; count],
        ..Policies::default()
    };
    let once = decide(&request, &policies(1));
    let twice = decide(&request, &policies(2));
    assert_eq!(once.verdict, twice.verdict);
    assert_eq!(once.trace.len(), 1);
    if !once.is_allowed() {
        assert!(!once.denied_message(&request).is_empty());
    }
    let resource = Policies {
        resource: Some(attached),
        ..Policies::default()
    };
    decide(&request, &resource);
}
