//! `podpass inject`: what the webhook would do to a pod, without a cluster.

mod inputs;

use std::path::Path;
use std::process::ExitCode;

use podpass_inject::{Assignments, Identity, Injection, Operation, Pod, Settings, inject};
use podpass_kinds::{
    Object, PodManifest, ReadError, ServiceAccountView, read_objects, read_service_accounts, yaml,
};
use serde_json::{Value, json};

use crate::args::{InjectArgs, InjectFormat};
use crate::failure::Failure;
use crate::{files, output};

pub(crate) use inputs::SettingsArgs;

pub(crate) fn run(arguments: &InjectArgs) -> Result<ExitCode, Failure> {
    let accounts = read(&arguments.service_account, read_service_accounts)?;
    let objects = read(&arguments.filename, read_objects)?;
    let settings = arguments.settings.over(Settings::default());
    let assignments = arguments.settings.assignments(Assignments::default())?;
    let mut injected = Vec::new();
    for object in &objects {
        if let Some(pod) = object.pod().map_err(|error| unreadable(&error))? {
            let account = account_of(&pod, &accounts)?;
            let identity = Identity {
                assignments: Some(&assignments),
                ..Identity::from(account)
            };
            injected.push(inject_into(&pod, identity, &settings)?);
        } else {
            injected.push(Injected {
                manifest: object.to_json(),
                patch: None,
            });
        }
    }
    let patches: Vec<&String> = injected
        .iter()
        .filter_map(|each| each.patch.as_ref())
        .collect();
    if patches.is_empty() {
        return Err(no_pod(&arguments.filename, &objects));
    }
    match (arguments.output, patches.as_slice()) {
        (InjectFormat::Patch, [patch]) => output::line(patch)?,
        (InjectFormat::Patch, several) => {
            return Err(Failure::usage(format!(
                "`{}` holds {} pods, and a patch is for one",
                arguments.filename.display(),
                several.len()
            ))
            .help("put each pod into a file of its own, or use `-o yaml`"));
        }
        (InjectFormat::Yaml, _) => {
            let documents: Vec<String> = injected
                .iter()
                .map(|each| yaml::to_string(&each.manifest))
                .collect();
            output::data(&documents.join("---\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A manifest after injection; documents that hold no pod have no patch.
struct Injected {
    manifest: Value,
    patch: Option<String>,
}

fn inject_into(
    manifest: &PodManifest,
    identity: Identity<'_>,
    settings: &Settings,
) -> Result<Injected, Failure> {
    let name = manifest.name().unwrap_or("(without a name)");
    let pod = manifest.pod();
    let injection = inject(&Pod::from(&pod), identity, settings);
    for note in injection.notes() {
        output::note(&format!(
            "note[{}]: `{name}`: {}",
            note.reason.code(),
            note.message
        ));
    }
    let Injection::Patched(patch) = injection else {
        return Ok(Injected {
            manifest: manifest.object().clone(),
            patch: Some("[]".to_owned()),
        });
    };
    // A template keeps exactly its own members: the patch is applied to it, not to the pod made of it.
    let mut template = manifest.raw_pod().clone();
    let annotates = |operation: &Operation| operation.path.starts_with("/metadata/");
    if template["metadata"].is_null() && patch.operations.iter().any(annotates) {
        // The pod made of it has metadata, and the patch adds to them.
        template["metadata"] = json!({});
    }
    let pod = patch.apply(&template).map_err(|error| {
        Failure::failed(format!("the patch does not fit `{name}`")).because(&error)
    })?;
    Ok(Injected {
        manifest: manifest.with_pod(pod),
        patch: Some(patch.to_json()),
    })
}

/// The pod's service account among those of the file. A pod that names no namespace gets the account's.
fn account_of<'a>(
    pod: &PodManifest,
    accounts: &'a [ServiceAccountView],
) -> Result<&'a ServiceAccountView, Failure> {
    let names_namespace = pod.object().pointer("/metadata/namespace").is_some();
    let wanted = pod.service_account_name();
    let found = accounts.iter().find(|account| {
        account.name == wanted && (!names_namespace || account.namespace == pod.namespace())
    });
    found.ok_or_else(|| {
        let known: Vec<String> = accounts
            .iter()
            .map(|account| format!("{}/{}", account.namespace, account.name))
            .collect();
        let name = pod.name().unwrap_or("(without a name)");
        Failure::usage(format!(
            "`{name}` runs as a service account that is not in the file"
        ))
        .detail("expected", format!("{}/{wanted}", pod.namespace()))
        .detail("actual", known.join(", "))
        .help("set `spec.serviceAccountName` and the namespaces so that they name the same account")
    })
}

fn read<T>(path: &Path, reader: fn(&str, &str) -> Result<T, ReadError>) -> Result<T, Failure> {
    let text = files::read_text(path)?;
    reader(&path.display().to_string(), &text).map_err(|error| unreadable(&error))
}

fn unreadable(error: &ReadError) -> Failure {
    Failure::input(error.reason(), error.to_string()).help(error.fix())
}

fn no_pod(path: &Path, objects: &[Object]) -> Failure {
    let kinds: Vec<&str> = objects.iter().map(Object::kind).collect();
    let found = if kinds.is_empty() {
        "nothing".to_owned()
    } else {
        kinds.join(", ")
    };
    Failure::usage(format!("`{}` holds no Pod and no workload", path.display()))
        .detail("found", found)
        .help("name a file with a Pod, a Deployment or another workload")
}
