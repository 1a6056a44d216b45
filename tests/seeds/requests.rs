//! A directory of CredentialsRequests as a release has it: several files, several documents, two spellings.

use crate::stand::Stand;

/// A request; `provider` is the kind of its provider spec, `annotations` a YAML flow mapping.
pub(crate) fn request(name: &str, provider: &str, annotations: &str) -> String {
    format!(
        "apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata:
  name: {name}
  namespace: openshift-cloud-credential-operator
  annotations: {annotations}
spec:
  providerSpec:
    apiVersion: cloudcredential.openshift.io/v1
    kind: {provider}
    statementEntries:
    - effect: Allow
      action: ['s3:Get{name}']
      resource: '*'
  secretRef:
    name: {name}
    namespace: app
  serviceAccountNames:
  - {name}
"
    )
}

pub(crate) fn aws_request(name: &str) -> String {
    request(name, "AWSProviderSpec", "{}")
}

/// Writes five requests for AWS in three files, and a file of others that make no role unless asked.
pub(crate) fn write_five(stand: &Stand) {
    let three = ["one", "two", "three"].map(aws_request).join("---\n");
    stand.home.write("credrequests/first.yaml", three);
    stand
        .home
        .write("credrequests/second.yml", aws_request("four"));
    stand
        .home
        .write("credrequests/third.yaml", aws_request("five"));
    let others = [
        request("azure", "AzureProviderSpec", "{}"),
        request(
            "gone",
            "AWSProviderSpec",
            "{release.openshift.io/delete: 'true'}",
        ),
        request(
            "preview",
            "AWSProviderSpec",
            "{release.openshift.io/feature-set: TechPreviewNoUpgrade}",
        ),
    ];
    stand
        .home
        .write("credrequests/others.yaml", others.join("---\n"));
}

/// The names of the roles that begin so, in order.
pub(crate) fn roles(stand: &Stand, prefix: &str) -> Vec<String> {
    let listed = stand.shell("aws iam list-roles").succeeded_json();
    let roles = listed["Roles"].as_array().unwrap().iter();
    let mut names: Vec<String> = roles
        .map(|role| role["RoleName"].as_str().unwrap().to_owned())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort();
    names
}

/// That a directory is processed whole: five roles, the others named or left out, one more when asked.
pub(crate) fn five_become_five_roles(stand: &Stand, name: &str, region: &str) {
    write_five(stand);
    let line = format!(
        "ccoctl aws create-iam-roles --name={name} --region={region} --credentials-requests-dir=credrequests \
         --identity-provider-arn={} --output-dir=outputs",
        stand.provider
    );
    let ran = stand.shell(&line);
    ran.said(&[
        "openshift-cloud-credential-operator/azure",
        "AzureProviderSpec",
    ]);
    let role = |request: &str| format!("{name}-app-{request}");
    let five = ["five", "four", "one", "three", "two"].map(role);
    assert_eq!(roles(stand, name), five);
    stand
        .shell(&format!("{line} --enable-tech-preview"))
        .succeeded();
    let six = ["five", "four", "one", "preview", "three", "two"].map(role);
    assert_eq!(roles(stand, name), six);
}
