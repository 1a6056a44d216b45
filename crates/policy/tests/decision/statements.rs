//! Elements of a statement, and the trace of each.

use podpass_policy::{
    Attached, Context, Document, Layer, Policies, Principal, PrincipalClause, Request, Statement,
    StatementOutcome, Verdict, decide,
};

use crate::setup::{
    ACCOUNT_ROOT, ALLOW, BUCKET, OTHER, OWN, PROVIDER, ROLE, SESSION, Setup, USER, root, session,
    user, web_identity,
};

#[test]
fn not_principal_spares_those_it_lists_completely() {
    let deny = |principals: &str| {
        format!(
            r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":[{principals}]}},"Action":"*","Resource":"*"}}"#
        )
    };
    let q = |text: &str| format!("\"{text}\"");
    for (name, caller, listed, spared) in [
        (
            "user and account",
            user(),
            format!("{},{}", q(USER), q(OWN)),
            true,
        ),
        ("user alone", user(), q(USER), false),
        ("account alone", user(), q(OWN), false),
        (
            "session, role and account",
            session(),
            format!("{},{},{}", q(SESSION), q(ROLE), q(ACCOUNT_ROOT)),
            true,
        ),
        (
            "role and account",
            session(),
            format!("{},{}", q(ROLE), q(OWN)),
            false,
        ),
        ("root of the account", root(), q(OWN), true),
        ("nobody here", user(), q(OTHER), false),
        ("everybody", user(), q("*"), true),
    ] {
        let text = deny(&listed);
        let setup = Setup {
            identity: Some(ALLOW),
            resource: Some(&text),
            ..Setup::default()
        };
        assert_eq!(setup.decide(&caller).is_allowed(), spared, "{name}");
    }
}

#[test]
fn not_principal_in_an_allow_lets_in_only_whom_a_star_lets_in() {
    let statement = Statement {
        principal: Some(PrincipalClause::NotPrincipal(
            PrincipalClause::aws(OTHER).set().clone(),
        )),
        ..Statement::allow("*")
    };
    let document = Document::new(vec![statement]);
    for (name, caller, allowed) in [
        ("a user", user(), true),
        ("nobody", Principal::Anonymous, true),
        ("a web identity", web_identity(PROVIDER), false),
        (
            "a service",
            Principal::Service("ec2.amazonaws.com".to_owned()),
            false,
        ),
    ] {
        let policies = Policies {
            resource: Some(Attached {
                source: "policy",
                document: &document,
            }),
            ..Policies::default()
        };
        let request = Request {
            principal: &caller,
            action: "sts:AssumeRoleWithWebIdentity",
            resource: ROLE,
            context: &Context::new(),
        };
        assert_eq!(decide(&request, &policies).is_allowed(), allowed, "{name}");
    }
}

#[test]
fn actions_and_resources_match_with_their_not_forms() {
    for (statement, allowed) in [
        (r#""Action":"S3:getOBJECT","Resource":"*""#, true),
        (r#""Action":"s3:Get*","Resource":"*""#, true),
        (r#""Action":"s3:Get?bject","Resource":"*""#, true),
        (r#""Action":["s3:Put*","*:*"],"Resource":"*""#, true),
        (r#""Action":"s3:GetObjectAcl","Resource":"*""#, false),
        (r#""Action":"s3:Get*Acl","Resource":"*""#, false),
        (r#""Action":"s3:*BJECT","Resource":"*""#, true),
        (r#""Action":"S3:g?tobject","Resource":"*""#, true),
        (r#""Action":"s3:GetObject?","Resource":"*""#, false),
        (r#""Action":"s3:GetObjectVersion*","Resource":"*""#, false),
        (r#""NotAction":"s3:Put*","Resource":"*""#, true),
        (r#""NotAction":["ec2:*","s3:*"],"Resource":"*""#, false),
        (r#""Action":"*","Resource":"arn:aws:s3:::b/*""#, true),
        (r#""Action":"*","Resource":"arn:aws:s3:::B/*""#, false),
        (r#""Action":"*","Resource":"arn:aws:s3:::*""#, true),
        (r#""Action":"*","Resource":"arn:aws:s3:*:*:b/k""#, true),
        (
            r#""Action":"*","Resource":["arn:aws:s3:::c","arn:aws:s3:::b/k"]"#,
            true,
        ),
        (r#""Action":"*","NotResource":"arn:aws:s3:::b/*""#, false),
        (r#""Action":"*","NotResource":"arn:aws:s3:::c/*""#, true),
        (
            r#""Action":"*","Resource":"arn:aws:s3:::${none, 'b'}/k""#,
            true,
        ),
        (
            r#""Action":"*","Resource":"arn:aws:s3:::${none, 'c'}/k""#,
            false,
        ),
        (
            r#""Action":"*","NotResource":"arn:aws:s3:::${none, 'c'}/k""#,
            true,
        ),
        (r#""Action":"*","Resource":"arn:aws:s3:::${none}/k""#, false),
        (
            r#""Action":"*","NotResource":"arn:aws:s3:::${none}/k""#,
            false,
        ),
    ] {
        let text = format!(r#"{{"Effect":"Allow",{statement}}}"#);
        let setup = Setup {
            identity: Some(&text),
            ..Setup::default()
        };
        assert_eq!(setup.decide(&user()).is_allowed(), allowed, "{statement}");
    }
    let deny = r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::${none}/k"}]"#;
    let setup = Setup {
        identity: Some(deny),
        ..Setup::default()
    };
    assert_eq!(
        setup.decide(&user()).verdict,
        Verdict::ExplicitDeny(Layer::Identity)
    );
}

#[test]
fn the_trace_shows_whom_a_statement_is_about() {
    let statement =
        |element: &str| format!(r#"{{"Effect":"Deny",{element},"Action":"*","Resource":"*"}}"#);
    for (element, shown) in [
        (
            format!(r#""Principal":{{"AWS":["{OTHER}","{ROLE}"],"Service":"ec2.amazonaws.com"}}"#),
            vec![
                OTHER.to_owned(),
                ROLE.to_owned(),
                "ec2.amazonaws.com".to_owned(),
            ],
        ),
        (
            format!(r#""NotPrincipal":{{"AWS":["{USER}","{OWN}"]}}"#),
            vec![format!("not {USER}"), format!("not {OWN}")],
        ),
        (r#""NotPrincipal":"*""#.to_owned(), vec!["not *".to_owned()]),
    ] {
        let text = statement(&element);
        let setup = Setup {
            resource: Some(&text),
            ..Setup::default()
        };
        let decision = setup.decide(&user());
        let resource = &decision.trace[0];
        assert_eq!(resource.layer, Layer::Resource);
        assert_eq!(
            resource.statements[0].outcome,
            StatementOutcome::PrincipalDiffers {
                expected: shown,
                actual: USER.to_owned()
            }
        );
    }
}

#[test]
fn the_trace_names_the_first_element_that_differs() {
    let text = r#"[
        {"Sid":"A","Effect":"Allow","Action":"ec2:*","Resource":"*"},
        {"Sid":"R","Effect":"Allow","NotAction":"ec2:*","Resource":"arn:aws:s3:::c/*"},
        {"Sid":"C","Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
        {"Sid":"M","Effect":"Deny","Action":"s3:GetObject","NotResource":"arn:aws:s3:::c/*"}]"#;
    let decision = Setup {
        identity: Some(text),
        ..Setup::default()
    }
    .decide(&user());
    assert_eq!(decision.verdict, Verdict::ExplicitDeny(Layer::Identity));
    let statements = &decision.trace[0].statements;
    let sids: Vec<_> = statements
        .iter()
        .map(|statement| statement.sid.as_deref())
        .collect();
    assert_eq!(sids, [Some("A"), Some("R"), Some("C"), Some("M")]);
    assert_eq!(statements[1].position.line, 3);
    assert_eq!(
        statements[0].outcome,
        StatementOutcome::ActionDiffers {
            expected: vec!["ec2:*".to_owned()],
            actual: "s3:GetObject".to_owned()
        }
    );
    assert_eq!(
        statements[1].outcome,
        StatementOutcome::ResourceDiffers {
            expected: vec!["arn:aws:s3:::c/*".to_owned()],
            actual: BUCKET.to_owned()
        }
    );
    assert_eq!(statements[2].outcome, StatementOutcome::ConditionFails);
    assert_eq!(statements[2].conditions[0].actual, None);
    assert_eq!(statements[3].outcome, StatementOutcome::Matches);
    let json = serde_json::to_value(&decision).unwrap();
    assert_eq!(json["verdict"]["ExplicitDeny"], "Identity");
    assert_eq!(
        json["trace"][0]["statements"][2]["outcome"],
        "ConditionFails"
    );
}
