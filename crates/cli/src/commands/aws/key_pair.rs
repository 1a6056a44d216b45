//! `create-key-pair`: the key with which the cluster signs service account tokens.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use podpass_cloud::Secret;
use podpass_token::{KeySize, PublicKey, SigningKey};

use super::failures;
use super::inputs::{self, KeyPairInput};
use super::output_dir::{OutputDir, TLS, write_new};
use super::report::{Event, Report};
use crate::failure::{Exit, Failure};
use crate::files::{read_text, write_atomically};

/// Creates the key pair, or completes one that is there. Nothing that exists is overwritten with another key.
///
/// Returns the path of the public key.
pub(crate) fn create_key_pair(input: &KeyPairInput, report: &Report) -> Result<PathBuf, Failure> {
    inputs::output_dir(&input.output_dir)?;
    let output = OutputDir::ensure(&input.output_dir)?;
    let (private_path, public_path) = (output.path(PRIVATE_KEY), output.path(PUBLIC_KEY));
    let private_pem = if private_path.exists() {
        report.tell(&Event::UsingKeyPair(&private_path))?;
        let (pem, key) = read_pair(&private_path, &public_path)?;
        keep_from_others(&private_path, report)?;
        if !public_path.exists() {
            write_public_key(&public_path, key.public(), report)?;
        }
        pem
    } else if public_path.exists() {
        return Err(public_key_alone(&public_path));
    } else {
        report.tell(&Event::GeneratingKeyPair)?;
        let key = SigningKey::generate(KeySize::Rsa4096)
            .map_err(|error| Failure::failed("cannot make a key pair").because(&error))?;
        let pem = key.to_pkcs1_pem();
        report.tell(&Event::WritingPrivateKey(&private_path))?;
        write_private_key(&private_path, pem.as_bytes())?;
        write_public_key(&public_path, key.public(), report)?;
        Secret::new(pem.as_str())
    };
    report.tell(&Event::CopyingSigningKey)?;
    let copy = output.ensure_folder(TLS)?.join(INSTALLER_KEY);
    write_atomically(&copy, private_pem.expose().as_bytes(), 0o600)?;
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

/// Refuses files in the output directory that cannot be used, before anything is made.
pub(crate) fn check(output_dir: &Path, keys_are_given: bool) -> Result<(), Failure> {
    if keys_are_given {
        return Ok(());
    }
    let (private_path, public_path) = (output_dir.join(PRIVATE_KEY), output_dir.join(PUBLIC_KEY));
    if private_path.exists() {
        read_pair(&private_path, &public_path).map(drop)
    } else if public_path.exists() {
        inputs::public_keys(&public_path).map(drop)
    } else {
        Ok(())
    }
}

/// Reads the private key, and refuses a public key beside it that belongs to another.
fn read_pair(private_path: &Path, public_path: &Path) -> Result<(Secret, SigningKey), Failure> {
    let pem = Secret::new(read_text(private_path)?);
    let key =
        SigningKey::from_pem(pem.expose()).map_err(|error| failures::key(private_path, &error))?;
    if !public_path.exists() {
        return Ok((pem, key));
    }
    let published = inputs::public_keys(public_path)?;
    if published.iter().any(|public| public.kid() == key.kid()) {
        return Ok((pem, key));
    }
    let kids: Vec<String> = published.iter().map(PublicKey::kid).collect();
    Err(Failure::new(
        Exit::Refused,
        format!(
            "`{}` is not the public key of `{}`",
            public_path.display(),
            private_path.display()
        ),
    )
    .detail("expected", key.kid())
    .detail("actual", kids.join(", "))
    .help("move one of the two files away; a missing public key is derived from the private one"))
}

/// Writes the key of a new pair, unless another run made one in the meantime: half of each would be no pair.
fn write_private_key(path: &Path, pem: &[u8]) -> Result<(), Failure> {
    if write_new(path, pem, 0o600)? {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        format!(
            "`{}` was made by another run at the same time",
            path.display()
        ),
    )
    .help("run the command again: it uses the pair that is there"))
}

/// ccoctl leaves the private key readable for everyone.
fn keep_from_others(path: &Path, report: &Report) -> Result<(), Failure> {
    let open = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if !open {
        return Ok(());
    }
    let note = match fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
        Ok(()) => format!("{} was open to other users; now it is not", path.display()),
        Err(error) => format!("{} is open to other users: {error}", path.display()),
    };
    report.tell(&Event::Note(&note))
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

#[cfg(test)]
mod tests {
    use super::super::report::Voice;
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    fn create(folder: &tempfile::TempDir) -> Result<PathBuf, Failure> {
        let input = KeyPairInput {
            output_dir: folder.path().to_owned(),
        };
        create_key_pair(&input, &Report::new(Voice::Quiet))
    }

    fn key() -> SigningKey {
        SigningKey::generate(KeySize::Rsa2048).unwrap()
    }

    #[test]
    fn a_missing_public_key_is_derived_and_the_signing_key_copied() {
        let key = key();
        let private = key.to_pkcs1_pem();
        let folder = folder_with(&[(PRIVATE_KEY, &private)]);
        let public = create(&folder).unwrap();
        assert_eq!(
            fs::read_to_string(public).unwrap(),
            key.public().to_pkix_pem()
        );
        let copy = folder.path().join(TLS).join(INSTALLER_KEY);
        assert_eq!(fs::read_to_string(&copy).unwrap(), *private);
        assert_eq!(
            fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_private_key_that_others_may_read_is_closed() {
        let private = key().to_pkcs1_pem();
        let folder = folder_with(&[(PRIVATE_KEY, &private)]);
        let path = folder.path().join(PRIVATE_KEY);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        create(&folder).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_another_run_made_meanwhile_is_not_replaced() {
        let folder = folder_with(&[(PRIVATE_KEY, "theirs")]);
        let path = folder.path().join(PRIVATE_KEY);
        let refused = write_private_key(&path, b"ours").unwrap_err();
        assert_eq!(refused.exit, Exit::Refused);
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_that_are_no_pair_are_refused_and_left() {
        let (one, other) = (key(), key());
        let (private, public) = (one.to_pkcs1_pem(), other.public().to_pkix_pem());
        let folder = folder_with(&[(PRIVATE_KEY, &private), (PUBLIC_KEY, &public)]);
        let refused = create(&folder).unwrap_err();
        assert_eq!(refused.exit, Exit::Refused);
        for kid in [one.kid(), other.kid()] {
            assert!(refused.to_string().contains(kid), "{refused}");
        }
        assert_eq!(
            fs::read_to_string(folder.path().join(PUBLIC_KEY)).unwrap(),
            public
        );
        assert!(!folder.path().join(TLS).exists());
    }

    #[test]
    fn a_private_key_that_is_none_is_refused_by_name() {
        let folder = folder_with(&[(PRIVATE_KEY, "some data")]);
        let refused = create(&folder).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.message().contains(PRIVATE_KEY), "{refused}");
        assert!(!refused.to_string().contains("some data"), "{refused}");
    }

    #[test]
    fn a_public_key_alone_is_never_overwritten() {
        let public = key().public().to_pkix_pem();
        let folder = folder_with(&[(PUBLIC_KEY, &public)]);
        assert_eq!(create(&folder).unwrap_err().exit, Exit::Refused);
        let used = find_or_create(folder.path(), &Report::new(Voice::Quiet)).unwrap();
        assert_eq!(fs::read_to_string(used).unwrap(), public);
        assert!(!folder.path().join(PRIVATE_KEY).exists());
    }
}
