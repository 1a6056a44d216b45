//! From a noted call to the records that CloudTrail keeps of it.

use jiff::Timestamp;
use podpass_policy::{AccountId, RoleArn};
use serde_json::{Value, json};

use super::note::{Details, Note, NotedCaller};
use super::{Actor, json as shape};
use crate::{ids, words};

/// One record, with what `LookupEvents` searches by.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// The place in the order of recording; newer is higher.
    pub(super) number: u64,
    pub(super) account: AccountId,
    pub(super) region: String,
    pub(super) time: Timestamp,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) source: String,
    pub(super) is_read_only: bool,
    pub(super) access_key_id: Option<String>,
    pub(super) user_name: Option<String>,
    /// Types and names.
    pub(super) resources: Vec<(&'static str, String)>,
    /// The record itself.
    pub(super) json: String,
}

/// What is the same in every account that gets a record of a call.
struct Draft {
    region: String,
    time: Timestamp,
    service: String,
    name: String,
    is_read_only: bool,
    parameters: Value,
    result: Value,
    error: Option<(String, String)>,
    additional: Value,
    /// The member `resources`.
    touched: Value,
    resources: Vec<(&'static str, String)>,
    source_address: String,
    user_agent: String,
    request_id: String,
    shared_id: Option<String>,
}

impl Record {
    pub(super) fn size(&self) -> usize {
        self.json.len()
    }
}

/// The records of a call: one, or one for each of two accounts.
///
/// `place` is the call's place in the order of recording.
pub(super) fn records_of(note: &Note, place: u64) -> Vec<Record> {
    let web_actor;
    let actor = match &note.caller {
        NotedCaller::Signed(actor) => actor,
        NotedCaller::WebIdentity(web) => {
            web_actor = Actor::of_web_identity(web);
            &web_actor
        }
    };
    let mut draft = Draft::of(note);
    let own = actor.account.clone();
    let of_role = draft.role().map(|role| role.account().clone());
    let Some(first) = own.or_else(|| of_role.clone()) else {
        return Vec::new();
    };
    // The account of a role learns who assumed it, not who was refused.
    let second = of_role.filter(|account| *account != first && draft.error.is_none());
    draft.shared_id = second.as_ref().map(|_| ids::new_request_id());
    let elsewhere = second.map(|account| draft.record(&actor.seen_from_elsewhere(), account));
    let records = [Some(draft.record(actor, first)), elsewhere];
    let numbered = records.into_iter().flatten().zip(2 * place..);
    numbered
        .map(|(record, number)| Record { number, ..record })
        .collect()
}

impl Draft {
    fn of(note: &Note) -> Self {
        let mut draft = Self {
            region: note.region.clone().unwrap_or_else(|| GLOBAL.to_owned()),
            time: note.time,
            service: note.service.clone(),
            name: note.name.clone(),
            is_read_only: note.is_read_only,
            parameters: Value::Null,
            result: Value::Null,
            error: note.error.clone(),
            additional: Value::Null,
            touched: Value::Null,
            resources: Vec::new(),
            source_address: note.source_address.to_string(),
            user_agent: note.user_agent.clone(),
            request_id: note.request_id.clone(),
            shared_id: None,
        };
        match &note.details {
            Details::Query { parameters, result } => {
                draft.parameters = shape::of_parameters(parameters.iter());
                draft.result = shape::of_result(result);
                if note.service == "iam" {
                    GLOBAL.clone_into(&mut draft.region);
                    draft.iam_details();
                } else {
                    draft.sts_details(matches!(note.caller, NotedCaller::WebIdentity(_)));
                }
            }
            Details::Bucket { bucket, host } => draft.bucket_details(bucket.as_deref(), host),
            Details::Json(body) => {
                draft.parameters = serde_json::from_slice(body).unwrap_or_default();
            }
        }
        draft
    }

    /// The role that is assumed.
    fn role(&self) -> Option<RoleArn> {
        if !self.name.starts_with("AssumeRole") {
            return None;
        }
        self.parameters["roleArn"].as_str()?.parse().ok()
    }

    fn sts_details(&mut self, is_web_identity: bool) {
        let scope = if self.region == GLOBAL {
            "global"
        } else {
            "regional"
        };
        self.additional = json!({
            "RequestDetails": { "endpointType": scope, "awsServingRegion": self.region },
        });
        if is_web_identity {
            // The certificate of a bucket of S3 is one of those that AWS trusts without a thumbprint.
            self.additional["identityProviderConnectionVerificationMethod"] =
                "IAMTrustStore".into();
            if let Some((code, message)) = &mut self.error
                && code == "AccessDenied"
            {
                "An unknown error occurred".clone_into(message);
            }
        }
        let Some(role) = self.role() else { return };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.touched = json!([{
            "accountId": role.account().as_str(),
            "type": "AWS::IAM::Role",
            "ARN": role.as_str(),
        }]);
        if let Some(id) = text(&self.result["credentials"]["accessKeyId"]) {
            self.resources.push(("AWS::IAM::AccessKey", id));
        }
        let user = &self.result["assumedRoleUser"];
        for name in [&user["arn"], &user["assumedRoleId"]] {
            self.resources
                .extend(text(name).map(|name| ("AWS::STS::AssumedRole", name)));
        }
        if self.error.is_none()
            && let Some(name) = text(&self.parameters["roleSessionName"])
        {
            self.resources.push(("AWS::STS::AssumedRole", name));
        }
        self.resources.push(("AWS::IAM::Role", role.to_string()));
    }

    fn iam_details(&mut self) {
        if let Some((code, _)) = &mut self.error {
            match code.as_str() {
                "ValidationError" => "ValidationException".clone_into(code),
                "AccessDenied" => {}
                _ => code.push_str("Exception"),
            }
        }
        for (parameter, kind) in IAM_RESOURCES {
            if let Some(name) = self.parameters[*parameter].as_str() {
                self.resources.push((*kind, name.to_owned()));
            }
        }
    }

    fn bucket_details(&mut self, bucket: Option<&str>, host: &str) {
        self.parameters = json!({ "Host": host });
        let Some(bucket) = bucket else { return };
        self.parameters["bucketName"] = bucket.into();
        self.touched = json!([{
            "type": "AWS::S3::Bucket",
            "ARN": format!("arn:aws:s3:::{bucket}"),
        }]);
        self.resources.push(("AWS::S3::Bucket", bucket.to_owned()));
    }

    fn record(&self, actor: &Actor, account: AccountId) -> Record {
        let id = ids::new_request_id();
        let source = format!("{}.amazonaws.com", self.service);
        let mut record = json!({
            "eventVersion": "1.10",
            "userIdentity": actor.identity,
            "eventTime": words::date(self.time),
            "eventSource": source,
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": self.source_address,
            "userAgent": self.user_agent,
            "requestParameters": self.parameters,
            "responseElements": self.result,
            "requestID": self.request_id,
            "eventID": id,
            "readOnly": self.is_read_only,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account.as_str(),
            "eventCategory": "Management",
        });
        let optional = [
            (
                "errorCode",
                self.error.as_ref().map(|(code, _)| json!(code)),
            ),
            (
                "errorMessage",
                self.error.as_ref().map(|(_, message)| json!(message)),
            ),
            ("additionalEventData", Some(self.additional.clone())),
            ("resources", Some(self.touched.clone())),
            ("sharedEventID", self.shared_id.as_ref().map(|id| json!(id))),
        ];
        for (name, value) in optional {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                record[name] = value;
            }
        }
        Record {
            number: 0,
            account,
            region: self.region.clone(),
            time: self.time,
            id,
            name: self.name.clone(),
            source,
            is_read_only: self.is_read_only,
            access_key_id: actor.access_key_id.clone(),
            user_name: actor.user_name.clone(),
            resources: self.resources.clone(),
            json: record.to_string(),
        }
    }
}

/// Where IAM's calls and those of the global STS are recorded.
const GLOBAL: &str = "us-east-1";

/// Which parameters of IAM name a resource, and of what type.
const IAM_RESOURCES: &[(&str, &str)] = &[
    ("roleName", "AWS::IAM::Role"),
    ("userName", "AWS::IAM::User"),
    ("groupName", "AWS::IAM::Group"),
    ("policyArn", "AWS::IAM::Policy"),
    ("policyName", "AWS::IAM::Policy"),
    ("permissionsBoundary", "AWS::IAM::Policy"),
    ("instanceProfileName", "AWS::IAM::InstanceProfile"),
    ("accessKeyId", "AWS::IAM::AccessKey"),
    ("openIDConnectProviderArn", "AWS::IAM::OIDCProvider"),
];
