//! Reading keys in every dress they come in, and saying what was found where no key is.

use podpass_testkit::test_data;
use podpass_token::{Found, KeyError, KeySize, PemError, PublicKey, SigningKey};

const PKCS1_PRIVATE: &str = include_str!("fixtures/rsa-2048-pkcs1-private.pem");
const PKCS8_PRIVATE: &str = include_str!("fixtures/rsa-2048-pkcs8-private.pem");
const PKCS1_PUBLIC: &str = include_str!("fixtures/rsa-2048-pkcs1-public.pem");
const PKIX_PUBLIC: &str = include_str!("fixtures/rsa-2048-pkix-public.pem");
const MISLABELLED: &str = include_str!("fixtures/openshift-bound-sa-token-signing.pem");
const CERTIFICATE: &str = include_str!("fixtures/rsa-2048-certificate.pem");
const EC_PUBLIC: &str = include_str!("fixtures/ec-public.pem");
const EC_PRIVATE: &str = include_str!("fixtures/ec-private.pem");
const EC_CERTIFICATE: &str = include_str!("fixtures/ec-certificate.pem");
const ED25519: &str = include_str!("fixtures/ed25519-public.pem");
const ENCRYPTED_PKCS1: &str = include_str!("fixtures/rsa-2048-encrypted-private.pem");
const ENCRYPTED_PKCS8: &str = include_str!("fixtures/rsa-2048-encrypted-pkcs8-private.pem");
const SMALL_PUBLIC: &str = include_str!("fixtures/rsa-1024-public.pem");
const SMALL_PRIVATE: &str = include_str!("fixtures/rsa-1024-private.pem");

/// Computed with `openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | basenc --base64url`.
const KID: &str = "LjlMy7GePqG3r4mkENOEoU7WUHEjiJH02uL5QzUeayk";
const MISLABELLED_KID: &str = "k02h7D7WM28k4X-eNkYpURvty__IdEES0aU05FExDnU";

/// The object identifier of P-256, which `openssl ecparam -genkey` writes before the key itself.
const EC_PARAMETERS: &str =
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

/// Made with `openssl genpkey -algorithm ed448`: an algorithm that nothing here names.
const ED448: &str = "-----BEGIN PUBLIC KEY-----
MEMwBQYDK2VxAzoA2TRgw5NNMzFBK+NMv726BJalr5bvwf8NwAURBLOLTt29UKsv
zBMZEVAqBW+cCuXlJYfbILptws0A
-----END PUBLIC KEY-----
";

/// How OpenSSH's own format begins.
const OPENSSH: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n";

#[test]
fn computes_the_key_id_of_upstreams_fixed_key() {
    let Some(path) = test_data("keys/fixed-public-key.pub") else {
        return;
    };
    let key = PublicKey::from_pem(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(key.kid(), "vTM0nbCme-yk2IjmPYHm9h5pYmdR-9LztPbV76J2C6E");
    assert_eq!(key.bits(), 4096);
}

#[test]
fn reads_a_public_key_whatever_its_body_and_label() {
    let pkcs1_as_public_key = PKCS1_PUBLIC.replace("RSA PUBLIC KEY", "PUBLIC KEY");
    let cases = [
        ("PKIX", PKIX_PUBLIC, KID),
        ("PKCS#1", PKCS1_PUBLIC, KID),
        ("PKCS#1 labelled as PKIX", &pkcs1_as_public_key, KID),
        (
            "PKIX labelled as PKCS#1, as OpenShift publishes it",
            MISLABELLED,
            MISLABELLED_KID,
        ),
    ];
    for (name, text, kid) in cases {
        let key = PublicKey::from_pem(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(key.kid(), kid, "{name}");
    }
}

#[test]
fn prints_a_public_key_as_openssl_does() {
    let key = PublicKey::from_pem(PKCS1_PUBLIC).unwrap();
    assert_eq!(key.to_pkix_pem(), PKIX_PUBLIC);
}

#[test]
fn reads_and_prints_a_private_key_as_openssl_does() {
    for text in [PKCS1_PRIVATE, PKCS8_PRIVATE] {
        let key = SigningKey::from_pem(text).unwrap();
        assert_eq!(key.kid(), KID);
        assert_eq!(key.public().kid(), KID);
        assert_eq!(*key.to_pkcs1_pem(), PKCS1_PRIVATE);
    }
}

#[test]
fn generated_keys_have_the_size_that_was_asked_for_and_read_back() {
    for (size, bits) in [(KeySize::Rsa2048, 2048), (KeySize::Rsa4096, 4096)] {
        let key = SigningKey::generate(size).unwrap();
        assert_eq!(key.public().bits(), bits);
        let read = SigningKey::from_pem(&key.to_pkcs1_pem()).unwrap();
        assert_eq!(read.public(), key.public());
    }
}

#[test]
fn reads_every_key_of_a_bundle() {
    let bundle = format!("{PKIX_PUBLIC}{MISLABELLED}");
    let keys = PublicKey::read_pem_bundle(&bundle).unwrap();
    let kids: Vec<_> = keys.iter().map(PublicKey::kid).collect();
    assert_eq!(kids, [KID, MISLABELLED_KID]);
    assert_eq!(PublicKey::from_pem(&bundle).unwrap().kid(), KID);
}

#[test]
fn a_bundle_with_one_bad_block_is_refused() {
    let lines = PKIX_PUBLIC.lines().count();
    let found = |text: &str| match PublicKey::read_pem_bundle(&format!("{PKIX_PUBLIC}{text}")) {
        Err(KeyError::WrongKind { found, line, .. }) => (found, line),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(PKCS1_PRIVATE), (Found::RsaPrivateKey, lines + 1));
    assert_eq!(found(CERTIFICATE), (Found::Certificate, lines + 1));
    let cut = format!(
        "{PKIX_PUBLIC}{}",
        PKIX_PUBLIC.replace("-----END PUBLIC KEY-----", "")
    );
    assert_eq!(
        PublicKey::read_pem_bundle(&cut),
        Err(KeyError::Pem(PemError::Unclosed {
            label: "PUBLIC KEY".to_owned(),
            line: lines + 1
        }))
    );
}

#[test]
fn names_what_was_found_instead_of_a_public_key() {
    let cases = [
        (PKCS1_PRIVATE, Found::RsaPrivateKey),
        (PKCS8_PRIVATE, Found::RsaPrivateKey),
        (EC_PUBLIC, Found::EcPublicKey),
        (EC_PRIVATE, Found::EcPrivateKey),
        (EC_CERTIFICATE, Found::Certificate),
        (CERTIFICATE, Found::Certificate),
        (ED25519, Found::Ed25519Key),
        (ENCRYPTED_PKCS1, Found::EncryptedPrivateKey),
        (ENCRYPTED_PKCS8, Found::EncryptedPrivateKey),
        (
            "-----BEGIN PUBLIC KEY-----\nZm9v\n-----END PUBLIC KEY-----\n",
            Found::Unknown,
        ),
    ];
    for (text, expected) in cases {
        match PublicKey::from_pem(text) {
            Err(KeyError::WrongKind { found, line: 1, .. }) => assert_eq!(found, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn names_what_was_found_instead_of_a_private_key() {
    let cases = [
        (PKIX_PUBLIC, Found::RsaPublicKey),
        (PKCS1_PUBLIC, Found::RsaPublicKey),
        (EC_PRIVATE, Found::EcPrivateKey),
        (CERTIFICATE, Found::Certificate),
        (ENCRYPTED_PKCS1, Found::EncryptedPrivateKey),
        (ENCRYPTED_PKCS8, Found::EncryptedPrivateKey),
    ];
    for (text, expected) in cases {
        match SigningKey::from_pem(text) {
            Err(KeyError::WrongKind { found, .. }) => assert_eq!(found, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn refuses_short_keys_with_their_length() {
    assert!(matches!(
        PublicKey::from_pem(SMALL_PUBLIC),
        Err(KeyError::Size { bits: 1024, .. })
    ));
    assert!(matches!(
        SigningKey::from_pem(SMALL_PRIVATE),
        Err(KeyError::Size { bits: 1024, .. })
    ));
}

#[test]
fn a_text_without_pem_is_an_error() {
    for text in ["", "\n\n", "ssh-rsa AAAA", "{}"] {
        assert_eq!(PublicKey::from_pem(text), Err(KeyError::NoPemBlock));
        assert_eq!(PublicKey::read_pem_bundle(text), Err(KeyError::NoPemBlock));
        assert!(matches!(
            SigningKey::from_pem(text),
            Err(KeyError::NoPemBlock)
        ));
    }
}

#[test]
fn errors_name_place_value_and_fix() {
    let error = PublicKey::from_pem(PKCS1_PRIVATE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected an RSA public key, found an RSA private key in the `RSA PRIVATE KEY` block on line 1"
    );
    assert!(
        error.fix().contains("serviceaccount-signer.public"),
        "{}",
        error.fix()
    );
    let error = SigningKey::from_pem(PKIX_PUBLIC).unwrap_err();
    assert!(
        error.fix().contains("serviceaccount-signer.private"),
        "{}",
        error.fix()
    );
}

#[test]
fn the_fix_fits_what_is_there_and_what_is_needed() {
    let ec_with_parameters = format!("{EC_PARAMETERS}{EC_PRIVATE}");
    for (text, found, for_public, for_private) in [
        (
            ENCRYPTED_PKCS1,
            Found::EncryptedPrivateKey,
            "`serviceaccount-signer.public`",
            "`openssl rsa -in FILE",
        ),
        (
            ENCRYPTED_PKCS8,
            Found::EncryptedPrivateKey,
            "`serviceaccount-signer.public`",
            "`openssl rsa -in FILE",
        ),
        (
            OPENSSH,
            Found::OpenSshPrivateKey,
            "`serviceaccount-signer.public`",
            "-m PEM",
        ),
        (
            &ec_with_parameters,
            Found::EcPrivateKey,
            "`podpass aws create-key-pair`",
            "`podpass aws create-key-pair`",
        ),
        (
            ED448,
            Found::OtherKey,
            "`podpass aws create-key-pair`",
            "`podpass aws create-key-pair`",
        ),
        (
            CERTIFICATE,
            Found::Certificate,
            "`openssl x509 -pubkey -noout`",
            "`serviceaccount-signer.private`",
        ),
    ] {
        let public = PublicKey::from_pem(text).unwrap_err();
        let private = SigningKey::from_pem(text).unwrap_err();
        for (error, part) in [(public, for_public), (private, for_private)] {
            assert!(error.fix().contains(part), "{error}: {}", error.fix());
            match error {
                KeyError::WrongKind { found: actual, .. } => assert_eq!(actual, found),
                other => panic!("{found}: {other:?}"),
            }
        }
    }
}

#[test]
fn debug_of_a_public_key_shows_its_id_and_size() {
    let key = PublicKey::from_pem(PKIX_PUBLIC).unwrap();
    assert_eq!(
        format!("{key:?}"),
        format!("PublicKey {{ kid: \"{KID}\", bits: 2048 }}")
    );
}

#[test]
fn debug_shows_no_private_number() {
    let key = SigningKey::from_pem(PKCS1_PRIVATE).unwrap();
    assert_eq!(
        format!("{key:?}"),
        format!("SigningKey {{ kid: \"{KID}\", .. }}")
    );
}
