//! A pod that finds its role in an AWS config file: what the kubelet mounts for it, and the SDK in it.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use podpass_aws::Connection;
use podpass_kinds::{PodManifest, read_objects, read_pods};
use podpass_provision::Region;
use podpass_token::{ServiceAccountClaims, Token};
use serde_json::Value;

use super::world::{Cluster, World};
use crate::failure::Failure;
use crate::files;

/// A running pod. Its root is a folder of the demo, so the paths in its files begin there.
pub(crate) struct Pod {
    manifest: PodManifest,
    root: PathBuf,
    config_file: String,
    secret: String,
    token_file: String,
    audience: String,
    expiration_seconds: i64,
}

impl Pod {
    /// Reads the manifest of a pod, or of what makes pods: a Secret at `AWS_CONFIG_FILE`, and a projected token.
    pub(crate) fn of(manifest: &str, root: PathBuf) -> Result<Self, Failure> {
        let pods =
            read_pods("the example", manifest).map_err(|error| broken(&error.to_string()))?;
        let manifest = pods.into_iter().next().ok_or_else(|| broken("no pod"))?;
        let pod = manifest.pod();
        let volumes = entries(&pod, "/spec/volumes");
        let volume = |pointer: &str| {
            let found = volumes.iter().find_map(|volume| {
                Some((
                    volume.pointer("/name")?.clone(),
                    volume.pointer(pointer)?.clone(),
                ))
            });
            found.ok_or_else(|| broken(pointer))
        };
        let (_, secret) = volume("/secret/secretName")?;
        let (token_volume, token) = volume("/projected/sources/0/serviceAccountToken")?;
        let mounted_at = entries(&pod, "/spec/containers/0/volumeMounts")
            .into_iter()
            .find(|mount| mount.pointer("/name") == Some(&token_volume))
            .ok_or_else(|| broken("the token is not mounted"))?;
        let config_file = entries(&pod, "/spec/containers/0/env")
            .into_iter()
            .find(|variable| text(variable, "/name") == "AWS_CONFIG_FILE")
            .ok_or_else(|| broken("no AWS_CONFIG_FILE"))?;
        Ok(Self {
            root,
            config_file: text(&config_file, "/value").to_owned(),
            secret: secret.as_str().unwrap_or_default().to_owned(),
            token_file: format!(
                "{}/{}",
                text(&mounted_at, "/mountPath"),
                text(&token, "/path")
            ),
            audience: text(&token, "/audience").to_owned(),
            expiration_seconds: token
                .pointer("/expirationSeconds")
                .and_then(Value::as_i64)
                .ok_or_else(|| broken("the token has no expiration"))?,
            manifest,
        })
    }

    /// What the pod needs to find its role, a line each.
    pub(crate) fn requirements(&self) -> [String; 3] {
        [
            format!("service account {}", self.manifest.service_account_name()),
            format!("Secret {} at {}", self.secret, self.config_file),
            format!(
                "token for {} at {}, {} s",
                self.audience, self.token_file, self.expiration_seconds
            ),
        ]
    }

    /// Mounts a Secret that `create-iam-roles` wrote. Its paths are made those of the pod's root.
    pub(crate) fn mount(&self, manifest: &Path) -> Result<(), Failure> {
        let name = manifest.display().to_string();
        let objects = read_objects(&name, &files::read_text(manifest)?)
            .map_err(|error| broken(&error.to_string()))?;
        let secret = objects.first().map(podpass_kinds::Object::to_json);
        let secret = secret.ok_or_else(|| broken("no Secret"))?;
        if text(&secret, "/metadata/name") != self.secret {
            return Err(broken("the pod mounts another Secret"));
        }
        self.write_config(text(&secret, "/stringData/credentials"))
    }

    /// Puts another content into the mounted file.
    pub(crate) fn write_config(&self, content: &str) -> Result<(), Failure> {
        let root = self.root.display();
        let content = content.replace(
            "web_identity_token_file = /",
            &format!("web_identity_token_file = {root}/"),
        );
        self.write(&self.config_file, &content)
    }

    /// The mounted file as the pod sees it.
    pub(crate) fn config(&self) -> Result<String, Failure> {
        let content = files::read_text(&self.path(&self.config_file))?;
        Ok(content.replace(&self.root.display().to_string(), ""))
    }

    /// The claims that kube-apiserver puts into this pod's token.
    pub(crate) fn claims(&self, cluster: &Cluster, now: Timestamp) -> ServiceAccountClaims {
        let claims = cluster.claims(
            now,
            self.manifest.namespace(),
            self.manifest.service_account_name(),
            self.manifest.name().unwrap_or_default(),
            self.expiration_seconds,
        );
        ServiceAccountClaims {
            audiences: vec![self.audience.clone()],
            ..claims
        }
    }

    /// Projects a token, as the kubelet does at first and at four fifths of each token's life.
    pub(crate) fn project(&self, token: &Token) -> Result<(), Failure> {
        self.write(&self.token_file, token.expose())
    }

    /// The SDK of an application that starts now and is told to use `profile`.
    pub(crate) async fn sdk(&self, world: &World, region: &Region, profile: &str) -> Connection {
        world
            .with_config_file(region, &self.path(&self.config_file), profile)
            .await
    }

    fn path(&self, in_pod: &str) -> PathBuf {
        self.root.join(in_pod.trim_start_matches('/'))
    }

    fn write(&self, in_pod: &str, content: &str) -> Result<(), Failure> {
        let path = self.path(in_pod);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::failed(format!("cannot make `{}`", folder.display())).because(&error)
            })?;
        }
        files::write_atomically(&path, content.as_bytes(), 0o600)
    }
}

fn entries(value: &Value, pointer: &str) -> Vec<Value> {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

fn broken(what: &str) -> Failure {
    Failure::failed(format!("an example of the demo is broken: {what}"))
}
