//! How a control plane starts, and that nothing is left of it, however its owner ends.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use podpass_testkit::{
    ControlPlane, ControlPlaneOptions, Home, Identity, SharedControlPlane, control_plane_programs,
    eventually,
};
use serde_json::{Value, json};

use crate::PATIENCE;

/// Where the owner that is to be killed writes what it started.
const OWNER: &str = "PODPASS_TEST_OWNER";

#[tokio::test]
async fn starts_and_leaves_nothing_when_dropped() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let start = Instant::now();
    let control_plane = ControlPlane::start(&programs, &ControlPlaneOptions::default()).await;
    let took = start.elapsed();
    println!("kube-apiserver served after {took:?}");

    let version = control_plane.admin().apiserver_version().await.unwrap();
    let folder_name = programs.file_name().unwrap().to_str().unwrap();
    assert!(
        folder_name.starts_with(&version.git_version),
        "{folder_name} holds {version:?}"
    );

    let (folder, processes) = (control_plane.folder().to_owned(), control_plane.processes());
    assert_eq!(processes.len(), 2, "etcd and kube-apiserver");
    assert!(processes.iter().all(|&process| is_running(process)));
    drop(control_plane);
    assert!(!processes.iter().any(|&process| is_running(process)));
    assert!(!folder.exists());
}

#[tokio::test]
async fn ends_with_an_owner_that_is_killed() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    if let Some(record) = std::env::var_os(OWNER) {
        let control_plane = ControlPlane::start(&programs, &ControlPlaneOptions::all()).await;
        let started = json!({
            "folder": control_plane.folder(),
            "processes": control_plane.processes(),
        });
        write_whole(Path::new(&record), &started);
        std::future::pending::<()>().await;
    }
    let home = Home::new();
    let record = home.path("started.json");
    let mut owner = owner("lifecycle::ends_with_an_owner_that_is_killed")
        .env(OWNER, &record)
        .spawn()
        .unwrap();
    let started = eventually("the owner has started one", PATIENCE, async || {
        read(&record)
    })
    .await;
    let processes: Vec<u32> = serde_json::from_value(started["processes"].clone()).unwrap();
    assert_eq!(processes.len(), 5);
    assert!(processes.iter().all(|&process| is_running(process)));

    // SIGKILL: the owner runs nothing more.
    owner.kill().unwrap();
    owner.wait().unwrap();
    let folder = PathBuf::from(started["folder"].as_str().unwrap());
    eventually(
        "everything has ended",
        Duration::from_secs(10),
        async || {
            let running = processes.iter().any(|&process| is_running(process));
            (!running && !folder.exists()).then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn a_shared_one_outlives_its_first_test_and_ends_with_the_run() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    if let Some(record) = std::env::var_os(OWNER) {
        let shared = SharedControlPlane::find(&programs).await;
        write_whole(Path::new(&record), &json!({"url": shared.api().url()}));
        return;
    }
    let home = Home::new();
    let run = home.path("run");
    fs::create_dir(&run).unwrap();
    let made = Command::new("mkfifo").arg(run.join("alive")).status();
    assert!(made.unwrap().success());
    let alive = fs::File::options()
        .read(true)
        .write(true)
        .open(run.join("alive"))
        .unwrap();

    let first_test = |record: &Path| {
        let status = owner("lifecycle::a_shared_one_outlives_its_first_test_and_ends_with_the_run")
            .env(OWNER, record)
            .env("PODPASS_TEST_RUN", &run)
            .status();
        assert!(status.unwrap().success());
        read(record).unwrap()["url"].as_str().unwrap().to_owned()
    };
    let url = first_test(&home.path("first.json"));
    assert_eq!(first_test(&home.path("second.json")), url, "it is shared");
    let address = url.strip_prefix("https://").unwrap();
    assert!(TcpStream::connect(address).is_ok());

    drop(alive);
    eventually(
        "everything has ended",
        Duration::from_secs(10),
        async || (!run.exists() && TcpStream::connect(address).is_err()).then_some(()),
    )
    .await;
}

#[tokio::test]
async fn kubectl_reads_the_kubeconfig_of_anybody() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let home = Home::new();
    let kubectl = |identity: &Identity, arguments: &[&str]| {
        let kubeconfig = home.path("kubeconfig");
        shared.api().write_kubeconfig(&kubeconfig, identity);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(&kubeconfig).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        let output = home
            .command(programs.join("kubectl"))
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.success(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };

    let (done, out, err) = kubectl(&Identity::Admin, &["get", "nodes", "-o", "name"]);
    assert!(done, "{err}");
    assert_eq!(out, "node/node-0\nnode/node-1\n");

    let nobody = Identity::User {
        name: "nobody".to_owned(),
        groups: vec!["visitors".to_owned()],
    };
    let (done, out, err) = kubectl(&nobody, &["auth", "whoami", "-o", "json"]);
    assert!(done, "{err}");
    let user: Value = serde_json::from_str(&out).unwrap();
    let user = &user["status"]["userInfo"];
    assert_eq!(user["username"], "nobody");
    assert_eq!(user["groups"], json!(["visitors", "system:authenticated"]));

    let (done, _, err) = kubectl(&nobody, &["get", "nodes"]);
    assert!(!done);
    assert!(err.contains("Forbidden"), "{err}");
    let (done, _, err) = kubectl(&Identity::Token("nonsense".to_owned()), &["get", "nodes"]);
    assert!(!done);
    assert!(err.contains("Unauthorized"), "{err}");
}

/// This test binary once more, playing the test that owns a control plane.
fn owner(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn write_whole(path: &Path, value: &Value) {
    let draft = path.with_extension("draft");
    fs::write(&draft, value.to_string()).unwrap();
    fs::rename(draft, path).unwrap();
}

fn read(path: &Path) -> Option<Value> {
    let text = fs::read(path).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

/// A process that ended and that nobody has waited for (`Z`) is not running.
fn is_running(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}
