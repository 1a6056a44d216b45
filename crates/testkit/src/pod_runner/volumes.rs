//! The volumes that a container mounts, filled from the API server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapProjection, Container, KeyToPath, Pod, Secret, SecretProjection,
    ServiceAccount, ServiceAccountTokenProjection, VolumeProjection,
};
use kube::ResourceExt as _;
use kube::api::{Api, PostParams};

use super::atomic_folder::{self, Files};

/// A volume and the folder that shows it.
#[derive(Debug)]
pub(crate) struct Volume {
    name: String,
    path: PathBuf,
    sources: Vec<VolumeProjection>,
    pod: Pod,
    client: Client,
}

/// `kube`'s client has no `Debug`.
#[derive(Clone)]
struct Client(kube::Client);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// The volumes that the container mounts, still empty.
pub(crate) fn volumes_of(
    client: &kube::Client,
    pod: &Pod,
    container: &Container,
    folder: &Path,
) -> Vec<Volume> {
    let mounted = |name: &str| {
        let mut mounts = container.volume_mounts.iter().flatten();
        mounts.any(|mount| mount.name == name)
    };
    let spec = pod.spec.as_ref().expect("a pod has a spec");
    let volumes = spec.volumes.iter().flatten();
    volumes
        .filter(|volume| mounted(&volume.name))
        .map(|volume| Volume {
            name: volume.name.clone(),
            path: folder.join("volumes").join(&volume.name),
            sources: sources(volume),
            pod: pod.clone(),
            client: Client(client.clone()),
        })
        .collect()
}

/// A volume of a Secret or a ConfigMap is a projection with one source, and an empty one has none.
fn sources(volume: &k8s_openapi::api::core::v1::Volume) -> Vec<VolumeProjection> {
    if let Some(projected) = &volume.projected {
        return projected.sources.clone().unwrap_or_default();
    }
    if let Some(secret) = &volume.secret {
        return vec![VolumeProjection {
            secret: Some(SecretProjection {
                name: secret.secret_name.clone().unwrap_or_default(),
                items: secret.items.clone(),
                optional: secret.optional,
            }),
            ..VolumeProjection::default()
        }];
    }
    if let Some(map) = &volume.config_map {
        return vec![VolumeProjection {
            config_map: Some(ConfigMapProjection {
                name: map.name.clone(),
                items: map.items.clone(),
                optional: map.optional,
            }),
            ..VolumeProjection::default()
        }];
    }
    assert!(
        volume.empty_dir.is_some(),
        "the volume `{}` is of a kind that is not played",
        volume.name
    );
    Vec::new()
}

impl Volume {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Shows the sources as they are now. Returns how long the first of the tokens stays fresh, if there is one.
    pub(crate) async fn fill(&self, part: f64) -> Result<Option<Duration>, kube::Error> {
        let mut files = Files::new();
        let mut fresh: Option<Duration> = None;
        for source in &self.sources {
            if let Some(wanted) = &source.service_account_token {
                let (token, life) = self.request_token(wanted).await?;
                files.insert(PathBuf::from(&wanted.path), token.into_bytes());
                let due = life.mul_f64(part);
                fresh = Some(fresh.map_or(due, |other| other.min(due)));
            } else {
                self.read_objects(source, &mut files).await?;
            }
        }
        std::fs::create_dir_all(&self.path)
            .and_then(|()| atomic_folder::show(&self.path, &files))
            .expect("a volume's folder can be written");
        Ok(fresh)
    }

    /// The token, and how long it lives from now.
    async fn request_token(
        &self,
        wanted: &ServiceAccountTokenProjection,
    ) -> Result<(String, Duration), kube::Error> {
        let accounts: Api<ServiceAccount> =
            Api::namespaced(self.client.0.clone(), namespace(&self.pod));
        let request = TokenRequest {
            spec: TokenRequestSpec {
                // None means the API server's own, as with the kubelet.
                audiences: wanted.audience.iter().cloned().collect(),
                expiration_seconds: wanted.expiration_seconds,
                bound_object_ref: Some(BoundObjectReference {
                    api_version: Some("v1".to_owned()),
                    kind: Some("Pod".to_owned()),
                    name: Some(self.pod.name_any()),
                    uid: self.pod.uid(),
                }),
            },
            ..TokenRequest::default()
        };
        let account = field(&self.pod, "spec.serviceAccountName");
        let answer = accounts
            .create_token_request(&account, &PostParams::default(), &request)
            .await?;
        let status = answer
            .status
            .expect("a TokenRequest is answered with a token");
        let life = status
            .expiration_timestamp
            .0
            .duration_since(Timestamp::now());
        Ok((status.token, Duration::try_from(life).unwrap_or_default()))
    }

    async fn read_objects(
        &self,
        source: &VolumeProjection,
        files: &mut Files,
    ) -> Result<(), kube::Error> {
        let namespace = namespace(&self.pod);
        if let Some(wanted) = &source.config_map {
            let maps: Api<ConfigMap> = Api::namespaced(self.client.0.clone(), namespace);
            let map = maps.get_opt(&wanted.name).await?;
            assert_there(map.is_some(), wanted.optional, "ConfigMap", &wanted.name);
            let data = map.and_then(|map| map.data).unwrap_or_default();
            let data = data
                .into_iter()
                .map(|(key, text)| (key.into(), text.into_bytes()));
            files.extend(chosen(data.collect(), wanted.items.as_deref()));
        } else if let Some(wanted) = &source.secret {
            let secrets: Api<Secret> = Api::namespaced(self.client.0.clone(), namespace);
            let secret = secrets.get_opt(&wanted.name).await?;
            assert_there(secret.is_some(), wanted.optional, "secret", &wanted.name);
            let data = secret.and_then(|secret| secret.data).unwrap_or_default();
            let data = data.into_iter().map(|(key, bytes)| (key.into(), bytes.0));
            files.extend(chosen(data.collect(), wanted.items.as_deref()));
        } else if let Some(wanted) = &source.downward_api {
            for item in wanted.items.iter().flatten() {
                let reference = item.field_ref.as_ref();
                let reference = reference.expect("only fields of the pod are played");
                let text = field(&self.pod, &reference.field_path);
                files.insert(PathBuf::from(&item.path), text.into_bytes());
            }
        } else {
            assert_eq!(source, &VolumeProjection::default(), "not played");
        }
        Ok(())
    }
}

fn assert_there(there: bool, optional: Option<bool>, kind: &str, name: &str) {
    assert!(
        there || optional == Some(true),
        "the {kind} `{name}` of a volume is missing"
    );
}

/// All keys under their own names, or the chosen ones at their paths.
fn chosen(mut data: Files, items: Option<&[KeyToPath]>) -> Files {
    let Some(items) = items else { return data };
    items
        .iter()
        .filter_map(|item| {
            let content = data.remove(Path::new(&item.key))?;
            Some((PathBuf::from(&item.path), content))
        })
        .collect()
}

/// The namespace of a pod that the API server gave back.
pub(crate) fn namespace(pod: &Pod) -> &str {
    pod.metadata
        .namespace
        .as_deref()
        .expect("a pod of an API server has a namespace")
}

/// What a `fieldRef` refers to.
pub(crate) fn field(pod: &Pod, path: &str) -> String {
    let spec = pod.spec.as_ref();
    let annotation = path
        .strip_prefix("metadata.annotations['")
        .and_then(|rest| rest.strip_suffix("']"));
    let value = match path {
        _ if annotation.is_some() => annotation
            // The kubelet shows a missing annotation as an empty text.
            .map(|name| pod.annotations().get(name).cloned().unwrap_or_default()),
        "metadata.name" => pod.metadata.name.clone(),
        "metadata.namespace" => pod.metadata.namespace.clone(),
        "metadata.uid" => pod.metadata.uid.clone(),
        "spec.nodeName" => spec.and_then(|spec| spec.node_name.clone()),
        "spec.serviceAccountName" => spec.and_then(|spec| spec.service_account_name.clone()),
        _ => None,
    };
    assert!(
        value.is_some(),
        "the pod has no `{path}`, or it is not played"
    );
    value.expect("it was just checked")
}
