//! The nine real CredentialsRequests become roles that AWS's own tools can see and use.

use podpass_testkit::{Cluster, test_data};
use serde_json::{Value, json};

use crate::stand::{ACCOUNT, ISSUER_HOST, PODPASS, Stand, both, succeeded};

/// Secret namespace and name, and a service account of the request.
const REQUESTS: [(&str, &str, &str); 9] = [
    (
        "openshift-cluster-api",
        "capa-manager-bootstrap-credentials",
        "capa-controller-manager",
    ),
    (
        "openshift-machine-api",
        "aws-cloud-credentials",
        "machine-api-controllers",
    ),
    (
        "openshift-cloud-credential-operator",
        "cloud-credential-operator-iam-ro-creds",
        "cloud-credential-operator",
    ),
    (
        "openshift-image-registry",
        "installer-cloud-credentials",
        "cluster-image-registry-operator",
    ),
    (
        "openshift-ingress-operator",
        "cloud-credentials",
        "ingress-operator",
    ),
    (
        "openshift-cloud-network-config-controller",
        "cloud-credentials",
        "cloud-network-config-controller",
    ),
    (
        "openshift-cluster-csi-drivers",
        "ebs-cloud-credentials",
        "aws-ebs-csi-driver-operator",
    ),
    (
        "aws-load-balancer-operator",
        "aws-load-balancer-controller-cluster",
        "aws-load-balancer-controller-cluster",
    ),
    (
        "aws-load-balancer-operator",
        "aws-load-balancer-operator",
        "aws-load-balancer-operator-controller-manager",
    ),
];

#[test]
fn nine_real_requests_become_roles_that_their_service_accounts_can_assume() {
    let Some(requests) = test_data("credentialsrequests") else {
        return;
    };
    let Some(stand) = Stand::new() else { return };
    let requests = requests.to_str().unwrap();
    let create = [
        "aws",
        "create-all",
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--output-dir",
        "out",
        "--credentials-requests-dir",
        requests,
    ];
    stand.podpass(&create);
    let cluster = Cluster::with_key_of(
        &stand.home.path("out"),
        "https://prod-oidc.s3.eu-west-1.amazonaws.com",
    );
    let roles = roles(&stand);
    assert_eq!(roles.len(), 9, "{roles:?}");
    for (namespace, secret, service_account) in REQUESTS {
        let full = format!("prod-{namespace}-{secret}");
        // A name that exceeds IAM's 64 characters is cut and ends in a hash of the whole.
        let role = roles.iter().find(|role| {
            **role == full || (full.len() > 64 && role.len() == 64 && full.starts_with(&role[..55]))
        });
        let role = role.unwrap_or_else(|| panic!("no role for {full} in {roles:?}"));
        // The stranger first: the CLI keeps a role's credentials and would not ask again.
        let stranger = cluster.write_token(stand.home.path("token"), namespace, "default");
        let refused = both(&stand.pod_aws(role, &stranger, &["sts", "get-caller-identity"]));
        assert!(
            refused.contains("Not authorized to perform sts:AssumeRoleWithWebIdentity"),
            "{refused}"
        );
        let token = cluster.write_token(stand.home.path("token"), namespace, service_account);
        let identity = both(&stand.pod_aws(role, &token, &["sts", "get-caller-identity"]));
        assert!(
            identity.contains(&format!("assumed-role/{role}/")),
            "{identity}"
        );
        let manifest = std::fs::read_to_string(stand.home.path(&format!(
            "out/manifests/{namespace}-{secret}-credentials.yaml"
        )))
        .unwrap();
        assert!(
            manifest.contains(&format!(
                "role_arn = arn:aws:iam::123456789012:role/{role}\n"
            )),
            "{manifest}"
        );
    }
    let again = stand.podpass(&create);
    assert!(
        !again.contains(" created") && !again.contains(" configured"),
        "the second run changed something:\n{again}"
    );
}

#[test]
fn binary_called_ccoctl_takes_the_command_line_of_document_000() {
    let Some(stand) = Stand::new() else { return };
    let ccoctl = stand.home.path("ccoctl");
    std::os::unix::fs::symlink(PODPASS, &ccoctl).unwrap();
    let run =
        |arguments: &[&str]| succeeded(stand.sandbox.command(&stand.home, &ccoctl).args(arguments));
    run(&["aws", "create-key-pair", "--output-dir", "enabling_irsa"]);
    run(&[
        "aws",
        "create-identity-provider",
        "--output-dir",
        "enabling_irsa",
        "--name",
        "irsa-mint",
        "--region",
        "eu-west-1",
    ]);
    let manifest = std::fs::read_to_string(
        stand
            .home
            .path("enabling_irsa/manifests/cluster-authentication-02-config.yaml"),
    )
    .unwrap();
    assert!(
        manifest.contains(&format!("serviceAccountIssuer: https://{ISSUER_HOST}")),
        "{manifest}"
    );
    let provider = stand.aws(&[
        "iam",
        "get-open-id-connect-provider",
        "--open-id-connect-provider-arn",
        &format!("arn:aws:iam::123456789012:oidc-provider/{ISSUER_HOST}"),
    ]);
    assert!(
        provider.contains("sts.amazonaws.com")
            && provider.contains("openshift.io/cloud-credential-operator/irsa-mint"),
        "{provider}"
    );
    let keys = stand.aws(&["s3", "cp", "--quiet", "s3://irsa-mint-oidc/keys.json", "-"]);
    assert!(keys.contains(r#""alg": "RS256""#), "{keys}");
}

#[test]
fn seed_000_09_issuer_and_provider_are_there_for_everyone() {
    let Some(stand) = Stand::new() else { return };
    stand.identity_provider();
    // AWS's name of the bucket, at the sandbox's address.
    let fetch = |path: &str| -> Value {
        let script = format!(
            "import urllib.request as r; print(r.urlopen(r.Request('{}/{path}', headers={{'Host': '{ISSUER_HOST}'}})).read().decode())",
            stand.sandbox.endpoint(),
        );
        let mut command = stand.home.command(stand.client("python"));
        serde_json::from_str(&succeeded(command.args(["-c", &script]))).unwrap()
    };
    let discovery = fetch(".well-known/openid-configuration");
    assert_eq!(discovery["issuer"], format!("https://{ISSUER_HOST}"));
    assert_eq!(
        discovery["jwks_uri"],
        format!("https://{ISSUER_HOST}/keys.json")
    );
    let keys = fetch("keys.json");
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    let providers: Value =
        serde_json::from_str(&stand.aws(&["iam", "list-open-id-connect-providers"])).unwrap();
    assert_eq!(
        providers["OpenIDConnectProviderList"],
        json!([{"Arn": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER_HOST}")}])
    );
}

fn roles(stand: &Stand) -> Vec<String> {
    let listed = stand.aws(&[
        "iam",
        "list-roles",
        "--query",
        "Roles[].RoleName",
        "--output",
        "text",
    ]);
    listed.split_whitespace().map(str::to_owned).collect()
}
