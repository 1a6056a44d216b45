//! A token in a file, replaced as the kubelet replaces it.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use podpass_token::Token;

/// A private folder (0700) with a file `token` (0600) that always holds one whole token. It goes with this value.
///
/// Laid out as the kubelet's projected volumes are, so that programs that watch for a new token see here what they see
/// in a pod: `token` leads to `..data/token`, and `..data` leads to a folder named after the time, which a rename
/// replaces. Unlike with the kubelet, a folder that was replaced stays for a while: a program that is just opening the file
/// may be on its way through it, and would not find it.
#[derive(Debug)]
pub struct TokenFolder {
    folder: PathBuf,
    current: Option<PathBuf>,
    /// What was replaced, the oldest first.
    replaced: VecDeque<(Instant, PathBuf)>,
}

impl TokenFolder {
    /// Makes the folder, which must not exist, with its first token.
    pub fn create(folder: PathBuf, token: &Token) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(&folder)?;
        let mut made = Self {
            folder,
            current: None,
            replaced: VecDeque::new(),
        };
        made.replace(token)?;
        symlink(Path::new(DATA).join(TOKEN), made.path())?;
        Ok(made)
    }

    /// Where programs find the token.
    pub fn path(&self) -> PathBuf {
        self.folder.join(TOKEN)
    }

    /// Replaces the token; a program that reads at the same time gets the old one or the new one.
    pub fn replace(&mut self, token: &Token) -> io::Result<()> {
        let prefix = Timestamp::now()
            .strftime("..%Y_%m_%d_%H_%M_%S.")
            .to_string();
        let generation = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&self.folder)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(generation.path().join(TOKEN))?;
        file.write_all(token.expose().as_bytes())?;
        let next = self.folder.join(NEXT_DATA);
        // A replacement that failed half-way may have left it.
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(generation.path().file_name().unwrap_or_default(), &next)?;
        fs::rename(&next, self.folder.join(DATA))?;
        let replaced = self.current.replace(generation.keep());
        self.replaced
            .extend(replaced.map(|path| (Instant::now(), path)));
        while let Some((_, unused)) = self.replaced.pop_front_if(|(at, _)| at.elapsed() > STAYS) {
            // What cannot be removed now goes with the whole folder.
            let _ = fs::remove_dir_all(unused);
        }
        Ok(())
    }
}

impl Drop for TokenFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The file's name in a projected volume of the pod identity webhook, which the injection names too.
const TOKEN: &str = "token";
/// The kubelet's names (pkg/volume/util/atomic_writer.go).
const DATA: &str = "..data";
const NEXT_DATA: &str = "..data_tmp";

/// How long opening a file may take on a machine under load. A test with folders that went at once met missing files.
const STAYS: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread::ScopedJoinHandle;

    use super::*;

    fn token(number: usize) -> Token {
        // Long enough that a write is not one page by luck.
        Token::new(format!("{number:06}-{}", "x".repeat(20_000)))
    }

    #[test]
    fn seed_002_07_a_reader_never_meets_a_missing_empty_or_partial_file() {
        let parent = tempfile::tempdir().unwrap();
        let mut folder = TokenFolder::create(parent.path().join("t"), &token(0)).unwrap();
        let path = folder.path();
        let (done, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
        let reader = || {
            while !done.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&path)?;
                let number = text.get(..6).and_then(|number| number.parse().ok());
                if number.is_none_or(|number| text != token(number).expose()) {
                    return Err(io::Error::other(format!("{} bytes", text.len())));
                }
                reads.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let read = std::thread::scope(|scope| {
            let readers = [scope.spawn(reader), scope.spawn(reader)];
            let mut number = 0;
            let enough = || reads.load(Ordering::Relaxed) >= 2_000;
            while (number < 500 || !enough()) && !readers.iter().any(ScopedJoinHandle::is_finished)
            {
                number += 1;
                if let Err(error) = folder.replace(&token(number)) {
                    done.store(true, Ordering::Relaxed);
                    unreachable!("{error}");
                }
            }
            done.store(true, Ordering::Relaxed);
            readers.map(|reader| reader.join().unwrap())
        });
        for read in read {
            read.unwrap();
        }
        assert!(reads.into_inner() >= 2_000);
    }

    #[test]
    fn layout_and_modes_are_the_kubelets_and_nothing_stays() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("t");
        let mut folder = TokenFolder::create(path.clone(), &token(0)).unwrap();
        for number in 1..4 {
            folder.replace(&token(number)).unwrap();
        }
        assert_eq!(
            fs::read_link(path.join("token")).unwrap(),
            Path::new("..data/token")
        );
        let generation = path.join(fs::read_link(path.join("..data")).unwrap());
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&generation), 0o700);
        assert_eq!(mode(&generation.join("token")), 0o600);
        // `token`, `..data`, this generation and the three before, which go after a while.
        assert_eq!(fs::read_dir(&path).unwrap().count(), 6);
        std::thread::sleep(STAYS + Duration::from_millis(10));
        folder.replace(&token(4)).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 4);
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_token() {
        let parent = tempfile::tempdir().unwrap();
        let mut folder = TokenFolder::create(parent.path().join("t"), &token(0)).unwrap();
        // Something in the way that cannot be removed as a file.
        let obstacle = parent.path().join("t").join(NEXT_DATA);
        fs::create_dir(&obstacle).unwrap();
        assert!(folder.replace(&token(1)).is_err());
        assert_eq!(
            fs::read_to_string(folder.path()).unwrap(),
            token(0).expose()
        );
        fs::remove_dir(&obstacle).unwrap();
        folder.replace(&token(2)).unwrap();
        assert_eq!(
            fs::read_to_string(folder.path()).unwrap(),
            token(2).expose()
        );
    }
}
