//! Reading service and resource control policies.
//!
//! Sources: AWS Organizations, "SCP syntax" and "RCP syntax"; what is wider than the latter was measured on AWS.

use podpass_policy::{Document, DocumentKind};

const ORGANIZATIONS: &str =
    "The provided policy document does not meet the requirements of the specified policy type.";

fn read(statement: &str, kind: DocumentKind) -> Result<Document, String> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    Document::parse(&text, kind).map_err(|error| {
        assert_eq!(error.aws_message(), ORGANIZATIONS, "{statement}");
        error.to_string()
    })
}

#[test]
fn service_control_policies_take_the_full_language_without_principals() {
    for statement in [
        r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#,
        r#"{"Sid":"A","Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*"}"#,
        r#"{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::b/*"}"#,
        r#"{"Effect":"Allow","Action":"s3:*Object","Resource":"arn:aws:s3:::b/*"}"#,
        r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}"#,
    ] {
        let document = read(statement, DocumentKind::ServiceControl).unwrap();
        let again = Document::parse(&document.to_json(), DocumentKind::ServiceControl);
        assert_eq!(again, Ok(document), "{statement}");
    }
    for (statement, message) in [
        (
            r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#,
            "line 1, column 67: a service control policy must not have the element Principal",
        ),
        (
            r#"{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"s3:*","Resource":"*"}"#,
            "line 1, column 70: a service control policy must not have the element NotPrincipal",
        ),
        (
            r#"{"Effect":"Deny","Action":"s3:*"}"#,
            "line 1, column 38: the statement has no Resource: add Resource or NotResource",
        ),
        (
            r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":"*"}}}"#,
            "line 1, column 129: `*` cannot be compared with ArnNotLike: it must be an ARN with six parts separated by `:`",
        ),
    ] {
        assert_eq!(
            read(statement, DocumentKind::ServiceControl),
            Err(message.to_owned())
        );
    }
}

#[test]
fn resource_control_policies_deny_everyone_something() {
    for statement in [
        r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#,
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#,
        r#"{"Effect":"Deny","Principal":{"AWS":"*"},"Action":["sqs:SendMessage","SQS:x*"],"Resource":"*"}"#,
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"}"#,
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}"#,
    ] {
        let document = read(statement, DocumentKind::ResourceControl).unwrap();
        let again = Document::parse(&document.to_json(), DocumentKind::ResourceControl);
        assert_eq!(again, Ok(document), "{statement}");
    }
    let everyone = "the Principal of a resource control policy must be `\"*\"`: tell callers apart by conditions such as `aws:PrincipalOrgID`";
    let denying = "a resource control policy must not allow: its effect must be `Deny`, except in AWS's own `RCPFullAWSAccess`";
    let bare = |action: &str| {
        format!(
            "`{action}` must not stand alone in a resource control policy: name the service, as in `s3:*`"
        )
    };
    for (statement, column, problem) in [
        (
            r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#,
            38,
            "the statement has no Principal: add who may do it".to_owned(),
        ),
        (
            r#"{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"*"}"#,
            67,
            everyone.to_owned(),
        ),
        (
            r#"{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":"s3:*","Resource":"*"}"#,
            67,
            everyone.to_owned(),
        ),
        (
            r#"{"Effect":"Deny","Principal":{"Service":"*"},"Action":"s3:*","Resource":"*"}"#,
            67,
            everyone.to_owned(),
        ),
        (
            r#"{"Effect":"Deny","Principal":{"AWS":"*","Service":"*"},"Action":"s3:*","Resource":"*"}"#,
            67,
            everyone.to_owned(),
        ),
        (
            r#"{"Effect":"Deny","Principal":["*"],"Action":"s3:*","Resource":"*"}"#,
            67,
            everyone.to_owned(),
        ),
        (
            r#"{"Effect":"Deny","Principal":"everyone","Action":"s3:*","Resource":"*"}"#,
            67,
            everyone.to_owned(),
        ),
        (
            r#"{"Effect":"Deny","NotPrincipal":"*","Action":"s3:*","Resource":"*"}"#,
            70,
            "a resource control policy must not have the element NotPrincipal".to_owned(),
        ),
        (
            r#"{"Effect":"Deny","Principal":"*","NotAction":"s3:*","Resource":"*"}"#,
            83,
            "a resource control policy must not have the element NotAction".to_owned(),
        ),
        (
            r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#,
            80,
            bare("*"),
        ),
        (
            r#"{"Effect":"Deny","Principal":"*","Action":["s3:*","*:*"],"Resource":"*"}"#,
            80,
            bare("*:*"),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#,
            48,
            denying.to_owned(),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::b"}"#,
            48,
            denying.to_owned(),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"*","NotResource":"*"}"#,
            48,
            denying.to_owned(),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":"true"}}}"#,
            48,
            denying.to_owned(),
        ),
    ] {
        assert_eq!(
            read(statement, DocumentKind::ResourceControl),
            Err(format!("line 1, column {column}: {problem}")),
            "{statement}"
        );
    }
}

#[test]
fn resource_control_policies_may_have_any_version() {
    for version in [
        "",
        r#""Version":"2008-10-17","#,
        r#""Version":"2012-10-17","#,
    ] {
        let statement = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
        let text = format!(r#"{{{version}"Statement":{statement}}}"#);
        assert!(
            Document::parse(&text, DocumentKind::ResourceControl).is_ok(),
            "{text}"
        );
    }
}
