//! `podpass sandbox start --proxy-listen` and `sandbox env --proxy`, with curl as the unmodified client.

use std::os::unix::fs::PermissionsExt as _;

use podpass_testkit::{Home, Ran, SandboxProcess};

use crate::stand::{PODPASS, run};

const START: [&str; 4] = ["--proxy-listen", "127.0.0.1:0", "--ca-out", "ca.pem"];

fn shell(home: &Home, script: &str) -> Ran {
    let path = std::env::var("PATH").unwrap();
    let bin = std::path::Path::new(PODPASS).parent().unwrap().display();
    run(home
        .command("/bin/sh")
        .env("PATH", format!("{bin}:{path}"))
        .args(["-euc", script]))
}

#[test]
fn curl_reaches_sts_and_nothing_else_by_the_printed_variables() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &START);
    let proxy = sandbox.started()["proxy"]["url"].as_str().unwrap();
    let exports = run(home.command(PODPASS).args(["sandbox", "env", "--proxy"]));
    let exports = exports.succeeded();
    let authority = home.path("ca.pem");
    for (name, value) in [
        ("HTTPS_PROXY", proxy),
        ("AWS_CA_BUNDLE", authority.to_str().unwrap()),
        ("SSL_CERT_FILE", authority.to_str().unwrap()),
        ("NODE_EXTRA_CA_CERTS", authority.to_str().unwrap()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ] {
        assert!(
            exports.contains(&format!("export {name}={value}\n")),
            "{exports}"
        );
    }
    assert!(!exports.contains("export AWS_ENDPOINT_URL"), "{exports}");
    let unset = exports.lines().last().unwrap();
    for name in ["AWS_ENDPOINT_URL", "https_proxy", "ALL_PROXY"] {
        assert!(unset.split(' ').any(|word| word == name), "{unset}");
    }
    // A stranger's proxy of the caller does not win.
    let call = r#"export https_proxy=http://127.0.0.1:9 AWS_ENDPOINT_URL=http://127.0.0.1:9
        eval "$(podpass sandbox env --proxy)"
        curl --silent --show-error "#;
    let answered = shell(
        &home,
        &format!("{call} https://sts.amazonaws.com/ -d Action=GetCallerIdentity"),
    );
    answered.said(&["MissingAuthenticationToken"]);
    let refused = shell(&home, &format!("{call} --verbose https://example.com/"));
    refused.failed(&[
        "403 `example.com` is not a host of AWS",
        "add it to NO_PROXY",
    ]);
    // The addresses of this machine are not looked for behind the proxy.
    let own = shell(
        &home,
        &format!(
            "{call} --output /dev/null --write-out '%{{http_code}}' {}",
            sandbox.endpoint()
        ),
    );
    assert_eq!(own.succeeded(), "403");
}

/// What ccoctl does before it registers an issuer: a HEAD of the bucket's host, for the last certificate of the chain.
#[test]
fn head_of_an_issuers_host_gives_the_thumbprint_of_the_authority() {
    let home = Home::new();
    let _sandbox = SandboxProcess::start(PODPASS, &home, &START);
    let script = r#"eval "$(podpass sandbox env --proxy)"
        curl --silent --suppress-connect-headers --head --write-out '%{certs}' https://c1-oidc.s3.eu-west-1.amazonaws.com"#;
    let ran = shell(&home, script);
    let out = ran.succeeded();
    // The bucket does not exist, and its host answers for it.
    assert!(out.starts_with("HTTP/1.1 404 "), "{out}");
    let last = out.rfind("-----BEGIN CERTIFICATE-----").unwrap();
    let published = std::fs::read_to_string(home.path("ca.pem")).unwrap();
    let base64 = |pem: &str| -> String { pem.lines().map(str::trim).collect() };
    assert_eq!(base64(&out[last..]), base64(&published));
}

#[test]
fn the_authority_is_a_certificate_in_a_file_and_no_key_lies_anywhere() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &START);
    let path = home.path("ca.pem");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-----BEGIN CERTIFICATE-----"), "{text}");
    assert_eq!(text.matches("-----BEGIN").count(), 1);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    // An older one is replaced, whole.
    drop(sandbox);
    let _sandbox = SandboxProcess::start(PODPASS, &home, &START);
    let newer = std::fs::read_to_string(&path).unwrap();
    assert_ne!(newer, text);
    let everything = run(home.command("grep").args(["-rl", "PRIVATE KEY", "..", "."]));
    assert_eq!(everything.out, "");
}

#[test]
fn a_proxy_needs_a_file_for_its_authority_and_loopback() {
    let home = Home::new();
    let start = |arguments: &[&str]| {
        let start = ["sandbox", "start", "--listen", "127.0.0.1:0"];
        run(home.command(PODPASS).args(start).args(arguments))
    };
    start(&START[..2]).refused(2, &["--ca-out"]);
    start(&START[2..]).refused(2, &["--proxy-listen"]);
    start(&["--proxy-listen", "0.0.0.0:0", "--ca-out", "ca.pem"])
        .refused(4, &["0.0.0.0", "--allow-remote"]);
    start(&[
        "--proxy-listen",
        "127.0.0.1:0",
        "--ca-out",
        "missing/ca.pem",
    ])
    .refused(1, &["missing/ca.pem"]);
    assert!(!home.path("ca.pem").exists());
    let _sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    run(home.command(PODPASS).args(["sandbox", "env", "--proxy"]))
        .refused(2, &["has no proxy", "--proxy-listen 127.0.0.1:0"]);
}

#[test]
fn people_are_told_where_proxy_authority_and_metadata_are() {
    let home = Home::new();
    let script =
        "podpass sandbox start --listen 127.0.0.1:0 --proxy-listen 127.0.0.1:0 --ca-out ca.pem \
                  --imds-listen 127.0.0.1:0 --node-role worker >out 2>err & pid=$!
                  for _ in $(seq 100); do grep -q account out && break; sleep 0.05; done
                  podpass sandbox env --proxy --node
                  kill $pid; wait $pid; cat out err";
    let ran = shell(&home, script);
    let out = ran.succeeded();
    let word = |name: &str, place: usize| {
        let mut lines = out.lines().filter(|line| line.starts_with(name));
        lines.next().unwrap().split_whitespace().nth(place).unwrap()
    };
    assert_eq!(word("proxy ", 3), home.path("ca.pem").to_str().unwrap());
    let exported = |name: &str, value: &str| out.contains(&format!("export {name}={value}\n"));
    assert!(exported("HTTPS_PROXY", word("proxy ", 1)), "{out}");
    assert!(
        exported("AWS_EC2_METADATA_SERVICE_ENDPOINT", word("imds ", 1)),
        "{out}"
    );
    assert!(!out.contains("export AWS_ACCESS_KEY_ID"), "{out}");
    assert!(
        out.contains("hint: `eval \"$(podpass sandbox env --proxy)\"`"),
        "{out}"
    );
}
