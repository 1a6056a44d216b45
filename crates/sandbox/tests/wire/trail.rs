//! CloudTrail's `LookupEvents`: which calls are recorded and how, and who may look.
//!
//! The shapes are those of AWS's documents: "Logging IAM and AWS STS API calls with AWS CloudTrail", "CloudTrail
//! userIdentity element", and the reference of `LookupEvents`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::fixture::{
    ACCOUNT, Fixture, OTHER_ACCOUNT, PROVIDER_ARN, ROLE_ARN, claims, keys_of, mint, trust_policy,
};

const TARGET: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

fn ask(client: &Client, region: &str, question: &Value) -> Reply {
    let client = Client {
        region: region.to_owned(),
        ..client.clone()
    };
    let headers = [
        ("x-amz-target", TARGET),
        ("content-type", "application/x-amz-json-1.1"),
    ];
    let body = question.to_string();
    client.send("cloudtrail", "POST", "/", &headers, body.as_bytes())
}

fn answer(client: &Client, region: &str, question: &Value) -> Value {
    serde_json::from_str(&ask(client, region, question).ok().body).unwrap()
}

/// The events of that name, newest first.
fn named(client: &Client, region: &str, name: &str) -> Vec<Value> {
    let question =
        json!({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]});
    let found = answer(client, region, &question);
    found["Events"].as_array().unwrap().clone()
}

fn record(event: &Value) -> Value {
    serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap()
}

fn error(reply: &Reply) -> (u16, String) {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    (reply.status, body["__type"].as_str().unwrap().to_owned())
}

#[test]
fn an_exchanged_token_is_recorded_without_its_secrets() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let token = mint(&claims());
    let granted = fixture.assume(token.expose()).ok();
    let events = named(&fixture.admin, "us-east-1", "AssumeRoleWithWebIdentity");
    let [event] = events.as_slice() else {
        panic!("{events:#?}")
    };
    let record = record(event);
    let subject = "system:serviceaccount:default:reader";
    assert_eq!(
        record["userIdentity"],
        json!({
            "type": "WebIdentityUser",
            "principalId": format!("{PROVIDER_ARN}:sts.amazonaws.com:{subject}"),
            "userName": subject,
            "identityProvider": PROVIDER_ARN,
        })
    );
    let arn = "arn:aws:sts::123456789012:assumed-role/reader/pod";
    assert_eq!(
        record["requestParameters"],
        json!({"roleArn": ROLE_ARN, "roleSessionName": "pod"})
    );
    let expires: Timestamp = granted.text("Expiration").unwrap().parse().unwrap();
    let result = &record["responseElements"];
    assert_eq!(
        result["credentials"],
        json!({
            "accessKeyId": granted.text("AccessKeyId").unwrap(),
            "expiration": expires.strftime("%b %-d, %Y, %-I:%M:%S %p").to_string(),
        })
    );
    assert_eq!(result["subjectFromWebIdentityToken"], subject);
    assert_eq!(result["assumedRoleUser"]["arn"], arn);
    assert_eq!(result["provider"], PROVIDER_ARN);
    assert_eq!(result["audience"], "sts.amazonaws.com");
    assert!(result["packedPolicySize"].is_number(), "{result}");
    assert_eq!(
        record["additionalEventData"]["identityProviderConnectionVerificationMethod"],
        "IAMTrustStore"
    );
    assert_eq!(
        record["resources"],
        json!([{"accountId": ACCOUNT, "type": "AWS::IAM::Role", "ARN": ROLE_ARN}])
    );
    for (member, expected) in [
        ("eventSource", json!("sts.amazonaws.com")),
        ("awsRegion", json!("us-east-1")),
        ("sourceIPAddress", json!("127.0.0.1")),
        ("readOnly", json!(true)),
        ("eventType", json!("AwsApiCall")),
        ("managementEvent", json!(true)),
        ("eventCategory", json!("Management")),
        ("recipientAccountId", json!(ACCOUNT)),
        ("requestID", json!(granted.headers["x-amzn-requestid"])),
        ("eventID", event["EventId"].clone()),
    ] {
        assert_eq!(record[member], expected, "{member}");
    }
    assert_eq!(event["ReadOnly"], "true");
    assert_eq!(event["Username"], subject);
    assert!(event.get("AccessKeyId").is_none(), "{event}");
    let resources: Vec<(&str, &str)> = event["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| {
            let text = |name: &str| resource[name].as_str().unwrap();
            (text("ResourceType"), text("ResourceName"))
        })
        .collect();
    let id = granted.text("AccessKeyId").unwrap();
    for expected in [
        ("AWS::IAM::AccessKey", id.as_str()),
        ("AWS::STS::AssumedRole", arn),
        ("AWS::STS::AssumedRole", "pod"),
        ("AWS::IAM::Role", ROLE_ARN),
    ] {
        assert!(
            resources.contains(&expected),
            "{expected:?} in {resources:?}"
        );
    }

    let everything = answer(&fixture.admin, "us-east-1", &json!({})).to_string();
    let keys = keys_of(&granted);
    for secret in [
        keys.secret.as_str(),
        keys.token.as_deref().unwrap(),
        token.expose(),
        "admin-secret",
    ] {
        assert!(!everything.contains(secret), "a secret in the records");
    }
}

#[test]
fn a_refused_token_is_only_in_the_events_of_the_sandbox() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let expired = podpass_token::ServiceAccountClaims {
        expires_at: Timestamp::now().as_second() - 4_000,
        issued_at: Timestamp::now().as_second() - 8_000,
        not_before: Timestamp::now().as_second() - 8_000,
        ..claims()
    };
    let refused = fixture.assume(mint(&expired).expose());
    assert_eq!(refused.error(), (400, "ExpiredTokenException".into()));
    let garbage = fixture.assume("garbage");
    assert_eq!(garbage.error(), (400, "InvalidIdentityToken".into()));
    assert!(named(&fixture.admin, "us-east-1", "AssumeRoleWithWebIdentity").is_empty());
    fixture.event(&refused);
    fixture.event(&garbage);

    // The trust policy is the account's own affair, so its denial is recorded, without the reason.
    let trust = trust_policy("system:serviceaccount:default:other");
    let parameters = [("RoleName", "reader"), ("PolicyDocument", trust.as_str())];
    fixture
        .admin
        .iam("UpdateAssumeRolePolicy", &parameters)
        .ok();
    fixture.assume(mint(&claims()).expose());
    let events = named(&fixture.admin, "us-east-1", "AssumeRoleWithWebIdentity");
    let denied = record(&events[0]);
    assert_eq!(denied["errorCode"], "AccessDenied");
    assert_eq!(denied["errorMessage"], "An unknown error occurred");
    assert_eq!(denied["responseElements"], Value::Null);
    assert_eq!(denied["userIdentity"]["type"], "WebIdentityUser");
    assert_eq!(denied["resources"][0]["ARN"], ROLE_ARN);
}

#[test]
fn later_calls_of_a_session_name_its_role_and_its_provider() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let granted = fixture.assume(mint(&claims()).expose()).ok();
    let reader = fixture.client_of(&granted);
    reader.s3("GET", "/", "").ok();
    reader.s3("GET", "/c1-oidc/keys.json", "").ok();
    reader.iam("ListRoles", &[]);

    let events = named(&fixture.admin, "eu-west-1", "ListBuckets");
    let identity = &record(&events[0])["userIdentity"];
    assert_eq!(identity["type"], "AssumedRole");
    assert_eq!(
        identity["arn"],
        "arn:aws:sts::123456789012:assumed-role/reader/pod"
    );
    assert_eq!(
        identity["principalId"].as_str(),
        granted.text("AssumedRoleId").as_deref()
    );
    assert_eq!(
        identity["accessKeyId"].as_str(),
        granted.text("AccessKeyId").as_deref()
    );
    let context = &identity["sessionContext"];
    assert_eq!(context["sessionIssuer"]["arn"], ROLE_ARN);
    assert_eq!(context["sessionIssuer"]["userName"], "reader");
    assert_eq!(
        context["webIdFederationData"],
        json!({"federatedProvider": PROVIDER_ARN, "attributes": {}})
    );
    assert_eq!(context["attributes"]["mfaAuthenticated"], "false");
    assert_eq!(events[0]["Username"], "pod");

    // IAM is recorded in us-east-1 whatever the region was, and objects are data.
    let denied = record(&named(&fixture.admin, "us-east-1", "ListRoles")[0]);
    assert_eq!(denied["errorCode"], "AccessDenied");
    assert!(named(&fixture.admin, "eu-west-1", "ListRoles").is_empty());
    for region in ["eu-west-1", "us-east-1"] {
        assert!(named(&fixture.admin, region, "GetObject").is_empty());
        assert!(named(&fixture.admin, region, "PutObject").is_empty());
    }
}

#[test]
fn changes_of_iam_and_buckets_have_parameters_and_error_codes_as_cloudtrail_has_them() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let created = &named(&fixture.admin, "us-east-1", "CreateRole")[0];
    let role = record(created);
    assert_eq!(role["userIdentity"]["type"], "IAMUser");
    assert_eq!(role["userIdentity"]["userName"], "admin");
    assert_eq!(role["userIdentity"]["accessKeyId"], "admin_1");
    assert_eq!(role["requestParameters"]["roleName"], "reader");
    assert_eq!(role["responseElements"]["role"]["arn"], ROLE_ARN);
    assert_eq!(role["readOnly"], false);
    assert_eq!(created["ReadOnly"], "false");
    assert_eq!(created["AccessKeyId"], "admin_1");

    fixture.admin.iam("GetRole", &[("RoleName", "absent")]);
    let absent = record(&named(&fixture.admin, "us-east-1", "GetRole")[0]);
    assert_eq!(absent["errorCode"], "NoSuchEntityException");
    assert_eq!(absent["readOnly"], true);

    fixture.admin.iam("CreateUser", &[("UserName", "bob")]).ok();
    let key = fixture
        .admin
        .iam("CreateAccessKey", &[("UserName", "bob")])
        .ok();
    let created = record(&named(&fixture.admin, "us-east-1", "CreateAccessKey")[0]);
    let told = &created["responseElements"]["accessKey"];
    assert_eq!(
        told["accessKeyId"].as_str(),
        key.text("AccessKeyId").as_deref()
    );
    assert!(told.get("secretAccessKey").is_none(), "{told}");

    let bucket = &named(&fixture.admin, "eu-west-1", "CreateBucket")[0];
    assert_eq!(record(bucket)["requestParameters"]["bucketName"], "c1-oidc");
    assert_eq!(record(bucket)["eventSource"], "s3.amazonaws.com");
    assert_eq!(bucket["Resources"][0]["ResourceName"], "c1-oidc");
    assert_eq!(
        named(&fixture.admin, "eu-west-1", "PutBucketPublicAccessBlock").len(),
        1
    );
}

#[test]
fn the_account_of_a_role_learns_who_assumed_it() {
    let fixture = Fixture::start();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let other = fixture.other_admin();
    let role = [("RoleName", "theirs"), ("AssumeRolePolicyDocument", &trust)];
    other.iam("CreateRole", &role).ok();
    let arn = format!("arn:aws:iam::{OTHER_ACCOUNT}:role/theirs");
    let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "auditor")];
    fixture.admin.sts("AssumeRole", &parameters).ok();
    let own = record(&named(&fixture.admin, "eu-west-1", "AssumeRole")[0]);
    let theirs = record(&named(&other, "eu-west-1", "AssumeRole")[0]);
    assert_eq!(own["recipientAccountId"], ACCOUNT);
    assert_eq!(theirs["recipientAccountId"], OTHER_ACCOUNT);
    assert!(own["sharedEventID"].is_string());
    assert_eq!(own["sharedEventID"], theirs["sharedEventID"]);
    assert_eq!(theirs["userIdentity"]["type"], "AWSAccount");
    assert_eq!(theirs["userIdentity"]["accountId"], ACCOUNT);
    assert!(theirs["userIdentity"].get("arn").is_none());
    // Nothing else of one account is in the other's history.
    assert!(named(&fixture.admin, "us-east-1", "CreateRole").is_empty());
}

#[test]
fn pages_are_newest_first_and_a_token_goes_with_its_question() {
    let fixture = Fixture::start();
    for number in 0..5 {
        let name = format!("user{number}");
        fixture.admin.iam("CreateUser", &[("UserName", &name)]).ok();
    }
    let attributes = json!([{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]);
    let (mut names, mut token) = (Vec::new(), Value::Null);
    loop {
        let mut question = json!({"LookupAttributes": attributes, "MaxResults": 2});
        if token.is_string() {
            question["NextToken"] = token;
        }
        let page = answer(&fixture.admin, "us-east-1", &question);
        names.extend(page["Events"].as_array().unwrap().iter().map(|event| {
            record(event)["requestParameters"]["userName"]
                .as_str()
                .unwrap()
                .to_owned()
        }));
        assert!(page["Events"].as_array().unwrap().len() <= 2);
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
        let other = json!({"NextToken": token, "MaxResults": 2});
        let refused = ask(&fixture.admin, "us-east-1", &other);
        assert_eq!(error(&refused), (400, "InvalidNextTokenException".into()));
    }
    assert_eq!(names, ["user4", "user3", "user2", "user1", "user0"]);
}

#[test]
fn times_and_attributes_select() {
    let fixture = Fixture::start();
    let clock = fixture.sandbox.clock();
    let start = "2026-11-01T10:00:00Z".parse::<Timestamp>().unwrap();
    for (hour, name) in [(0, "a"), (1, "b"), (2, "c")] {
        let now = start + jiff::SignedDuration::from_hours(hour);
        clock.set(podpass_sandbox::ClockSetting::Fixed(now));
        fixture.admin.iam("CreateUser", &[("UserName", name)]).ok();
    }
    let first = start.as_second();
    let users = |question: Value| -> Vec<String> {
        let found = answer(&fixture.admin, "us-east-1", &question);
        let events = found["Events"].as_array().unwrap().clone();
        let names = events.iter().filter_map(|event| {
            let name = &record(event)["requestParameters"]["userName"];
            name.as_str().map(str::to_owned)
        });
        names.collect()
    };
    // Both ends are included.
    let between = json!({"StartTime": first + 3600, "EndTime": first + 7200});
    assert_eq!(users(between), ["c", "b"]);
    assert_eq!(users(json!({"EndTime": first})), ["a"]);
    for (key, value, expected) in [
        ("ResourceName", "b", vec!["b"]),
        ("ResourceType", "AWS::IAM::User", vec!["c", "b", "a"]),
        ("Username", "admin", vec!["c", "b", "a"]),
        ("Username", "nobody", vec![]),
        ("ReadOnly", "true", vec![]),
        ("EventSource", "iam.amazonaws.com", vec!["c", "b", "a"]),
        ("AccessKeyId", "admin_1", vec!["c", "b", "a"]),
    ] {
        let attribute = json!([{"AttributeKey": key, "AttributeValue": value}]);
        let found = users(json!({"LookupAttributes": attribute}));
        assert_eq!(found, expected, "{key}={value}");
    }
    let id =
        answer(&fixture.admin, "us-east-1", &json!({"EndTime": first}))["Events"][0]["EventId"]
            .clone();
    let attribute = json!([{"AttributeKey": "EventId", "AttributeValue": id}]);
    assert_eq!(users(json!({"LookupAttributes": attribute})), ["a"]);

    // AWS keeps the history for 90 days.
    let later = start + jiff::SignedDuration::from_hours(24 * 90 + 1);
    clock.set(podpass_sandbox::ClockSetting::Fixed(later));
    assert_eq!(users(json!({})), ["c", "b"]);
}

#[test]
fn bad_questions_have_errors_of_their_own() {
    let fixture = Fixture::start();
    let attribute = |key: &str, value: &str| json!({"AttributeKey": key, "AttributeValue": value});
    for (question, code) in [
        (json!({"MaxResults": 0}), "InvalidMaxResultsException"),
        (json!({"MaxResults": 51}), "InvalidMaxResultsException"),
        (
            json!({"StartTime": 2, "EndTime": 1}),
            "InvalidTimeRangeException",
        ),
        (json!({"NextToken": "x"}), "InvalidNextTokenException"),
        (
            json!({"EventCategory": "data"}),
            "InvalidEventCategoryException",
        ),
        (
            json!({"LookupAttributes": [attribute("EventName", "a"), attribute("EventId", "b")]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"LookupAttributes": [attribute("Colour", "a")]}),
            "InvalidLookupAttributesException",
        ),
        (
            json!({"LookupAttributes": [attribute("EventName", "")]}),
            "InvalidLookupAttributesException",
        ),
        (json!([]), "SerializationException"),
    ] {
        let refused = ask(&fixture.admin, "us-east-1", &question);
        assert_eq!(error(&refused), (400, code.into()), "{question}");
    }
    let insights = answer(
        &fixture.admin,
        "us-east-1",
        &json!({"EventCategory": "insight"}),
    );
    assert_eq!(insights["Events"], json!([]));
}

#[test]
fn looking_needs_a_signature_and_a_permission() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let anonymous = ask(&fixture.admin.anonymous(), "us-east-1", &json!({}));
    assert_eq!(
        error(&anonymous),
        (400, "MissingAuthenticationTokenException".into())
    );
    let mut keys = fixture.admin.keys.clone().unwrap();
    keys.secret = "wrong".to_owned();
    let forged = ask(&fixture.admin.with_keys(keys), "us-east-1", &json!({}));
    assert_eq!(error(&forged), (400, "InvalidSignatureException".into()));
    let reader = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    let denied = ask(&reader, "us-east-1", &json!({}));
    assert_eq!(error(&denied), (400, "AccessDeniedException".into()));
    assert!(
        denied.body.contains("cloudtrail:LookupEvents"),
        "{}",
        denied.body
    );

    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudtrail:LookupEvents","Resource":"*"}]}"#;
    let parameters = [
        ("RoleName", "reader"),
        ("PolicyName", "look"),
        ("PolicyDocument", policy),
    ];
    fixture.admin.iam("PutRolePolicy", &parameters).ok();
    let found = answer(&reader, "us-east-1", &json!({}));
    assert!(!found["Events"].as_array().unwrap().is_empty());
    let looked = record(&named(&fixture.admin, "us-east-1", "LookupEvents")[0]);
    assert_eq!(looked["eventSource"], "cloudtrail.amazonaws.com");
}

#[test]
fn lookups_are_not_counted_and_anonymous_calls_of_s3_not_recorded() {
    let fixture = Fixture::start();
    fixture.make_issuer();
    let anonymous = fixture.admin.anonymous();
    let refused = anonymous.s3("GET", "/c1-oidc?policy", "");
    assert_eq!(refused.error(), (403, "AccessDenied".to_owned()));
    fixture.admin.s3("GET", "/c1-oidc?policy", "").ok();
    for _ in 0..6 {
        let found = named(&fixture.admin, "eu-west-1", "GetBucketPolicy");
        assert_eq!(found.len(), 1, "the administrator's alone: {found:#?}");
    }
}
