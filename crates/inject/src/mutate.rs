//! The whole pod.

use podpass_kinds::{Reason, ServiceAccountView};
use serde_json::{Map, Value, json};

use crate::container::{inject_container, objects_of};
use crate::parameters::Parameters;
use crate::patch::Operation;
use crate::volume::{VOLUME_NAME, has_token_volume_name, projects_token, volume};
use crate::{Note, Patch, Settings};

/// What comes of a pod.
#[derive(Clone, Debug, PartialEq)]
pub enum Injection {
    /// The pod gets something.
    Patched(Patch),
    /// The pod stays as it is; at least one note says why.
    Unchanged {
        /// Why.
        notes: Vec<Note>,
    },
}

/// Works out what a pod gets so that its containers can take on the role of their service account.
///
/// Matches the Amazon EKS pod identity webhook for IAM roles for service accounts, with these deviations, all of which
/// keep a pod alive that the peer would break or damage: unknown fields stay, a container that already mounts another
/// volume at the token's path is left alone, `spec.os.name` tells Windows too, blanks around names in
/// `skip-containers` do not count, and a pod that has everything gets no patch. As with the peer, a malformed role ARN is
/// injected (with a note), and the volume is added even when every container is skipped.
///
/// A pod of the wrong shape is left for the API server to refuse. Injecting into an injected pod changes nothing.
pub fn inject(pod: &Value, service_account: &ServiceAccountView, settings: &Settings) -> Injection {
    let mut notes = Vec::new();
    let operations = operations(pod, service_account, settings, &mut notes);
    if !operations.is_empty() {
        return Injection::Patched(Patch { operations, notes });
    }
    if notes.is_empty() {
        notes.push(Note::new(
            Reason::AlreadyInjected,
            "",
            "the pod has everything that would be added",
        ));
    }
    Injection::Unchanged { notes }
}

impl Injection {
    /// Returns the notes of either outcome.
    pub fn notes(&self) -> &[Note] {
        match self {
            Self::Patched(patch) => &patch.notes,
            Self::Unchanged { notes } => notes,
        }
    }

    /// Returns the patch, if there is one.
    pub fn patch(&self) -> Option<&Patch> {
        match self {
            Self::Patched(patch) => Some(patch),
            Self::Unchanged { .. } => None,
        }
    }
}

fn operations(
    pod: &Value,
    service_account: &ServiceAccountView,
    settings: &Settings,
    notes: &mut Vec<Note>,
) -> Vec<Operation> {
    let Some(spec) = pod.get("spec").filter(|spec| spec.is_object()) else {
        notes.push(Note::malformed("/spec", "an object"));
        return Vec::new();
    };
    let Some(parameters) = Parameters::resolve(pod, spec, service_account, settings, notes) else {
        return Vec::new();
    };
    let Some(parts) = Parts::of(spec, notes) else {
        return Vec::new();
    };

    let mut operations = Vec::new();
    operations.extend(parts.volume_operation(&parameters, notes));
    for (member, containers) in [
        ("containers", parts.containers),
        ("initContainers", parts.init_containers),
    ] {
        for (index, container) in containers.iter().enumerate() {
            let pointer = format!("/spec/{member}/{index}");
            operations.extend(inject_container(container, &pointer, &parameters, notes));
        }
    }
    operations
}

/// The lists of a pod's spec that injection touches.
struct Parts<'p> {
    spec: &'p Map<String, Value>,
    volumes: &'p [Value],
    containers: &'p [Value],
    init_containers: &'p [Value],
}

impl<'p> Parts<'p> {
    /// Takes the spec apart; a list of the wrong shape is noted, and then nothing of the pod is touched.
    fn of(spec: &'p Value, notes: &mut Vec<Note>) -> Option<Self> {
        let spec = spec.as_object()?;
        let mut list = |member| {
            objects_of(spec, "/spec", member)
                .map_err(|note| notes.push(note))
                .ok()
        };
        let (volumes, containers, init_containers) =
            (list("volumes"), list("containers"), list("initContainers"));
        let (volumes, containers, init_containers) = (volumes?, containers?, init_containers?);
        if containers.is_empty() {
            notes.push(Note::malformed(
                "/spec/containers",
                "a list of at least one container",
            ));
            return None;
        }
        Some(Self {
            spec,
            volumes,
            containers,
            init_containers,
        })
    }

    fn volume_operation(
        &self,
        parameters: &Parameters,
        notes: &mut Vec<Note>,
    ) -> Option<Operation> {
        if let Some(index) = self.volumes.iter().position(has_token_volume_name) {
            if !projects_token(&self.volumes[index]) {
                let message = format!(
                    "the pod's own volume `{VOLUME_NAME}` projects no service account token"
                );
                notes.push(Note::new(
                    Reason::VolumeNameTaken,
                    format!("/spec/volumes/{index}"),
                    message,
                ));
            }
            return None;
        }
        let volume = volume(parameters);
        // The front, since the order is visible to users of the peer.
        Some(match self.spec.get("volumes") {
            None | Some(Value::Null) => Operation::add("/spec/volumes", json!([volume])),
            Some(_) => Operation::add("/spec/volumes/0", volume),
        })
    }
}
