//! What the annotations of service account and pod, the assignments and the settings come to.

use std::borrow::Cow;

use podpass_kinds::{Reason, ServiceAccountView, annotations, parse_bool};

use crate::assignments::{Assignments, MappedRole};
use crate::pod::{Pod, Spec, Texts};
use crate::session_name::{self, SessionName};
use crate::settings::{DEFAULT_TOKEN_EXPIRATION, MIN_TOKEN_EXPIRATION};
use crate::token_file::token_file;
use crate::view::Shape;
use crate::volume::VOLUME_NAME;
use crate::{Note, Settings, chain, skip_containers};

/// Whom a pod runs as, and what decides beside the annotations.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The pod's service account; namespace and name alone when the cluster does not have it.
    pub service_account: &'a ServiceAccountView,
    /// What is assigned to service accounts elsewhere; `None` assigns nothing.
    pub assignments: Option<&'a Assignments>,
    /// A number drawn at random for this pod, so that pods with container credentials do not all renew their tokens at
    /// the same time: a lifetime of exactly a day loses up to two hours, nothing at `u32::MAX`.
    pub draw: u32,
}

impl<'a> From<&'a ServiceAccountView> for Identity<'a> {
    /// Without assignments, and with the full lifetime.
    fn from(service_account: &'a ServiceAccountView) -> Self {
        Self {
            service_account,
            assignments: None,
            draw: u32::MAX,
        }
    }
}

/// What is injected into a pod.
#[derive(Debug)]
pub(crate) struct Parameters<'a> {
    pub(crate) credentials: Credentials<'a>,
    /// Empty means that the projection has no audience.
    pub(crate) audience: &'a str,
    /// Seconds.
    pub(crate) token_expiration: i64,
    pub(crate) volume_name: &'a str,
    pub(crate) mount_path: &'a str,
    /// The file's name in the volume.
    pub(crate) token_path: &'a str,
    /// The whole path, as containers are told it.
    pub(crate) token_file: String,
    pub(crate) region: Option<&'a str>,
    pub(crate) regional_sts: bool,
    pub(crate) session_name: Option<SessionName>,
    pub(crate) skipped_containers: Vec<String>,
}

/// How an SDK gets credentials.
#[derive(Debug)]
pub(crate) enum Credentials<'a> {
    /// IAM roles for service accounts: the role, verbatim and never empty.
    WebIdentity { role_arn: Cow<'a, str> },
    /// EKS Pod Identity: the endpoint.
    Container { full_uri: &'a str },
    /// Roles that are taken on one after the other: the configuration file, and its path as containers are told it.
    Chain { config: String, config_file: String },
}

impl<'a> Parameters<'a> {
    /// Resolves annotations, assignments and settings; `None` when nothing gives the service account an identity.
    pub(crate) fn resolve(
        pod: &'a Pod<'_>,
        spec: &Spec<'_>,
        identity: Identity<'a>,
        settings: &'a Settings,
        notes: &mut Vec<Note>,
    ) -> Option<Self> {
        let account = Account {
            view: identity.service_account,
            prefix: &settings.annotation_prefix,
        };
        let found = account.lookup(identity.assignments, settings);
        let Some(found) = found else {
            notes.push(account.without_role());
            return None;
        };
        let pod_annotations = PodAnnotations::of(pod, &settings.annotation_prefix, notes);
        let mut said = account.said(notes);
        match &found {
            // Where the peer takes all from the entry and nothing from the annotations, the entry still comes first.
            Found::Mapped(entry) => said.fill_in_behind(entry),
            Found::ContainerCredentials(Some(entry)) => said.fill_in(entry),
            Found::ContainerCredentials(None) | Found::Annotated(_) => {}
        }
        let expiration = pod_annotations
            .get(annotations::TOKEN_EXPIRATION, notes)
            .and_then(|(text, pointer)| parse_expiration(text, &pointer, notes))
            .or(said.token_expiration)
            .unwrap_or(settings.token_expiration);
        let mut parameters = Self {
            credentials: Credentials::Container { full_uri: "" },
            audience: "",
            token_expiration: floor_expiration(expiration, notes),
            volume_name: VOLUME_NAME,
            mount_path: &settings.token_mount_path,
            token_path: TOKEN_FILE_NAME,
            token_file: String::new(),
            region: settings
                .default_region
                .as_deref()
                .filter(|region| !region.is_empty()),
            regional_sts: said.regional_sts.unwrap_or(settings.sts_regional_endpoints),
            session_name: pod_annotations
                .get_named(annotations::SESSION_NAME, notes)
                .or_else(|| {
                    account
                        .named(annotations::SESSION_NAME)
                        .map(|text| (text, String::new()))
                })
                .and_then(|(text, pointer)| {
                    session_name::parse(text, &pointer, pod.metadata(), account.view, notes)
                }),
            skipped_containers: skipped_containers(&account, &pod_annotations, notes),
        };
        match found {
            Found::ContainerCredentials(_) => {
                let own = &settings.container_credentials;
                parameters.credentials = Credentials::Container {
                    full_uri: &own.full_uri,
                };
                parameters.audience = &own.audience;
                parameters.volume_name = &own.token_volume_name;
                parameters.mount_path = &own.token_mount_path;
                parameters.token_path = &own.token_path;
                parameters.token_expiration = spread(parameters.token_expiration, identity.draw);
            }
            Found::Annotated(role_arn) => parameters.take_on(role_arn, &said, settings, notes),
            Found::Mapped(entry) => {
                let role_arn = Cow::Borrowed(entry.role_arn.as_str());
                parameters.take_on(role_arn, &said, settings, notes);
            }
        }
        parameters.token_file = token_file(
            parameters.mount_path,
            parameters.token_path,
            spec.is_windows(),
        );
        if let Some(text) = account.named(annotations::ASSUME_ROLE_CHAIN) {
            parameters.chain(&chain::parse(text, notes), spec.is_windows(), notes);
        }
        Some(parameters)
    }

    /// Goes on to further roles.
    fn chain(&mut self, roles: &[String], windows: bool, notes: &mut Vec<Note>) {
        if roles.is_empty() {
            return;
        }
        let Credentials::WebIdentity { role_arn } = &self.credentials else {
            let message = format!(
                "`{}` has no effect on a pod with container credentials",
                annotations::ASSUME_ROLE_CHAIN
            );
            notes.push(Note::new(Reason::ChainNeedsWebIdentity, "", message));
            return;
        };
        let session_name = match &self.session_name {
            Some(SessionName::Text(text)) => Some(text.as_str()),
            // A field of the pod cannot stand in the file; the variable names the first role's session.
            Some(SessionName::Field(_)) | None => None,
        };
        let mut all = vec![role_arn.as_ref()];
        all.extend(roles.iter().map(String::as_str));
        self.credentials = Credentials::Chain {
            config: chain::chain_config(&all, &self.token_file, session_name),
            config_file: token_file(self.mount_path, chain::CONFIG_FILE_NAME, windows),
        };
    }

    fn take_on(
        &mut self,
        role_arn: Cow<'a, str>,
        said: &Said<'a>,
        settings: &'a Settings,
        notes: &mut Vec<Note>,
    ) {
        if !is_role_arn(&role_arn) {
            let message =
                format!("`{role_arn}` is not the ARN of an IAM role; it is injected as it stands");
            notes.push(Note::new(Reason::BadRoleArn, "", message));
        }
        self.credentials = Credentials::WebIdentity { role_arn };
        self.audience = said.audience.unwrap_or(&settings.token_audience);
    }
}

/// What gives a service account its identity.
enum Found<'a> {
    /// The container credentials file, and what the ConfigMap says of the same service account.
    ContainerCredentials(Option<&'a MappedRole>),
    /// Its annotation.
    Annotated(Cow<'a, str>),
    /// The ConfigMap.
    Mapped(&'a MappedRole),
}

/// What is said of the token and of STS; what is not said is left to the settings.
#[derive(Default)]
struct Said<'a> {
    audience: Option<&'a str>,
    regional_sts: Option<bool>,
    token_expiration: Option<i64>,
}

impl<'a> Said<'a> {
    /// Takes from the entry what is not said yet.
    fn fill_in(&mut self, entry: &'a MappedRole) {
        self.audience = self.audience.or(entry.audience.as_deref());
        self.regional_sts = self.regional_sts.or(entry.regional_sts);
        self.token_expiration = self.token_expiration.or(entry.token_expiration);
    }

    /// Takes from the entry whatever it says.
    fn fill_in_behind(&mut self, entry: &'a MappedRole) {
        let behind = std::mem::take(self);
        self.fill_in(entry);
        self.audience = self.audience.or(behind.audience);
        self.regional_sts = self.regional_sts.or(behind.regional_sts);
        self.token_expiration = self.token_expiration.or(behind.token_expiration);
    }
}

/// A service account and the prefix of the annotations that count.
struct Account<'a> {
    view: &'a ServiceAccountView,
    prefix: &'a str,
}

impl<'a> Account<'a> {
    fn annotation(&self, suffix: &str) -> Option<&'a str> {
        self.view.annotation(self.prefix, suffix)
    }

    /// The value of one of podpass's own annotations, whose domain does not follow `--annotation-prefix`.
    fn named(&self, name: &str) -> Option<&'a str> {
        self.view.annotations.get(name).map(String::as_str)
    }

    /// Finds what gives the account an identity: the container credentials file, its annotation, the ConfigMap.
    fn lookup(
        &self,
        assignments: Option<&'a Assignments>,
        settings: &Settings,
    ) -> Option<Found<'a>> {
        let (namespace, name) = (self.view.namespace.as_str(), self.view.name.as_str());
        if let Some(assignments) = assignments
            && assignments.container_credentials.contains(namespace, name)
        {
            let entry = assignments.roles.exact(namespace, name);
            return Some(Found::ContainerCredentials(entry));
        }
        let annotated = self.annotation(annotations::ROLE_ARN);
        if let Some(role) = annotated.filter(|role| !role.is_empty()) {
            let composed = settings
                .compose_role_arn
                .as_ref()
                .filter(|_| !role.contains("arn:"))
                .map(|home| Cow::Owned(home.role_arn(role)));
            return Some(Found::Annotated(composed.unwrap_or(Cow::Borrowed(role))));
        }
        let entry = assignments?.roles.get(namespace, name)?;
        (!entry.role_arn.is_empty()).then_some(Found::Mapped(entry))
    }

    fn without_role(&self) -> Note {
        let message = format!(
            "service account `{}/{}` has no annotation `{}`",
            self.view.namespace,
            self.view.name,
            annotations::name(self.prefix, annotations::ROLE_ARN)
        );
        Note::new(Reason::NoRoleAnnotation, "", message)
    }

    fn said(&self, notes: &mut Vec<Note>) -> Said<'a> {
        Said {
            audience: self.annotation(annotations::AUDIENCE),
            regional_sts: self
                .annotation(annotations::STS_REGIONAL_ENDPOINTS)
                .and_then(|text| parse_regional_sts(text, notes)),
            token_expiration: self
                .annotation(annotations::TOKEN_EXPIRATION)
                .and_then(|text| parse_expiration(text, "", notes)),
        }
    }
}

/// The annotations of a pod, as far as they are text.
struct PodAnnotations<'p> {
    members: Option<&'p Texts<'p>>,
    prefix: &'p str,
}

impl<'p> PodAnnotations<'p> {
    fn of(pod: &'p Pod<'_>, prefix: &'p str, notes: &mut Vec<Note>) -> Self {
        let annotations = pod.metadata().map(|metadata| &metadata.annotations);
        if let Some(Shape::Wrong) = annotations {
            notes.push(Note::malformed("/metadata/annotations", "an object"));
        }
        Self {
            members: annotations.and_then(|annotations| annotations.members()),
            prefix,
        }
    }

    /// Returns the annotation's text and its place.
    fn get(&self, suffix: &str, notes: &mut Vec<Note>) -> Option<(&'p str, String)> {
        self.get_named(&annotations::name(self.prefix, suffix), notes)
    }

    /// The same, by its full name.
    fn get_named(&self, name: &str, notes: &mut Vec<Note>) -> Option<(&'p str, String)> {
        let value = self.members?.get(name)?;
        let pointer = format!(
            "/metadata/annotations/{}",
            name.replace('~', "~0").replace('/', "~1")
        );
        match value {
            Shape::Is(text) => Some((text, pointer)),
            Shape::Absent => None,
            Shape::Wrong => {
                notes.push(Note::malformed(pointer, "a string"));
                None
            }
        }
    }
}

/// The containers that pod and service account ask to skip; the peer knows only the pod's list.
fn skipped_containers(
    account: &Account<'_>,
    pod: &PodAnnotations<'_>,
    notes: &mut Vec<Note>,
) -> Vec<String> {
    let of_pod = pod.get(annotations::SKIP_CONTAINERS, notes);
    let of_account = account
        .annotation(annotations::SKIP_CONTAINERS)
        .map(|text| (text, String::new()));
    let mut names = Vec::new();
    for (text, pointer) in of_pod.into_iter().chain(of_account) {
        if let Some(listed) = skip_containers::parse(text) {
            names.extend(listed);
        } else {
            let message = format!("no container is skipped: `{text}` has a quote out of place");
            notes.push(Note::new(Reason::SkipContainersInvalid, pointer, message));
        }
    }
    names
}

/// Shortens the lifetime of a day, and no other, by up to two hours, as the peer does for container credentials.
fn spread(seconds: i64, draw: u32) -> i64 {
    if seconds != DEFAULT_TOKEN_EXPIRATION {
        return seconds;
    }
    let share = (u64::from(draw) * (SPREAD + 1)) >> 32;
    DEFAULT_TOKEN_EXPIRATION.saturating_sub_unsigned(SPREAD - share)
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

fn parse_regional_sts(text: &str, notes: &mut Vec<Note>) -> Option<bool> {
    let parsed = parse_bool(text);
    if parsed.is_none() {
        let message = format!("`{text}` is neither true nor false and is ignored");
        notes.push(Note::new(Reason::StsRegionalEndpointsInvalid, "", message));
    }
    parsed
}

/// The peer's pattern `^arn:aws[a-z0-9-]*:iam::\d{12}:role\/[\w-\/.@+=,]+$`.
pub(crate) fn is_role_arn(text: &str) -> bool {
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

/// By how many seconds the lifetimes of container credentials' tokens differ at the most.
const SPREAD: u64 = 7200;

/// The token's file name in the volume of a web identity.
const TOKEN_FILE_NAME: &str = "token";

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
    fn a_day_is_spread_and_nothing_else() {
        // The peer draws from [79200, 86400], both included.
        assert_eq!(spread(86_400, 0), 79_200);
        assert_eq!(spread(86_400, u32::MAX), 86_400);
        assert_eq!(spread(86_400, 1 << 31), 82_800);
        assert_eq!(spread(86_399, 0), 86_399);
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
