//! Folders that cannot be used, say so; changes that cannot be kept are not made.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use podpass_sandbox::{Sandbox, StartError, StateError};

use super::{kept_in, start};
use crate::child::Child;
use crate::fixture::{Fixture, runtime};

/// What a start with that folder is refused with.
fn refusal(folder: &Path) -> StateError {
    match runtime().block_on(Sandbox::start(kept_in(folder))) {
        Err(StartError::State(error)) => error,
        other => panic!("{}: {other:?}", folder.display()),
    }
}

fn message(error: &StateError) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

fn make_role(fixture: &Fixture, name: &str) -> crate::client::Reply {
    let trust = crate::fixture::trust_policy("system:serviceaccount:default:reader");
    let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", &*trust)];
    fixture.admin.iam("CreateRole", &parameters)
}

#[test]
fn the_folder_is_private() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/state");
    let fixture = start(&folder);
    fixture.make_bucket("box");
    fixture.admin.s3("PUT", "/box/k", "content").ok();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
        files.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    files.sort();
    assert_eq!(files, ["contents", "format", "lock", "log", "session.key"]);
    for entry in fs::read_dir(folder.join("contents")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn a_second_sandbox_is_refused_until_the_first_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    let error = refusal(folder.path());
    assert!(matches!(error, StateError::InUse { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    assert!(text.contains(folder.path().to_str().unwrap()), "{text}");
    // A client that keeps its connection open does not keep the folder.
    let idle = std::net::TcpStream::connect(first.sandbox.address()).unwrap();
    let Fixture {
        sandbox, runtime, ..
    } = first;
    runtime.block_on(sandbox.stop());
    let again = runtime.block_on(Sandbox::start(kept_in(folder.path())));
    drop(idle);
    again.unwrap();
}

#[test]
fn folders_that_are_no_state_are_refused_and_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let path = |name: &str| parent.path().join(name);
    fs::write(path("file"), "text").unwrap();
    fs::create_dir(path("photos")).unwrap();
    fs::write(path("photos/cat.png"), "cat").unwrap();
    fs::create_dir(path("newer")).unwrap();
    fs::write(path("newer/format"), "podpass sandbox state 2\n").unwrap();
    fs::create_dir(path("garbled")).unwrap();
    fs::write(path("garbled/format"), "podpass sandbox state one\n").unwrap();
    symlink(path("nowhere"), path("dangling")).unwrap();
    for (name, parts) in [
        ("file", &["is not a folder", "`"][..]),
        ("file/below", &["file/below"]),
        ("photos", &["cat.png", "no state of a sandbox"]),
        ("newer", &["format 2", "reads format 1"]),
        (
            "garbled",
            &["format", "line 1", "`podpass sandbox state 1`"],
        ),
        ("dangling", &["dangling"]),
    ] {
        let error = refusal(&path(name));
        let text = message(&error);
        for part in parts {
            assert!(text.contains(part), "{name}: {text}");
        }
        assert!(!error.remedy().is_empty());
    }
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "text");
    assert_eq!(fs::read_dir(path("photos")).unwrap().count(), 1);
    assert!(!path("nowhere").exists());
}

#[test]
fn folders_that_may_not_be_written_or_read_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state");
    drop(start(&folder));
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let log = folder.join("log");
    set(&log, 0o000);
    // Root may read and write everything.
    let is_root = fs::read(&log).is_ok();
    if !is_root {
        let text = message(&refusal(&folder));
        assert!(
            text.contains("cannot read") && text.contains("/log`"),
            "{text}"
        );
        set(&log, 0o600);
        set(parent.path(), 0o500);
        let text = message(&refusal(&parent.path().join("other")));
        assert!(text.contains("other`") && text.contains("denied"), "{text}");
        set(parent.path(), 0o700);
    }
    set(&log, 0o600);
    // What no permission stops: a folder where the file should be.
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    let text = message(&refusal(&folder));
    assert!(
        text.contains("cannot read") && text.contains("/log`"),
        "{text}"
    );
}

#[test]
fn damage_is_told_with_its_place_and_a_torn_end_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    make_role(&first, "one").ok();
    make_role(&first, "two").ok();
    first.make_bucket("box");
    first.admin.s3("PUT", "/box/k", "content").ok();
    drop(first);
    let log = folder.path().join("log");
    let whole = fs::read(&log).unwrap();

    // Killed in the middle of the last change.
    fs::write(&log, &whole[..whole.len() - 3]).unwrap();
    let second = start(folder.path());
    let roles = second.admin.iam("ListRoles", &[]).ok();
    assert_eq!(roles.texts("RoleName"), ["one", "two"]);
    assert_eq!(second.admin.s3("GET", "/box/k", "").status, 404);
    second.admin.s3("PUT", "/box/k", "content").ok();
    drop(second);
    assert_eq!(
        start(folder.path()).admin.s3("GET", "/box/k", "").body,
        "content"
    );

    let mut damaged = fs::read(&log).unwrap();
    let place = damaged.len() / 2;
    damaged[place] ^= 1;
    fs::write(&log, &damaged).unwrap();
    let error = refusal(folder.path());
    let text = message(&error);
    assert!(
        text.contains("/log`, line ") && text.contains("checksum"),
        "{text}"
    );
    // It is left for whoever can repair it.
    assert_eq!(fs::read(&log).unwrap(), damaged);

    damaged[place] ^= 1;
    fs::write(&log, &damaged).unwrap();
    let content = fs::read_dir(folder.path().join("contents")).unwrap();
    let content = content.map(|entry| entry.unwrap().path()).next().unwrap();
    fs::write(&content, "CONTENT").unwrap();
    let text = message(&refusal(folder.path()));
    assert!(
        text.contains(content.to_str().unwrap()) && text.contains("SHA-256"),
        "{text}"
    );
    fs::remove_file(&content).unwrap();
    let text = message(&refusal(folder.path()));
    assert!(text.contains(content.to_str().unwrap()), "{text}");
}

#[test]
fn rows_that_make_no_sense_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(folder.path()));
    let log = folder.path().join("log");
    let whole = fs::read(&log).unwrap();
    for (row, part) in [
        (r#"{"key":["unicorn","x"],"value":1}"#, "row `unicorn/x`"),
        (
            r#"{"key":["account","123456789012","role","r"],"value":{"id":"hunter2"}}"#,
            "no Role",
        ),
        (
            r#"{"key":["account","999999999999","role","r"],"value":{}}"#,
            "account is missing",
        ),
        (
            r#"{"key":["bucket","b","object","k"],"value":{}}"#,
            "bucket is missing",
        ),
        (r#"{"key":["clock"],"value":"noon"}"#, "no ClockSetting"),
    ] {
        let change = format!("[{row}]");
        let checksum = crc32fast::hash(change.as_bytes());
        let line = format!("{checksum:08x} {} {change}\n", change.len());
        fs::write(&log, [&whole, line.as_bytes()].concat()).unwrap();
        let text = message(&refusal(folder.path()));
        assert!(text.contains(part), "{row}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_change_that_cannot_be_kept_is_not_made() {
    // A limit of 64 KiB on the length of any file is met as a full disk is.
    let folder = tempfile::tempdir().unwrap();
    let child = Child::start_limited(folder.path(), 64);
    let admin = child.admin();
    let trust = crate::fixture::trust_policy("system:serviceaccount:default:reader");
    let location = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    admin.s3("PUT", "/box", location).ok();
    admin.s3("PUT", "/box/small", "small").ok();
    let large = "x".repeat(100 * 1024);
    let refused = admin.s3("PUT", "/box/large", &large);
    assert_eq!(refused.error(), (500, "InternalError".to_owned()));
    assert!(refused.message().contains("/contents/"), "{}", refused.body);
    assert_eq!(admin.s3("GET", "/box/large", "").status, 404);

    let mut made = Vec::new();
    let refused = loop {
        let name = format!("role-{}", made.len());
        let description = "d".repeat(900);
        let reply = admin.iam(
            "CreateRole",
            &[
                ("RoleName", &name),
                ("AssumeRolePolicyDocument", &trust),
                ("Description", &description),
            ],
        );
        if reply.status != 200 {
            break reply;
        }
        made.push(name);
        assert!(made.len() < 200, "the log has no end");
    };
    assert_eq!(refused.error(), (500, "ServiceFailure".to_owned()));
    assert!(refused.message().contains("/log`"), "{}", refused.body);
    let listed = || {
        let mut names = admin
            .iam("ListRoles", &[("MaxItems", "1000")])
            .ok()
            .texts("RoleName");
        names.sort();
        names
    };
    let mut expected = made.clone();
    expected.sort();
    assert_eq!(listed(), expected);
    // Deletions, tags and renamings that cannot be kept are taken back as well.
    let tag = [
        ("UserName", "admin"),
        ("Tags.member.1.Key", "k"),
        ("Tags.member.1.Value", "v"),
    ];
    while admin.iam("TagUser", &tag).status == 200 {}
    let before = admin.iam("GetRole", &[("RoleName", "role-0")]).ok();
    let other = trust.replace("default:reader", "default:other");
    for (action, parameters) in [
        (
            "UpdateAssumeRolePolicy",
            &[("RoleName", "role-0"), ("PolicyDocument", &*other)][..],
        ),
        (
            "UpdateUser",
            &[("UserName", "admin"), ("NewUserName", "root")],
        ),
    ] {
        assert_eq!(admin.iam(action, parameters).status, 500, "{action}");
    }
    let after = admin.iam("GetRole", &[("RoleName", "role-0")]).ok();
    assert_eq!(
        before.text("AssumeRolePolicyDocument"),
        after.text("AssumeRolePolicyDocument")
    );
    assert_eq!(admin.s3("GET", "/box/small", "").body, "small");
    child.kill();

    // With room again, everything acknowledged is there, and it goes on.
    let again = start(folder.path());
    let mut names = again
        .admin
        .iam("ListRoles", &[("MaxItems", "1000")])
        .ok()
        .texts("RoleName");
    names.sort();
    assert_eq!(names, expected);
    let users = again.admin.iam("ListUsers", &[]).ok();
    assert_eq!(users.texts("UserName"), ["admin"]);
    again.admin.s3("PUT", "/box/large", &large).ok();
    make_role(&again, "after").ok();
}
