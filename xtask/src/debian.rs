//! Programs from Debian's packages, unpacked into the cache without installing them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
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
        if let Err(stale) = run(download(packages, draft)) {
            // The machine's lists are missing, or name versions that are gone. New ones go beside, not in their place.
            say(&format!("{stale}; asking for the newest versions"));
            let lists = draft.join("lists");
            std::fs::create_dir_all(lists.join("partial"))
                .map_err(|error| format!("cannot create `{}`: {error}", lists.display()))?;
            let private = |mut command: Command| {
                command.arg("-o").arg(setting("Dir::State::Lists=", &lists));
                command
            };
            let mut update = Command::new("apt-get");
            update.args(["update", "--quiet"]);
            run(private(update))?;
            run(private(download(packages, draft)))?;
            std::fs::remove_dir_all(&lists)
                .map_err(|error| format!("cannot remove `{}`: {error}", lists.display()))?;
        }
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

fn download(packages: &[&str], to: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["download", "--quiet"])
        .args(packages)
        .current_dir(to);
    command
}

fn setting(name: &str, value: &Path) -> OsString {
    let mut setting = OsString::from(name);
    setting.push(value);
    setting
}
