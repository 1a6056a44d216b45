//! A folder whose files change all at once, as the kubelet's volumes do.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use uuid::Uuid;

/// Relative path to content.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

const DATA: &str = "..data";

/// Makes `folder` show `files` and no others.
///
/// The layout is that of the kubelet's AtomicWriter: the files lie in a folder of their own, `..data` links to it, and
/// each name in the volume links through `..data`. Replacing that one link changes all files for whoever opens one next.
pub(crate) fn show(folder: &Path, files: &Files) -> io::Result<()> {
    let previous = fs::read_link(folder.join(DATA)).ok();
    let version = format!("..{}", Uuid::new_v4().simple());
    let versioned = folder.join(&version);
    fs::create_dir_all(&versioned)?;
    for (path, content) in files {
        let path = versioned.join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder"))?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        io::Write::write_all(&mut file, content)?;
    }
    let draft = folder.join("..data_tmp");
    symlink(&version, &draft)?;
    fs::rename(&draft, folder.join(DATA))?;

    for name in files.keys().filter_map(|path| first(path)) {
        let link = folder.join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new(DATA).join(name), &link)?;
        }
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with("..");
        if !hidden && fs::metadata(entry.path()).is_err() {
            fs::remove_file(entry.path())?;
        }
    }
    previous.map_or(Ok(()), |previous| fs::remove_dir_all(folder.join(previous)))
}

fn first(path: &Path) -> Option<&Path> {
    match path.components().next()? {
        Component::Normal(name) => Some(Path::new(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> Files {
        let pairs = pairs.iter();
        pairs
            .map(|(path, content)| (PathBuf::from(path), content.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn shows_the_last_version_and_keeps_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        show(path, &files(&[("token", "first"), ("gone", "")])).unwrap();
        show(path, &files(&[("token", "second"), ("deep/ca.crt", "ca")])).unwrap();

        assert_eq!(fs::read_to_string(path.join("token")).unwrap(), "second");
        assert_eq!(fs::read_to_string(path.join("deep/ca.crt")).unwrap(), "ca");
        assert_eq!(
            fs::read_link(path.join("token")).unwrap(),
            Path::new("..data/token")
        );
        let mut left: Vec<String> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("..") || name == DATA)
            .collect();
        left.sort();
        assert_eq!(left, [DATA, "deep", "token"]);
        assert_eq!(fs::read_dir(path).unwrap().count(), 4, "one version");
    }

    #[test]
    fn what_a_reader_finds_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let content = |letter: &str| letter.repeat(100_000);
        show(&path, &files(&[("token", &content("a"))])).unwrap();
        let token = path.join("token");
        let reader = std::thread::spawn(move || {
            let mut whole = 0;
            while whole < 2000 {
                // A reader that resolved the link just before the old version went finds nothing there, and asks again.
                let Ok(text) = fs::read_to_string(&token) else {
                    continue;
                };
                assert_eq!(text.len(), 100_000);
                assert!(text.bytes().all(|byte| byte == text.as_bytes()[0]));
                whole += 1;
            }
        });
        for round in 0..200 {
            let letter = if round % 2 == 0 { "b" } else { "a" };
            show(&path, &files(&[("token", &content(letter))])).unwrap();
        }
        reader.join().unwrap();
    }
}
