//! One control plane for all tests of a run, which share it by keeping to namespaces of their own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams};
use serde_json::json;
use uuid::Uuid;

use super::launch::{self, Launched};
use super::server::{Lifetime, Place};
use super::{ControlPlane, ControlPlaneOptions};
use crate::{Identity, KubeApi, files};

/// A control plane with everything ([`ControlPlaneOptions::all`]) that other tests use at the same time.
///
/// A test must change nothing outside a namespace of its own and objects that carry that namespace's name.
#[derive(Debug)]
pub struct SharedControlPlane {
    api: KubeApi,
    // Without a run to share with, the test has one to itself.
    _own: Option<ControlPlane>,
}

impl SharedControlPlane {
    /// Finds the run's control plane; the first test that asks starts it.
    ///
    /// `cargo xtask test` names the run's folder in `PODPASS_TEST_RUN` and holds the writing end of its FIFO `alive`.
    /// When it ends, however it ends, the servers read the end of that FIFO, remove the folder and end too.
    pub async fn find(programs: &Path) -> Self {
        let options = ControlPlaneOptions::all();
        let Some(run) = std::env::var_os("PODPASS_TEST_RUN").map(PathBuf::from) else {
            let own = ControlPlane::start(programs, &options).await;
            return Self {
                api: own.api().clone(),
                _own: Some(own),
            };
        };
        // Tests are processes of their own: the lock makes one of them the first.
        let lock = File::create(run.join("control-plane.lock")).expect("the run has a folder");
        lock.lock().expect("a file can be locked");
        let record = run.join("control-plane.json");
        let api = if let Ok(text) = fs::read(&record) {
            serde_json::from_slice(&text).expect("the record is ours")
        } else {
            let folder = run.join("control-plane");
            // Left by a test that failed to start one.
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).expect("a folder can be made");
            let place = Place {
                programs: programs.to_owned(),
                folder,
                lifetime: Lifetime::Run(run),
            };
            let api = Launched::start(place, &options).await.release();
            let text = serde_json::to_vec(&api).expect("it has only text keys");
            files::write_private(&record, &text);
            api
        };
        Self { api, _own: None }
    }

    /// The way to its API server.
    pub fn api(&self) -> &KubeApi {
        &self.api
    }

    /// A client of the administrator.
    pub fn admin(&self) -> kube::Client {
        self.api.client(&Identity::Admin)
    }

    /// Makes a namespace that no other test has, furnished with its service account `default`; `name` begins its name.
    pub async fn namespace(&self, name: &str) -> String {
        let random = Uuid::new_v4().simple().to_string();
        let name = format!("{name}-{}", &random[..8]);
        let namespace = serde_json::from_value(json!({"metadata": {"name": name}}));
        let namespaces: Api<Namespace> = Api::all(self.admin());
        namespaces
            .create(
                &PostParams::default(),
                &namespace.expect("it is a namespace"),
            )
            .await
            .expect("a namespace can be created");
        launch::furnished(&self.admin(), &name).await;
        name
    }
}
