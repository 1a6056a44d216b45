//! A home folder that is the caller's in everything but AWS.
//!
//! The AWS CLI caches credentials in `~/.aws/cli/cache`, under the role's and the session's name and not under the token
//! that they were given for, and no setting moves that cache. So that one identity never gets the credentials of another,
//! and none stay behind, a local run has a home of its own: each entry of the real one is there as a link, but `.aws`
//! holds no credentials, no profiles and no caches.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

/// Makes the folder `home` with links into `real`, and with an AWS folder that has `config` and no credentials.
pub(crate) fn furnish(home: &Path, real: Option<&Path>, config: &str) -> io::Result<()> {
    let aws = home.join(AWS);
    private_folder(home)?;
    private_folder(&aws)?;
    for (name, content) in [("config", config), ("credentials", "")] {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options
            .open(aws.join(name))?
            .write_all(content.as_bytes())?;
    }
    let Some(real) = real else { return Ok(()) };
    link_entries(real, home, &[AWS])?;
    link_entries(&real.join(AWS), &aws, AWS_ENTRIES_LEFT_OUT)?;
    private_folder(&aws.join(CLI))?;
    link_entries(
        &real.join(AWS).join(CLI),
        &aws.join(CLI),
        CLI_ENTRIES_LEFT_OUT,
    )
}

/// Removes the AWS folder and the links, and moves what is left, which the run made, into `real`.
///
/// Returns what could not be moved; it stays. `home` goes when nothing is left.
pub(crate) fn dismantle(home: &Path, real: Option<&Path>) -> Vec<PathBuf> {
    let _ = fs::remove_dir_all(home.join(AWS));
    let mut left = Vec::new();
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let done = match real.map(|real| real.join(name)) {
            Some(origin) if fs::read_link(&path).is_ok_and(|to| to == origin) => {
                fs::remove_file(&path)
            }
            Some(origin) => bring(&path, &origin),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        if done.is_err() {
            left.push(path);
        }
    }
    let _ = fs::remove_dir(home);
    left
}

fn link_entries(from: &Path, to: &Path, left_out: &[&str]) -> io::Result<()> {
    // A home that cannot be read, or is not there, has nothing to lead to.
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !left_out.iter().any(|left_out| name == *left_out) {
            symlink(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// Moves a file, link or folder; a folder is merged into one that is there, a file replaces one.
fn bring(from: &Path, to: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(from)?;
    if !found.is_dir() || fs::symlink_metadata(to).is_err() {
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
            done => return done,
        }
    }
    if found.is_dir() {
        return bring_folder(from, to, found.permissions());
    }
    let folder = to.parent().unwrap_or(to);
    if found.is_file() {
        let mut copy = tempfile::NamedTempFile::new_in(folder)?;
        io::copy(&mut fs::File::open(from)?, &mut copy)?;
        copy.as_file().set_permissions(found.permissions())?;
        copy.persist(to).map_err(|error| error.error)?;
    } else if found.is_symlink() {
        let beside = tempfile::tempdir_in(folder)?;
        let copy = beside.path().join("link");
        symlink(fs::read_link(from)?, &copy)?;
        fs::rename(copy, to)?;
    }
    // Sockets and pipes end with the processes that made them.
    fs::remove_file(from)
}

fn bring_folder(from: &Path, to: &Path, permissions: Permissions) -> io::Result<()> {
    match fs::create_dir(to) {
        Ok(()) => fs::set_permissions(to, permissions)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        bring(&entry.path(), &to.join(entry.file_name()))?;
    }
    fs::remove_dir(from)
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

const AWS: &str = ".aws";
const CLI: &str = "cli";
/// What holds credentials or says where to get them; `cli` is looked through.
const AWS_ENTRIES_LEFT_OUT: &[&str] = &["boto", CLI, "config", "credentials", "login", "sso"];
const CLI_ENTRIES_LEFT_OUT: &[&str] = &["cache", "history"];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn the_home_is_the_callers_but_its_aws_folder_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let (real, home) = (folder.path().join("real"), folder.path().join("home"));
        for (path, content) in [
            (".bashrc", "rc"),
            (".config/a", "a"),
            (".aws/config", "[default]\naws_access_key_id = AKIA\n"),
            (".aws/credentials", "secret"),
            (".aws/cli/cache/x.json", "secret"),
            (".aws/cli/alias", "[toplevel]"),
            (".aws/sso/cache/y.json", "secret"),
            (".aws/login/cache/z.json", "secret"),
            (".aws/models/m.json", "{}"),
        ] {
            write(&real.join(path), content);
        }
        furnish(&home, Some(&real), "[default]\nregion = eu-west-1\n").unwrap();
        let read = |path: &str| fs::read_to_string(home.join(path)).ok();
        for (path, content) in [
            (".bashrc", Some("rc")),
            (".config/a", Some("a")),
            (".aws/config", Some("[default]\nregion = eu-west-1\n")),
            (".aws/credentials", Some("")),
            (".aws/cli/cache/x.json", None),
            (".aws/cli/alias", Some("[toplevel]")),
            (".aws/sso/cache/y.json", None),
            (".aws/login/cache/z.json", None),
            (".aws/models/m.json", Some("{}")),
        ] {
            assert_eq!(read(path).as_deref(), content, "{path}");
        }
        let mode = |path: &str| fs::metadata(home.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(""), mode(".aws"), mode(".aws/config")),
            (0o700, 0o700, 0o600)
        );
        assert!(dismantle(&home, Some(&real)).is_empty());
        assert!(!home.exists());
        // What links lead to is not removed.
        assert_eq!(fs::read_to_string(real.join(".config/a")).unwrap(), "a");
        assert_eq!(
            fs::read_to_string(real.join(".aws/models/m.json")).unwrap(),
            "{}"
        );
    }

    #[test]
    fn what_a_run_makes_at_home_comes_home_and_credentials_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (real, home) = (folder.path().join("real"), folder.path().join("home"));
        write(&real.join(".rc"), "old");
        write(&real.join("kept/a"), "a");
        furnish(&home, Some(&real), "").unwrap();
        write(&home.join("result.txt"), "result");
        write(&home.join(".tool/deep/state"), "state");
        write(&home.join(".aws/cli/cache/x.json"), "secret");
        write(&home.join("kept/b"), "b");
        // As an editor does: a new file, renamed over what is in truth a link.
        write(&home.join(".rc.new"), "new");
        fs::rename(home.join(".rc.new"), home.join(".rc")).unwrap();
        fs::set_permissions(home.join("result.txt"), Permissions::from_mode(0o640)).unwrap();
        // Appeared in the meantime.
        write(&real.join(".tool/other"), "other");
        assert!(dismantle(&home, Some(&real)).is_empty());
        let read = |path: &str| fs::read_to_string(real.join(path)).ok();
        for (path, content) in [
            ("result.txt", Some("result")),
            (".tool/deep/state", Some("state")),
            (".tool/other", Some("other")),
            (".rc", Some("new")),
            ("kept/a", Some("a")),
            ("kept/b", Some("b")),
            (".aws/cli/cache/x.json", None),
        ] {
            assert_eq!(read(path).as_deref(), content, "{path}");
        }
        let mode = fs::metadata(real.join("result.txt"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(!home.exists());
    }

    #[test]
    fn what_cannot_come_home_stays_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (real, home) = (folder.path().join("real"), folder.path().join("home"));
        fs::create_dir(&real).unwrap();
        furnish(&home, Some(&real), "").unwrap();
        write(&home.join("taken"), "file");
        write(&home.join(".aws/cli/cache/x.json"), "secret");
        write(&real.join("taken/inside"), "folder");
        assert_eq!(dismantle(&home, Some(&real)), [home.join("taken")]);
        assert_eq!(fs::read_to_string(home.join("taken")).unwrap(), "file");
        assert!(!home.join(".aws").exists());
    }
}
