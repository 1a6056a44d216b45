//! What the annotations of service account and pod, and the settings, come to.

use podpass_kinds::{Reason, ServiceAccountView, annotations};
use serde_json::Value;

use crate::settings::MIN_TOKEN_EXPIRATION;
use crate::token_file::{self, OperatingSystem};
use crate::{Note, Settings, skip_containers};

/// What is injected into a pod.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// Verbatim from the annotation, never empty.
    pub(crate) role_arn: String,
    /// Empty means that the projection has no audience.
    pub(crate) audience: String,
    /// Seconds.
    pub(crate) token_expiration: i64,
    pub(crate) mount_path: String,
    pub(crate) token_file: String,
    pub(crate) region: Option<String>,
    pub(crate) regional_sts: bool,
    pub(crate) skipped_containers: Vec<String>,
}

impl Parameters {
    /// Resolves annotations and settings; `None` when the service account has no role.
    pub(crate) fn resolve(
        pod: &Value,
        spec: &Value,
        account: &ServiceAccountView,
        settings: &Settings,
        notes: &mut Vec<Note>,
    ) -> Option<Self> {
        let prefix = settings.annotation_prefix.as_str();
        let of_account = |suffix| account.annotation(prefix, suffix);
        let Some(role_arn) = of_account(annotations::ROLE_ARN).filter(|role| !role.is_empty())
        else {
            let role_annotation = annotations::name(prefix, annotations::ROLE_ARN);
            let message = format!(
                "service account `{}/{}` has no annotation `{role_annotation}`",
                account.namespace, account.name
            );
            notes.push(Note::new(Reason::NoRoleAnnotation, "", message));
            return None;
        };
        if !is_role_arn(role_arn) {
            let message =
                format!("`{role_arn}` is not the ARN of an IAM role; it is injected as it stands");
            notes.push(Note::new(Reason::BadRoleArn, "", message));
        }
        let pod_annotations = PodAnnotations::of(pod, prefix, notes);
        let expiration = pod_annotations
            .get(annotations::TOKEN_EXPIRATION, notes)
            .and_then(|(text, pointer)| parse_expiration(text, &pointer, notes))
            .or_else(|| parse_expiration(of_account(annotations::TOKEN_EXPIRATION)?, "", notes))
            .unwrap_or(settings.token_expiration);
        Some(Self {
            role_arn: role_arn.to_owned(),
            audience: of_account(annotations::AUDIENCE)
                .unwrap_or(&settings.token_audience)
                .to_owned(),
            token_expiration: floor_expiration(expiration, notes),
            mount_path: settings.token_mount_path.clone(),
            token_file: token_file::token_file(
                &settings.token_mount_path,
                OperatingSystem::of(spec),
            ),
            region: settings
                .default_region
                .clone()
                .filter(|region| !region.is_empty()),
            regional_sts: of_account(annotations::STS_REGIONAL_ENDPOINTS)
                .and_then(|text| parse_regional_sts(text, notes))
                .unwrap_or(settings.sts_regional_endpoints),
            skipped_containers: skipped_containers(&pod_annotations, notes),
        })
    }
}

/// The annotations of a pod, as far as they are text.
struct PodAnnotations<'p> {
    members: Option<&'p serde_json::Map<String, Value>>,
    prefix: &'p str,
}

impl<'p> PodAnnotations<'p> {
    fn of(pod: &'p Value, prefix: &'p str, notes: &mut Vec<Note>) -> Self {
        let members = match pod.pointer("/metadata/annotations") {
            None | Some(Value::Null) => None,
            Some(Value::Object(members)) => Some(members),
            Some(_) => {
                notes.push(Note::malformed("/metadata/annotations", "an object"));
                None
            }
        };
        Self { members, prefix }
    }

    /// Returns the annotation's text and its place.
    fn get(&self, suffix: &str, notes: &mut Vec<Note>) -> Option<(&'p str, String)> {
        let name = annotations::name(self.prefix, suffix);
        let value = self.members?.get(&name)?;
        let pointer = format!(
            "/metadata/annotations/{}",
            name.replace('~', "~0").replace('/', "~1")
        );
        match value {
            Value::String(text) => Some((text, pointer)),
            Value::Null => None,
            _ => {
                notes.push(Note::malformed(pointer, "a string"));
                None
            }
        }
    }
}

fn skipped_containers(pod: &PodAnnotations<'_>, notes: &mut Vec<Note>) -> Vec<String> {
    let Some((text, pointer)) = pod.get(annotations::SKIP_CONTAINERS, notes) else {
        return Vec::new();
    };
    skip_containers::parse(text).unwrap_or_else(|| {
        let message = format!("no container is skipped: `{text}` has a quote out of place");
        notes.push(Note::new(Reason::SkipContainersInvalid, pointer, message));
        Vec::new()
    })
}

/// Go's `ParseInt(text, 10, 64)`: a sign, then digits only.
fn parse_expiration(text: &str, pointer: &str, notes: &mut Vec<Note>) -> Option<i64> {
    let seconds = text.parse().ok();
    if seconds.is_none() {
        let message = format!("`{text}` is not a whole number of seconds and is ignored");
        notes.push(Note::new(Reason::TokenExpirationInvalid, pointer, message));
    }
    seconds
}

fn floor_expiration(seconds: i64, notes: &mut Vec<Note>) -> i64 {
    if seconds < MIN_TOKEN_EXPIRATION {
        let message = format!("{seconds} seconds are raised to {MIN_TOKEN_EXPIRATION}");
        notes.push(Note::new(Reason::TokenExpirationTooShort, "", message));
        return MIN_TOKEN_EXPIRATION;
    }
    if seconds > MAX_TOKEN_EXPIRATION {
        let message = format!(
            "{seconds} seconds are more than the API server accepts, {MAX_TOKEN_EXPIRATION}"
        );
        notes.push(Note::new(Reason::TokenExpirationTooLong, "", message));
    }
    seconds
}

/// Go's `ParseBool`.
fn parse_regional_sts(text: &str, notes: &mut Vec<Note>) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => {
            let message = format!("`{text}` is neither true nor false and is ignored");
            notes.push(Note::new(Reason::StsRegionalEndpointsInvalid, "", message));
            None
        }
    }
}

/// The peer's pattern `^arn:aws[a-z0-9-]*:iam::\d{12}:role\/[\w-\/.@+=,]+$`.
fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return false;
    };
    let Some(partition_rest) = partition.strip_prefix("aws") else {
        return false;
    };
    let Some(name) = resource.strip_prefix("role/") else {
        return false;
    };
    partition_rest
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-/.@+=,".contains(&byte))
}

/// The API server's limit for `expirationSeconds`, 2^32.
const MAX_TOKEN_EXPIRATION: i64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arn_pattern_is_the_peers() {
        let cases = [
            ("arn:aws:iam::123456789012:role/s3-reader", true),
            (
                "arn:aws-us-gov:iam::123456789012:role/path/to/role@+=,._",
                true,
            ),
            ("arn:aws:iam::10xxxxxxxx83:role/irsa-s3", false),
            ("arn:aws:iam::1234567890:role/s3", false),
            ("arn:aws:iam::123456789012:user/s3", false),
            ("arn:aws:iam::123456789012:role/", false),
            ("arn:aws:iam::123456789012:role/a:b", false),
            ("arn:aws:iam:eu-west-1:123456789012:role/a", false),
            (" arn:aws:iam::123456789012:role/a", false),
            ("arn:aws:iam::123456789012:role/a\n", false),
            ("s3-reader", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_role_arn(text), expected, "{text:?}");
        }
    }

    #[test]
    fn expiration_is_parsed_as_go_does() {
        let cases = [
            ("700", Some(700)),
            ("+700", Some(700)),
            ("-5", Some(-5)),
            ("000700", Some(700)),
            ("999999999999", Some(999_999_999_999)),
            (" 700", None),
            ("700 ", None),
            ("1h", None),
            ("1e3", None),
            ("0x400", None),
            ("7_00", None),
            ("", None),
            ("9223372036854775808", None),
        ];
        for (text, expected) in cases {
            let mut notes = Vec::new();
            assert_eq!(parse_expiration(text, "", &mut notes), expected, "{text:?}");
            let reasons: Vec<Reason> = notes.iter().map(|note| note.reason).collect();
            let expected_reasons: &[Reason] = if expected.is_none() {
                &[Reason::TokenExpirationInvalid]
            } else {
                &[]
            };
            assert_eq!(reasons, expected_reasons, "{text:?}");
        }
    }

    #[test]
    fn regional_sts_is_parsed_as_go_does() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(
                parse_regional_sts(text, &mut Vec::new()),
                Some(true),
                "{text:?}"
            );
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(
                parse_regional_sts(text, &mut Vec::new()),
                Some(false),
                "{text:?}"
            );
        }
        for text in ["yes", "on", "tRUE", "", " true"] {
            let mut notes = Vec::new();
            assert_eq!(parse_regional_sts(text, &mut notes), None, "{text:?}");
            assert_eq!(
                notes[0].reason,
                Reason::StsRegionalEndpointsInvalid,
                "{text:?}"
            );
        }
    }
}
