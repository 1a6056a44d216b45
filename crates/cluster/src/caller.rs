//! Calls as somebody else than the kubeconfig's user.

use http::Request;
use kube::config::AuthInfo;
use kube::{Client, Config};
use podpass_token::Token;

use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};

/// The same API server by the same way, and a caller that has at most a token.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    cluster: Cluster,
}

/// What the API server answered to a call of somebody who may not be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body where the status is 200, the server's message elsewhere.
    pub text: String,
}

impl Cluster {
    /// The caller of this token, or without one the one who has no credentials at all: nothing of the kubeconfig's user
    /// is taken along, what it says of the server is.
    pub fn called_with(&self, token: Option<&Token>) -> Result<Caller, ClusterError> {
        let mut config: Config = self.way.as_ref().clone();
        config.auth_info = AuthInfo {
            token: token.map(|token| token.expose().into()),
            ..AuthInfo::default()
        };
        let client = Client::try_from(config).map_err(|error| {
            let message = "the kubeconfig makes no usable client";
            ClusterError::new(ErrorKind::Configuration, message).because(error)
        })?;
        Ok(Caller {
            client,
            cluster: self.clone(),
        })
    }
}

impl Caller {
    /// `GET path`; a refusal is an answer too, and only a server that gives none is an error.
    pub async fn get(&self, path: &str) -> Result<Answer, ClusterError> {
        let request = Request::get(path).body(Vec::new()).map_err(|error| {
            let message = format!("`{path}` is no path");
            ClusterError::new(ErrorKind::Invalid, message).because(error)
        })?;
        let call = async {
            match self.client.request_text(request).await {
                Ok(text) => Ok(Answer { status: 200, text }),
                Err(kube::Error::Api(status)) => Ok(Answer {
                    status: status.code,
                    text: status.message.clone(),
                }),
                Err(error) => Err(error),
            }
        };
        self.cluster.run("get", path, call).await
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client holds the token.
        f.debug_struct("Caller")
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}
