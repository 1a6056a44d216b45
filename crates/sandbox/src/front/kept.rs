//! The authority of a sandbox with a state: the same one after a restart, so that who trusts it goes on.
//!
//! `proxy-ca.key` has a line that says when the authority began, its key and its certificate, both as PEM.

use jiff::{SignedDuration, Timestamp};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use zeroize::Zeroizing;

use super::authority::{Authority, AuthorityFailure, LIFE};
use crate::server::StartError;
use crate::state::{StateError, StateFolder};

/// The authority in the folder; a new one where there is none, and where it ends within a day.
pub(crate) fn kept_authority(
    folder: &StateFolder,
    now: Timestamp,
) -> Result<Authority, StartError> {
    let Some(kept) = folder.secret(FILE)? else {
        return renewed(folder, now);
    };
    let damaged = |problem: String| StateError::Damaged {
        path: folder.file(FILE),
        place: "the authority of the proxy".to_owned(),
        problem,
    };
    let authority = read(&kept).map_err(damaged)?;
    let left = LIFE - now.duration_since(authority.begins_at());
    // A clock that was set back would make a certificate that begins later than now.
    if left < SPARE || left > LIFE {
        return renewed(folder, now);
    }
    Ok(authority)
}

/// Makes an authority and keeps it.
fn renewed(folder: &StateFolder, now: Timestamp) -> Result<Authority, StartError> {
    // Certificates count in seconds.
    let begins_at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let authority = Authority::new(begins_at)?;
    folder.replace(FILE, written(&authority).as_bytes())?;
    Ok(authority)
}

fn written(authority: &Authority) -> Zeroizing<String> {
    let (begins_at, key) = (authority.begins_at(), authority.key());
    let certificate = authority.certificate();
    let length = key.len() + certificate.len() + ROOM;
    // Grown from nothing, it would leave copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(length));
    for part in [BEGINS, &begins_at.to_string(), "\n", &key, certificate] {
        text.push_str(part);
    }
    text
}

fn read(kept: &[u8]) -> Result<Authority, String> {
    let text = str::from_utf8(kept).map_err(|error| error.to_string())?;
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let begins_at = first
        .strip_prefix(BEGINS)
        .and_then(|time| time.trim_end().parse::<Timestamp>().ok())
        .ok_or_else(|| format!("`{BEGINS}` and a time are expected in line 1"))?;
    let end = rest.find(CERTIFICATE).ok_or("it has no certificate")?;
    let (key, certificate) = rest.split_at(end);
    let key = KeyPair::from_pkcs8_pem_and_sign_algo(key, &PKCS_ECDSA_P256_SHA256)
        .map_err(|error| format!("its key cannot be read: {error}"))?;
    Authority::of(begins_at, key, certificate.to_owned())
        .map_err(|error: AuthorityFailure| error.to_string())
}

const FILE: &str = "proxy-ca.key";
const BEGINS: &str = "begins ";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
/// Bytes: more than the first line takes.
const ROOM: usize = 64;
/// An authority that is about to end is replaced at a start, not in the middle of a run.
const SPARE: SignedDuration = SignedDuration::from_hours(24);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const BEGIN: &str = "2026-11-23T10:00:00.5Z";

    fn after(hours: i64) -> Timestamp {
        BEGIN.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
    }

    #[test]
    fn an_authority_is_kept_until_it_has_less_than_a_day_left() {
        for (hours, is_same) in [
            (0, true),
            (24, true),
            (6 * 24 - 1, true),
            (6 * 24, false),
            (7 * 24, false),
            (8 * 24, false),
            (-1, false),
        ] {
            let path = tempfile::tempdir().unwrap();
            let folder = StateFolder::open(path.path()).unwrap();
            let first = kept_authority(&folder, after(0)).unwrap();
            let later = kept_authority(&folder, after(hours)).unwrap();
            let is_kept = first.certificate() == later.certificate();
            assert_eq!(is_kept, is_same, "{hours} hours later");
            assert!(!later.is_over(after(hours)), "{hours} hours later");
            // The one that came of it stays in its turn.
            let again = kept_authority(&folder, after(hours)).unwrap();
            assert_eq!(again.certificate(), later.certificate());
            let mode = fs::metadata(folder.file(FILE)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_file_is_told_and_stays() {
        let path = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(path.path()).unwrap();
        kept_authority(&folder, after(0)).unwrap();
        let whole = fs::read_to_string(folder.file(FILE)).unwrap();
        let other = written(&Authority::new(after(0)).unwrap());
        let certificate = |text: &str| text[text.find(CERTIFICATE).unwrap()..].to_owned();
        let exchanged = whole.replace(&certificate(&whole), &certificate(&other));
        for (case, text, part) in [
            ("empty", String::new(), "line 1"),
            ("another time", whole.replacen("2026", "soon", 1), "line 1"),
            ("half", whole[..80].to_owned(), "no certificate"),
            ("no key", whole.replacen("PRIVATE", "PUBLIC", 1), "its key"),
            ("garbled", whole.replace("-\nMII", "-\n!!!"), "certificate"),
            ("another's certificate", exchanged, "certificate"),
        ] {
            assert!(text != whole, "{case}");
            fs::write(folder.file(FILE), &text).unwrap();
            let error = kept_authority(&folder, after(1)).unwrap_err();
            assert!(
                matches!(&error, StartError::State(StateError::Damaged { .. })),
                "{case}: {error:?}"
            );
            let message = error.to_string();
            assert!(
                message.contains(FILE) && message.contains(part),
                "{case}: {message}"
            );
            assert!(!message.contains("MII"), "{case}: {message}");
            assert_eq!(fs::read_to_string(folder.file(FILE)).unwrap(), text);
        }
    }
}
