//! The manifests that the installer, or `oc apply`, puts into the cluster: exactly ccoctl's bytes.

use podpass_kinds::yaml;
use podpass_policy::RoleArn;

use crate::requests::RoleRequest;

/// A file below the output directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its name in `manifests/`.
    pub file_name: String,
    /// Its content.
    pub content: String,
}

/// The Secret that tells a component its role and where its token is.
pub fn secret(request: &RoleRequest, role: &RoleArn) -> Manifest {
    secret_with(request, role.as_str(), "")
}

/// The Secret of a dry run: without a role ARN, and with a line that no YAML parser accepts, so that it cannot be
/// applied by mistake.
pub fn secret_to_be_completed(request: &RoleRequest) -> Manifest {
    secret_with(request, "", "\nPOPULATE ROLE ARN AND DELETE THIS LINE")
}

/// The cluster's Authentication object, which names the issuer.
pub fn authentication(issuer: &str) -> Manifest {
    Manifest {
        file_name: "cluster-authentication-02-config.yaml".to_owned(),
        content: format!(
            "apiVersion: config.openshift.io/v1\n\
             kind: Authentication\n\
             metadata:\n  \
               name: cluster\n\
             spec:\n  \
               serviceAccountIssuer: {issuer}"
        ),
    }
}

fn secret_with(request: &RoleRequest, role_arn: &str, last_line: &str) -> Manifest {
    let RoleRequest {
        secret_namespace: namespace,
        secret_name: name,
        token_path,
        ..
    } = request;
    let file_name = format!("{namespace}-{name}-credentials.yaml");
    // A name such as `123` or `yes` is no text unless it is quoted.
    let [namespace, name] = [namespace, name].map(|name| yaml::string_text(name));
    Manifest {
        file_name,
        content: format!(
            "apiVersion: v1\n\
             stringData:\n  \
               credentials: |-\n    \
                 [default]\n    \
                 sts_regional_endpoints = regional\n    \
                 role_arn = {role_arn}\n    \
                 web_identity_token_file = {token_path}\n\
             kind: Secret\n\
             metadata:\n  \
               name: {name}\n  \
               namespace: {namespace}\n\
             type: Opaque{last_line}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::DocumentPlace;
    use podpass_kinds::{DEFAULT_CLOUD_TOKEN_PATH, Position};

    fn request(token_path: &str) -> RoleRequest {
        RoleRequest {
            place: DocumentPlace {
                file: "ingress.yaml".to_owned(),
                document: 1,
                position: Position { line: 1, column: 1 },
            },
            boundary: None,
            request_namespace: "openshift-cloud-credential-operator".to_owned(),
            request_name: "openshift-ingress".to_owned(),
            secret_namespace: "openshift-ingress-operator".to_owned(),
            secret_name: "cloud-credentials".to_owned(),
            service_accounts: vec!["ingress-operator".to_owned()],
            token_path: token_path.to_owned(),
            statements: Vec::new(),
        }
    }

    #[test]
    fn a_secret_has_exactly_the_bytes_of_ccoctl() {
        let role = "arn:aws:iam::123456789012:role/c-openshift-ingress-operator-cloud-credentials";
        let manifest = secret(&request(DEFAULT_CLOUD_TOKEN_PATH), &role.parse().unwrap());
        assert_eq!(
            manifest.file_name,
            "openshift-ingress-operator-cloud-credentials-credentials.yaml"
        );
        assert_eq!(
            manifest.content,
            "apiVersion: v1
stringData:
  credentials: |-
    [default]
    sts_regional_endpoints = regional
    role_arn = arn:aws:iam::123456789012:role/c-openshift-ingress-operator-cloud-credentials
    web_identity_token_file = /var/run/secrets/openshift/serviceaccount/token
kind: Secret
metadata:
  name: cloud-credentials
  namespace: openshift-ingress-operator
type: Opaque"
        );
    }

    #[test]
    fn names_that_yaml_takes_for_something_else_are_quoted() {
        let mut numeric = request(DEFAULT_CLOUD_TOKEN_PATH);
        (numeric.secret_namespace, numeric.secret_name) = ("yes".to_owned(), "123".to_owned());
        let manifest = secret_to_be_completed(&numeric);
        assert_eq!(manifest.file_name, "yes-123-credentials.yaml");
        assert!(
            manifest
                .content
                .contains("  name: \"123\"\n  namespace: \"yes\"\n"),
            "{}",
            manifest.content
        );
    }

    #[test]
    fn a_secret_honours_the_cloud_token_path() {
        let role = "arn:aws:iam::123456789012:role/r";
        let manifest = secret(
            &request("/var/run/secrets/own/token"),
            &role.parse().unwrap(),
        );
        assert!(
            manifest
                .content
                .contains("    web_identity_token_file = /var/run/secrets/own/token\n")
        );
    }

    #[test]
    fn a_secret_of_a_dry_run_cannot_be_applied() {
        let manifest = secret_to_be_completed(&request(DEFAULT_CLOUD_TOKEN_PATH));
        assert!(manifest.content.contains("    role_arn = \n"));
        assert!(
            manifest
                .content
                .ends_with("type: Opaque\nPOPULATE ROLE ARN AND DELETE THIS LINE")
        );
    }

    #[test]
    fn the_authentication_object_names_only_the_issuer() {
        let manifest = authentication("https://demo-oidc.s3.eu-west-1.amazonaws.com");
        assert_eq!(
            manifest.content,
            "apiVersion: config.openshift.io/v1
kind: Authentication
metadata:
  name: cluster
spec:
  serviceAccountIssuer: https://demo-oidc.s3.eu-west-1.amazonaws.com"
        );
    }
}
