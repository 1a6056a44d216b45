//! The claims of a bound service-account token, as kube-apiserver signs them.

use serde::Serialize;

/// The claims that kube-apiserver's TokenRequest puts into a token.
///
/// Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountClaims {
    /// The URL of the cluster's issuer, `iss`.
    pub issuer: String,
    /// Whom the token is for, `aud`: always a list in a token, also with one entry.
    pub audiences: Vec<String>,
    /// The namespace of the service account.
    pub namespace: String,
    /// The service account.
    pub service_account: ObjectRef,
    /// The pod that the token is bound to.
    pub pod: Option<ObjectRef>,
    /// The node that the pod runs on.
    pub node: Option<ObjectRef>,
    /// `iat`.
    pub issued_at: i64,
    /// `nbf`.
    pub not_before: i64,
    /// `exp`.
    pub expires_at: i64,
    /// When kube-apiserver begins to warn about a token that lives longer than asked for, `warnafter`.
    pub warn_after: Option<i64>,
    /// The id of this one token, `jti`.
    pub id: Option<String>,
}

/// A Kubernetes object as a token names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectRef {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

impl ServiceAccountClaims {
    /// Returns the subject, `system:serviceaccount:NAMESPACE:NAME`.
    pub fn subject(&self) -> String {
        format!(
            "system:serviceaccount:{}:{}",
            self.namespace, self.service_account.name
        )
    }

    /// Prints the claims in kube-apiserver's order, which is alphabetical, without blanks.
    pub fn to_json(&self) -> String {
        let claims = Claims {
            aud: &self.audiences,
            exp: self.expires_at,
            iat: self.issued_at,
            iss: &self.issuer,
            jti: self.id.as_deref(),
            kubernetes: Kubernetes {
                namespace: &self.namespace,
                node: self.node.as_ref(),
                pod: self.pod.as_ref(),
                serviceaccount: &self.service_account,
                warnafter: self.warn_after,
            },
            nbf: self.not_before,
            sub: self.subject(),
        };
        serde_json::to_string(&claims).expect("strings, numbers and lists of them always serialise")
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a [String],
    exp: i64,
    iat: i64,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Kubernetes<'a>,
    nbf: i64,
    sub: String,
}

#[derive(Serialize)]
struct Kubernetes<'a> {
    namespace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a ObjectRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<&'a ObjectRef>,
    serviceaccount: &'a ObjectRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnafter: Option<i64>,
}
