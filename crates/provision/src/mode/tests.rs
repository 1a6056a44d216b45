//! Each case of the operator's own table (CloudCredential × ConfigMap), of the root secret's annotation and of the issuer.

use super::*;

fn spec(mode: &str) -> Seen<CloudCredentialSpec> {
    Seen::Present(CloudCredentialSpec {
        credentials_mode: Some(mode.to_owned()),
        ..CloudCredentialSpec::default()
    })
}

fn text(text: &str) -> Seen<String> {
    Seen::Present(text.to_owned())
}

fn annotated(value: &str) -> Seen<Option<String>> {
    Seen::Present(Some(value.to_owned()))
}

/// An AWS cluster in the default mode whose root secret may mint: the one that document 000 starts from.
fn installed() -> ModeSources {
    ModeSources {
        cloud_credential: spec(""),
        disabled: Seen::Absent,
        platform: text("AWS"),
        issuer: Seen::Absent,
        root_secret: annotated("mint"),
    }
}

const MODE: &str = "spec.credentialsMode";
const DISABLED: &str = "data.disabled";
const ISSUER: &str = "spec.serviceAccountIssuer";
const ANNOTATION: &str = MODE_ANNOTATION_FIELD;
const PLATFORM: &str = "status.platformStatus.type";
const OWN: &str = "https://irsa-mint-oidc.s3.eu-west-1.amazonaws.com";

/// The mode and the fields that decided it.
type Expected = (
    CredentialsMode,
    &'static [(&'static str, Option<&'static str>)],
);

#[track_caller]
fn check(case: &str, sources: &ModeSources, (mode, fields): Expected) {
    let decision = sources.decide();
    let decided_by: Vec<(&str, Option<&str>)> = decision
        .decided_by
        .iter()
        .map(|evidence| (evidence.field, evidence.value.as_deref()))
        .collect();
    assert_eq!((decision.mode, &decided_by[..]), (mode, fields), "{case}");
}

#[test]
fn cloud_credential_and_config_map_decide_as_in_the_operators_table() {
    use CredentialsMode::{Conflict, Invalid, Manual, Mint, Passthrough};
    let cases: &[(&str, Seen<String>, Expected)] = &[
        (
            "",
            Seen::Absent,
            (Mint, &[(MODE, Some("")), (ANNOTATION, Some("mint"))]),
        ),
        (
            "",
            text("false"),
            (Mint, &[(MODE, Some("")), (ANNOTATION, Some("mint"))]),
        ),
        (
            "",
            text("true"),
            (
                Manual,
                &[(MODE, Some("")), (DISABLED, Some("true")), (ISSUER, None)],
            ),
        ),
        (
            "",
            text("T"),
            (
                Manual,
                &[(MODE, Some("")), (DISABLED, Some("T")), (ISSUER, None)],
            ),
        ),
        (
            "Manual",
            Seen::Absent,
            (Manual, &[(MODE, Some("Manual")), (ISSUER, None)]),
        ),
        (
            "Manual",
            text("true"),
            (Manual, &[(MODE, Some("Manual")), (ISSUER, None)]),
        ),
        (
            "Manual",
            text("false"),
            (Manual, &[(MODE, Some("Manual")), (ISSUER, None)]),
        ),
        ("Mint", Seen::Absent, (Mint, &[(MODE, Some("Mint"))])),
        ("Mint", text("false"), (Mint, &[(MODE, Some("Mint"))])),
        (
            "Mint",
            text("true"),
            (Conflict, &[(MODE, Some("Mint")), (DISABLED, Some("true"))]),
        ),
        (
            "Passthrough",
            Seen::Absent,
            (Passthrough, &[(MODE, Some("Passthrough"))]),
        ),
        (
            "Passthrough",
            text("1"),
            (
                Conflict,
                &[(MODE, Some("Passthrough")), (DISABLED, Some("1"))],
            ),
        ),
        ("mint", Seen::Absent, (Invalid, &[(MODE, Some("mint"))])),
        ("STS", text("true"), (Invalid, &[(MODE, Some("STS"))])),
        // The operator fails on the text before it compares the two.
        ("", text("maybe"), (Invalid, &[(DISABLED, Some("maybe"))])),
        ("Manual", text(""), (Invalid, &[(DISABLED, Some(""))])),
    ];
    for (mode, disabled, expected) in cases {
        let sources = ModeSources {
            cloud_credential: spec(mode),
            disabled: disabled.clone(),
            ..installed()
        };
        check(&format!("`{mode}`, {disabled:?}"), &sources, *expected);
    }
}

#[test]
fn default_mode_is_what_the_root_secret_says() {
    use CredentialsMode::{
        Insufficient, Invalid, Mint, Passthrough, RootSecretMissing, RootSecretUnjudged,
    };
    let cases: &[(Seen<Option<String>>, Expected)] = &[
        (
            annotated("mint"),
            (Mint, &[(MODE, Some("")), (ANNOTATION, Some("mint"))]),
        ),
        (
            annotated("passthrough"),
            (
                Passthrough,
                &[(MODE, Some("")), (ANNOTATION, Some("passthrough"))],
            ),
        ),
        (
            annotated("insufficient"),
            (
                Insufficient,
                &[(MODE, Some("")), (ANNOTATION, Some("insufficient"))],
            ),
        ),
        (
            annotated("other"),
            (Invalid, &[(MODE, Some("")), (ANNOTATION, Some("other"))]),
        ),
        (
            Seen::Present(None),
            (RootSecretUnjudged, &[(MODE, Some("")), (ANNOTATION, None)]),
        ),
        (
            Seen::Absent,
            (RootSecretMissing, &[(MODE, Some("")), (ANNOTATION, None)]),
        ),
    ];
    for (root_secret, expected) in cases {
        let sources = ModeSources {
            root_secret: root_secret.clone(),
            ..installed()
        };
        check(&format!("{root_secret:?}"), &sources, *expected);
        // A field that is not there is the default too.
        let without_field = ModeSources {
            cloud_credential: Seen::Present(CloudCredentialSpec::default()),
            ..sources
        };
        check(
            &format!("no field, {root_secret:?}"),
            &without_field,
            *expected,
        );
    }
}

#[test]
fn manual_mode_with_an_issuer_is_the_one_with_short_lived_credentials() {
    use CredentialsMode::{Manual, ManualSts};
    let with_issuer: &[(&str, Expected)] = &[
        (
            "AWS",
            (ManualSts, &[(MODE, Some("Manual")), (ISSUER, Some(OWN))]),
        ),
        (
            "Azure",
            (ManualSts, &[(MODE, Some("Manual")), (ISSUER, Some(OWN))]),
        ),
        (
            "GCP",
            (ManualSts, &[(MODE, Some("Manual")), (ISSUER, Some(OWN))]),
        ),
        (
            "VSphere",
            (
                Manual,
                &[
                    (MODE, Some("Manual")),
                    (ISSUER, Some(OWN)),
                    (PLATFORM, Some("VSphere")),
                ],
            ),
        ),
        (
            "OpenStack",
            (
                Manual,
                &[
                    (MODE, Some("Manual")),
                    (ISSUER, Some(OWN)),
                    (PLATFORM, Some("OpenStack")),
                ],
            ),
        ),
    ];
    for (platform, expected) in with_issuer {
        let sources = ModeSources {
            cloud_credential: spec("Manual"),
            issuer: text(OWN),
            platform: text(platform),
            ..installed()
        };
        check(platform, &sources, *expected);
    }
    let turned_off = ModeSources {
        disabled: text("true"),
        issuer: text(OWN),
        ..installed()
    };
    let expected: Expected = (
        ManualSts,
        &[
            (MODE, Some("")),
            (DISABLED, Some("true")),
            (ISSUER, Some(OWN)),
        ],
    );
    check("turned off by the ConfigMap", &turned_off, expected);
    for issuer in [Seen::Absent, text("")] {
        let sources = ModeSources {
            cloud_credential: spec("Manual"),
            issuer,
            ..installed()
        };
        check(
            "no issuer",
            &sources,
            (Manual, &[(MODE, Some("Manual")), (ISSUER, None)]),
        );
    }
    // An issuer alone changes nothing: document 000 ends in mint mode with one.
    let minting = ModeSources {
        issuer: text(OWN),
        ..installed()
    };
    let expected: Expected = (
        CredentialsMode::Mint,
        &[(MODE, Some("")), (ANNOTATION, Some("mint"))],
    );
    check("mint with an issuer", &minting, expected);
}

#[test]
fn what_may_not_be_read_is_unknown_only_where_it_decides() {
    use CredentialsMode::{Manual, ManualSts, Mint, Missing, Unknown};
    let hidden = ModeSources {
        cloud_credential: Seen::Hidden,
        ..installed()
    };
    check("CloudCredential", &hidden, (Unknown, &[(MODE, None)]));
    let missing = ModeSources {
        cloud_credential: Seen::Absent,
        ..installed()
    };
    check("no CloudCredential", &missing, (Missing, &[(MODE, None)]));
    let cases: &[(&str, ModeSources, Expected)] = &[
        (
            "ConfigMap beside Mint",
            ModeSources {
                cloud_credential: spec("Mint"),
                disabled: Seen::Hidden,
                ..installed()
            },
            (Unknown, &[(MODE, Some("Mint")), (DISABLED, None)]),
        ),
        (
            "ConfigMap beside Manual",
            ModeSources {
                cloud_credential: spec("Manual"),
                disabled: Seen::Hidden,
                ..installed()
            },
            (Manual, &[(MODE, Some("Manual")), (ISSUER, None)]),
        ),
        (
            "root secret in the default mode",
            ModeSources {
                root_secret: Seen::Hidden,
                ..installed()
            },
            (Unknown, &[(MODE, Some("")), (ANNOTATION, None)]),
        ),
        (
            "root secret in a named mode",
            ModeSources {
                cloud_credential: spec("Mint"),
                root_secret: Seen::Hidden,
                ..installed()
            },
            (Mint, &[(MODE, Some("Mint"))]),
        ),
        (
            "Authentication",
            ModeSources {
                cloud_credential: spec("Manual"),
                issuer: Seen::Hidden,
                ..installed()
            },
            (Unknown, &[(MODE, Some("Manual")), (ISSUER, None)]),
        ),
        (
            "Infrastructure",
            ModeSources {
                cloud_credential: spec("Manual"),
                issuer: text(OWN),
                platform: Seen::Hidden,
                ..installed()
            },
            (
                Unknown,
                &[
                    (MODE, Some("Manual")),
                    (ISSUER, Some(OWN)),
                    (PLATFORM, None),
                ],
            ),
        ),
        (
            "no platform (OpenShift before 4.2)",
            ModeSources {
                cloud_credential: spec("Manual"),
                issuer: text(OWN),
                platform: Seen::Absent,
                ..installed()
            },
            (ManualSts, &[(MODE, Some("Manual")), (ISSUER, Some(OWN))]),
        ),
    ];
    for (case, sources, expected) in cases {
        check(case, sources, *expected);
    }
}

#[test]
fn a_removed_root_secret_is_said_beside_the_mode_that_is_named() {
    for mode in ["Mint", "Passthrough"] {
        let sources = ModeSources {
            cloud_credential: spec(mode),
            root_secret: Seen::Absent,
            ..installed()
        };
        let decision = sources.decide();
        assert_eq!(decision.mode.as_str(), mode.to_ascii_lowercase());
        assert_eq!(decision.notes, [ROOT_SECRET_REMOVED]);
    }
    assert!(installed().decide().notes.is_empty());
}

#[test]
fn the_root_secret_is_that_of_the_platform() {
    // The operator's own constants, pkg/operator/constants/constants.go.
    for (platform, secret) in [
        ("AWS", "aws-creds"),
        ("Azure", "azure-credentials"),
        ("GCP", "gcp-credentials"),
        ("OpenStack", "openstack-credentials"),
        ("VSphere", "vsphere-creds"),
        ("oVirt", "ovirt-credentials"),
        ("KubeVirt", "kubevirt-credentials"),
        ("None", "aws-creds"),
    ] {
        let sources = ModeSources {
            platform: text(platform),
            ..installed()
        };
        let evidence = &sources.decide().decided_by[1];
        assert_eq!(evidence.object, format!("secret/{secret}"));
        assert_eq!(evidence.namespace, Some("kube-system"));
    }
}

#[test]
fn evidence_reads_as_object_field_and_value() {
    let decision = installed().decide();
    let told: Vec<String> = decision
        .decided_by
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "cloudcredential.operator.openshift.io/cluster: spec.credentialsMode is empty",
            "secret/aws-creds in kube-system: metadata.annotations[cloudcredential.openshift.io/mode] is `mint`",
        ]
    );
    let json = serde_json::to_value(&decision).unwrap();
    assert_eq!(json["mode"], "mint");
    assert_eq!(json["decidedBy"][1]["namespace"], "kube-system");
}
