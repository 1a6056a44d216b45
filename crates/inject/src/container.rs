//! The environment variables and the mount of one container.

use podpass_kinds::Reason;

use crate::Note;
use crate::parameters::{Credentials, Parameters};
use crate::patch::{Added, Operation, Variable};
use crate::pod::{self, Container, objects};
use crate::session_name::SessionName;
use crate::token_file::clean;
use crate::view::{List, Shape};
use crate::volume::Mount;

/// Works out what one container gets.
///
/// `pointer` is the container's place in the pod.
pub(crate) fn inject_container(
    container: &Container<'_>,
    pointer: &str,
    parameters: &Parameters<'_>,
    notes: &mut Vec<Note>,
    operations: &mut Vec<Operation>,
) {
    let name = container.name.text();
    if let Some(message) = parameters.containers.leaves_out(name) {
        notes.push(Note::new(Reason::ContainerSkipped, pointer, message));
        return;
    }
    let target = match (
        objects(&container.env, pointer, "env"),
        objects(&container.volume_mounts, pointer, "volumeMounts"),
    ) {
        (Ok(env), Ok(mounts)) => Target {
            container,
            name,
            pointer,
            env,
            mounts,
        },
        (env, mounts) => {
            notes.extend([env.err(), mounts.err()].into_iter().flatten());
            return;
        }
    };
    if target.may_inject(parameters, notes) {
        target.inject(parameters, operations);
    }
}

struct Target<'p> {
    container: &'p Container<'p>,
    name: &'p str,
    pointer: &'p str,
    env: Vec<&'p pod::Variable<'p>>,
    mounts: Vec<&'p pod::Mount<'p>>,
}

impl Target<'_> {
    /// Says whether the container gets anything, and notes what will not work although it does.
    fn may_inject(&self, parameters: &Parameters<'_>, notes: &mut Vec<Note>) -> bool {
        let mut note = |reason, message| notes.push(Note::new(reason, self.pointer, message));
        let Source { variables, rivals } = Source::of(parameters);
        let own = rivals.iter().find(|name| self.sets(name)).filter(|_| {
            !variables
                .iter()
                .all(|(name, value)| self.sets_to(name, value))
        });
        if self.has_everything(parameters) {
            if own.is_some() {
                let message = format!(
                    "container `{}` sets its credentials, region and STS endpoints itself",
                    self.name
                );
                note(Reason::ContainerAlreadyConfigured, message);
            }
            return false;
        }
        if let Some(taken) = self.volume_at(parameters) {
            let message = format!(
                "container `{}` mounts volume `{taken}` at `{}`; it is left alone, since two mounts there would make the \
                 pod invalid",
                self.name, parameters.mount_path
            );
            note(Reason::MountPathTaken, message);
            return false;
        }
        if self.sets(ACCESS_KEY_ID) {
            let message = format!(
                "container `{}` sets {ACCESS_KEY_ID}, which SDKs prefer to the role",
                self.name
            );
            note(Reason::ShadowedByStaticKeys, message);
        }
        if let Some(own) = own {
            let [(first, _), (second, _)] = variables;
            let message = match parameters.credentials {
                Credentials::Chain { .. } => format!(
                    "container `{}` sets {own} itself; {first}, which takes on the chain of roles, is not added",
                    self.name
                ),
                _ => format!(
                    "container `{}` sets {first} or {second} itself; neither is added",
                    self.name
                ),
            };
            note(Reason::CredentialsAlreadySet, message);
        }
        if let Credentials::Container { .. } = parameters.credentials {
            for name in PREFERRED_TO_CONTAINER_CREDENTIALS {
                if self.sets(name) {
                    let message = format!(
                        "container `{}` sets {name}, which SDKs prefer to the container credentials",
                        self.name
                    );
                    note(Reason::ContainerCredentialsShadowed, message);
                }
            }
        }
        true
    }

    fn inject(&self, parameters: &Parameters<'_>, operations: &mut Vec<Operation>) {
        let mut added = Vec::with_capacity(6);
        let mut add = |name, value: &str| added.push(Variable::new(name, value));
        if parameters.regional_sts && !self.sets(STS_REGIONAL_ENDPOINTS) {
            add(STS_REGIONAL_ENDPOINTS, "regional");
        }
        if let Some(region) = parameters.region.filter(|_| !self.has_region()) {
            add(DEFAULT_REGION, region);
            add(REGION, region);
        }
        let Source { variables, rivals } = Source::of(parameters);
        if !self.sets_any(rivals) {
            for (name, value) in variables {
                if !self.sets(name) {
                    add(name, value);
                }
            }
        }
        if let Some(session_name) = &parameters.session_name
            && !self.sets(ROLE_SESSION_NAME)
        {
            added.push(match session_name {
                SessionName::Text(text) => Variable::new(ROLE_SESSION_NAME, text),
                SessionName::Field(field) => Variable::of_field(ROLE_SESSION_NAME, field),
            });
        }
        if let Some(url) = parameters.endpoint_url.filter(|_| !self.sets(ENDPOINT_URL)) {
            // The SDK for Go asks for credentials before it reads the other, and the token would go to AWS.
            if !self.sets(ENDPOINT_URL_STS) {
                added.push(Variable::new(ENDPOINT_URL_STS, url));
            }
            added.push(Variable::new(ENDPOINT_URL, url));
        }
        append(
            &self.container.env,
            || format!("{}/env", self.pointer),
            added,
            Added::Variables,
            Added::Variable,
            operations,
        );
        let mounted = |mount: &&pod::Mount<'_>| mount.name.text() == parameters.volume_name;
        if !self.mounts.iter().any(mounted) {
            append(
                &self.container.volume_mounts,
                || format!("{}/volumeMounts", self.pointer),
                vec![Mount::new(parameters)],
                Added::Mounts,
                Added::Mount,
                operations,
            );
        }
    }

    /// The peer's early exit: not even a mount for a container that has all three, and what the peer does not know.
    fn has_everything(&self, parameters: &Parameters<'_>) -> bool {
        self.sets_any(Source::of(parameters).rivals)
            && self.has_region()
            && self.sets(STS_REGIONAL_ENDPOINTS)
            && (parameters.session_name.is_none() || self.sets(ROLE_SESSION_NAME))
            && (parameters.endpoint_url.is_none() || self.sets(ENDPOINT_URL))
    }

    fn has_region(&self) -> bool {
        self.sets(DEFAULT_REGION) || self.sets(REGION)
    }

    fn sets_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.sets(name))
    }

    fn sets(&self, name: &str) -> bool {
        self.env.iter().any(|variable| variable.name.text() == name)
    }

    fn sets_to(&self, name: &str, value: &str) -> bool {
        self.env.iter().any(|variable| {
            variable.name.text() == name
                && matches!(&variable.value, Shape::Is(own) if own == value)
        })
    }

    /// Returns the name of another volume that is mounted at the token's path.
    fn volume_at(&self, parameters: &Parameters<'_>) -> Option<&str> {
        if self.mounts.is_empty() {
            return None;
        }
        let path = clean(parameters.mount_path);
        let mut others = self
            .mounts
            .iter()
            .filter(|mount| mount.name.text() != parameters.volume_name);
        others
            .find(|mount| matches!(&mount.mount_path, Shape::Is(own) if clean(own) == path))
            .map(|mount| mount.name.text())
    }
}

/// What tells a container's SDK where its credentials come from.
struct Source<'a> {
    /// What is added: both, or nothing when the container sets a rival.
    variables: [(&'static str, &'a str); 2],
    /// What a container sets that has its credentials from elsewhere.
    rivals: &'static [&'static str],
}

impl<'a> Source<'a> {
    fn of(parameters: &'a Parameters<'_>) -> Self {
        match &parameters.credentials {
            Credentials::WebIdentity { role_arn } => Self {
                variables: [
                    (ROLE_ARN, role_arn),
                    (WEB_IDENTITY_TOKEN_FILE, &parameters.token_file),
                ],
                rivals: &[ROLE_ARN, WEB_IDENTITY_TOKEN_FILE],
            },
            Credentials::Container { full_uri } => Self {
                variables: [
                    (CONTAINER_CREDENTIALS_FULL_URI, full_uri),
                    (CONTAINER_AUTHORIZATION_TOKEN_FILE, &parameters.token_file),
                ],
                rivals: &[
                    CONTAINER_CREDENTIALS_FULL_URI,
                    CONTAINER_AUTHORIZATION_TOKEN_FILE,
                ],
            },
            Credentials::Chain { config_file, .. } => Self {
                // The second is for SDKs of the first generation, which overlook the file without it.
                variables: [(CONFIG_FILE, config_file), (SDK_LOAD_CONFIG, "1")],
                rivals: &[CONFIG_FILE, PROFILE, ROLE_ARN, WEB_IDENTITY_TOKEN_FILE],
            },
        }
    }
}

/// Appends to a list, which is created when it is absent.
fn append<T, P>(
    list: &List<P>,
    pointer: impl Fn() -> String,
    items: Vec<T>,
    whole: fn(Vec<T>) -> Added,
    single: fn(T) -> Added,
    operations: &mut Vec<Operation>,
) {
    if items.is_empty() {
        return;
    }
    if let Shape::Is(_) = list {
        let add = |item| Operation::add(pointer() + "/-", single(item));
        operations.extend(items.into_iter().map(add));
    } else {
        operations.push(Operation::add(pointer(), whole(items)));
    }
}

const ROLE_ARN: &str = "AWS_ROLE_ARN";
const WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const CONTAINER_CREDENTIALS_FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const CONTAINER_AUTHORIZATION_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const CONFIG_FILE: &str = "AWS_CONFIG_FILE";
const SDK_LOAD_CONFIG: &str = "AWS_SDK_LOAD_CONFIG";
const PROFILE: &str = "AWS_PROFILE";
const ROLE_SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";
const STS_REGIONAL_ENDPOINTS: &str = "AWS_STS_REGIONAL_ENDPOINTS";
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
const REGION: &str = "AWS_REGION";
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
const ENDPOINT_URL_STS: &str = "AWS_ENDPOINT_URL_STS";
const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";

/// Variables of providers that stand before the container's in the chain of every SDK, or that win inside it.
const PREFERRED_TO_CONTAINER_CREDENTIALS: [&str; 2] = [
    WEB_IDENTITY_TOKEN_FILE,
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];
