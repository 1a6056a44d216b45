//! `LookupEvents`: a page of the records of one account and region, newest first.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use podpass_policy::{AccountId, Context};
use serde_json::{Value, json};

use super::Trail;
use super::record::Record;
use crate::call::Call;
use crate::iam::store::Account;
use crate::query::ApiError;
use crate::received::Received;

/// The operation that a request names in its target.
pub(crate) fn action_of(request: &Received) -> &str {
    let target = request.header("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

/// Asks whether the caller may look events up.
pub(crate) fn authorize(call: &mut Call<'_>, account: &Account) -> Result<(), ApiError> {
    let permission = format!("cloudtrail:{LOOKUP_EVENTS}");
    call.authorize(account, &permission, "*", Context::new())
        .map_err(|error| ApiError {
            status: 400,
            code: "AccessDeniedException",
            ..error
        })
}

/// What is looked for, as the caller sent it.
#[derive(Debug)]
pub(crate) struct Lookup {
    attribute: Option<(String, String)>,
    start: Option<f64>,
    end: Option<f64>,
    max: usize,
    /// Records from this number on were on earlier pages.
    before: Option<u64>,
    /// Tells a token for other questions from one for this.
    question: String,
    wants_insights: bool,
}

/// Whose records are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a str,
    pub(crate) now: Timestamp,
}

impl Lookup {
    /// Reads the call, once its signature holds.
    pub(crate) fn read(request: &Received) -> Result<Self, ApiError> {
        let action = action_of(request);
        if action != LOOKUP_EVENTS {
            return Err(refused(
                "UnknownOperationException",
                format!("This sandbox has only {LOOKUP_EVENTS} of CloudTrail, not `{action}`."),
            ));
        }
        let given: Value = serde_json::from_slice(&request.body)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| refused("SerializationException", "the request is not a JSON object"))?;
        let (start, end) = (time(&given, "StartTime")?, time(&given, "EndTime")?);
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return Err(refused(
                "InvalidTimeRangeException",
                "The start time must be before the end time.",
            ));
        }
        let mut lookup = Self {
            attribute: attribute(&given)?,
            start,
            end,
            max: max_results(&given)?,
            before: None,
            question: question(&given),
            wants_insights: wants_insights(&given)?,
        };
        lookup.before = lookup.position(&given)?;
        Ok(lookup)
    }

    /// The page.
    pub(crate) fn answer(&self, trail: &Trail, place: Place<'_>) -> Value {
        let mut kept = trail.lock();
        let mut found = kept.records().rev().filter(|record| {
            !self.wants_insights
                && self.before.is_none_or(|before| record.number < before)
                && self.matches(record, place)
        });
        let page: Vec<&Record> = found.by_ref().take(self.max).collect();
        let events: Vec<Value> = page.iter().map(|record| event(record)).collect();
        let mut answer = json!({ "Events": events });
        if let Some(last) = page.last().filter(|_| found.next().is_some()) {
            answer["NextToken"] = self.token(last.number).into();
        }
        answer
    }

    fn matches(&self, record: &Record, place: Place<'_>) -> bool {
        let seconds = epoch(record.time);
        record.account == *place.account
            && record.region == place.region
            && place.now.duration_since(record.time) <= KEPT
            && self.start.is_none_or(|start| start <= seconds)
            && self.end.is_none_or(|end| seconds <= end)
            && self
                .attribute
                .as_ref()
                .is_none_or(|(key, value)| has(record, key, value))
    }

    fn token(&self, number: u64) -> String {
        STANDARD.encode(format!("{number}/{}", self.question))
    }

    fn position(&self, given: &Value) -> Result<Option<u64>, ApiError> {
        let token = &given["NextToken"];
        if token.is_null() {
            return Ok(None);
        }
        let number = token
            .as_str()
            .and_then(|token| STANDARD.decode(token).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| {
                let (number, question) = text.split_once('/')?;
                (question == self.question).then(|| number.parse().ok())?
            });
        number.map(Some).ok_or_else(|| {
            refused(
                "InvalidNextTokenException",
                "The token is invalid, or it is not used with the parameters of the request that it came from.",
            )
        })
    }
}

fn event(record: &Record) -> Value {
    let resources: Vec<Value> = record
        .resources
        .iter()
        .map(|(kind, name)| json!({ "ResourceType": kind, "ResourceName": name }))
        .collect();
    let mut event = json!({
        "EventId": record.id,
        "EventName": record.name,
        "ReadOnly": record.is_read_only.to_string(),
        "EventTime": epoch(record.time),
        "EventSource": record.source,
        "Resources": resources,
        "CloudTrailEvent": record.json,
    });
    for (name, value) in [
        ("AccessKeyId", &record.access_key_id),
        ("Username", &record.user_name),
    ] {
        if let Some(value) = value {
            event[name] = value.as_str().into();
        }
    }
    event
}

fn has(record: &Record, key: &str, value: &str) -> bool {
    let is = |text: &Option<String>| text.as_deref() == Some(value);
    match key {
        "EventId" => record.id == value,
        "EventName" => record.name == value,
        "ReadOnly" => record.is_read_only.to_string() == value,
        "Username" => is(&record.user_name),
        "ResourceType" => record.resources.iter().any(|(kind, _)| *kind == value),
        "ResourceName" => record.resources.iter().any(|(_, name)| name == value),
        "EventSource" => record.source == value,
        "AccessKeyId" => is(&record.access_key_id),
        _ => false,
    }
}

fn attribute(given: &Value) -> Result<Option<(String, String)>, ApiError> {
    let invalid = |why: String| refused("InvalidLookupAttributesException", why);
    let list = match &given["LookupAttributes"] {
        Value::Null => return Ok(None),
        Value::Array(list) => list,
        _ => return Err(invalid("LookupAttributes must be a list.".to_owned())),
    };
    let [one] = list.as_slice() else {
        return match list.as_slice() {
            [] => Ok(None),
            _ => Err(invalid(
                "Only one lookup attribute can be given.".to_owned(),
            )),
        };
    };
    let text = |name: &str| one[name].as_str().unwrap_or_default();
    let (key, value) = (text("AttributeKey"), text("AttributeValue"));
    if !KEYS.contains(&key) {
        return Err(invalid(format!(
            "`{key}` is not an attribute key; these are: {}.",
            KEYS.join(", ")
        )));
    }
    if !(1..=2000).contains(&value.chars().count()) {
        return Err(invalid(format!(
            "The value of {key} must have 1 to 2000 characters."
        )));
    }
    Ok(Some((key.to_owned(), value.to_owned())))
}

fn time(given: &Value, name: &str) -> Result<Option<f64>, ApiError> {
    match &given[name] {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_f64()),
        _ => Err(refused(
            "SerializationException",
            format!("{name} must be a number of seconds since 1970."),
        )),
    }
}

fn max_results(given: &Value) -> Result<usize, ApiError> {
    let max = &given["MaxResults"];
    if max.is_null() {
        return Ok(MAX_RESULTS);
    }
    max.as_u64()
        .and_then(|max| usize::try_from(max).ok())
        .filter(|max| (1..=MAX_RESULTS).contains(max))
        .ok_or_else(|| {
            refused(
                "InvalidMaxResultsException",
                format!("MaxResults is {max}; it must be between 1 and {MAX_RESULTS}."),
            )
        })
}

fn wants_insights(given: &Value) -> Result<bool, ApiError> {
    match &given["EventCategory"] {
        Value::Null => Ok(false),
        Value::String(category) if category == "insight" => Ok(true),
        other => Err(refused(
            "InvalidEventCategoryException",
            format!("EventCategory is {other}; the only value is `insight`."),
        )),
    }
}

/// What must be the same for a token to go on: everything but the token and the size of a page.
fn question(given: &Value) -> String {
    let parts: Vec<&Value> = ["LookupAttributes", "StartTime", "EndTime", "EventCategory"]
        .iter()
        .map(|name| &given[*name])
        .collect();
    let text = serde_json::to_vec(&parts).unwrap_or_default();
    hex::encode(&digest(&SHA256, &text).as_ref()[..8])
}

/// AWS shows whole seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 have 33 bits for centuries"
)]
fn epoch(time: Timestamp) -> f64 {
    time.as_second() as f64
}

fn refused(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(400, code, message)
}

/// The one operation of CloudTrail that is here.
pub(crate) const LOOKUP_EVENTS: &str = "LookupEvents";

const KEYS: &[&str] = &[
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
];

/// How many results a page has at most, and without being told.
const MAX_RESULTS: usize = 50;

/// How long AWS keeps the event history: 90 days.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
