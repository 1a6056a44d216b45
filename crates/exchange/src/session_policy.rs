//! Session policies and the space that they and the tags take.

use podpass_kinds::Reason;
use podpass_policy::{Document, DocumentKind, PolicyArn};

use crate::constraint::{Constraints, Show};
use crate::denial::{Code, Denial};
use crate::session_tags::SessionTag;
use crate::trace::{Comparison, StepName, Trace};

/// The session policies of a request whose parameters are valid.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionPolicies {
    pub(crate) inline: Option<String>,
    pub(crate) managed: Vec<PolicyArn>,
}

/// Checks the constraints of `Policy` and `PolicyArns`.
pub(crate) fn constrain(
    constraints: &mut Constraints,
    policy: Option<&str>,
    policy_arns: &[String],
) {
    if let Some(policy) = policy {
        constraints.length("policy", policy, Show::Nothing, 1, MAX_PLAINTEXT);
        constraints.pattern(
            "policy",
            policy,
            Show::Nothing,
            POLICY_PATTERN,
            is_policy_character,
        );
    }
    constraints.count("policyArns", policy_arns.len(), MAX_POLICY_ARNS);
    for (index, arn) in policy_arns.iter().enumerate() {
        let name = format!("policyArns.{}.member.arn", index + 1);
        constraints.length(&name, arn, Show::Value, 20, 2048);
    }
}

/// Reads the ARNs of the managed session policies.
pub(crate) fn read_arns(
    policy_arns: &[String],
    trace: &mut Trace,
) -> Result<Vec<PolicyArn>, Denial> {
    let mut arns = Vec::new();
    for text in policy_arns {
        let Ok(arn) = text.parse() else {
            let comparison =
                Comparison::failing("PolicyArns", "the ARN of a managed policy", text.as_str());
            trace.fail(StepName::Parameters, vec![comparison]);
            return Err(Denial::new(
                Code::ValidationError,
                format!("ARN {text} is not valid."),
                Reason::ParameterInvalid,
                trace.clone(),
            ));
        };
        arns.push(arn);
    }
    Ok(arns)
}

/// Reads the inline policy and measures the packed size, in percent, on top of what the identity takes.
pub(crate) fn pack(
    policies: &SessionPolicies,
    tags: &[SessionTag],
    identity_percent: u32,
    trace: &mut Trace,
) -> Result<(Option<Document>, u32), Denial> {
    let mut plaintext: usize = policies.managed.iter().map(|arn| arn.as_str().len()).sum();
    let document = match &policies.inline {
        None => None,
        Some(text) => {
            let document = Document::parse(text, DocumentKind::Session).map_err(|error| {
                let mut comparison = Comparison::failing(
                    "Policy",
                    "a valid policy document",
                    error.kind.to_string(),
                );
                comparison.position = Some(error.position);
                trace.fail(StepName::SessionPolicy, vec![comparison]);
                Denial::new(
                    Code::MalformedPolicyDocument,
                    error.aws_message(),
                    Reason::SessionPolicyMalformed,
                    trace.clone(),
                )
            })?;
            plaintext += document.to_json().len();
            Some(document)
        }
    };
    let policy_plaintext = plaintext;
    plaintext += tags
        .iter()
        .map(|tag| tag.key.len() + tag.value.len())
        .sum::<usize>();
    let packed = (plaintext * PLAINTEXT_PERCENT).div_ceil(MAX_PLAINTEXT);
    let percent = identity_percent.saturating_add(u32::try_from(packed).unwrap_or(u32::MAX));
    let fits = percent <= 100;
    let wording = move || {
        vec![Comparison::new(
            "packed size of policies and tags",
            ["at most 100%"],
            Some(format!("{percent}%")),
            fits,
        )]
    };
    if fits {
        trace.pass(StepName::SessionPolicy, wording);
        return Ok((document, percent));
    }
    trace.fail(StepName::SessionPolicy, wording());
    let message = if policy_plaintext == 0 {
        format!("Packed size of session tags consumes {percent}% of allotted space.")
    } else {
        format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.")
    };
    Err(Denial::new(
        Code::PackedPolicyTooLarge,
        message,
        Reason::PackedPolicyTooLarge,
        trace.clone(),
    ))
}

fn is_policy_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

const POLICY_PATTERN: &str = r"[\u0009\u000A\u000D\u0020-\u00FF]+";
const MAX_POLICY_ARNS: usize = 10;

/// The documented limit on the characters of the inline policy, and on it and the ARNs together.
const MAX_PLAINTEXT: usize = 2048;

/// AWS does not publish how it packs. With this share a full plaintext beside a usual subject comes to about 100 %, so
/// that both limits are reached together and nothing that AWS documents as accepted is refused.
const PLAINTEXT_PERCENT: usize = 74;
