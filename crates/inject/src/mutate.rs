//! The whole pod.

use podpass_kinds::Reason;
use podpass_kinds::annotations::AWS_CONFIG;

use crate::chain::CONFIG_FILE_NAME;
use crate::container::inject_container;
use crate::identity::Identity;
use crate::parameters::{Credentials, Parameters};
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
/// - `include-containers` and `region` are known, on the pod and on the service account;
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
    let names = parts.containers.iter().chain(&parts.init_containers);
    let names = names.map(|container| container.name.text());
    parameters.containers.check(&names, notes);
    let mut operations = Vec::with_capacity(8);
    operations.extend(metadata_operation(pod, &parameters.credentials, notes));
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

/// The label that marks pods with container credentials, or the annotation that holds a chain's configuration file;
/// another value is replaced, as by the peer.
fn metadata_operation(
    pod: &Pod<'_>,
    credentials: &Credentials<'_>,
    notes: &mut Vec<Note>,
) -> Option<Operation> {
    let (member, name, wanted) = match credentials {
        Credentials::WebIdentity { .. } => return None,
        Credentials::Container { .. } => ("labels", LABEL, LABEL_VALUE),
        Credentials::Chain { config, .. } => ("annotations", AWS_CONFIG, config.as_str()),
    };
    let Some(metadata) = pod.metadata() else {
        return if pod.has_wrong_metadata() {
            notes.push(Note::malformed("/metadata", "an object"));
            None
        } else {
            let texts = [(name, wanted.to_owned())];
            Some(Operation::add(
                "/metadata",
                Added::Metadata([(member, texts)]),
            ))
        };
    };
    let pointer = format!("/metadata/{member}");
    let present = match member {
        "labels" => &metadata.labels,
        _ => &metadata.annotations,
    };
    match present {
        Shape::Absent => {
            let texts = [(name, wanted.to_owned())];
            Some(Operation::add(pointer, Added::Texts(texts)))
        }
        Shape::Wrong => {
            notes.push(Note::malformed(pointer, "an object"));
            None
        }
        Shape::Is(texts) => {
            let own = texts.0.get(name);
            let is_there = matches!(own, Some(Shape::Is(value)) if value == wanted);
            (!is_there).then(|| {
                let pointer = format!("{pointer}/{}", name.replace('/', "~1"));
                Operation::add(pointer, Added::Text(wanted.to_owned()))
            })
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
            let volume = &self.volumes[index];
            let lacks = match parameters.credentials {
                _ if !volume.projects_token(parameters.token_path) => {
                    Some("service account token".to_owned())
                }
                Credentials::Chain { .. } if !volume.projects_field(CONFIG_FILE_NAME) => {
                    Some(format!("`{CONFIG_FILE_NAME}`"))
                }
                _ => None,
            };
            if let Some(lacks) = lacks {
                let message = format!("the pod's own volume `{name}` projects no {lacks}");
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
