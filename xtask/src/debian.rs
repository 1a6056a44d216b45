//! Programs from Debian's packages, unpacked into the cache without installing them.

use std::path::PathBuf;
use std::process::Command;

use super::tools::tool;
use super::{cache, run, say};

/// s3cmd and rclone: the folder that holds `usr/bin`, or `None` where there is no apt.
pub(crate) fn clients() -> Result<Option<PathBuf>, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for wanted in ["apt-get", "dpkg-deb"] {
        if tool(wanted, &path).is_none() {
            say(&format!(
                "`{wanted}` is not installed: the tests with s3cmd and rclone are skipped"
            ));
            return Ok(None);
        }
    }
    // s3cmd's own dependency on dateutil is met by the Python environment of the clients.
    unpacked("debian-clients", &["s3cmd", "rclone"]).map(Some)
}

/// The folder `name` of the cache, with the content of these packages.
pub(crate) fn unpacked(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let folder = cache::folder()?.join(name);
    let said = format!("unpacking {} into the cache (once)", packages.join(" and "));
    cache::once(&folder, &said, |draft| {
        let mut download = Command::new("apt-get");
        download
            .args(["download", "--quiet"])
            .args(packages)
            .current_dir(draft);
        run(download)?;
        let files = std::fs::read_dir(draft)
            .map_err(|error| format!("cannot read `{}`: {error}", draft.display()))?;
        for file in files.flatten() {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(file.path()).arg(draft);
            run(unpack)?;
        }
        Ok(())
    })?;
    Ok(folder)
}
