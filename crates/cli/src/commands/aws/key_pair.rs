//! `create-key-pair`: the key with which the cluster signs service account tokens.

use std::path::{Path, PathBuf};

use podpass_token::{KeySize, PublicKey, SigningKey};

use super::failures;
use super::inputs::KeyPairInput;
use super::output_dir::{OutputDir, TLS};
use super::report::{Event, Report};
use crate::failure::{Exit, Failure};
use crate::files::{read_text, write_atomically};

/// Creates the key pair, or completes one that is there. Nothing that exists is overwritten with another key.
///
/// Returns the path of the public key.
pub(crate) fn create_key_pair(input: &KeyPairInput, report: &Report) -> Result<PathBuf, Failure> {
    let output = OutputDir::ensure(&input.output_dir)?;
    let (private_path, public_path) = (output.path(PRIVATE_KEY), output.path(PUBLIC_KEY));
    let private_pem = if private_path.exists() {
        report.tell(&Event::UsingKeyPair(&private_path))?;
        let pem = read_text(&private_path)?;
        complete(&private_path, &pem, &public_path, report)?;
        pem
    } else if public_path.exists() {
        return Err(public_key_alone(&public_path));
    } else {
        report.tell(&Event::GeneratingKeyPair)?;
        let key = SigningKey::generate(KeySize::Rsa4096)
            .map_err(|error| Failure::failed("cannot make a key pair").because(&error))?;
        let pem = key.to_pkcs1_pem();
        report.tell(&Event::WritingPrivateKey(&private_path))?;
        write_atomically(&private_path, pem.as_bytes(), 0o600)?;
        write_public_key(&public_path, key.public(), report)?;
        pem.to_string()
    };
    report.tell(&Event::CopyingSigningKey)?;
    let copy = output.ensure_folder(TLS)?.join(INSTALLER_KEY);
    write_atomically(&copy, private_pem.as_bytes(), 0o600)?;
    Ok(public_path)
}

/// The public key file for a run without `--public-key-file`: of the pair that is there, of a public key that is there
/// alone (a running cluster's), or of a new pair.
pub(crate) fn find_or_create(output_dir: &Path, report: &Report) -> Result<PathBuf, Failure> {
    let public_path = output_dir.join(PUBLIC_KEY);
    if public_path.exists() && !output_dir.join(PRIVATE_KEY).exists() {
        report.tell(&Event::UsingPublicKey(&public_path))?;
        return Ok(public_path);
    }
    let input = KeyPairInput {
        output_dir: output_dir.to_owned(),
    };
    create_key_pair(&input, report)
}

/// Derives the public key when it is missing, and refuses one that belongs to another private key.
fn complete(private_path: &Path, pem: &str, public_path: &Path, report: &Report) -> Result<(), Failure> {
    let key = SigningKey::from_pem(pem).map_err(|error| failures::key(private_path, &error))?;
    if !public_path.exists() {
        return write_public_key(public_path, key.public(), report);
    }
    let published = super::inputs::public_keys(public_path)?;
    if published.iter().any(|public| public.kid() == key.kid()) {
        return Ok(());
    }
    let kids: Vec<String> = published.iter().map(PublicKey::kid).collect();
    Err(Failure::new(
        Exit::Refused,
        format!("`{}` is not the public key of `{}`", public_path.display(), private_path.display()),
    )
    .detail("expected", key.kid())
    .detail("actual", kids.join(", "))
    .help("move one of the two files away; a missing public key is derived from the private one"))
}

fn write_public_key(path: &Path, key: &PublicKey, report: &Report) -> Result<(), Failure> {
    report.tell(&Event::WritingPublicKey(path))?;
    write_atomically(path, key.to_pkix_pem().as_bytes(), 0o644)
}

fn public_key_alone(path: &Path) -> Failure {
    Failure::new(
        Exit::Refused,
        format!("`{}` exists without its private key: a new pair would overwrite it", path.display()),
    )
    .help(
        "a running cluster's public key is used as it is by `create-identity-provider` and `create-all`; for a new \
         pair choose another `--output-dir`",
    )
}

/// The cluster's private signing key.
pub(crate) const PRIVATE_KEY: &str = "serviceaccount-signer.private";

/// Its public half.
pub(crate) const PUBLIC_KEY: &str = "serviceaccount-signer.public";

/// The name under which the installer expects the private key in `tls/`.
const INSTALLER_KEY: &str = "bound-service-account-signing-key.key";
