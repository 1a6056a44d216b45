//! A sandbox in a process of its own that is killed under load: what it acknowledged is there, and whole.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::start;
use crate::child::Child;
use crate::client::{Client, Reply, sha256};
use crate::fixture::{Fixture, trust_policy};

/// What is known of a thing: the last acknowledged version, and the one whose answer did not come.
#[derive(Clone, Debug, Default)]
struct Known {
    acknowledged: Option<u64>,
    asked: Option<u64>,
}

/// Things by their names, as several clients make them.
#[derive(Default)]
struct Ledger(Mutex<BTreeMap<String, Known>>);

/// How many things have a version that was acknowledged.
fn acknowledged(known: &BTreeMap<String, Known>) -> usize {
    let known = known.values();
    known.filter(|known| known.acknowledged.is_some()).count()
}

impl Ledger {
    /// Asks for a version of a thing; tells whether the sandbox still answers.
    fn ask(&self, name: &str, version: u64, call: impl FnOnce() -> Reply) -> bool {
        let lock = || self.0.lock().unwrap();
        lock().entry(name.to_owned()).or_default().asked = Some(version);
        // A connection that breaks panics in the client.
        let Ok(reply) = std::panic::catch_unwind(AssertUnwindSafe(call)) else {
            return false;
        };
        // Of an answer that broke off at its start, nothing is known; roles there may be only so many.
        match reply.status {
            0 => return false,
            409 if reply.error().1 == "LimitExceeded" => {
                self.0.lock().unwrap().remove(name);
                return true;
            }
            status => assert_eq!(status, 200, "{name}: {}", reply.body),
        }
        let mut ledger = lock();
        let known = ledger.get_mut(name).unwrap();
        *known = Known {
            acknowledged: Some(version),
            asked: None,
        };
        true
    }
}

/// Objects of several sizes, each of which tells its version all through.
fn body(version: u64) -> String {
    let size = [10, 5_000, 300_000][usize::try_from(version % 3).unwrap()];
    format!("{version:09}\n").repeat(size / 10)
}

/// What clients do until the sandbox is gone.
fn work(admin: &Client, upload: &str, client: u64, versions: &AtomicU64, ledger: &Ledger) {
    let trust = trust_policy("system:serviceaccount:default:reader");
    for turn in 0.. {
        let version = versions.fetch_add(1, Ordering::Relaxed);
        let text = version.to_string();
        let goes_on = match (client + turn) % 4 {
            0 => {
                let name = format!("r{version}");
                let parameters = [
                    ("RoleName", &*name),
                    ("AssumeRolePolicyDocument", &*trust),
                    ("Description", &*text),
                ];
                ledger.ask(&format!("role {name}"), version, || {
                    admin.iam("CreateRole", &parameters)
                })
            }
            1 => {
                let parameters = [
                    ("UserName", "admin"),
                    ("Tags.member.1.Key", &*format!("client-{client}")),
                    ("Tags.member.1.Value", &text),
                ]
                .map(|(name, value)| (name, value.to_owned()));
                let parameters: Vec<(&str, &str)> = parameters
                    .iter()
                    .map(|(name, value)| (*name, &**value))
                    .collect();
                ledger.ask(&format!("tag client-{client}"), version, || {
                    admin.iam("TagUser", &parameters)
                })
            }
            2 => {
                // Few keys, so that contents are replaced all the time.
                let key = format!("k{client}-{}", turn % 3);
                ledger.ask(&format!("object {key}"), version, || {
                    admin.s3("PUT", &format!("/load/{key}"), &body(version))
                })
            }
            _ => {
                let number = 1 + client * 10 + turn % 5;
                ledger.ask(&format!("part {number}"), version, || {
                    let target = format!("/load/up?partNumber={number}&uploadId={upload}");
                    admin.s3("PUT", &target, &body(version))
                })
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// The version that the sandbox has of a thing, after making sure that it is whole.
fn found(fixture: &Fixture, upload: &str, name: &str) -> Option<u64> {
    let admin = &fixture.admin;
    match name.split_once(' ').unwrap() {
        ("role", name) => {
            let reply = admin.iam("GetRole", &[("RoleName", name)]);
            reply.text("Description")?.parse().ok()
        }
        ("tag", key) => {
            let reply = admin.iam("ListUserTags", &[("UserName", "admin")]).ok();
            let tags = reply.texts("Key").into_iter().zip(reply.texts("Value"));
            let tag = tags.into_iter().find(|(kept, _)| kept == key);
            tag?.1.parse().ok()
        }
        ("object", key) => {
            let reply = admin.s3("GET", &format!("/load/{key}"), "");
            let version = reply.body.get(..9)?.parse().ok()?;
            (reply.status == 200).then(|| assert_eq!(reply.body, body(version), "{key}"))?;
            Some(version)
        }
        (_, number) => {
            let reply = admin
                .s3("GET", &format!("/load/up?uploadId={upload}"), "")
                .ok();
            let at = reply
                .texts("PartNumber")
                .iter()
                .position(|kept| kept == number)?;
            let etag = reply.texts("ETag").swap_remove(at);
            // A part cannot be read; its entity tag is the MD5 of the version that it is of.
            let known = |version: &u64| etag.contains(&md5(body(*version).as_bytes()));
            VERSIONS
                .lock()
                .unwrap()
                .get(name)?
                .iter()
                .copied()
                .find(known)
        }
    }
}

/// The versions that a part may have.
static VERSIONS: Mutex<BTreeMap<String, Vec<u64>>> = Mutex::new(BTreeMap::new());

fn md5(bytes: &[u8]) -> String {
    use md5::Digest as _;
    hex::encode(md5::Md5::digest(bytes))
}

#[test]
fn nothing_acknowledged_is_lost_when_it_is_killed_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let versions = AtomicU64::new(1);
    let ledger = Ledger::default();
    let first = start(folder.path());
    first.make_bucket("load");
    let empty = sha256(b"");
    let created = first.admin.send(
        "s3",
        "POST",
        "/load/up?uploads",
        &[("x-amz-content-sha256", &*empty)],
        b"",
    );
    let upload = created.ok().text("UploadId").unwrap();
    drop(first);
    // From a few changes to some thousand; the moment is anything but the same each time.
    for milliseconds in [40, 170, 390, 800] {
        let child = Child::start(folder.path());
        let admin = child.admin();
        thread::scope(|scope| {
            for client in 0..4 {
                let (admin, upload, versions, ledger) = (&admin, &upload, &versions, &ledger);
                scope.spawn(move || work(admin, upload, client, versions, ledger));
            }
            // On a busy machine the first answers take their time.
            let begun = Instant::now();
            while acknowledged(&ledger.0.lock().unwrap()) <= 4 {
                assert!(begun.elapsed() < PATIENCE, "hardly anything is answered");
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(Duration::from_millis(milliseconds));
            child.kill();
        });
        let mut known = ledger.0.lock().unwrap();
        {
            let mut versions = VERSIONS.lock().unwrap();
            for (name, known) in known.iter() {
                let kept = versions.entry(name.clone()).or_default();
                kept.extend(known.acknowledged.iter().chain(&known.asked));
            }
        }
        let after = start(folder.path());
        for (name, known) in known.iter_mut() {
            let found = found(&after, &upload, name);
            // What was asked for and not acknowledged may have happened or not.
            let may_be = [known.acknowledged, known.asked.or(known.acknowledged)];
            assert!(may_be.contains(&found), "{name}: {found:?} of {known:?}");
            *known = Known {
                acknowledged: found,
                asked: None,
            };
        }
        assert!(acknowledged(&known) > 4, "after {milliseconds} ms");
        // Nothing is there that nobody asked for.
        let roles = after
            .admin
            .iam("ListRoles", &[("MaxItems", "1000")])
            .ok()
            .texts("RoleName");
        for role in roles {
            assert!(known.contains_key(&format!("role {role}")), "{role}");
        }
        let left = std::fs::read_dir(folder.path().join("contents")).unwrap();
        let names = known
            .keys()
            .filter(|name| name.starts_with("object") || name.starts_with("part"));
        assert!(left.count() <= names.count());
    }
}

/// How long the first answers may take.
const PATIENCE: Duration = Duration::from_secs(20);
