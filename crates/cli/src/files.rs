//! Reading inputs and writing results, so that nothing is lost or half-written.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::failure::Failure;

/// Inputs larger than this are not policies, pods or tokens.
const MAX_INPUT_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a text file, or standard input for `-`.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let from_stdin = path.as_os_str() == "-";
    let shown = if from_stdin {
        "standard input".to_owned()
    } else {
        format!("`{}`", path.display())
    };
    let mut bytes = Vec::new();
    let read = if from_stdin {
        std::io::stdin()
            .lock()
            .take(MAX_INPUT_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes))
    };
    if let Err(error) = read {
        return Err(Failure::usage(format!("cannot read {shown}")).because(&error));
    }
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        return Err(Failure::usage(format!("{shown} is larger than 16 MiB")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!(
            "{shown} is not UTF-8 text: byte {at} starts no character"
        ))
    })
}

/// Writes a whole file or nothing: a temporary file beside it, flushed to disk, then renamed.
pub(crate) fn write_atomically(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::failed(format!("cannot write `{}`", path.display())).because(error)
    };
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".podpass-")
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(|error| failed(&error))?;
    file.write_all(content).map_err(|error| failed(&error))?;
    // The umask narrowed the mode that was asked for; say it again.
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))
        .map_err(|error| failed(&error))?;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_with_the_mode_that_was_asked_for_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_atomically(&path, b"secret", 0o600).unwrap();
        write_atomically(&path, b"newer", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_the_byte_that_is_not_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad");
        fs::write(&path, b"ab\xff").unwrap();
        let failure = read_text(&path).unwrap_err();
        assert!(failure.message().contains("byte 2"), "{failure}");
    }
}
