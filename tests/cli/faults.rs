//! `podpass sandbox fault add|list|clear`.

use podpass_testkit::{Home, SandboxProcess};
use serde_json::Value;

use crate::stand::{PODPASS, Ran, run};

fn fault(home: &Home, arguments: &[&str]) -> Ran {
    let mut command = home.command(PODPASS);
    run(command.args(["sandbox", "fault"]).args(arguments))
}

#[test]
fn a_fault_is_added_counted_and_cleared() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let none = fault(&home, &["list"]);
    assert_eq!(none.succeeded(), "");
    assert!(none.err.contains("no faults"), "{none:#?}");
    let added = fault(
        &home,
        &[
            "add",
            "error=ServiceUnavailable",
            "--service",
            "iam",
            "--count",
            "2",
        ],
    );
    assert_eq!(added.succeeded(), "fault/fault-1 created\n");
    fault(&home, &["add", "latency=1ms"]).succeeded();

    let mut command = sandbox.command(&home, PODPASS);
    command.args(["aws", "create-key-pair", "--output-dir", "out"]);
    run(&mut command).succeeded();
    let mut command = sandbox.command(&home, PODPASS);
    command.args(["aws", "create-identity-provider", "--name", "prod"]);
    command.args(["--region", "eu-west-1", "--output-dir", "out"]);
    // The SDK goes on after two refusals.
    run(&mut command).succeeded();
    let listed = fault(&home, &["list"]);
    let rows: Vec<Vec<&str>> = listed
        .succeeded()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["ID", "KIND", "SERVICE", "ACTION", "HITS", "LEFT"]);
    assert_eq!(
        rows[1],
        [
            "fault-1",
            "error=ServiceUnavailable:503",
            "iam",
            "any",
            "2",
            "0"
        ]
    );
    let list: Value = fault(&home, &["list", "-o", "json"]).succeeded_json();
    assert_eq!(list["kind"], "FaultList");
    assert_eq!(list["items"][0]["hits"], 2);
    assert!(list["items"][1]["hits"].as_u64().unwrap() > 2, "{list}");
    fault(&home, &["list", "-o", "yaml"]).said(&["kind: FaultList", "latency=1ms"]);
    let events = run(home.command(PODPASS).args(["sandbox", "events"]));
    events.said(&["503 ServiceUnavailable", "= faults     fault-2, fault-1"]);

    assert_eq!(
        fault(&home, &["clear", "fault-1"]).succeeded(),
        "fault/fault-1 deleted\n"
    );
    fault(&home, &["clear", "fault-1"]).refused(1, &["fault-1", "sandbox fault list"]);
    assert_eq!(
        fault(&home, &["clear"]).succeeded(),
        "fault/fault-2 deleted\n"
    );
}

#[test]
fn what_is_no_fault_is_refused_before_a_sandbox_is_looked_for() {
    let home = Home::new();
    for (arguments, parts) in [
        (vec!["add", "flaky"], vec!["`flaky`", "throttle", "hold=N"]),
        (vec!["add", "latency=soon"], vec!["`soon`", "1m30s"]),
        (vec!["add", "hold=0"], vec!["`0`", "hold=N"]),
        (
            vec!["add", "throttle", "--service", "ec2"],
            vec!["`ec2`", "cloudtrail, iam, s3, sts"],
        ),
        (
            vec!["add", "throttle", "--action", "AssumRole"],
            vec!["`AssumRole`"],
        ),
        (vec!["add", "throttle", "--count", "0"], vec!["0"]),
        (vec!["clear", "one"], vec!["`one`", "fault-1"]),
    ] {
        fault(&home, &arguments).refused(2, &parts);
    }
    fault(&home, &["add", "throttle"]).refused(1, &["no sandbox", "podpass sandbox start"]);
}
