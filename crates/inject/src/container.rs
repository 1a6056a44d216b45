//! The environment variables and the mount of one container.

use podpass_kinds::Reason;
use serde_json::{Map, Value, json};

use crate::Note;
use crate::parameters::Parameters;
use crate::patch::Operation;
use crate::token_file::clean;
use crate::volume::{has_token_volume_name, volume_mount};

/// Works out what one container gets.
///
/// `pointer` is the container's place in the pod.
pub(crate) fn inject_container(
    container: &Value,
    pointer: &str,
    parameters: &Parameters,
    notes: &mut Vec<Note>,
) -> Vec<Operation> {
    let Value::Object(container) = container else {
        notes.push(Note::malformed(pointer, "an object"));
        return Vec::new();
    };
    let name = container
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if parameters
        .skipped_containers
        .iter()
        .any(|skipped| skipped == name)
    {
        let message =
            format!("container `{name}` is listed in the pod's `skip-containers` annotation");
        notes.push(Note::new(Reason::ContainerSkipped, pointer, message));
        return Vec::new();
    }
    let lists = match (
        objects_of(container, pointer, "env"),
        objects_of(container, pointer, "volumeMounts"),
    ) {
        (Ok(env), Ok(mounts)) => Lists { env, mounts },
        (env, mounts) => {
            notes.extend([env.err(), mounts.err()].into_iter().flatten());
            return Vec::new();
        }
    };
    let target = Target {
        name,
        pointer,
        env: lists.env,
        mounts: lists.mounts,
    };
    target.inject(container, parameters, notes)
}

struct Lists<'p> {
    env: &'p [Value],
    mounts: &'p [Value],
}

struct Target<'p> {
    name: &'p str,
    pointer: &'p str,
    env: &'p [Value],
    mounts: &'p [Value],
}

impl Target<'_> {
    fn inject(
        &self,
        container: &Map<String, Value>,
        parameters: &Parameters,
        notes: &mut Vec<Note>,
    ) -> Vec<Operation> {
        let credentials = [
            (ROLE_ARN, parameters.role_arn.as_str()),
            (TOKEN_FILE, parameters.token_file.as_str()),
        ];
        let has_credentials = credentials.iter().any(|(name, _)| self.sets(name));
        let has_region = self.sets(DEFAULT_REGION) || self.sets(REGION);
        let has_own_credentials = has_credentials
            && !credentials
                .iter()
                .all(|(name, value)| self.sets_to(name, value));

        // The peer's early exit: not even a mount for a container that has all three.
        if has_credentials && has_region && self.sets(STS_REGIONAL_ENDPOINTS) {
            if has_own_credentials {
                let message = format!(
                    "container `{}` sets its credentials, region and STS endpoints itself",
                    self.name
                );
                notes.push(Note::new(
                    Reason::ContainerAlreadyConfigured,
                    self.pointer,
                    message,
                ));
            }
            return Vec::new();
        }
        if let Some(taken) = self.volume_at(&parameters.mount_path) {
            let message = format!(
                "container `{}` mounts volume `{taken}` at `{}`; it is left alone, since two mounts there would make the \
                 pod invalid",
                self.name, parameters.mount_path
            );
            notes.push(Note::new(Reason::MountPathTaken, self.pointer, message));
            return Vec::new();
        }
        if self.sets(ACCESS_KEY_ID) {
            let message = format!(
                "container `{}` sets {ACCESS_KEY_ID}, which SDKs prefer to the role",
                self.name
            );
            notes.push(Note::new(
                Reason::ShadowedByStaticKeys,
                self.pointer,
                message,
            ));
        }
        if has_own_credentials {
            let message = format!(
                "container `{}` sets {ROLE_ARN} or {TOKEN_FILE} itself; neither is added",
                self.name
            );
            notes.push(Note::new(
                Reason::CredentialsAlreadySet,
                self.pointer,
                message,
            ));
        }

        let mut added = Vec::new();
        if parameters.regional_sts && !self.sets(STS_REGIONAL_ENDPOINTS) {
            added.push(variable(STS_REGIONAL_ENDPOINTS, "regional"));
        }
        if let Some(region) = parameters.region.as_deref().filter(|_| !has_region) {
            added.extend([variable(DEFAULT_REGION, region), variable(REGION, region)]);
        }
        if !has_credentials {
            added.extend(credentials.map(|(name, value)| variable(name, value)));
        }
        let mut operations = append(container, self.pointer, "env", added);
        if !self.mounts.iter().any(has_token_volume_name) {
            operations.extend(append(
                container,
                self.pointer,
                "volumeMounts",
                vec![volume_mount(parameters)],
            ));
        }
        operations
    }

    fn sets(&self, name: &str) -> bool {
        self.env
            .iter()
            .any(|variable| variable.get("name").is_some_and(|own| own == name))
    }

    fn sets_to(&self, name: &str, value: &str) -> bool {
        let mut own = self
            .env
            .iter()
            .filter(|variable| variable.get("name").is_some_and(|own| own == name));
        own.any(|variable| variable.get("value").is_some_and(|own| own == value))
    }

    /// Returns the name of another volume that is mounted at the path.
    fn volume_at(&self, path: &str) -> Option<&str> {
        let path = clean(path);
        let at_path = |mount: &&Value| {
            mount
                .get("mountPath")
                .and_then(Value::as_str)
                .is_some_and(|own| clean(own) == path)
        };
        let mut others = self
            .mounts
            .iter()
            .filter(|mount| !has_token_volume_name(mount));
        others.find(at_path).map(|mount| {
            mount
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
        })
    }
}

/// Appends to a list of an object, which is created when it is absent or null.
pub(crate) fn append(
    parent: &Map<String, Value>,
    pointer: &str,
    member: &str,
    items: Vec<Value>,
) -> Vec<Operation> {
    if items.is_empty() {
        return Vec::new();
    }
    if matches!(parent.get(member), None | Some(Value::Null)) {
        return vec![Operation::add(
            format!("{pointer}/{member}"),
            Value::Array(items),
        )];
    }
    let path = format!("{pointer}/{member}/-");
    items
        .into_iter()
        .map(|item| Operation::add(path.clone(), item))
        .collect()
}

/// Returns the objects of a list member; an absent or null list is empty, anything else is a note.
pub(crate) fn objects_of<'p>(
    parent: &'p Map<String, Value>,
    pointer: &str,
    member: &str,
) -> Result<&'p [Value], Note> {
    match parent.get(member) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => match items.iter().position(|item| !item.is_object()) {
            None => Ok(items),
            Some(index) => Err(Note::malformed(
                format!("{pointer}/{member}/{index}"),
                "an object",
            )),
        },
        Some(_) => Err(Note::malformed(format!("{pointer}/{member}"), "a list")),
    }
}

fn variable(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

const ROLE_ARN: &str = "AWS_ROLE_ARN";
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const STS_REGIONAL_ENDPOINTS: &str = "AWS_STS_REGIONAL_ENDPOINTS";
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
const REGION: &str = "AWS_REGION";
const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
