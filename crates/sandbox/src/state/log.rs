//! The log of changes: one line for each, checked by its CRC-32 and its length, only ever appended to.
//!
//! `CHECKSUM LENGTH [{"key":[…],"value":…},…]`: a change is one line, so it is there or not. What a killed process left
//! behind is the beginning of a line, and only at the end of the file; anything else that is not as it was written is damage.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::{StateError, failed};
use super::folder::{Durability, private, unfinished, write_whole};

/// The log of a state, open for more.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// The end of the last whole line, in bytes.
    end: u64,
    /// The end when the log had nothing superfluous for the last time.
    compact_end: u64,
    /// Behind the end there is the beginning of a line that could not be written.
    has_tail: bool,
}

/// What a log had in it.
#[derive(Debug, Default)]
pub(super) struct Logged {
    /// The changes, each a JSON list, oldest first.
    pub(super) changes: Vec<Zeroizing<String>>,
    /// So many bytes at the end were the beginning of a change that nobody was told of.
    pub(super) dropped: u64,
}

/// What stands at one place of a log.
enum Line<'a> {
    Whole {
        text: &'a str,
        end: usize,
    },
    /// The beginning of a line that was not written to its end.
    Torn,
    Damaged(&'static str),
}

impl Log {
    /// Opens the log; `None` when there is none.
    pub(super) fn open(path: &Path) -> Result<Option<(Self, Logged)>, StateError> {
        // A new log that was not finished.
        match fs::remove_file(unfinished(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", unfinished(path))(error));
            }
            _ => {}
        }
        let bytes = match fs::read(path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", path)(error)),
        };
        let file = private().open(path).map_err(failed("write", path))?;
        let mut logged = Logged::default();
        let mut end = 0;
        while end < bytes.len() {
            match read_line(&bytes[end..]) {
                Line::Whole { text, end: length } => {
                    logged.changes.push(Zeroizing::new(text.to_owned()));
                    end += length;
                }
                Line::Torn => {
                    logged.dropped = (bytes.len() - end) as u64;
                    break;
                }
                Line::Damaged(problem) => {
                    return Err(StateError::Damaged {
                        path: path.into(),
                        place: format!("line {}", logged.changes.len() + 1),
                        problem: problem.to_owned(),
                    });
                }
            }
        }
        let end = end as u64;
        if logged.dropped > 0 {
            file.set_len(end).map_err(failed("write", path))?;
        }
        let log = Self {
            path: path.into(),
            file,
            end,
            compact_end: end,
            has_tail: false,
        };
        Ok(Some((log, logged)))
    }

    /// Puts a new log in the place of the one at `path`, at once and also against a power cut.
    pub(super) fn replace(path: &Path, changes: &[Zeroizing<String>]) -> io::Result<Self> {
        let mut text = Zeroizing::new(Vec::new());
        for change in changes {
            write_line(&mut text, change);
        }
        let file = write_whole(path, &text, Durability::Power)?;
        let end = text.len() as u64;
        Ok(Self {
            path: path.into(),
            file,
            end,
            compact_end: end,
            has_tail: false,
        })
    }

    /// Appends a change. When it returns, the change outlives this process; when it fails, the change is not there.
    pub(super) fn append(&mut self, change: &str) -> io::Result<()> {
        if self.has_tail {
            self.file.set_len(self.end)?;
            self.has_tail = false;
        }
        let mut line = Zeroizing::new(Vec::with_capacity(change.len() + 24));
        write_line(&mut line, change);
        if let Err(error) = self.file.write_all_at(&line, self.end) {
            self.has_tail = self.file.set_len(self.end).is_err();
            return Err(error);
        }
        self.end += line.len() as u64;
        Ok(())
    }

    /// Whether so much was changed since that a new log would be much shorter.
    pub(super) fn is_long(&self) -> bool {
        self.end > LONG && self.end > 4 * self.compact_end
    }

    /// Takes the log for compact as it is, so that it is not found to be long again soon.
    pub(super) fn accept_length(&mut self) {
        self.compact_end = self.end;
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn write_line(line: &mut Vec<u8>, change: &str) {
    let checksum = crc32fast::hash(change.as_bytes());
    // Writing to a vector cannot fail.
    let _ = writeln!(line, "{checksum:08x} {} {change}", change.len());
}

fn read_line(rest: &[u8]) -> Line<'_> {
    let newline = rest.iter().position(|byte| *byte == b'\n');
    let line = &rest[..newline.unwrap_or(rest.len())];
    let Some((checksum, length, text)) = read_fields(line) else {
        return match newline {
            None => Line::Torn,
            Some(_) => Line::Damaged("it does not begin with a checksum and a length"),
        };
    };
    if newline.is_none() && text.len() <= length {
        return Line::Torn;
    }
    if text.len() != length {
        return Line::Damaged("it has another length than it says");
    }
    // Compared as text: digits in the other case are not what was written either.
    if checksum != format!("{:08x}", crc32fast::hash(text)).as_bytes() {
        return Line::Damaged("its checksum differs");
    }
    match std::str::from_utf8(text) {
        Ok(text) => Line::Whole {
            text,
            end: line.len() + 1,
        },
        Err(_) => Line::Damaged("it is not UTF-8 text"),
    }
}

fn read_fields(line: &[u8]) -> Option<(&[u8], usize, &[u8])> {
    let mut fields = line.splitn(3, |byte| *byte == b' ');
    let checksum = fields.next().filter(|checksum| checksum.len() == 8)?;
    let length = std::str::from_utf8(fields.next()?).ok()?;
    Some((checksum, length.parse().ok()?, fields.next()?))
}

/// Bytes; a shorter log is not worth the writing.
const LONG: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(logged: &Logged) -> Vec<&str> {
        logged.changes.iter().map(|text| text.as_str()).collect()
    }

    fn written(changes: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::replace(&path, &[]).unwrap();
        for change in changes {
            log.append(change).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn gives_back_what_was_appended() {
        let (_folder, path) = written(&["[1]", "[\"ä\"]"]);
        let (mut log, logged) = Log::open(&path).unwrap().unwrap();
        assert_eq!(texts(&logged), ["[1]", "[\"ä\"]"]);
        log.append("[3]").unwrap();
        let (_, logged) = Log::open(&path).unwrap().unwrap();
        assert_eq!(texts(&logged), ["[1]", "[\"ä\"]", "[3]"]);
    }

    #[test]
    fn a_log_cut_anywhere_has_the_changes_that_are_whole() {
        let changes = ["[1]", "[2,2]", "[\"third\"]"];
        let (_folder, path) = written(&changes);
        let whole = fs::read(&path).unwrap();
        let ends: Vec<usize> = whole
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(place, _)| place + 1)
            .collect();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let (mut log, logged) = Log::open(&path).unwrap().unwrap();
            let expected = ends.iter().filter(|end| **end <= length).count();
            assert_eq!(texts(&logged), changes[..expected], "{length}");
            // What comes later does not stick to what was torn.
            log.append("[4]").unwrap();
            let (_, logged) = Log::open(&path).unwrap().unwrap();
            assert_eq!(logged.changes.len(), expected + 1, "{length}");
            assert_eq!(logged.dropped, 0, "{length}");
        }
    }

    #[test]
    fn a_changed_byte_is_damage_or_a_torn_end_and_never_another_change() {
        let changes = ["[1]", "[2,2]", "[\"third\"]"];
        let (_folder, path) = written(&changes);
        let whole = fs::read(&path).unwrap();
        let last = changes.len() - 1;
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[place] ^= 1 << bit;
                fs::write(&path, &changed).unwrap();
                match Log::open(&path) {
                    Err(StateError::Damaged { .. }) => {}
                    Ok(Some((_, logged))) => {
                        // Only the last line's newline can look as if the line had not been finished.
                        assert_eq!(place, whole.len() - 1, "bit {bit} of byte {place}");
                        assert_eq!(texts(&logged), changes[..last]);
                    }
                    other => panic!("bit {bit} of byte {place}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn zeros_of_a_power_cut_are_a_torn_end() {
        let (_folder, path) = written(&["[1]"]);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend([0; 4096]);
        fs::write(&path, bytes).unwrap();
        let (_, logged) = Log::open(&path).unwrap().unwrap();
        assert_eq!((texts(&logged), logged.dropped), (vec!["[1]"], 4096));
    }

    #[test]
    fn a_failed_append_leaves_the_log_as_it_was() {
        let (_folder, path) = written(&["[1]"]);
        let (mut log, _) = Log::open(&path).unwrap().unwrap();
        // A file that is open for reading only: every write fails.
        log.file = File::open(&path).unwrap();
        assert!(log.append("[2]").is_err());
        log.file = private().open(&path).unwrap();
        log.append("[3]").unwrap();
        let (_, logged) = Log::open(&path).unwrap().unwrap();
        assert_eq!(texts(&logged), ["[1]", "[3]"]);
    }
}
