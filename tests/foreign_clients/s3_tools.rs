//! s3cmd and rclone, as Debian has them, with the credentials of a session that podpass made from a token.
//!
//! Neither finds web identity at an endpoint of one's own: s3cmd 2.3 asks sts.amazonaws.com, and the SDK in rclone 1.60
//! knows no `AWS_ENDPOINT_URL`.

use std::path::PathBuf;
use std::process::Command;

use podpass_testkit::{Ran, debian_clients, run};

use crate::stand::{ACCOUNT, PODPASS, Stand};

/// What the session may: all with the bucket `ours`, and to list the buckets.
const ALLOWED: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
    {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::ours", "arn:aws:s3:::ours/*"]}]}"#;

/// Files to carry to and fro: one with a name that has to be encoded, one that takes several parts.
const FILES: &str = "
    mkdir -p dir/sub
    echo one >dir/one.txt
    echo two >'dir/sub/two ü+%.txt'
    head -c 12000000 /dev/urandom >big
";

/// A shell with both tools and the session's credentials.
struct Tools {
    stand: Stand,
    debian: PathBuf,
    credentials: String,
}

impl Tools {
    /// `None` where a client is missing and may be.
    fn new() -> Option<Self> {
        let debian = debian_clients()?;
        let stand = Stand::new()?;
        let cluster = stand.identity_provider();
        stand.role_by_cli("tools", "system:serviceaccount:tools:tools");
        let policy = ["--policy-name", "read", "--policy-document", ALLOWED];
        stand.aws(
            &[
                &["iam", "put-role-policy", "--role-name", "tools"],
                &policy[..],
            ]
            .concat(),
        );
        // In a region that s3cmd need not be sent on to.
        stand.aws(&["s3", "mb", "s3://theirs", "--region", "us-east-1"]);
        let token = cluster.write(stand.home.path("token"), &cluster.claims("tools", "tools"));
        let role = format!("arn:aws:iam::{ACCOUNT}:role/tools");
        let mut assume = stand.sandbox.anonymous_command(&stand.home, PODPASS);
        assume
            .args(["token", "assume", "-o", "env", "--session-name", "tools"])
            .args(["--role-arn", &role, "--token-file"])
            .arg(token);
        let credentials = run(&mut assume).succeeded().to_owned();
        let tools = Self {
            stand,
            debian,
            credentials,
        };
        tools.run(FILES).succeeded();
        Some(tools)
    }

    fn run(&self, script: &str) -> Ran {
        let address = self.stand.sandbox.endpoint().trim_start_matches("http://");
        let packages = self.debian.join("usr/lib/python3/dist-packages");
        let python = self.stand.client("python");
        let program = |name: &str| self.debian.join("usr/bin").join(name).display().to_string();
        let prelude = format!(
            "{}
             s3cmd() {{
                 PYTHONPATH='{}' '{}' '{}' --no-ssl --host={address} --host-bucket={address} --no-progress \"$@\"
             }}
             rclone() {{ '{}' --retries 1 --low-level-retries 1 \"$@\"; }}",
            self.credentials,
            packages.display(),
            python.display(),
            program("s3cmd"),
            program("rclone"),
        );
        let mut shell: Command = self
            .stand
            .sandbox
            .anonymous_command(&self.stand.home, "/bin/sh");
        shell
            .args(["-euc", &format!("{prelude}\n{script}")])
            .env("RCLONE_CONFIG_S3_TYPE", "s3")
            .env("RCLONE_CONFIG_S3_PROVIDER", "Other")
            .env("RCLONE_CONFIG_S3_ENV_AUTH", "true")
            .env("RCLONE_CONFIG_S3_ENDPOINT", self.stand.sandbox.endpoint())
            .env("RCLONE_CONFIG_S3_REGION", "us-east-1")
            // The version sends the ACL `private` with each object by itself, which AWS refuses too.
            .env("RCLONE_CONFIG_S3_ACL", "bucket-owner-full-control")
            .env("RCLONE_CONFIG_S3_BUCKET_ACL", "private");
        run(&mut shell)
    }

    #[track_caller]
    fn prints(&self, script: &str, expected: &str) {
        let ran = self.run(script);
        assert_eq!(ran.succeeded().trim(), expected, "{script}: {ran:#?}");
    }
}

/// It signs for the region `US` first, and takes the right one from S3's refusal.
#[test]
fn s3cmd_carries_files_to_and_fro() {
    let Some(tools) = Tools::new() else { return };
    tools
        .run("s3cmd mb s3://ours")
        .said(&["Bucket 's3://ours/' created"]);
    tools
        .run("s3cmd put dir/one.txt s3://ours/one.txt")
        .succeeded();
    tools.prints("s3cmd get -q s3://ours/one.txt out && cat out", "one");
    tools
        .run("s3cmd put --multipart-chunk-size-mb=5 big s3://ours/big && s3cmd get s3://ours/big back && cmp big back")
        .succeeded();
    tools
        .run("s3cmd sync dir/ s3://ours/dir/")
        .said(&["dir/sub/two ü+%.txt", "Uploaded 8 bytes"]);
    tools.prints("s3cmd sync dir/ s3://ours/dir/", "");
    tools
        .run("s3cmd sync s3://ours/dir/ copy/ && diff -r dir copy")
        .succeeded();
    tools.prints(
        "s3cmd ls --recursive s3://ours | sed 's/.*s3:/s3:/'",
        "s3://ours/big\ns3://ours/dir/one.txt\ns3://ours/dir/sub/two ü+%.txt\ns3://ours/one.txt",
    );
    tools
        .run("s3cmd --acl-private mv s3://ours/one.txt s3://ours/moved.txt && s3cmd del s3://ours/moved.txt")
        .said(&["delete: 's3://ours/moved.txt'"]);
    tools.run("s3cmd rb s3://ours").failed(&["BucketNotEmpty"]);
    tools
        .run("s3cmd del --recursive --force s3://ours/ && s3cmd rb s3://ours")
        .said(&["Bucket 's3://ours/' removed"]);
}

/// S3 takes no Signature Version 2 for buckets made since June 2020, which `s3cmd signurl` makes.
#[test]
fn s3cmd_learns_what_is_forbidden_and_what_is_too_old() {
    let Some(tools) = Tools::new() else { return };
    let denial = "assumed-role/tools/tools is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::theirs/one.txt\" \
         because no identity-based policy allows the s3:PutObject action";
    tools
        .run("s3cmd put dir/one.txt s3://theirs/one.txt")
        .failed(&["AccessDenied"]);
    let events = tools.stand.podpass(&["sandbox", "events", "-o", "json"]);
    let events: serde_json::Value = serde_json::from_str(&events).unwrap();
    let told = events["items"].as_array().unwrap().iter().any(|event| {
        let message = event["message"].as_str().unwrap_or_default();
        event["action"] == "PutObject" && message.contains(denial)
    });
    assert!(told, "{events:#}");
    tools
        .run("s3cmd mb s3://ours && s3cmd put dir/one.txt s3://ours")
        .succeeded();
    tools
        .run("curl --silent --noproxy '*' \"$(s3cmd signurl s3://ours/one.txt +60)\"")
        .said(&[
            "<Code>InvalidRequest</Code>",
            "Please use AWS4-HMAC-SHA256.",
        ]);
}

#[test]
fn rclone_carries_files_to_and_fro_and_makes_links() {
    let Some(tools) = Tools::new() else { return };
    tools.run("rclone mkdir s3:ours").succeeded();
    tools
        .run("rclone copyto dir/one.txt s3:ours/one.txt")
        .succeeded();
    tools.prints("rclone cat s3:ours/one.txt", "one");
    tools
        .run(
            "rclone copyto --s3-upload-cutoff 5M --s3-chunk-size 5M big s3:ours/big
             rclone copyto s3:ours/big back
             cmp big back",
        )
        .succeeded();
    tools
        .run("rclone sync dir s3:ours/dir && rclone check dir s3:ours/dir")
        .said(&["0 differences found", "2 matching files"]);
    tools.prints(
        "rclone lsf --recursive --files-only s3:ours | LC_ALL=C sort",
        "big\ndir/one.txt\ndir/sub/two ü+%.txt\none.txt",
    );
    tools.prints(
        "curl --silent --noproxy '*' \"$(rclone link --expire 60s s3:ours/one.txt)\"",
        "one",
    );
    tools
        .run("rclone moveto s3:ours/one.txt s3:ours/moved.txt && rclone deletefile s3:ours/moved.txt")
        .succeeded();
    tools
        .run("rclone copyto dir/one.txt s3:theirs/one.txt")
        .failed(&["Forbidden"]);
    tools
        .run("rclone copyto --s3-acl private dir/one.txt s3:ours/private.txt")
        .failed(&["AccessControlListNotSupported"]);
    tools.run("rclone purge s3:ours").succeeded();
    tools.prints("rclone lsf s3:", "irsa-mint-oidc/\ntheirs/");
}

/// A link that the AWS CLI makes, one that boto3 makes, and an upload by boto3's.
#[test]
fn presigned_links_work_for_whoever_has_them() {
    let Some(stand) = Stand::new() else { return };
    let script = stand
        .home
        .write("presigned.py", include_str!("presigned.py"));
    stand.aws(&["s3", "mb", "s3://links"]);
    let mut python = stand.sandbox.command(&stand.home, stand.client("python"));
    let ran = run(python.arg(script).arg("links"));
    assert_eq!(ran.succeeded().trim(), "ok");
    let presign = |seconds: &str| {
        stand.aws(&[
            "s3",
            "presign",
            "s3://links/key ü+",
            "--expires-in",
            seconds,
        ])
    };
    let get = |link: &str| {
        let mut curl = stand.home.command("curl");
        run(curl.args(["--silent", "--noproxy", "*", link.trim()]))
    };
    // Version 1 of the AWS CLI presigns by Signature Version 2 unless it is told otherwise.
    get(&presign("60")).said(&["Please use AWS4-HMAC-SHA256."]);
    stand.aws(&["configure", "set", "default.s3.signature_version", "s3v4"]);
    let link = presign("60");
    assert_eq!(get(&link).succeeded(), "uploaded");
    get(&link.replace("Expires=60", "Expires=61")).said(&["<Code>SignatureDoesNotMatch</Code>"]);
    let short = presign("1");
    std::thread::sleep(std::time::Duration::from_secs(3));
    get(&short).said(&[
        "<Code>AccessDenied</Code>",
        "Request has expired",
        "<X-Amz-Expires>1<",
    ]);
}
