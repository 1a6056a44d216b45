//! `podpass sandbox start|env|add-issuer|reset`.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use podpass_testkit::{Cluster, Home, SandboxProcess, Trap};
use podpass_token::{Jwks, KeySize, SigningKey};

use crate::scene::Scene;
use crate::stand::{PODPASS, create_oidc_provider, create_role, run};

#[test]
fn start_prints_one_json_line_once_it_accepts_connections() {
    let home = Home::new();
    let arguments = [
        "--account",
        "111111111111",
        "--account",
        "222222222222",
        "--admin-key",
        "test:s3cret:=/",
        "--admin-key",
        "222222222222=other:x",
    ];
    let sandbox = SandboxProcess::start(PODPASS, &home, &arguments);
    std::net::TcpStream::connect(sandbox.endpoint().trim_start_matches("http://")).unwrap();
    assert_eq!(sandbox.started()["accounts"][0]["id"], "111111111111");
    assert_eq!(sandbox.admin_key(0), ("test", "s3cret:=/"));
    assert_eq!(sandbox.admin_key(1), ("other", "x"));
}

#[test]
fn default_account_gets_a_random_key() {
    let home = Home::new();
    let (one, two) = (
        SandboxProcess::start(PODPASS, &home, &[]),
        SandboxProcess::start(PODPASS, &home, &[]),
    );
    assert_eq!(one.started()["accounts"][0]["id"], "123456789012");
    assert!(
        one.admin_key(0).0.starts_with("AKIA"),
        "{:?}",
        one.admin_key(0).0
    );
    assert_ne!(one.admin_key(0), two.admin_key(0));
}

#[test]
fn env_finds_the_running_sandbox_and_a_signal_ends_it_cleanly() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        let sandbox = SandboxProcess::start(PODPASS, &home, &["--admin-key", "test:it's"]);
        let exports = run(home.command(PODPASS).args(["sandbox", "env"]));
        let out = exports.succeeded();
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"] {
            let export = format!("export {name}={}\n", sandbox.endpoint());
            assert!(out.contains(&export), "{out}");
        }
        assert!(
            out.contains("export AWS_SECRET_ACCESS_KEY='it'\\''s'\n"),
            "{out}"
        );
        let json = run(home.command(PODPASS).args(["sandbox", "env", "-o", "json"]));
        let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
        assert_eq!(json["AWS_ACCESS_KEY_ID"], "test");
        let status = sandbox.end_with(signal);
        assert!(status.success(), "{signal}: {status:?}");
        home.assert_nothing_left();
        run(home.command(PODPASS).args(["sandbox", "env"]))
            .refused(1, &["no sandbox", "podpass sandbox start"]);
    }
}

#[test]
fn run_file_is_private_and_that_of_a_killed_sandbox_is_not_used() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let runtime = home.path("../run/podpass");
    let file = std::fs::read_dir(&runtime)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::metadata(&runtime).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(sandbox.end_with("KILL").signal(), Some(9));
    run(home.command(PODPASS).args(["sandbox", "env"])).refused(1, &["no sandbox"]);
    home.assert_nothing_left();
}

#[test]
fn env_asks_which_of_several_sandboxes() {
    let home = Home::new();
    let (one, _two) = (
        SandboxProcess::start(PODPASS, &home, &[]),
        SandboxProcess::start(PODPASS, &home, &[]),
    );
    run(home.command(PODPASS).args(["sandbox", "env"]))
        .refused(2, &["several", "--endpoint", one.endpoint()]);
    run(home
        .command(PODPASS)
        .args(["sandbox", "env", "--endpoint", one.endpoint()]))
    .succeeded();
    run(home.command(PODPASS).args([
        "sandbox",
        "env",
        "--endpoint",
        one.endpoint(),
        "--account",
        "999999999999",
    ]))
    .refused(2, &["999999999999", "123456789012"]);
}

#[test]
fn port_in_use_names_the_address_and_the_way_out() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    run(home
        .command(PODPASS)
        .args(["sandbox", "start", "--listen", &address]))
    .refused(2, &[&address, "in use", "--listen 127.0.0.1:0"]);
    home.assert_nothing_left();
}

#[test]
fn address_off_loopback_is_refused_unless_it_is_asked_for() {
    let home = Home::new();
    run(home
        .command(PODPASS)
        .args(["sandbox", "start", "--listen", "0.0.0.0:0"]))
    .refused(4, &["0.0.0.0", "--allow-remote"]);
}

#[test]
fn malformed_admin_keys_and_accounts_are_refused_without_showing_the_secret() {
    let home = Home::new();
    for (arguments, parts) in [
        (vec!["--admin-key", "nocolon"], vec!["ID:SECRET"]),
        (
            vec!["--admin-key", "999999999999=a_b:hunter2"],
            vec!["999999999999", "--account"],
        ),
        (vec!["--admin-key", "a-b:hunter2"], vec!["a-b"]),
        (vec!["--account", "1234567890"], vec!["1234567890"]),
        (
            vec!["--account", "123456789012", "--account", "123456789012"],
            vec!["twice"],
        ),
    ] {
        let ran = run(home
            .command(PODPASS)
            .args(["sandbox", "start", "--listen", "127.0.0.1:0"])
            .args(&arguments));
        ran.refused(2, &parts);
        assert!(!ran.err.contains("hunter2"), "{ran:#?}");
    }
    run(home
        .command(PODPASS)
        .args(["sandbox", "start", "--listen", "nonsense"]))
    .refused(2, &["nonsense", "--listen"]);
}

#[test]
fn admin_key_comes_from_a_file_or_the_environment() {
    let home = Home::new();
    let file = home.write("keys", "test:from-file\n\n");
    let sandbox = SandboxProcess::start(
        PODPASS,
        &home,
        &["--admin-key-file", file.to_str().unwrap()],
    );
    assert_eq!(sandbox.admin_key(0), ("test", "from-file"));
    let ran = run(home
        .command(PODPASS)
        .env("PODPASS_SANDBOX_ADMIN_KEY", "hunter2")
        .args(["sandbox", "start", "--listen", "127.0.0.1:0"]));
    ran.refused(2, &["PODPASS_SANDBOX_ADMIN_KEY"]);
    assert!(!ran.err.contains("hunter2"));
}

#[test]
fn scp_limits_the_account_that_it_is_for() {
    let home = Home::new();
    let deny = home.write(
        "deny-s3.json",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#,
    );
    let limit = format!("222222222222={}", deny.display());
    let arguments = [
        "--account",
        "111111111111",
        "--account",
        "222222222222",
        "--scp",
        &limit,
    ];
    let sandbox = SandboxProcess::start(PODPASS, &home, &arguments);
    for (account, name, refused) in [(0, "c1", false), (1, "c2", true)] {
        let (id, secret) = sandbox.admin_key(account);
        let made = run(sandbox
            .command(&home, PODPASS)
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .args(["aws", "create-identity-provider", "--name", name])
            .args(["--region", "eu-west-1", "--output-dir", "out"])
            .args(["--public-key-file", &public_key(&home)]));
        if refused {
            made.refused(
                3,
                &["with an explicit deny in a service control policy", "s3:"],
            );
        } else {
            made.succeeded();
        }
    }
}

/// The file of a public key that an identity provider publishes.
fn public_key(home: &Home) -> String {
    let file = home.path("key.public");
    if !file.exists() {
        let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
        home.write("key.public", key.public().to_pkix_pem());
    }
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_bad_scp_is_refused_by_its_place() {
    let home = Home::new();
    let bad = home.write("bad.json", "{\n  \"Statement\": {\"Effect\": \"allow\"}\n}");
    let bad = bad.to_str().unwrap();
    let place = format!("{bad}:2:27: `allow` is not an effect");
    for (value, expected) in [
        (format!("123456789012={bad}"), place.as_str()),
        (
            "123456789012=absent.json".to_owned(),
            "cannot read `absent.json`",
        ),
        (
            format!("999999999999={bad}"),
            "`--scp` is for account 999999999999, which the sandbox does not have",
        ),
        (bad.to_owned(), "write ACCOUNT=FILE"),
        ("12345=x.json".to_owned(), "12345"),
    ] {
        run(home.command(PODPASS).args([
            "sandbox",
            "start",
            "--listen",
            "127.0.0.1:0",
            "--scp",
            &value,
        ]))
        .refused(2, &[expected]);
    }
}

#[test]
fn sandbox_reads_nothing_ambient() {
    let (home, trap) = (Home::new(), Trap::set());
    let mut child = home
        .trapped(PODPASS, &trap)
        .args(["sandbox", "start", "--listen", "127.0.0.1:0", "-o", "json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.as_mut().unwrap()),
        &mut line,
    )
    .unwrap();
    let started: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_ne!(
        started["accounts"][0]["accessKeyId"],
        "AKIATRAPTRAPTRAPTRAP"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    trap.assert_untouched();
}

/// What `kubectl get --raw /openid/v1/jwks` prints, and the file that holds it.
fn keys_of(home: &Home, key: &SigningKey) -> PathBuf {
    let jwks = Jwks::of(std::slice::from_ref(key.public())).to_json();
    home.write(&format!("{}.json", key.kid()), jwks)
}

#[test]
fn add_issuer_lets_a_token_of_a_cluster_elsewhere_count() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
    let jwks = keys_of(&home, &key);
    let cluster = Cluster::of_key(key, "https://kubernetes.default.svc.cluster.local");
    let host = cluster.issuer().strip_prefix("https://").unwrap();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/{host}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{host}:sub":"system:serviceaccount:apps:reader"}}}}}}]}}"#
    );
    let arn = create_oidc_provider(&sandbox, cluster.issuer());
    assert_eq!(
        arn,
        format!("arn:aws:iam::123456789012:oidc-provider/{host}")
    );
    create_role(&sandbox, "reader", &trust);
    let token = cluster.write_token(home.path("token"), "apps", "reader");
    let assume = || {
        let mut command = sandbox.anonymous_command(&home, PODPASS);
        command.args(["token", "assume", "--token-file", token.to_str().unwrap()]);
        run(command.args(["--role-arn", "arn:aws:iam::123456789012:role/reader"]))
    };
    assert_ne!(assume().code, 0);

    let add = |issuer: &str, jwks: &str| {
        let mut command = home.command(PODPASS);
        command.args([
            "-vvv",
            "sandbox",
            "add-issuer",
            "--issuer",
            issuer,
            "--jwks",
            jwks,
        ]);
        run(&mut command)
    };
    let added = add(cluster.issuer(), jwks.to_str().unwrap());
    assert_eq!(
        added.succeeded(),
        format!("issuer/{} created\n", cluster.issuer())
    );
    assert!(
        added.err.contains("create-open-id-connect-provider"),
        "{added:#?}"
    );
    let bearer = control_token(&home);
    for said in [&added.out, &added.err, &sandbox.started().to_string()] {
        assert!(!said.contains(&bearer), "{said}");
    }
    assert!(assume().succeeded().contains("assumed-role/reader/"));

    let again = add(cluster.issuer(), jwks.to_str().unwrap());
    assert!(again.succeeded().ends_with(" unchanged\n"), "{again:#?}");
    let other = keys_of(&home, &SigningKey::generate(KeySize::Rsa2048).unwrap());
    let replaced = add(cluster.issuer(), other.to_str().unwrap());
    assert!(
        replaced.succeeded().ends_with(" configured\n"),
        "{replaced:#?}"
    );
    assert_ne!(assume().code, 0, "the earlier key does not count any more");
}

/// The bearer in the run file.
fn control_token(home: &Home) -> String {
    let mut files = std::fs::read_dir(home.path("../run/podpass")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    let entry: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let token = entry["controlToken"].as_str().unwrap();
    // 256 bits in base64url.
    assert_eq!(token.len(), 43);
    token.to_owned()
}

#[test]
fn add_issuer_refuses_what_it_cannot_use() {
    let home = Home::new();
    let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
    let jwks = keys_of(&home, &key);
    let jwks = jwks.to_str().unwrap();
    home.write("empty.json", r#"{"keys":[]}"#);
    home.write("page.html", "<html>");
    let url = "https://kubernetes.default.svc";
    let add = |arguments: &[&str]| {
        run(home
            .command(PODPASS)
            .args(["sandbox", "add-issuer"])
            .args(arguments))
    };
    for (arguments, parts) in [
        (vec![], vec!["--issuer", "--jwks"]),
        (vec!["--issuer", url], vec!["--jwks"]),
        (vec!["--jwks", jwks], vec!["--issuer"]),
        (
            vec!["--issuer", "http://kubernetes.default.svc", "--jwks", jwks],
            vec!["http://kubernetes.default.svc", "https://", "token decode"],
        ),
        (
            vec!["--issuer", url, "--jwks", "absent.json"],
            vec!["absent.json"],
        ),
        (
            vec!["--issuer", url, "--jwks", "empty.json"],
            vec!["empty.json", "no key", "/openid/v1/jwks"],
        ),
        (
            vec!["--issuer", url, "--jwks", "page.html"],
            vec!["page.html", "line 1"],
        ),
    ] {
        add(&arguments).refused(2, &parts);
    }
    let good = ["--issuer", url, "--jwks", jwks];
    add(&good).refused(1, &["no sandbox", "podpass sandbox start"]);
    let (one, other) = (
        SandboxProcess::start(PODPASS, &home, &[]),
        SandboxProcess::start(PODPASS, &home, &[]),
    );
    add(&good).refused(2, &["several", "--endpoint"]);
    for sandbox in [one, other] {
        let added = add(&[&good[..], &["--endpoint", sandbox.endpoint()]].concat());
        assert!(added.succeeded().ends_with(" created\n"), "{added:#?}");
    }
}

#[test]
fn add_issuer_leaves_a_bucket_of_the_sandbox_to_publish_its_own_keys() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
    home.write("key.pem", key.public().to_pkix_pem());
    let mut command = sandbox.command(&home, PODPASS);
    command.args(["aws", "create-identity-provider", "--name", "prod"]);
    command.args(["--region", "eu-west-1", "--public-key-file", "key.pem"]);
    run(&mut command).succeeded();
    let jwks = keys_of(&home, &SigningKey::generate(KeySize::Rsa2048).unwrap());
    let issuer = "https://prod-oidc.s3.eu-west-1.amazonaws.com";
    let mut command = home.command(PODPASS);
    command.args(["sandbox", "add-issuer", "--issuer", issuer, "--jwks"]);
    run(command.arg(jwks)).refused(4, &["prod-oidc", "create-identity-provider"]);
}

#[test]
fn reset_names_the_accounts_and_leaves_their_keys() {
    let home = Home::new();
    let accounts = ["--account", "111111111111", "--account", "222222222222"];
    let sandbox = SandboxProcess::start(PODPASS, &home, &accounts);
    let issuer = "https://kubernetes.default.svc";
    create_oidc_provider(&sandbox, issuer);
    let reset = || run(home.command(PODPASS).args(["sandbox", "reset"]));
    assert_eq!(
        reset().succeeded(),
        "account/111111111111 reset\naccount/222222222222 reset\n"
    );
    // With the same key, and as if it had never been made.
    create_oidc_provider(&sandbox, issuer);
    sandbox.end_with("TERM");
    reset().refused(1, &["no sandbox", "podpass sandbox start"]);
}

#[test]
fn an_unlisted_audience_is_refused_in_either_of_awss_wordings() {
    for (arguments, words) in [
        (vec![], "Incorrect token audience"),
        (
            vec!["--behaviour-audience", "specific"],
            "Incorrect token audience",
        ),
        (
            vec!["--behaviour-audience", "general"],
            "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for \
             requirements.",
        ),
    ] {
        let scene = Scene::with(&arguments);
        let mut claims = scene.cluster.claims("apps", "reader");
        claims.audiences = vec!["openshift".to_owned()];
        scene
            .assume_with(&claims)
            .failed(&["InvalidIdentityToken", words]);
        scene
            .assume_with(&scene.cluster.claims("apps", "reader"))
            .succeeded();
    }
    let home = Home::new();
    run(home
        .command(PODPASS)
        .args(["sandbox", "start", "--behaviour-audience", "vague"]))
    .refused(2, &["vague", "specific", "general"]);
}

#[test]
fn tokens_of_any_age_are_taken_unless_a_bound_is_set() {
    // As old as one that AWS refused in 2019, and good for another hour.
    let aged = |scene: &Scene| {
        let mut claims = scene.cluster.claims("apps", "reader");
        claims.issued_at -= 153_938;
        claims.not_before = claims.issued_at;
        scene.assume_with(&claims)
    };
    aged(&Scene::with(&[])).succeeded();
    let bounded = Scene::with(&["--behaviour-oldest-token", "24h"]);
    aged(&bounded).failed(&["ExpiredTokenException", "Token too old: 1539"]);
    let young = bounded.cluster.claims("apps", "reader");
    bounded.assume_with(&young).succeeded();
    let home = Home::new();
    run(home
        .command(PODPASS)
        .args(["sandbox", "start", "--behaviour-oldest-token", "1d"]))
    .refused(2, &["1d", "90s"]);
}
