//! A container's environment variables, with paths into its volumes led to where those lie here.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapKeySelector, Container, EnvVarSource, Pod, Secret, SecretKeySelector,
};
use kube::api::Api;

use super::volumes::{field, namespace};

/// A mounted volume.
#[derive(Debug)]
pub(crate) struct Mount {
    /// Without a slash at the end.
    pub(crate) in_container: String,
    pub(crate) local: PathBuf,
}

/// What a container runtime sets where an image says nothing.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The variables in the container's order.
pub(crate) async fn environment(
    client: &kube::Client,
    pod: &Pod,
    container: &Container,
    mounts: &[Mount],
) -> Vec<(String, String)> {
    assert!(
        container.env_from.iter().flatten().next().is_none(),
        "the container `{}` has envFrom, which is not played",
        container.name
    );
    let hostname = field(pod, "metadata.name");
    let mut variables = vec![
        ("PATH".to_owned(), PATH.to_owned()),
        ("HOSTNAME".to_owned(), hostname),
    ];
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (_, Some(source)) => match read(client, pod, source).await {
                Some(value) => value,
                None => continue,
            },
            (value, None) => value.clone().unwrap_or_default(),
        };
        assert!(
            !value.contains("$("),
            "`{}` refers to another variable, which is not played: {value}",
            variable.name
        );
        let value = local_path(mounts, &value).unwrap_or(value);
        variables.push((variable.name.clone(), value));
    }
    variables
}

/// The path here for one in the container; `None` when it lies in no mount.
pub(crate) fn local_path(mounts: &[Mount], value: &str) -> Option<String> {
    let inside = |mount: &&Mount| {
        let rest = value.strip_prefix(&mount.in_container);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mount = mounts
        .iter()
        .filter(inside)
        .max_by_key(|mount| mount.in_container.len())?;
    let rest = &value[mount.in_container.len()..];
    Some(format!("{}{rest}", mount.local.display()))
}

/// `None` when it is optional and absent.
async fn read(client: &kube::Client, pod: &Pod, source: &EnvVarSource) -> Option<String> {
    if let Some(reference) = &source.field_ref {
        return Some(field(pod, &reference.field_path));
    }
    let (found, optional, what) = match source {
        EnvVarSource {
            secret_key_ref:
                Some(SecretKeySelector {
                    name,
                    key,
                    optional,
                }),
            ..
        } => {
            let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace(pod));
            let secret = secrets.get_opt(name).await.expect("a secret can be read");
            let value = secret.and_then(|secret| secret.data?.remove(key));
            let value = value.map(|value| String::from_utf8_lossy(&value.0).into_owned());
            (
                value,
                optional,
                format!("the secret `{name}` has no `{key}`"),
            )
        }
        EnvVarSource {
            config_map_key_ref:
                Some(ConfigMapKeySelector {
                    name,
                    key,
                    optional,
                }),
            ..
        } => {
            let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace(pod));
            let map = maps.get_opt(name).await.expect("a ConfigMap can be read");
            let value = map.and_then(|map| map.data?.remove(key));
            (
                value,
                optional,
                format!("the ConfigMap `{name}` has no `{key}`"),
            )
        }
        _ => (None, &None, format!("not played: {source:?}")),
    };
    assert!(found.is_some() || *optional == Some(true), "{what}");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_paths_into_the_innermost_mount_and_nothing_else() {
        let mount = |in_container: &str, local: &str| Mount {
            in_container: in_container.to_owned(),
            local: PathBuf::from(local),
        };
        let mounts = [
            mount("/var/run", "/here/run"),
            mount("/var/run/aws", "/here/aws"),
        ];
        let local = |value| local_path(&mounts, value);
        assert_eq!(local("/var/run/aws/token").unwrap(), "/here/aws/token");
        assert_eq!(local("/var/run/awsome").unwrap(), "/here/run/awsome");
        assert_eq!(local("/var/run").unwrap(), "/here/run");
        assert_eq!(local("/var/running"), None);
        assert_eq!(local("arn:aws:iam::123456789012:role/var/run"), None);
    }
}
