//! Simulation: what a description can prove, what a session may do, and how texts are edited.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its preparation fails"
)]

use jiff::Timestamp;
use podpass_diagnose::simulate::{
    Bearer, Edit, Keys, PermissionsQuestion, Scenario, Signature, TextEdit, TrustPolicy, permit,
    pod_claims, simulate, supposed_token,
};
use podpass_exchange::{OidcProvider, Outcome, StepName, WebIdentityRequest};
use podpass_kinds::Reason;
use podpass_policy::{Context, Policies, Position};

const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com";

fn scenario(trust: &str, subject: &str) -> Scenario {
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let claims = pod_claims(
        "https://oidc.example.com",
        subject,
        "sts.amazonaws.com",
        now,
    );
    let role = "arn:aws:iam::123456789012:role/app";
    Scenario {
        request: WebIdentityRequest::new(role, "simulate", supposed_token(&claims)),
        bearer: Bearer::Described,
        keys: Keys::Unknown,
        providers: vec![OidcProvider {
            arn: PROVIDER.parse().unwrap(),
            client_ids: vec!["sts.amazonaws.com".to_owned()],
        }],
        trust: TrustPolicy::read("trust.json", trust).unwrap(),
        max_session_seconds: 3600,
        now,
    }
}

fn trust(condition: &str) -> String {
    format!(
        "{{\"Version\":\"2012-10-17\",\r\n\"Statement\":{{\"Effect\":\"Allow\",\r\n\"Principal\":{{\"Federated\":\"{PROVIDER}\"}},\r\n\
         \"Action\":\"sts:AssumeRoleWithWebIdentity\",\r\n\"Condition\":{condition}}}}}"
    )
}

#[test]
fn a_description_proves_neither_form_nor_times_nor_signature() {
    let trust = trust(r#"{"StringEquals":{"oidc.example.com:sub":"system:serviceaccount:a:b"}}"#);
    let simulation = simulate(&scenario(&trust, "system:serviceaccount:a:b"));
    assert!(simulation.is_allowed());
    assert_eq!(simulation.signature, Signature::NotChecked);
    let steps: Vec<StepName> = simulation
        .trace
        .steps
        .iter()
        .map(|step| step.name)
        .collect();
    assert!(!steps.contains(&StepName::TokenFormat) && !steps.contains(&StepName::TokenTimes));
    let signature = simulation
        .trace
        .steps
        .iter()
        .find(|step| step.name == StepName::Signature);
    assert_eq!(signature.unwrap().outcome, Outcome::NotChecked);
    assert_eq!(simulation.finding("trust.json"), None);
}

#[test]
fn edits_of_one_line_leave_every_other_byte() {
    let condition = r#"{"StringEquals":{"oidc.example.com:sub":["system:serviceaccount:a:x","system:serviceaccount:ä:y"]}}"#;
    let scenario = scenario(&trust(condition), "system:serviceaccount:other:thing");
    let simulation = simulate(&scenario);
    let [Edit::TrustPolicy(edit)] = simulation.edits.as_slice() else {
        panic!("one edit of the trust policy: {:?}", simulation.edits);
    };
    assert_eq!((edit.position.line, edit.old.as_str()), (5, ""));
    let edited = edit.apply(scenario.trust.text()).unwrap();
    let expected =
        trust(&condition.replace("ä:y\"", "ä:y\", \"system:serviceaccount:other:thing\""));
    assert_eq!(edited, expected);
}

#[test]
fn two_mistakes_need_two_edits() {
    let condition = r#"{"StringEquals":{"oidc.example.com:sub":"system:serviceaccount:a:b*","oidc.example.com:aud":"sts.amazon.com"}}"#;
    let mut scenario = scenario(&trust(condition), "system:serviceaccount:a:bcdefg");
    let simulation = simulate(&scenario);
    assert!(simulation.edits.len() >= 2, "{:?}", simulation.edits);
    for edit in &simulation.edits {
        assert!(!simulate(&scenario).is_allowed());
        scenario = edit.apply(&scenario).unwrap();
    }
    assert!(simulate(&scenario).is_allowed());
}

#[test]
fn an_edit_never_drops_the_condition_on_the_audience() {
    let condition = r#"{"StringEquals":{"oidc.example.com:sub":"system:serviceaccount:a:b","oidc.example.com:aud":"openshift"}}"#;
    let mut scenario = scenario(&trust(condition), "system:serviceaccount:a:b");
    let simulation = simulate(&scenario);
    assert_eq!(simulation.reason, Some(Reason::TrustAudMismatch));
    for edit in &simulation.edits {
        scenario = edit.apply(&scenario).unwrap();
    }
    assert!(scenario.trust.text().contains("oidc.example.com:aud"));
}

#[test]
fn an_edit_of_another_text_is_refused() {
    let edit = TextEdit {
        position: Position { line: 1, column: 2 },
        old: "abc".to_owned(),
        new: "x".to_owned(),
        what: "replace".to_owned(),
    };
    assert_eq!(edit.apply("-abc-").unwrap(), "-x-");
    for text in ["", "abc", "-ab", "-äbc-"] {
        assert!(edit.apply(text).is_err(), "{text}");
    }
}

#[test]
fn without_a_session_nothing_is_permitted() {
    let trust = trust(r#"{"StringEquals":{"oidc.example.com:sub":"system:serviceaccount:a:b"}}"#);
    let question = PermissionsQuestion {
        action: "s3:GetObject",
        resource: "*",
        policies: Policies::default(),
        context: Context::new(),
    };
    assert!(permit(&scenario(&trust, "system:serviceaccount:a:c"), &question).is_none());
    let permission = permit(&scenario(&trust, "system:serviceaccount:a:b"), &question).unwrap();
    assert_eq!(permission.reason, Some(Reason::PermissionDeniedIdentity));
}
