//! The way to a kube-apiserver on loopback, as the administrator or as anybody else.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::AuthInfo;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::files;

/// Where a kube-apiserver listens, its CA and the administrator's token. `Debug` shows the URL only.
#[derive(Clone, Serialize, Deserialize)]
pub struct KubeApi {
    url: String,
    /// PEM; `kube` reads it when a connection is made.
    ca_file: PathBuf,
    admin_token: String,
}

/// Whom a client or a kubeconfig speaks as.
#[derive(Clone)]
pub enum Identity {
    /// A member of `system:masters`.
    Admin,
    /// Whoever a bearer token stands for.
    Token(String),
    /// The user of this name in these groups: the administrator impersonates it.
    User {
        /// For example `system:serviceaccount:default:builder`.
        name: String,
        /// Without `system:authenticated`, which kube-apiserver adds.
        groups: Vec<String>,
    },
}

impl KubeApi {
    pub(crate) fn new(url: String, ca_file: PathBuf, admin_token: String) -> Self {
        Self {
            url,
            ca_file,
            admin_token,
        }
    }

    /// `https://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The PEM file with the certificate authority of the server.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The same server behind another address: a proxy that stands in front of it.
    #[must_use]
    pub fn at(&self, url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..self.clone()
        }
    }

    /// A client's configuration, made from nothing ambient. It repeats no call: a test sees the first answer.
    pub fn config(&self, identity: &Identity) -> kube::Config {
        let url = self.url.parse().expect("the address makes a URL");
        let mut config = kube::Config::new(url);
        config.root_cert_file = Some(self.ca_file.clone());
        config.default_retry = false;
        config.auth_info = self.auth_info(identity);
        config
    }

    /// A client.
    pub fn client(&self, identity: &Identity) -> kube::Client {
        kube::Client::try_from(self.config(identity)).expect("the configuration is complete")
    }

    /// Writes a kubeconfig that needs no other file, mode 0600.
    pub fn write_kubeconfig(&self, path: &Path, identity: &Identity) {
        let user = serde_json::to_value(self.auth_info(identity)).expect("it has only text keys");
        let ca = std::fs::read(&self.ca_file).expect("the server has written its certificate");
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {
                "server": self.url,
                "certificate-authority-data": STANDARD.encode(ca),
            }}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        });
        files::write_private(path, kubeconfig.to_string().as_bytes());
    }

    fn auth_info(&self, identity: &Identity) -> AuthInfo {
        let mut info = AuthInfo::default();
        let token = match identity {
            Identity::Token(token) => token,
            Identity::Admin => &self.admin_token,
            Identity::User { name, groups } => {
                info.impersonate = Some(name.clone());
                info.impersonate_groups = Some(groups.clone());
                &self.admin_token
            }
        };
        info.token = Some(token.clone().into());
        info
    }
}

impl fmt::Debug for KubeApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubeApi")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("Admin"),
            Self::Token(_) => f.write_str("Token"),
            Self::User { name, groups } => f
                .debug_struct("User")
                .field("name", name)
                .field("groups", groups)
                .finish(),
        }
    }
}
