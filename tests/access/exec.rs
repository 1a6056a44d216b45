//! `podpass exec`: what the command sees, how it ends, and what stays.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::stand::{Stand, run};

const SIGNALS: [&str; 6] = ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2"];

/// A command that runs, and its output so far unread.
struct Running {
    podpass: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut podpass = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(podpass.stdout.take().unwrap());
        Self { podpass, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: &str) {
        kill(signal, &self.podpass.id().to_string());
    }

    /// The exit code, and what was still printed.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.podpass.wait().unwrap().code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.podpass.kill();
        let _ = self.podpass.wait();
    }
}

fn kill(signal: &str, pid: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), pid])
        .status();
    assert!(sent.unwrap().success(), "{signal} {pid}");
}

#[tokio::test]
async fn exit_code_is_the_commands_and_nothing_stays() {
    let Some(stand) = Stand::new("exec").await else {
        return;
    };
    let app = stand.bound("app");
    let script = |script| stand.exec(&app, &[], &["/bin/sh", "-c", script]);
    for (code, script) in [
        (0, "true"),
        (42, "exit 42"),
        (143, "kill -TERM $$"),
        (137, "kill -KILL $$"),
    ]
    .map(|(code, text)| (code, script(text)))
    {
        let mut script = script;
        let ran = run(&mut script);
        assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{ran:?}");
    }
    run(&mut stand.exec(&app, &[], &["no-such-command"]))
        .refused(127, &["cannot run `no-such-command`", "No such file"]);
    let file = stand.home.write("no-program", "text");
    run(&mut stand.exec(&app, &[], &[file.to_str().unwrap()]))
        .refused(126, &["no-program", "Permission denied"]);
    stand.assert_nothing_left();
}

#[tokio::test]
async fn each_signal_reaches_the_command_once() {
    let Some(stand) = Stand::new("signals").await else {
        return;
    };
    let app = stand.bound("app");
    let traps: String = SIGNALS
        .map(|signal| format!("trap 'echo {signal}' {signal}\n"))
        .concat();
    let script = format!(
        "{traps} echo ready\n for i in $(seq 1200); do [ -e stop ] && exit 5; sleep 0.05; done"
    );
    let mut running = Running::start(&mut stand.exec(&app, &[], &["/bin/sh", "-c", &script]));
    assert_eq!(running.line(), "ready");
    for signal in SIGNALS {
        running.signal(signal);
        assert_eq!(running.line(), signal);
    }
    stand.home.write("stop", "");
    assert_eq!(running.end(), (Some(5), String::new()));
    stand.assert_nothing_left();
}

#[tokio::test]
async fn a_signal_that_ends_the_command_leaves_nothing() {
    let Some(stand) = Stand::new("ended").await else {
        return;
    };
    let app = stand.bound("app");
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let script = "echo ready; exec sleep 60";
        let mut running = Running::start(&mut stand.exec(&app, &[], &["/bin/sh", "-c", script]));
        assert_eq!(running.line(), "ready");
        running.signal(signal);
        assert_eq!(running.end().0, Some(code), "{signal}");
        stand.assert_nothing_left();
    }
}

#[tokio::test]
async fn what_nohup_ignores_stays_ignored() {
    let Some(stand) = Stand::new("nohup").await else {
        return;
    };
    let app = stand.bound("app");
    let mut command = stand.home.command("/bin/sh");
    let inner = stand.exec(&app, &[], &["/bin/sh", "-c", "kill -HUP $$; echo alive"]);
    command
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh"])
        .arg(inner.get_program());
    command.args(inner.get_args());
    command.envs(
        inner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    assert_eq!(run(&mut command).succeeded(), "alive\n");
}

#[tokio::test]
async fn the_next_run_clears_up_after_one_that_was_killed() {
    let Some(stand) = Stand::new("killed").await else {
        return;
    };
    let app = stand.bound("app");
    let script = "echo result > ~/result; echo $$; exec sleep 60";
    let mut running = Running::start(&mut stand.exec(&app, &[], &["/bin/sh", "-c", script]));
    let orphan = running.line();
    running.signal("KILL");
    running.podpass.wait().unwrap();
    kill("KILL", &orphan);
    // The killed run's folder, and the sandbox's file.
    let left = fs::read_dir(stand.home.path("../run/podpass"))
        .unwrap()
        .count();
    assert_eq!(left, 2);
    run(&mut stand.exec(&app, &[], &["true"])).succeeded();
    let result = stand.home.path("../home/result");
    assert_eq!(fs::read_to_string(&result).unwrap(), "result\n");
    fs::remove_file(result).unwrap();
    stand.assert_nothing_left();
}

#[tokio::test]
async fn the_command_sees_a_pods_identity_and_no_other() {
    let Some(stand) = Stand::new("environment").await else {
        return;
    };
    let app = stand.bound("app");
    // Everything that an SDK would prefer, or take instead.
    let config = stand.home.write("config", "[default]\nrole_arn = arn:aws:iam::999999999999:role/trap\nsource_profile = default\noutput = text\n");
    let mut command = stand.exec(&app, &["--session-name", "me@home"], &["env"]);
    command.env("AWS_CONFIG_FILE", &config);
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        command.env(name, "trap");
    }
    let ran = run(&mut command);
    let seen: Vec<(&str, &str)> = ran
        .succeeded()
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let value = |name: &str| {
        seen.iter()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| *value)
    };
    assert!(!ran.out.contains("trap"), "{}", ran.out);
    let annotated = stand.role_of("app").await;
    assert_eq!(value("AWS_ROLE_ARN"), Some(annotated.as_str()));
    assert_eq!(value("AWS_ROLE_SESSION_NAME"), Some("me@home"));
    assert_eq!(value("AWS_STS_REGIONAL_ENDPOINTS"), Some("regional"));
    assert_eq!(value("AWS_REGION"), Some("eu-west-1"));
    assert_eq!(value("AWS_ENDPOINT_URL"), Some(stand.sandbox.endpoint()));
    assert!(
        value("AWS_WEB_IDENTITY_TOKEN_FILE")
            .unwrap()
            .ends_with("/serviceaccount/token")
    );
}

#[tokio::test]
async fn partly_001_16_session_name_and_region_are_set_unless_the_user_set_them() {
    let Some(stand) = Stand::new("names").await else {
        return;
    };
    let app = stand.bound("app");
    let script = "echo $AWS_ROLE_SESSION_NAME $AWS_REGION $AWS_DEFAULT_REGION";
    let seen = |variables: &[(&str, &str)], options: &[&str]| {
        let mut command = stand.exec(&app, options, &["/bin/sh", "-c", script]);
        command
            .env_remove("AWS_REGION")
            .env_remove("AWS_DEFAULT_REGION");
        run(command.envs(variables.iter().copied()))
            .succeeded()
            .trim()
            .to_owned()
    };
    let region = ["--region", "eu-central-1"];
    assert_eq!(
        seen(&[("USER", "alice")], &region),
        "podpass-alice eu-central-1 eu-central-1"
    );
    // `root` names nobody; the kubeconfig's user is `test`.
    assert_eq!(
        seen(&[("USER", "root")], &region),
        "podpass-test eu-central-1 eu-central-1"
    );
    let own = [
        ("AWS_ROLE_SESSION_NAME", "mine"),
        ("AWS_REGION", "us-west-2"),
    ];
    assert_eq!(seen(&own, &[]), "mine us-west-2");
    assert_eq!(seen(&own, &region), "mine eu-central-1 eu-central-1");
    // A profile's region is that of the command's own config file.
    let config = stand.home.write(
        "config",
        "[profile work]\nregion = ap-south-1\naws_access_key_id = AKIA\n",
    );
    let mut command = stand.exec(&app, &[], &["/bin/sh", "-c", "cat $AWS_CONFIG_FILE"]);
    command
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION");
    let ran = run(command
        .env("AWS_CONFIG_FILE", config)
        .env("AWS_PROFILE", "work"));
    assert_eq!(ran.succeeded(), "[default]\nregion = ap-south-1\n");
}

#[tokio::test]
async fn the_token_is_private_and_for_the_annotated_audience() {
    let Some(stand) = Stand::new("token").await else {
        return;
    };
    let app = stand.bound("app");
    let script = r#"cd "${AWS_WEB_IDENTITY_TOKEN_FILE%/token}"; ls -l token ..data; stat -Lc %a . token; podpass_folder=$(cd -P ../..; pwd); stat -c %a "$podpass_folder"; cat token"#;
    let ran = run(&mut stand.exec(&app, &["--audience", "here"], &["/bin/sh", "-c", script]));
    let lines: Vec<&str> = ran.succeeded().lines().collect();
    assert!(
        lines[0].contains("..data ->") && lines[1].contains("token -> ..data/token"),
        "{lines:?}"
    );
    assert_eq!(&lines[2..5], ["700", "600", "700"]);
    let token = stand.home.write("token", lines[5]);
    let decoded = stand.podpass(&["token", "decode", "-o", "json", token.to_str().unwrap()]);
    let decoded: serde_json::Value = serde_json::from_str(decoded.succeeded()).unwrap();
    assert_eq!(decoded["claims"]["aud"], serde_json::json!(["here"]));
    let subject = format!("system:serviceaccount:{}:app", stand.namespace);
    assert_eq!(decoded["claims"]["sub"], subject);
}

#[tokio::test]
async fn a_commands_home_is_the_users_but_for_aws() {
    let Some(stand) = Stand::new("home").await else {
        return;
    };
    let app = stand.bound("app");
    let file = |name: &str, content: &str| {
        let path = stand.home.path("../home").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    for (name, content) in [
        (".toolrc", "mine"),
        (
            ".aws/credentials",
            "[default]\naws_access_key_id = AKIATRAP\n",
        ),
        (".aws/cli/cache/a.json", "{}"),
    ] {
        file(name, content);
    }
    let script = "cat ~/.toolrc; cat ~/.aws/credentials; ls ~/.aws/cli; echo more > ~/.new; mkdir ~/.aws/cli/cache; echo secret > ~/.aws/cli/cache/b.json; echo secret >> ~/.aws/config";
    let ran = run(&mut stand.exec(&app, &[], &["/bin/sh", "-c", script]));
    assert_eq!(ran.succeeded(), "mine");
    let home = stand.home.path("../home");
    assert_eq!(fs::read_to_string(home.join(".new")).unwrap(), "more\n");
    assert_eq!(
        fs::read_dir(home.join(".aws/cli/cache")).unwrap().count(),
        1
    );
    assert!(!home.join(".aws/config").exists());
    assert_eq!(
        fs::metadata(home.join(".new"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o644
    );
}
