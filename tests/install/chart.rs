//! The chart renders what the crate renders: two texts by hand, one result.

use std::collections::BTreeMap;
use std::path::Path;

use podpass_manifests::{FailurePolicy, Platform, Tls, WebhookOptions};
use podpass_testkit::{Home, Ran, helm, run};
use serde_json::{Value, json};

use crate::stand::{KUBE_VERSION, chart, documents};

/// What differs by its nature: who installed, and under which name of a release.
const OF_THE_INSTALLER: [&str; 3] = [
    "helm.sh/chart",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/instance",
];

#[test]
fn chart_and_crate_render_the_same_objects() {
    let Some(helm) = helm() else { return };
    let base = || WebhookOptions {
        namespace: "irsa".to_owned(),
        create_namespace: false,
        ..WebhookOptions::default()
    };
    let all = WebhookOptions {
        replicas: 3,
        failure_policy: FailurePolicy::Fail,
        timeout_seconds: 5,
        excluded_namespaces: vec!["kube-system".to_owned(), "calico-system".to_owned()],
        annotation_prefix: "irsa.example.com".to_owned(),
        token_audience: "irsa".to_owned(),
        token_expiration: 3600,
        token_mount_path: "/var/run/secrets/irsa".to_owned(),
        aws_default_region: Some("eu-west-1".to_owned()),
        sts_regional_endpoint: true,
        watch_config_map: true,
        enforce_allowed_roles: true,
        evict: true,
        service_monitor: true,
        prometheus_rule: true,
        dashboard: true,
        ..base()
    };
    let cert_manager = WebhookOptions {
        tls: Tls::CertManager,
        network_policy: false,
        ..base()
    };
    let openshift = WebhookOptions {
        name: "podpass-webhook".to_owned(),
        platform: Platform::OpenShift,
        tls: Tls::ServiceCa,
        ..base()
    };
    let in_kube_system = WebhookOptions {
        namespace: "kube-system".to_owned(),
        ..base()
    };
    let plain = WebhookOptions {
        name: "irsa".to_owned(),
        priority_class: None,
        image: "registry.example.com/podpass:v1".to_owned(),
        ..base()
    };
    let plain_values = [
        "--set",
        "nameOverride=irsa,priorityClassName=,image.registry=registry.example.com,image.tag=v1",
    ];
    for (case, values, options) in [
        ("defaults", &[][..], base()),
        ("all", &["-f", "ci/all-values.yaml"], all),
        (
            "cert-manager",
            &["-f", "ci/cert-manager-values.yaml"],
            cert_manager,
        ),
        ("openshift", &["-f", "ci/openshift-values.yaml"], openshift),
        (
            "kube-system",
            &["--namespace", "kube-system"],
            in_kube_system,
        ),
        ("names", &plain_values, plain),
    ] {
        options.check().unwrap();
        let ran = template(&helm, values);
        let by_chart = by_name(documents(ran.succeeded()));
        let by_crate = by_name(options.render());
        let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&by_chart), names(&by_crate), "{case}");
        assert!(by_crate.len() > 20, "{case}: {}", by_crate.len());
        for (name, expected) in by_crate {
            let found = &by_chart[&name];
            assert_eq!(
                serde_json::to_string_pretty(found).unwrap(),
                serde_json::to_string_pretty(&expected).unwrap(),
                "{case}: {name}"
            );
        }
    }
}

/// What the crate has no option for is looked at where it belongs.
#[test]
fn values_that_only_the_chart_has_reach_their_place() {
    let Some(helm) = helm() else { return };
    let ran = template(&helm, &["-f", "ci/existing-secret-values.yaml"]);
    let objects = by_name(documents(ran.succeeded()));
    let kinds: Vec<&str> = objects
        .keys()
        .map(|name| name.split(' ').next().unwrap())
        .collect();
    for absent in [
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "Secret",
        "PodDisruptionBudget",
    ] {
        let found = kinds.iter().filter(|kind| **kind == absent).count();
        // The canary has an account of its own.
        let expected = usize::from(absent == "ServiceAccount");
        assert_eq!(found, expected, "{absent} in {kinds:?}");
    }
    let admission = &objects["Deployment irsa/irsa"]["spec"]["template"];
    let controller = &objects["Deployment irsa/irsa-controller"]["spec"]["template"];
    for (account, template) in [
        ("made-elsewhere", admission),
        ("made-elsewhere-controller", controller),
    ] {
        let pod = &template["spec"];
        assert_eq!(pod["serviceAccountName"], account);
        assert_eq!(template["metadata"]["labels"]["team"], "platform");
        assert_eq!(template["metadata"]["annotations"], json!({"note": "x"}));
        assert_eq!(
            pod["nodeSelector"],
            json!({"kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux"})
        );
        assert_eq!(
            pod["tolerations"],
            json!([{"key": "control-plane", "operator": "Exists"}])
        );
        assert_eq!(pod["affinity"], json!({"nodeAffinity": {}}));
        assert_eq!(pod["imagePullSecrets"], json!([{"name": "pull"}]));
        assert_eq!(pod.get("priorityClassName"), None);
        assert_eq!(
            pod["securityContext"],
            json!({
                "fsGroup": 65534,
                "runAsGroup": 65534,
                "runAsNonRoot": true,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            })
        );
        let container = &pod["containers"][0];
        assert_eq!(
            container["image"],
            "registry.example.com/podpass@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        );
        assert_eq!(container["env"][1], json!({"name": "TZ", "value": "UTC"}));
        assert_eq!(container["securityContext"]["runAsUser"], 1000);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        let arguments = container["args"].as_array().unwrap();
        assert!(arguments.contains(&"--v=5".into()), "{arguments:?}");
        assert!(
            arguments.contains(&"--metrics-port=9100".into()),
            "{arguments:?}"
        );
    }
    let pod = &admission["spec"];
    let arguments = pod["containers"][0]["args"].as_array().unwrap();
    for expected in [
        "--port=9443",
        "--in-cluster=false",
        "--tls-cert=/etc/webhook/certs/tls.crt",
    ] {
        assert!(arguments.contains(&expected.into()), "{arguments:?}");
    }
    let spread = json!([{
        "maxSkew": 2,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "irsa"}},
    }]);
    assert_eq!(pod["topologySpreadConstraints"], spread);
    assert_eq!(
        pod["volumes"],
        json!([
            {"name": "certificate", "secret": {"secretName": "my-certificate"}},
            {"name": "extra", "emptyDir": {}},
        ])
    );
    assert_eq!(
        pod["containers"][0]["volumeMounts"],
        json!([
            {"name": "certificate", "mountPath": "/etc/webhook/certs", "readOnly": true},
            {"name": "extra", "mountPath": "/extra"},
        ])
    );

    let configuration = &objects["MutatingWebhookConfiguration /irsa"];
    assert_eq!(
        configuration["metadata"]["annotations"],
        json!({"team": "platform"})
    );
    let webhook = &configuration["webhooks"][0];
    assert!(
        webhook["clientConfig"]["caBundle"]
            .as_str()
            .unwrap()
            .starts_with("LS0t")
    );
    // A selector narrows; the exclusions stay.
    assert_eq!(
        webhook["namespaceSelector"],
        json!({
            "matchLabels": {"irsa": "enabled"},
            "matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["irsa", "kube-system"]},
                {"key": "openshift.io/run-level", "operator": "NotIn", "values": ["0", "1"]},
                {"key": "tier", "operator": "Exists"},
            ],
        })
    );
    assert_eq!(
        webhook["objectSelector"]["matchLabels"],
        json!({"app": "web"})
    );
    // What the webhook asks of namespaces, the canary's has.
    let labels = &objects["Namespace /podpass-canary"]["metadata"]["labels"];
    assert_eq!(
        (&labels["irsa"], &labels["tier"]),
        (&json!("enabled"), &json!("canary"))
    );
    let policy = &objects["ValidatingAdmissionPolicy /podpass-canary-dry-run-only"];
    assert_eq!(
        policy["spec"]["matchConditions"][0]["expression"],
        "request.userInfo.username == 'system:serviceaccount:irsa:made-elsewhere-controller'"
    );
    let network = &objects["NetworkPolicy irsa/irsa"]["spec"];
    assert_eq!(
        network["egress"],
        json!([{"ports": [{"port": 16443, "protocol": "TCP"}]}])
    );
    assert_eq!(network["ingress"][0]["ports"][0]["port"], 9443);
}

#[test]
fn an_issuer_that_is_there_signs_the_certificate() {
    let Some(helm) = helm() else { return };
    let issuer = "pki.certManager.existingIssuer.kind=ClusterIssuer,pki.certManager.existingIssuer.name=internal";
    let monitored = "metrics.serviceMonitor.enabled=true,metrics.serviceMonitor.interval=30s,\
                     metrics.serviceMonitor.labels.release=prometheus";
    let all = format!("pki.certManager.enabled=true,{issuer},{monitored}");
    let ran = template(&helm, &["--set", &all]);
    let objects = by_name(documents(ran.succeeded()));
    assert_eq!(objects.get("Issuer irsa/pod-identity-webhook"), None);
    let certificate = &objects["Certificate irsa/pod-identity-webhook"]["spec"];
    let reference =
        json!({"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "internal"});
    assert_eq!(certificate["issuerRef"], reference);
    // Only a certificate that signs itself is an authority.
    assert_eq!(certificate.get("isCA"), None);
    let monitor = &objects["ServiceMonitor irsa/pod-identity-webhook"];
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    assert_eq!(monitor["spec"]["endpoints"][0]["interval"], "30s");
}

#[test]
fn values_that_cannot_work_are_refused() {
    let Some(helm) = helm() else { return };
    for (values, reason) in [
        ("replicaCount=0", "/replicaCount"),
        (
            "mutatingWebhook.failurePolicy=fail",
            "/mutatingWebhook/failurePolicy",
        ),
        (
            "mutatingWebhook.timeoutSeconds=31",
            "/mutatingWebhook/timeoutSeconds",
        ),
        ("config.tokenExpiration=599", "/config/tokenExpiration"),
        (
            "config.awsRegion=eu-west-1",
            "additional properties 'awsRegion' not allowed",
        ),
        (
            "mutatingWebhook.excludedNamespaces={podpass-canary}",
            "/mutatingWebhook/excludedNamespaces/0",
        ),
        ("fullnameOverride=Irsa", "/fullnameOverride"),
        (
            "namespaceOverride=podpass-canary",
            "the namespace cannot be podpass-canary",
        ),
        (
            "pki.certManager.enabled=true,pki.serviceCa.enabled=true",
            "choose one of",
        ),
        (
            "pki.existingSecret=x",
            "pki.existingSecret needs pki.caBundle",
        ),
        (
            "serviceAccount.create=false",
            "serviceAccount.name is required",
        ),
    ] {
        let ran = template(&helm, &["--set", values]);
        assert!(
            ran.code != 0 && ran.err.contains(reason),
            "{values}: {ran:#?}"
        );
    }
    let home = Home::new();
    let mut lint = home.command(&helm);
    let ran = run(lint
        .arg("lint")
        .arg("--strict")
        .arg(chart())
        .args(KUBE_VERSION));
    ran.said(&["0 chart(s) failed"]);
}

fn template(helm: &Path, values: &[&str]) -> Ran {
    let home = Home::new();
    let mut command = home.command(helm);
    command
        .current_dir(chart())
        .args(["template", "release", ".", "--namespace", "irsa"])
        .args(KUBE_VERSION)
        .args(values);
    run(&mut command)
}

/// `Kind namespace/name` → object, without what names the installer.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let mut by_name = BTreeMap::new();
    for mut object in objects {
        let text = |pointer: &str| {
            let text = object.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let namespace = text("/metadata/namespace");
        let name = format!("{} {namespace}/{}", text("/kind"), text("/metadata/name"));
        let labels = object["metadata"]["labels"].as_object_mut().unwrap();
        for label in OF_THE_INSTALLER {
            labels.remove(label);
        }
        let twice = by_name.insert(name.clone(), object);
        assert!(twice.is_none(), "{name} is there twice");
    }
    by_name
}
