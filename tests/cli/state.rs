//! `podpass sandbox start --state DIR --clock …`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use jiff::{SignedDuration, Timestamp};
use podpass_aws::Connection;
use podpass_cloud::{Credentials, Secret};
use podpass_testkit::{Home, SandboxProcess};
use serde_json::Value;

use crate::scene::Scene;
use crate::stand::{PODPASS, as_administrator, run};

const STATE: [&str; 2] = ["--state", "state"];

/// The same folder under another sandbox, after the first was ended by a signal.
fn restarted(scene: Scene, signal: &str, arguments: &[&str]) -> Scene {
    let keys = scene.sandbox.admin_key(0);
    let keys = (keys.0.to_owned(), keys.1.to_owned());
    scene.sandbox.end_with(signal);
    let arguments = [&STATE, arguments].concat();
    let sandbox = SandboxProcess::start(PODPASS, &scene.home, &arguments);
    assert_eq!(sandbox.admin_key(0), (&*keys.0, &*keys.1));
    Scene { sandbox, ..scene }
}

/// What a session is answered when it lists buckets: `ok`, or AWS's code.
fn list_as(scene: &Scene, session: &Value) -> String {
    let text = |name: &str| session["Credentials"][name].as_str().unwrap().to_owned();
    let credentials = Credentials {
        session_token: Some(Secret::new(text("SessionToken"))),
        ..Credentials::long_term(text("AccessKeyId"), text("SecretAccessKey"))
    };
    let region = "eu-west-1".parse().unwrap();
    let connection = Connection::isolated(scene.sandbox.endpoint(), &region, Some(&credentials));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match runtime.block_on(connection.list_buckets()) {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            let text = format!("{error:?}");
            let codes = ["AccessDenied", "ExpiredToken"];
            let code = codes.into_iter().find(|code| text.contains(code));
            code.map_or(text, str::to_owned)
        }
    }
}

/// Lets `reader` list buckets for half an hour from now.
fn permit_for_half_an_hour(scene: &Scene) {
    let until = Timestamp::now() + SignedDuration::from_mins(30);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{{"DateLessThan":{{"aws:CurrentTime":"{}"}}}}}}]}}"#,
        until.strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    as_administrator(&scene.sandbox, async |administrator| {
        let arn = administrator.create_policy("soon", &policy).await.unwrap();
        administrator
            .attach_role_policy("reader", &arn)
            .await
            .unwrap();
    });
}

#[test]
fn a_state_outlives_its_sandbox_and_the_clock_moves_all_but_signatures() {
    let scene = Scene::with(&STATE);
    permit_for_half_an_hour(&scene);
    let session = scene.assume("reader").succeeded_json();
    assert_eq!(list_as(&scene, &session), "ok");
    let claims = scene.cluster.claims("apps", "reader");

    // `aws:CurrentTime` is past the policy's, and the token is still good.
    let scene = restarted(scene, "KILL", &["--clock", "+40m"]);
    assert_eq!(list_as(&scene, &session), "AccessDenied");
    scene.assume_with(&claims).succeeded();

    // Token and session have ended.
    let scene = restarted(scene, "TERM", &["--clock", "+2h"]);
    assert_eq!(list_as(&scene, &session), "ExpiredToken");
    scene
        .assume_with(&claims)
        .failed(&["ExpiredTokenException"]);
    // Signed now and taken, so signatures are compared with the wall clock.
    as_administrator(&scene.sandbox, async |administrator| {
        administrator
            .create_bucket("two-hours-ahead")
            .await
            .unwrap();
    });

    let scene = restarted(scene, "KILL", &["--clock=-30m"]);
    scene
        .assume_with(&claims)
        .failed(&["Token issued in the future"]);
    let mut from_now_on = claims.clone();
    from_now_on.issued_at -= 3600;
    scene
        .assume_with(&from_now_on)
        .failed(&["Token not yet valid"]);

    let scene = restarted(scene, "KILL", &["--clock", "2026-01-01T00:00:00Z"]);
    scene.assume_with(&claims).failed(&[]);
    let events = scene.podpass(&["sandbox", "events", "--limit", "1"]);
    assert!(
        events.succeeded().contains("2026-01-01T00:00:00Z"),
        "{events:#?}"
    );

    // None of that was a change: without a clock it is this machine's again.
    let scene = restarted(scene, "KILL", &[]);
    assert_eq!(list_as(&scene, &session), "ok");
    let buckets = as_administrator(&scene.sandbox, async |administrator| {
        administrator.list_buckets().await.unwrap()
    });
    assert_eq!(buckets, ["two-hours-ahead"]);

    let reset = scene.podpass(&["sandbox", "reset"]);
    assert_eq!(reset.succeeded(), "account/123456789012 reset\n");
    let scene = restarted(scene, "KILL", &[]);
    let buckets = as_administrator(&scene.sandbox, async |administrator| {
        administrator.list_buckets().await.unwrap()
    });
    assert!(buckets.is_empty(), "{buckets:?}");
}

#[test]
fn clocks_that_are_none_are_refused_with_both_forms() {
    let home = Home::new();
    for clock in ["tomorrow", "2h", "2026-01-01T00:00:00", "+2x", ""] {
        let clock = format!("--clock={clock}");
        run(home.command(PODPASS).args(["sandbox", "start", &clock]))
            .refused(2, &["--clock", "2026-01-01T00:00:00Z", "+2h or -30m"]);
    }
}

#[test]
fn states_that_cannot_be_used_are_refused_with_place_and_fix() {
    let home = Home::new();
    let start = |state: &str, arguments: &[&str]| {
        let mut command = home.command(PODPASS);
        command.args([
            "sandbox",
            "start",
            "--listen",
            "127.0.0.1:0",
            "--state",
            state,
        ]);
        run(command.args(arguments))
    };
    home.write("file", "text");
    start("file", &[]).refused(2, &["`file` is not a folder", "help: name a new"]);
    fs::create_dir(home.path("photos")).unwrap();
    home.write("photos/cat.png", "cat");
    start("photos", &[]).refused(2, &["`cat.png`", "help: name a new or an empty folder"]);
    start("file/below", &[]).refused(2, &["`file/below`", "caused by:", "help: "]);
    fs::create_dir(home.path("newer")).unwrap();
    home.write("newer/format", "podpass sandbox state 7\n");
    start("newer", &[]).refused(
        2,
        &["format 7", "reads format 1", "help: start the podpass"],
    );

    let keyed = ["--state", "state", "--admin-key", "test:hunter2"];
    let sandbox = SandboxProcess::start(PODPASS, &home, &keyed);
    let pid = sandbox.started()["pid"].to_string();
    start("state", &[]).refused(2, &["`state` is in use", &pid, "help: stop the other"]);
    drop(sandbox);
    let other = start("state", &["--admin-key", "test:other"]);
    other.refused(2, &["123456789012", "`test`", "help: leave the key out"]);
    assert!(
        !other.err.contains("hunter2") && !other.err.contains("other:"),
        "{other:#?}"
    );

    let log = home.path("state/log");
    assert_eq!(
        fs::metadata(&log).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("Active", "Passive", 1)).unwrap();
    start("state", &[]).refused(
        2,
        &["damaged", "state/log`, line ", "help: put the folder back"],
    );
}
