//! The container's side of a pod, without a kubelet: its files, its environment, and a local process that sees both.

mod atomic_folder;
mod environment;
mod volumes;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod};
use tempfile::TempDir;
use tokio::task::JoinSet;

use environment::{Mount, environment};
use volumes::{Volume, volumes_of};

/// A container of an admitted pod, played on this machine. Its files go with this value.
///
/// Volumes that the container mounts lie in a private folder, where tokens are replaced as the kubelet replaces them.
/// Processes are the caller's: their environment is the container's, with each value that begins with a mount's path
/// led into the folder, and so are the paths in the file that AWS_CONFIG_FILE names. No other file's content is changed.
#[derive(Debug)]
pub struct PodRunner {
    folder: TempDir,
    mounts: Vec<Mount>,
    environment: Vec<(String, String)>,
    volumes: Arc<[Volume]>,
    _refreshing: JoinSet<()>,
}

const CONFIG: &str = "AWS_CONFIG_FILE";

/// The part of a token's life after which the kubelet asks for the next one.
const KUBELET_REFRESHES_AT: f64 = 0.8;

impl PodRunner {
    /// Fills the volumes of the pod's container, and keeps their tokens fresh from then on.
    ///
    /// `pod` is what the API server gave back: tokens are bound to its uid.
    ///
    /// # Panics
    /// When the pod has no such container, or asks for something that is not played here.
    pub async fn start(client: &kube::Client, pod: &Pod, container: &str) -> Self {
        Self::refreshing_at(client, pod, container, KUBELET_REFRESHES_AT).await
    }

    /// The same, with the refresh after another part of a token's life: no token lives less than ten minutes.
    pub async fn refreshing_at(
        client: &kube::Client,
        pod: &Pod,
        container: &str,
        part: f64,
    ) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("podpass-pod-")
            .tempdir()
            .expect("a temporary folder can be made");
        std::fs::create_dir(folder.path().join("home")).expect("a folder can be made");
        let container = container_of(pod, container);
        let volumes: Arc<[Volume]> = volumes_of(client, pod, container, folder.path()).into();
        let mut next = Vec::new();
        for volume in volumes.iter() {
            next.push(volume.fill(part).await.expect("a volume can be filled"));
        }
        let mounts = mounts(container, &volumes);
        let environment = environment(client, pod, container, &mounts).await;
        let mut refreshing = JoinSet::new();
        for (index, mut due) in next.into_iter().enumerate() {
            let volumes = Arc::clone(&volumes);
            refreshing.spawn(async move {
                while let Some(wait) = due {
                    tokio::time::sleep(wait).await;
                    // As with the kubelet, the old token stays while there is no new one.
                    due = volumes[index]
                        .fill(part)
                        .await
                        .unwrap_or(Some(Duration::from_secs(1)));
                }
            });
        }
        Self {
            folder,
            mounts,
            environment,
            volumes,
            _refreshing: refreshing,
        }
    }

    /// Asks for every token and reads every object anew, now. When that is refused, the old files stay.
    pub async fn refresh(&self) -> Result<(), kube::Error> {
        for volume in self.volumes.iter() {
            volume.fill(KUBELET_REFRESHES_AT).await?;
        }
        Ok(())
    }

    /// A process of the container: `program` is one of this machine. It gets no variable from the caller's environment.
    ///
    /// Besides the container's variables it has those that a container runtime sets: `PATH`, `HOME` (an empty
    /// folder) and `HOSTNAME`. What only this machine needs, such as `AWS_ENDPOINT_URL`, is the caller's to add.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let home = self.folder.path().join("home");
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", &home)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(home)
            .stdin(Stdio::null());
        let config = self.environment.iter().find(|(name, _)| name == CONFIG);
        if let Some((name, path)) = config
            && let Some(copy) = self.led_config(Path::new(path))
        {
            command.env(name, copy);
        }
        command
    }

    /// A copy of the AWS config file whose paths lie on this machine, if there is such a file.
    fn led_config(&self, file: &Path) -> Option<PathBuf> {
        let text = std::fs::read_to_string(file).ok()?;
        let led = text.split_inclusive('\n').map(|line| {
            let Some((name, value)) = line.split_once('=') else {
                return line.to_owned();
            };
            let led = environment::local_path(&self.mounts, value.trim());
            led.map_or_else(|| line.to_owned(), |path| format!("{name}= {path}\n"))
        });
        let copy = self.folder.path().join("aws-config");
        std::fs::write(&copy, led.collect::<String>()).expect("a file can be written");
        Some(copy)
    }

    /// Where a path of the container lies on this machine.
    ///
    /// # Panics
    /// When it lies in no mount of the container.
    pub fn path(&self, in_container: &str) -> PathBuf {
        let local = environment::local_path(&self.mounts, in_container);
        assert!(local.is_some(), "`{in_container}` lies in no volume");
        local.expect("it was just checked").into()
    }

    /// The container's environment as its processes see it.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }
}

fn container_of<'a>(pod: &'a Pod, name: &str) -> &'a Container {
    let spec = pod.spec.as_ref().expect("a pod has a spec");
    let mut containers = spec
        .containers
        .iter()
        .chain(spec.init_containers.iter().flatten());
    let found = containers.find(|container| container.name == name);
    assert!(found.is_some(), "the pod has no container `{name}`");
    found.expect("it was just checked")
}

fn mounts(container: &Container, volumes: &[Volume]) -> Vec<Mount> {
    let mounts = container.volume_mounts.iter().flatten();
    mounts
        .map(|mount| {
            assert!(
                mount.sub_path.is_none() && mount.sub_path_expr.is_none(),
                "the mount `{}` has a subPath, which is not played",
                mount.mount_path
            );
            let volume = volumes.iter().find(|volume| volume.name() == mount.name);
            Mount {
                in_container: mount.mount_path.trim_end_matches('/').to_owned(),
                local: Path::to_owned(volume.expect("each mounted volume is played").path()),
            }
        })
        .collect()
}
