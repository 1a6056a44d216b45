//! Control policies of an organisation.
//!
//! Sources: AWS Organizations, "SCP evaluation" and "RCP evaluation"; IAM, "Policy evaluation logic".

use podpass_policy::{
    Attached, Context, ControlLevel, Controls, Decision, Document, DocumentKind, Layer, Policies,
    Principal, PrincipalClause, Request, ResourceRule, Statement, StatementOutcome, Verdict,
    decide,
};

use crate::setup::{
    ALLOW, BUCKET, NOTHING, OTHER, OWN, PROVIDER, Setup, USER, account, bucket, root, session,
    trust, user, web_identity,
};

const FULL_SCP: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const EC2_SCP: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
const DENY_SCP: &str = r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#;
const FULL_RCP: &str = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
const DENY_RCP: &str =
    r#"{"Effect":"Deny","Principal":"*","Action":["s3:*","sts:*"],"Resource":"*"}"#;
const DENY_RCP_OTHERWISE_SPELLED: &str =
    r#"{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*"}"#;

/// Levels from the root down; each is a list of policies of one statement.
type Levels<'a> = &'a [&'a [&'a str]];

/// What a caller meets: the control policies on both sides, and otherwise whatever lets it in.
#[derive(Clone, Copy, Default)]
struct Organisation<'a> {
    service: Levels<'a>,
    resource: Levels<'a>,
    management: Option<&'a str>,
    owner: Option<&'a str>,
}

impl Organisation<'_> {
    fn decide(self, caller: &Principal) -> Decision {
        self.decide_call(caller, "s3:GetObject", BUCKET)
    }

    fn decide_call(self, caller: &Principal, action: &str, resource: &str) -> Decision {
        let parse = |statement: &str, kind| {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
            Document::parse(&text, kind).expect("a valid policy")
        };
        let read = |levels: Levels<'_>, kind| -> Vec<Vec<Document>> {
            let of_level = |level: &&[&str]| level.iter().map(|text| parse(text, kind)).collect();
            levels.iter().map(of_level).collect()
        };
        let service = read(self.service, DocumentKind::ServiceControl);
        let resource_controls = read(self.resource, DocumentKind::ResourceControl);
        let management = self.management.map(account);
        let owner = account(self.owner.unwrap_or(OWN));
        let identity = parse(ALLOW, DocumentKind::Permissions);
        let is_trust = action.to_lowercase().starts_with("sts:");
        let everyone = match caller {
            Principal::WebIdentity { .. } => trust(&format!(r#"{{"Federated":"{PROVIDER}"}}"#)),
            Principal::Service(name) => trust(&format!(r#"{{"Service":"{name}"}}"#)),
            _ if is_trust => trust("\"*\""),
            _ => bucket("\"*\""),
        };
        let kind = if is_trust {
            DocumentKind::Trust
        } else {
            DocumentKind::Bucket
        };
        let everyone = parse(&everyone, kind);
        let context = Context::new();
        let request = Request {
            principal: caller,
            action,
            resource,
            context: &context,
        };
        let policies = Policies {
            identity: vec![Attached {
                source: "identity",
                document: &identity,
            }],
            resource: Some(Attached {
                source: "resource",
                document: &everyone,
            }),
            resource_account: Some(&owner),
            rule: if is_trust {
                ResourceRule::Trust
            } else {
                ResourceRule::Ordinary
            },
            service_controls: controls(&service, management.as_ref()),
            resource_controls: controls(&resource_controls, management.as_ref()),
            ..Policies::default()
        };
        decide(&request, &policies)
    }
}

fn controls<'a>(
    levels: &'a [Vec<Document>],
    management_account: Option<&'a podpass_policy::AccountId>,
) -> Controls<'a> {
    let targets = ["root", "unit", "account"];
    let level = |(documents, target): (&'a Vec<Document>, &'static str)| ControlLevel {
        target,
        policies: documents
            .iter()
            .map(|document| Attached {
                source: "control",
                document,
            })
            .collect(),
    };
    Controls {
        management_account,
        levels: levels.iter().zip(targets).map(level).collect(),
    }
}

#[test]
fn each_level_has_to_allow() {
    use Layer::{ResourceControl, ServiceControl};
    use Verdict::{Allowed, ExplicitDeny, ImplicitDeny};
    let nothing = Organisation::default();
    for (name, organisation, verdict, level) in [
        ("no organisation", nothing, Allowed, None),
        (
            "every level allows",
            Organisation {
                service: &[&[FULL_SCP], &[EC2_SCP, FULL_SCP], &[FULL_SCP]],
                ..nothing
            },
            Allowed,
            None,
        ),
        (
            "the root does not",
            Organisation {
                service: &[&[EC2_SCP], &[FULL_SCP], &[FULL_SCP]],
                ..nothing
            },
            ImplicitDeny(ServiceControl),
            Some("root"),
        ),
        (
            "the unit does not",
            Organisation {
                service: &[&[FULL_SCP], &[EC2_SCP], &[FULL_SCP]],
                ..nothing
            },
            ImplicitDeny(ServiceControl),
            Some("unit"),
        ),
        (
            "the account has none",
            Organisation {
                service: &[&[FULL_SCP], &[FULL_SCP], &[]],
                ..nothing
            },
            ImplicitDeny(ServiceControl),
            Some("account"),
        ),
        (
            "a level denies",
            Organisation {
                service: &[&[FULL_SCP], &[FULL_SCP, DENY_SCP]],
                ..nothing
            },
            ExplicitDeny(ServiceControl),
            Some("unit"),
        ),
        (
            "every level of the resource allows",
            Organisation {
                resource: &[&[FULL_RCP], &[FULL_RCP]],
                ..nothing
            },
            Allowed,
            None,
        ),
        (
            "a level of the resource has lost its full access",
            Organisation {
                resource: &[&[FULL_RCP], &[]],
                ..nothing
            },
            ImplicitDeny(ResourceControl),
            Some("unit"),
        ),
        (
            "a level of the resource denies",
            Organisation {
                resource: &[&[FULL_RCP, DENY_RCP], &[FULL_RCP]],
                ..nothing
            },
            ExplicitDeny(ResourceControl),
            Some("root"),
        ),
        (
            "everyone by AWS",
            Organisation {
                resource: &[&[FULL_RCP, DENY_RCP_OTHERWISE_SPELLED]],
                ..nothing
            },
            ExplicitDeny(ResourceControl),
            Some("root"),
        ),
        (
            "of two silent layers the resource's is named",
            Organisation {
                service: &[&[EC2_SCP]],
                resource: &[&[]],
                ..nothing
            },
            ImplicitDeny(ResourceControl),
            Some("root"),
        ),
        (
            "an explicit deny comes before an implicit one",
            Organisation {
                service: &[&[DENY_SCP]],
                resource: &[&[]],
                ..nothing
            },
            ExplicitDeny(ServiceControl),
            Some("root"),
        ),
    ] {
        for caller in [user(), session(), root()] {
            let decision = organisation.decide(&caller);
            assert_eq!(decision.verdict, verdict, "{name}");
            assert_eq!(decision.level.as_deref(), level, "{name}");
        }
    }
}

#[test]
fn service_controls_limit_the_callers_of_member_accounts() {
    let denied = Organisation {
        service: &[&[EC2_SCP]],
        ..Organisation::default()
    };
    let elsewhere = Organisation {
        owner: Some(OTHER),
        ..denied
    };
    let managed = Organisation {
        management: Some(OWN),
        ..denied
    };
    let other_managed = Organisation {
        management: Some(OTHER),
        ..denied
    };
    let service = Principal::Service("ec2.amazonaws.com".to_owned());
    for (name, organisation, caller, action, allowed) in [
        ("a user", denied, user(), "s3:GetObject", false),
        ("a session", denied, session(), "s3:GetObject", false),
        ("a root user", denied, root(), "s3:GetObject", false),
        (
            "a user, in another account",
            elsewhere,
            user(),
            "s3:GetObject",
            false,
        ),
        (
            "a service-linked role",
            denied,
            service_linked(),
            "s3:GetObject",
            true,
        ),
        (
            "the management account",
            managed,
            user(),
            "s3:GetObject",
            true,
        ),
        (
            "the root user of the management account",
            managed,
            root(),
            "s3:GetObject",
            true,
        ),
        (
            "a member account",
            other_managed,
            user(),
            "s3:GetObject",
            false,
        ),
        ("nobody", denied, Principal::Anonymous, "s3:GetObject", true),
        (
            "a web identity",
            denied,
            web_identity(PROVIDER),
            "sts:AssumeRoleWithWebIdentity",
            true,
        ),
        ("a service", denied, service, "sts:AssumeRole", true),
    ] {
        let decision = organisation.decide_call(&caller, action, BUCKET);
        assert_eq!(decision.is_allowed(), allowed, "{name}");
        if !allowed {
            assert_eq!(
                decision.verdict,
                Verdict::ImplicitDeny(Layer::ServiceControl),
                "{name}"
            );
        }
    }
}

#[test]
fn resource_controls_limit_every_caller() {
    let denied = Organisation {
        resource: &[&[FULL_RCP, DENY_RCP]],
        ..Organisation::default()
    };
    let full = Organisation {
        resource: &[&[FULL_RCP]],
        ..Organisation::default()
    };
    let managed = Organisation {
        management: Some(OWN),
        ..denied
    };
    let caller_managed = Organisation {
        management: Some(OWN),
        owner: Some(OTHER),
        ..denied
    };
    let service = Principal::Service("ec2.amazonaws.com".to_owned());
    let role = "arn:aws:iam::123456789012:role/a/r";
    let linked = "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/R";
    for (name, caller, action, resource) in [
        ("a user", user(), "s3:GetObject", BUCKET),
        ("a session", session(), "s3:GetObject", BUCKET),
        ("a root user", root(), "s3:GetObject", BUCKET),
        ("nobody", Principal::Anonymous, "s3:GetObject", BUCKET),
        (
            "a web identity",
            web_identity(PROVIDER),
            "sts:AssumeRoleWithWebIdentity",
            role,
        ),
        ("a service", service.clone(), "sts:AssumeRole", role),
    ] {
        let verdict = |organisation: Organisation<'_>| {
            organisation.decide_call(&caller, action, resource).verdict
        };
        let expected = Verdict::ExplicitDeny(Layer::ResourceControl);
        assert_eq!(verdict(denied), expected, "{name}");
        assert_eq!(verdict(full), Verdict::Allowed, "{name}, full access");
        assert_eq!(
            verdict(managed),
            Verdict::Allowed,
            "{name}, management account"
        );
    }
    assert!(
        !caller_managed.decide(&user()).is_allowed(),
        "called from the management account"
    );
    assert!(
        denied.decide(&service_linked()).is_allowed(),
        "a service-linked role"
    );
    for (action, allowed) in [("sts:AssumeRole", true), ("STS:assumeRole", true)] {
        let decision = denied.decide_call(&service, action, linked);
        assert_eq!(
            decision.is_allowed(),
            allowed,
            "{action} of a service-linked role"
        );
    }
    let read = denied.decide_call(&user(), "s3:GetObject", linked);
    assert!(!read.is_allowed(), "only assuming the role is exempt");
}

#[test]
fn without_a_named_owner_the_resource_is_the_callers_own() {
    let full =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let identity = Document::parse(full, DocumentKind::Permissions).unwrap();
    let (own, other) = (account(OWN), account(OTHER));
    for (management_account, allowed) in [(&own, true), (&other, false)] {
        let policies = Policies {
            identity: vec![Attached {
                source: "p",
                document: &identity,
            }],
            resource_controls: Controls {
                management_account: Some(management_account),
                levels: vec![ControlLevel {
                    target: "root",
                    policies: Vec::new(),
                }],
            },
            ..Policies::default()
        };
        let request = Request {
            principal: &user(),
            action: "s3:GetObject",
            resource: BUCKET,
            context: &Context::new(),
        };
        assert_eq!(decide(&request, &policies).is_allowed(), allowed);
    }
}

/// No such policy can be read, but one can be made in code.
#[test]
fn a_resource_control_policy_for_some_is_not_for_all() {
    let statement = Statement::deny("s3:*")
        .with_resource("*")
        .with_principal(PrincipalClause::aws(OTHER));
    let full = Statement::allow("*")
        .with_resource("*")
        .with_principal(PrincipalClause::everyone());
    let levels = vec![vec![Document::new(vec![statement, full])]];
    let policies = Policies {
        resource_controls: controls(&levels, None),
        ..Policies::default()
    };
    let request = Request {
        principal: &user(),
        action: "s3:GetObject",
        resource: BUCKET,
        context: &Context::new(),
    };
    assert_eq!(
        decide(&request, &policies).verdict,
        Verdict::ImplicitDeny(Layer::Identity)
    );
}

#[test]
fn control_policies_grant_nothing() {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{FULL_SCP}}}"#);
    let service = vec![vec![
        Document::parse(&text, DocumentKind::ServiceControl).unwrap(),
    ]];
    let policies = Policies {
        service_controls: controls(&service, None),
        ..Policies::default()
    };
    let request = Request {
        principal: &user(),
        action: "s3:GetObject",
        resource: BUCKET,
        context: &Context::new(),
    };
    assert_eq!(
        decide(&request, &policies).verdict,
        Verdict::ImplicitDeny(Layer::Identity)
    );
}

#[test]
fn the_trace_names_the_level() {
    let organisation = Organisation {
        service: &[&[FULL_SCP], &[EC2_SCP]],
        resource: &[&[FULL_RCP]],
        ..Organisation::default()
    };
    let decision = organisation.decide(&user());
    let controls: Vec<_> = decision
        .trace
        .iter()
        .filter_map(|policy| {
            Some((
                policy.layer,
                policy.level.as_deref()?,
                &policy.statements[0],
            ))
        })
        .collect();
    let expected = [
        (Layer::ServiceControl, "root"),
        (Layer::ServiceControl, "unit"),
        (Layer::ResourceControl, "root"),
    ];
    let levels: Vec<_> = controls
        .iter()
        .map(|(layer, level, _)| (*layer, *level))
        .collect();
    assert_eq!(levels, expected);
    assert!(matches!(
        controls[1].2.outcome,
        StatementOutcome::ActionDiffers { .. }
    ));
    let json = serde_json::to_value(&decision).unwrap();
    assert_eq!(json["level"], "unit");
    assert_eq!(json["verdict"]["ImplicitDeny"], "ServiceControl");
    let without = Setup {
        identity: Some(NOTHING),
        ..Setup::default()
    }
    .decide(&user());
    assert!(
        serde_json::to_value(&without)
            .unwrap()
            .get("level")
            .is_none()
    );
}

#[test]
fn denials_are_worded_as_aws_words_them() {
    let context = Context::new();
    let caller = user();
    let request = Request {
        principal: &caller,
        action: "s3:GetObject",
        resource: BUCKET,
        context: &context,
    };
    let nothing = Organisation::default();
    let head =
        format!("User: {USER} is not authorized to perform: s3:GetObject on resource: {BUCKET}");
    for (organisation, reason) in [
        (
            Organisation {
                service: &[&[EC2_SCP]],
                ..nothing
            },
            "because no service control policy allows the s3:GetObject action",
        ),
        (
            Organisation {
                resource: &[&[]],
                ..nothing
            },
            "because no resource control policy allows the s3:GetObject action",
        ),
        (
            Organisation {
                service: &[&[DENY_SCP]],
                ..nothing
            },
            "with an explicit deny in a service control policy",
        ),
        (
            Organisation {
                resource: &[&[FULL_RCP, DENY_RCP]],
                ..nothing
            },
            "with an explicit deny in a resource control policy",
        ),
    ] {
        let message = organisation.decide(&caller).denied_message(&request);
        assert_eq!(message, format!("{head} {reason}"));
    }
}

fn service_linked() -> Principal {
    Principal::RoleSession {
        role: "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/R"
            .parse()
            .expect("a role"),
        session: "arn:aws:sts::123456789012:assumed-role/R/s"
            .parse()
            .expect("an ARN"),
    }
}
