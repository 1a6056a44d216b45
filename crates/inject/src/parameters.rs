//! What the annotations of service account and pod, the assignments and the settings come to.

use std::borrow::Cow;

use podpass_kinds::annotations::{
    ASSUME_ROLE_CHAIN, REGION, SESSION_NAME, STS_REGIONAL_ENDPOINTS, TOKEN_EXPIRATION,
};
use podpass_kinds::{Reason, parse_bool};

use crate::annotated::Annotated;
use crate::assignments::MappedRole;
use crate::container_list::ContainerChoice;
use crate::identity::{Account, Found, Identity};
use crate::pod::{Pod, Spec};
use crate::role_arn::is_role_arn;
use crate::session_name::{self, SessionName};
use crate::token_file::token_file;
use crate::volume::VOLUME_NAME;
use crate::{EndpointUrl, Note, Settings, chain, region, token_expiration};

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
    /// What stands in place of AWS.
    pub(crate) endpoint_url: Option<&'a str>,
    pub(crate) containers: ContainerChoice,
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
        let mut misnamed = Vec::new();
        let account = Account::of(identity.service_account, settings, &mut misnamed);
        let found = account.find(identity.assignments, settings);
        if found.is_none() {
            notes.push(account.without_role());
        }
        notes.append(&mut misnamed);
        let found = found?;
        let of_account = &account.annotated;
        let of_pod = Annotated::of_pod(pod, &settings.annotation_prefix, notes);
        let mut said = Said::by(of_account, notes);
        match &found {
            // Where the peer takes all from the entry and nothing from the annotations, the entry still comes first.
            Found::Mapped(entry) => said.fill_in_behind(entry),
            Found::ContainerCredentials(Some(entry)) => said.fill_in(entry),
            Found::ContainerCredentials(None) | Found::Annotated(_) => {}
        }
        let expiration = parse_expiration(&of_pod, notes)
            .or(said.token_expiration)
            .unwrap_or(settings.token_expiration);
        let default_region = settings.default_region.as_deref();
        let mut parameters = Self {
            credentials: Credentials::Container { full_uri: "" },
            audience: "",
            token_expiration: token_expiration::floor(expiration, notes),
            volume_name: VOLUME_NAME,
            mount_path: &settings.token_mount_path,
            token_path: TOKEN_FILE_NAME,
            token_file: String::new(),
            region: parse_region(&of_pod, notes)
                .or_else(|| parse_region(of_account, notes))
                .or_else(|| default_region.filter(|region| !region.is_empty())),
            regional_sts: said.regional_sts.unwrap_or(settings.sts_regional_endpoints),
            session_name: of_pod
                .session_name
                .map(|text| (text, of_pod.pointer(SESSION_NAME)))
                .or_else(|| of_account.session_name.map(|text| (text, String::new())))
                .and_then(|(text, pointer)| {
                    session_name::parse(text, &pointer, pod.metadata(), account.view, notes)
                }),
            endpoint_url: settings.endpoint_url.as_ref().map(EndpointUrl::as_str),
            containers: ContainerChoice::of(of_account, &of_pod, notes),
        };
        let spreads = match found {
            Found::ContainerCredentials(_) => {
                let own = &settings.container_credentials;
                parameters.credentials = Credentials::Container {
                    full_uri: &own.full_uri,
                };
                parameters.audience = &own.audience;
                parameters.volume_name = &own.token_volume_name;
                parameters.mount_path = &own.token_mount_path;
                parameters.token_path = &own.token_path;
                true
            }
            Found::Annotated(role_arn) => {
                parameters.take_on(role_arn, &said, settings, notes);
                settings.irsa_expiration_jitter
            }
            Found::Mapped(entry) => {
                let role_arn = Cow::Borrowed(entry.role_arn.as_str());
                parameters.take_on(role_arn, &said, settings, notes);
                settings.irsa_expiration_jitter
            }
        };
        if spreads {
            let seconds = parameters.token_expiration;
            parameters.token_expiration = token_expiration::spread(seconds, identity.draw);
        }
        parameters.token_file = token_file(
            parameters.mount_path,
            parameters.token_path,
            spec.is_windows(),
        );
        if let Some(text) = of_account.assume_role_chain {
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
            let message =
                format!("`{ASSUME_ROLE_CHAIN}` has no effect on a pod with container credentials");
            notes.push(Note::new(Reason::ChainNeedsWebIdentity, "", message));
            return;
        };
        let session_name = match &self.session_name {
            Some(SessionName::Text(text)) => Some(text.as_str()),
            // A field of the pod cannot stand in the file; the variable names the first role's session.
            Some(SessionName::Field(_)) | None => None,
        };
        let own = chain::written(role_arn);
        let mut all = vec![own.as_str()];
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

/// What is said of the token and of STS; what is not said is left to the settings.
#[derive(Default)]
struct Said<'a> {
    audience: Option<&'a str>,
    regional_sts: Option<bool>,
    token_expiration: Option<i64>,
}

impl<'a> Said<'a> {
    /// What the annotations of a service account say.
    fn by(account: &Annotated<'a>, notes: &mut Vec<Note>) -> Self {
        Self {
            audience: account.audience,
            regional_sts: account.sts_regional_endpoints.and_then(|text| {
                parse_regional_sts(text, || account.place_of(STS_REGIONAL_ENDPOINTS), notes)
            }),
            token_expiration: parse_expiration(account, notes),
        }
    }

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

fn parse_expiration(annotated: &Annotated<'_>, notes: &mut Vec<Note>) -> Option<i64> {
    let place = || annotated.place_of(TOKEN_EXPIRATION);
    token_expiration::parse(annotated.token_expiration?, place, notes)
}

fn parse_region<'a>(annotated: &Annotated<'a>, notes: &mut Vec<Note>) -> Option<&'a str> {
    region::parse(annotated.region?, || annotated.place_of(REGION), notes)
}

fn parse_regional_sts(
    text: &str,
    pointer: impl FnOnce() -> String,
    notes: &mut Vec<Note>,
) -> Option<bool> {
    let parsed = parse_bool(text);
    if parsed.is_none() {
        let message = format!("`{text}` is neither true nor false and is ignored");
        let reason = Reason::StsRegionalEndpointsInvalid;
        notes.push(Note::new(reason, pointer(), message));
    }
    parsed
}

/// The token's file name in the volume of a web identity.
const TOKEN_FILE_NAME: &str = "token";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regional_sts_is_parsed_as_go_does() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(
                parse_regional_sts(text, String::new, &mut Vec::new()),
                Some(true),
                "{text:?}"
            );
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(
                parse_regional_sts(text, String::new, &mut Vec::new()),
                Some(false),
                "{text:?}"
            );
        }
        for text in ["yes", "on", "tRUE", "", " true"] {
            let mut notes = Vec::new();
            assert_eq!(
                parse_regional_sts(text, String::new, &mut notes),
                None,
                "{text:?}"
            );
            assert_eq!(
                notes[0].reason,
                Reason::StsRegionalEndpointsInvalid,
                "{text:?}"
            );
        }
    }
}
