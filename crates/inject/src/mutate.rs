//! The whole pod.

use podpass_kinds::Reason;

use crate::container::inject_container;
use crate::parameters::{Credentials, Identity, Parameters};
use crate::patch::{Added, Operation};
use crate::pod::{self, Pod, Spec, objects};
use crate::view::Shape;
use crate::volume::Volume;
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

/// Works out what a pod gets so that its containers can take on the identity of their service account.
///
/// The identity is, in this order, that of the container credentials file, of the account's role annotation, or of the
/// ConfigMap. Matches the Amazon EKS pod identity webhook (v0.6.17), with deviations that keep a pod alive which the peer
/// would break or damage, or that do what its users expect:
///
/// - unknown fields stay, and a pod that has everything gets no patch;
/// - a container that already mounts another volume at the token's path is left alone;
/// - `spec.os.name` tells Windows too;
/// - `skip-containers` counts on the service account too, and blanks around its names do not;
/// - with a role from the ConfigMap, what its entry leaves open comes from the account's annotations and then from the
///   settings, and its token lifetime has the floor of all others.
///
/// As with the peer, a malformed role ARN is injected (with a note), and the volume is added even when every container is
/// skipped. A pod of the wrong shape is left for the API server to refuse. Injecting into an injected pod changes nothing.
pub fn inject<'a>(
    pod: &Pod<'_>,
    identity: impl Into<Identity<'a>>,
    settings: &Settings,
) -> Injection {
    let mut notes = Vec::new();
    let operations = operations(pod, identity.into(), settings, &mut notes);
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
    pod: &Pod<'_>,
    identity: Identity<'_>,
    settings: &Settings,
    notes: &mut Vec<Note>,
) -> Vec<Operation> {
    let Some(spec) = pod.spec() else {
        notes.push(Note::malformed("/spec", "an object"));
        return Vec::new();
    };
    let Some(parameters) = Parameters::resolve(pod, spec, identity, settings, notes) else {
        return Vec::new();
    };
    let Some(parts) = Parts::of(spec, notes) else {
        return Vec::new();
    };
    let mut operations = Vec::with_capacity(8);
    if let Credentials::Container { .. } = parameters.credentials {
        operations.extend(label_operation(pod, notes));
    }
    operations.extend(parts.volume_operation(&parameters, notes));
    for (member, containers) in [
        ("containers", parts.containers),
        ("initContainers", parts.init_containers),
    ] {
        for (index, container) in containers.into_iter().enumerate() {
            let pointer = format!("/spec/{member}/{index}");
            inject_container(container, &pointer, &parameters, notes, &mut operations);
        }
    }
    operations
}

/// The label that marks pods with container credentials; another value is replaced, as by the peer.
fn label_operation(pod: &Pod<'_>, notes: &mut Vec<Note>) -> Option<Operation> {
    let Some(metadata) = pod.metadata() else {
        return if pod.has_wrong_metadata() {
            notes.push(Note::malformed("/metadata", "an object"));
            None
        } else {
            Some(Operation::add("/metadata", Added::MetadataWithLabel))
        };
    };
    match &metadata.labels {
        Shape::Absent => Some(Operation::add("/metadata/labels", Added::Labels)),
        Shape::Wrong => {
            notes.push(Note::malformed("/metadata/labels", "an object"));
            None
        }
        Shape::Is(labels) => {
            let own = labels.0.get(LABEL);
            let enabled = matches!(own, Some(Shape::Is(value)) if value == LABEL_VALUE);
            (!enabled).then(|| Operation::add(LABEL_POINTER, Added::LabelValue))
        }
    }
}

/// The lists of a pod's spec that injection touches.
struct Parts<'p> {
    spec: &'p Spec<'p>,
    volumes: Vec<&'p pod::Volume<'p>>,
    containers: Vec<&'p pod::Container<'p>>,
    init_containers: Vec<&'p pod::Container<'p>>,
}

impl<'p> Parts<'p> {
    /// Takes the spec apart; a list of the wrong shape is noted, and then nothing of the pod is touched.
    fn of(spec: &'p Spec<'p>, notes: &mut Vec<Note>) -> Option<Self> {
        let volumes = objects(&spec.volumes, "/spec", "volumes");
        let containers = objects(&spec.containers, "/spec", "containers");
        let init_containers = objects(&spec.init_containers, "/spec", "initContainers");
        let (volumes, containers, init_containers) = match (volumes, containers, init_containers) {
            (Ok(volumes), Ok(containers), Ok(init_containers)) => {
                (volumes, containers, init_containers)
            }
            (volumes, containers, init_containers) => {
                notes.extend(volumes.err());
                notes.extend(containers.err());
                notes.extend(init_containers.err());
                return None;
            }
        };
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
        parameters: &Parameters<'_>,
        notes: &mut Vec<Note>,
    ) -> Option<Operation> {
        let name = parameters.volume_name;
        let present = |volume: &&pod::Volume<'_>| volume.name.text() == name;
        if let Some(index) = self.volumes.iter().position(present) {
            if !self.volumes[index].projects_token(parameters.token_path) {
                let message =
                    format!("the pod's own volume `{name}` projects no service account token");
                notes.push(Note::new(
                    Reason::VolumeNameTaken,
                    format!("/spec/volumes/{index}"),
                    message,
                ));
            }
            return None;
        }
        let volume = Volume::new(parameters);
        // The front, since the order is visible to users of the peer.
        Some(match self.spec.volumes {
            Shape::Is(_) => Operation::add("/spec/volumes/0", Added::Volume(volume)),
            Shape::Absent | Shape::Wrong => {
                Operation::add("/spec/volumes", Added::Volumes([volume]))
            }
        })
    }
}

/// The peer's label; its domain does not follow `--annotation-prefix`.
pub(crate) const LABEL: &str = "eks.amazonaws.com/pod-identity";
pub(crate) const LABEL_VALUE: &str = "enabled";
const LABEL_POINTER: &str = "/metadata/labels/eks.amazonaws.com~1pod-identity";
