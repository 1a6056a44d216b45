//! The way to the API server itself: a token of its own audience is let in, and nobody is without one.

use podpass_cluster::{Cluster, TokenRequest};
use podpass_kinds::ServiceAccountRef;
use podpass_token::Token;
use serde_json::Value;

use super::{Broken, Claims, Gone, SHORTEST_TOKEN, Step, StepReport, StepResult, Verification};

impl Verification {
    /// Goes this way too, wherever the one to the role ended, and adds its two steps.
    pub async fn add_kube(&mut self, cluster: &Cluster, account: &ServiceAccountRef) {
        let with = with_token(cluster, account).await;
        let without = without_token(cluster).await;
        for (step, gone) in [(Step::ApiWithToken, with), (Step::ApiWithoutToken, without)] {
            let (result, found, broken) = match gone {
                Ok(found) => (StepResult::Ok, found, None),
                Err(broken) => (StepResult::Broken, Vec::new(), Some(*broken)),
            };
            self.verified &= broken.is_none();
            self.steps.push(StepReport {
                step,
                result,
                found,
                broken,
            });
        }
    }
}

type Found = Vec<(&'static str, String)>;

async fn with_token(cluster: &Cluster, account: &ServiceAccountRef) -> Gone<Found> {
    let request = TokenRequest {
        namespace: account.namespace().to_owned(),
        service_account: account.name().to_owned(),
        // The API server's own.
        audiences: Vec::new(),
        expiration_seconds: Some(SHORTEST_TOKEN),
        pod: None,
    };
    let token = cluster.request_token(&request).await;
    let (token, _) = token.map_err(Broken::cluster)?;
    let claims = Claims::of(&token).unwrap_or_default();
    let answer = called(cluster, Some(&token)).await?;
    let mut found = vec![
        ("sub", claims.subject.clone()),
        ("aud", claims.audience.clone()),
    ];
    let versions = serde_json::from_str::<Value>(&answer.text).unwrap_or_default();
    if answer.status == 200 && versions["kind"] == "APIVersions" {
        let all = versions["versions"].as_array().into_iter().flatten();
        let all: Vec<&str> = all.filter_map(Value::as_str).collect();
        found.push(("answer", format!("200 APIVersions {}", all.join(", "))));
        return Ok(found);
    }
    let status = answer.status;
    let broken = match status {
        401 => Broken::here(None, "the API server does not take its own token (401)")
            .fixed_by("compare issuer and audience with --service-account-issuer and --api-audiences of kube-apiserver"),
        403 => Broken::here(None, format!("the API server knows the caller and refuses `{PATH}` (403): {}", answer.text))
            .fixed_by("bind the ClusterRole system:discovery to the group system:authenticated again"),
        _ => Broken::here(None, format!("the API server answers {status} to `{PATH}`, not its versions"))
            .fixed_by("check that the kubeconfig's server is a kube-apiserver"),
    };
    let broken = broken
        .compared("iss", claims.issuer)
        .compared("sub", claims.subject)
        .compared("aud", claims.audience);
    Err(broken.into())
}

async fn without_token(cluster: &Cluster) -> Gone<Found> {
    let answer = called(cluster, None).await?;
    let told = |told: &str| vec![("answer", format!("{} {told}", answer.status))];
    match answer.status {
        403 if answer.text.contains(ANONYMOUS) => {
            let mut found = told("as it should be");
            found.push(("user", ANONYMOUS.to_owned()));
            Ok(found)
        }
        401 => Ok(told(
            "as it should be: the API server takes no anonymous calls",
        )),
        status => {
            let message =
                format!("the API server answers {status} to `{PATH}` without a token, not 403");
            let broken = Broken::here(None, message);
            Err(broken
                .fixed_by("take system:anonymous and system:unauthenticated out of the cluster role bindings: `kubectl get clusterrolebindings -o wide`")
                .into())
        }
    }
}

async fn called(cluster: &Cluster, token: Option<&Token>) -> Gone<podpass_cluster::Answer> {
    let caller = cluster.called_with(token).map_err(Broken::cluster)?;
    Ok(caller.get(PATH).await.map_err(Broken::cluster)?)
}

/// What every authenticated caller may read, and nobody else.
const PATH: &str = "/api";

/// Who has no credentials, in kube-apiserver's words.
const ANONYMOUS: &str = "system:anonymous";
