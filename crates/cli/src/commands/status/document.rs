//! The status as a document for programs.

use podpass_access::status::{CloudStatus, ClusterStatus, IssuerStatus, Remark};
use podpass_cluster::IdentityWebhook;
use podpass_kinds::CloudCredentialSpec;
use podpass_provision::mode::ModeDecision;
use serde::Serialize;

use super::CloudSide;

/// The status, as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    pub(super) server: &'a str,
    #[serde(flatten)]
    pub(super) credentials: Credentials<'a>,
    pub(super) issuer: &'a IssuerStatus,
    /// `null` when they may not be read.
    pub(super) webhooks: Option<&'a Vec<IdentityWebhook>>,
    pub(super) remarks: &'a [Remark],
    /// What was asked for and refused, on both sides.
    refused: Vec<String>,
    pub(super) aws: Aws<'a>,
}

/// How the cluster's own components get credentials.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Credentials<'a> {
    OpenShift {
        #[serde(flatten)]
        decision: ModeDecision,
        meaning: &'static str,
        #[serde(flatten)]
        spec: CloudCredentialSpec,
        #[serde(skip_serializing_if = "Option::is_none")]
        platform: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        region: Option<&'a str>,
    },
    Elsewhere {
        mode: &'static str,
        meaning: &'static str,
    },
}

/// AWS's side, if it was looked at.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Aws<'a> {
    looked_at: bool,
    /// Why it was not, or what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    #[serde(flatten)]
    pub(super) seen: Option<&'a CloudStatus>,
}

impl<'a> StatusDocument<'a> {
    pub(super) fn of(status: &'a ClusterStatus, cloud: &'a CloudSide) -> Self {
        let mut refused: Vec<String> = status.refused.iter().map(ToString::to_string).collect();
        if let CloudSide::Seen(seen) = cloud {
            refused.extend(seen.refused.iter().map(ToString::to_string));
        }
        Self {
            api_version: crate::API_VERSION,
            kind: "Status",
            server: &status.server,
            credentials: Credentials::of(status),
            issuer: &status.issuer,
            webhooks: status.webhooks.present(),
            remarks: &status.remarks,
            refused,
            aws: Aws::of(cloud),
        }
    }

    /// The objects and resources that were found, as kubectl and podpass name them.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        if let Credentials::OpenShift { .. } = self.credentials {
            names.push("cloudcredential.operator.openshift.io/cluster".to_owned());
        }
        for webhook in self.webhooks.into_iter().flatten() {
            let kind = "mutatingwebhookconfiguration.admissionregistration.k8s.io";
            names.push(format!("{kind}/{}", webhook.configuration));
        }
        names.dedup();
        if let Some(seen) = self.aws.seen {
            let of_arn = |arn: &str| {
                arn.rsplit_once(':')
                    .map_or(arn, |(_, name)| name)
                    .to_owned()
            };
            names.extend(seen.provider.iter().map(|provider| of_arn(&provider.arn)));
            names.extend(seen.other_providers.iter().map(|arn| of_arn(arn)));
            let bucket = seen.bucket.iter();
            names.extend(bucket.map(|bucket| format!("bucket/{}", bucket.name)));
            names.extend(seen.roles.iter().map(|role| format!("role/{}", role.name)));
        }
        names
    }
}

impl<'a> Credentials<'a> {
    fn of(status: &'a ClusterStatus) -> Self {
        let Some(openshift) = &status.openshift else {
            return Self::Elsewhere {
                mode: "not-openshift",
                meaning: "the cluster does not know the kind CloudCredential: OpenShift's Cloud Credential Operator gives \
                          nobody credentials here",
            };
        };
        let decision = openshift.sources.decide();
        let spec = openshift.sources.cloud_credential.present();
        Self::OpenShift {
            meaning: decision.mode.meaning(),
            decision,
            spec: spec.cloned().unwrap_or_default(),
            platform: openshift.sources.platform.present().map(String::as_str),
            region: openshift.region.as_deref(),
        }
    }
}

impl<'a> Aws<'a> {
    fn of(cloud: &'a CloudSide) -> Self {
        let (why, seen) = match cloud {
            CloudSide::NotLookedAt(why) => (Some(why.clone()), None),
            CloudSide::Failed(error) => (Some(error.to_string()), None),
            CloudSide::Seen(seen) => (None, Some(&**seen)),
        };
        Self {
            looked_at: seen.is_some(),
            why,
            seen,
        }
    }
}
