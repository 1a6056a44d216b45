//! Document 004, the permissions of who runs ccoctl: `preflight --permissions`, proven by the sandbox's IAM.

use std::collections::BTreeSet;
use std::fs;

use podpass_testkit::{Ran, run, test_data};
use serde_json::{Value, json};

use crate::requests::aws_request;
use crate::stand::Stand;

/// A user of the account who may do what a policy says, and nothing else; with the inputs of an installation.
struct Installer {
    stand: Stand,
    key: [String; 2],
    runs: u32,
}

impl Installer {
    fn new() -> Option<Self> {
        let stand = Stand::without_cluster()?;
        stand
            .shell("aws iam create-user --user-name installer")
            .succeeded();
        let key = stand.shell("aws iam create-access-key --user-name installer");
        let key = &key.succeeded_json()["AccessKey"];
        let key =
            ["AccessKeyId", "SecretAccessKey"].map(|name| key[name].as_str().unwrap().to_owned());
        stand
            .shell("podpass aws create-key-pair --output-dir=keys")
            .succeeded();
        stand.home.write("requests/app.yaml", aws_request("app"));
        // The next release has a second service account for the request.
        let grown = aws_request("app").replace("  - app\n", "  - app\n  - second\n");
        stand.home.write("grown/app.yaml", grown);
        stand.home.write(
            "read.json",
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}"#,
        );
        Some(Self {
            stand,
            key,
            runs: 0,
        })
    }

    /// The least policy for the commands, as `preflight` prints it.
    fn policy(&self, commands: &str) -> Value {
        let mut printed = self.stand.home.command(crate::stand::PODPASS);
        printed
            .args(["preflight", "--permissions"])
            .args(commands.split_whitespace());
        run(&mut printed).succeeded_json()
    }

    /// Runs a script with exactly these actions; `$NAME` is a cluster that no run before had, and `admin` goes before
    /// what others do meanwhile.
    fn run(&mut self, actions: &[&str], script: &str) -> Ran {
        self.runs += 1;
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        self.stand.home.write("installer.json", policy.to_string());
        self.stand
            .shell("aws iam put-user-policy --user-name installer --policy-name installer --policy-document file://installer.json")
            .succeeded();
        let (id, secret) = self.stand.sandbox.admin_key(0);
        let admin = format!(
            "NAME=c{}\nadmin() {{ AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret} aws \"$@\"; }}\n",
            self.runs
        );
        let mut command = self.stand.anonymous(&(admin + script));
        command
            .env("AWS_ACCESS_KEY_ID", &self.key[0])
            .env("AWS_SECRET_ACCESS_KEY", &self.key[1]);
        run(&mut command)
    }

    /// The script goes through with the whole policy, and is refused with each action dropped.
    fn each_action_counts(&mut self, policy: &Value, script: impl Fn(&str) -> String) {
        let actions = policy["Statement"][0]["Action"].as_array().unwrap();
        let actions: Vec<&str> = actions
            .iter()
            .map(|action| action.as_str().unwrap())
            .collect();
        let whole = self.run(&actions, &script(""));
        whole.succeeded();
        for dropped in &actions {
            let mut rest = actions.clone();
            rest.retain(|action| action != dropped);
            let ran = self.run(&rest, &script(dropped));
            assert_ne!(ran.code, 0, "goes through without {dropped}: {ran:#?}");
            // A HEAD of S3 has no body that would name it.
            assert!(
                ran.err.contains(dropped) || *dropped == "s3:ListBucket",
                "without {dropped}: {ran:#?}"
            );
        }
    }
}

/// Creation, repetition with what others changed meanwhile, and deletion.
fn whole_life(dropped: &str) -> String {
    let create = |requests: &str| {
        format!(
            "podpass aws create-all --name $NAME --region eu-west-1 --credentials-requests-dir {requests} \
             --output-dir out --public-key-file keys/serviceaccount-signer.public\n"
        )
    };
    // Each takes the AWS CLI a second.
    let provider = "arn:aws:iam::123456789012:oidc-provider/$NAME-oidc.s3.eu-west-1.amazonaws.com";
    let meanwhile = match dropped {
        "" | "iam:AddClientIDToOpenIDConnectProvider" => format!(
            "admin iam remove-client-id-from-open-id-connect-provider --client-id openshift \
             --open-id-connect-provider-arn {provider}\n"
        ),
        "s3:GetObject" => "admin s3api delete-bucket-policy --bucket $NAME-oidc\n".to_owned(),
        "iam:UpdateRole" => {
            "admin iam update-role-description --role-name $NAME-app-app --description other >/dev/null\n".to_owned()
        }
        _ => String::new(),
    };
    format!(
        "{}{meanwhile}{}podpass aws delete --name $NAME --region eu-west-1 --yes\n",
        create("requests"),
        create("grown")
    )
}

/// The actions that a line of the list names in short: `- iam: CreateRole, DeleteRole (…)`.
fn listed(list: &str, service: &str) -> BTreeSet<String> {
    let line = list.lines().find_map(|line| {
        let rest = line.strip_prefix("- ")?.strip_prefix(service)?;
        rest.split_once(':').map(|(_, actions)| actions)
    });
    let line = line.unwrap().split(['(', '.']).next().unwrap();
    let names = line
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(|name| format!("{service}:{name}")).collect()
}

#[test]
fn seed_004_12_the_least_policy_is_enough_and_each_action_counts() {
    let Some(list) = test_data("../specs/ccoctl.md") else {
        return;
    };
    let Some(mut installer) = Installer::new() else {
        return;
    };
    // The documented list is the policy without what podpass adds, and with what it leaves out; both have their reason.
    let list = fs::read_to_string(list).unwrap();
    let (_, list) = list.split_once("## 9.").unwrap();
    let mut documented = BTreeSet::new();
    for service in ["iam", "s3", "cloudfront"] {
        documented.extend(listed(list, service));
    }
    assert_eq!(documented.len(), 14 + 16 + 3, "{documented:?}");
    let report = installer
        .stand
        .shell("podpass preflight --permissions -o json")
        .succeeded_json();
    let policy = installer.policy("");
    assert_eq!(report["policy"], policy);
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    let mut explained: BTreeSet<String> = actions
        .iter()
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    for permission in report["permissions"].as_array().unwrap() {
        let action = permission["action"].as_str().unwrap();
        let reason = permission["reason"].as_str().unwrap();
        let is_documented = permission["documented"] == true;
        match (is_documented, explained.contains(action)) {
            (true, true) => continue,
            (true, false) => assert!(explained.insert(action.to_owned())),
            (false, is_added) => assert_eq!(explained.remove(action), is_added),
        }
        assert!(!reason.is_empty(), "{permission}");
    }
    assert_eq!(explained, documented);

    // What is dropped is named.
    let policy_text = policy.to_string();
    for action in actions {
        let without = policy_text
            .replace(&format!("{action},"), "")
            .replace(&format!(",{action}"), "");
        assert_ne!(without, policy_text);
        installer.stand.home.write("mine.json", without);
        let checked = installer
            .stand
            .home
            .command(crate::stand::PODPASS)
            .args(["preflight", "--permissions", "--policy", "mine.json"])
            .output()
            .unwrap();
        assert_eq!(checked.status.code(), Some(1), "{action}");
        let named = String::from_utf8(checked.stdout).unwrap();
        assert_eq!(named, format!("{}\n", action.as_str().unwrap()));
    }
    // And so it is in fact.
    installer.each_action_counts(&policy, whole_life);

    // What is left out is for some cases: a bucket that has lost its policy, by which everybody reads.
    let mut actions: Vec<&str> = actions
        .iter()
        .map(|action| action.as_str().unwrap())
        .collect();
    let script = whole_life("s3:GetObject");
    installer.run(&actions, &script).failed(&["s3:GetObject"]);
    actions.push("s3:GetObject");
    installer.run(&actions, &script).succeeded();
}

#[test]
fn the_least_policy_of_bind_is_enough_and_each_action_counts() {
    let Some(mut installer) = Installer::new() else {
        return;
    };
    let policy = installer.policy("--for bind --for unbind");
    let provider = installer.stand.provider.clone();
    let other = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"issuer.example.org:sub":"system:serviceaccount:app:app"}}}}}}]}}"#
    );
    installer.stand.home.write("other.json", other);
    let side = format!("--plan-only aws --identity-provider-arn {provider} --name $NAME");
    installer.each_action_counts(&policy, |dropped| {
        let meanwhile = match dropped {
            "" | "iam:UpdateAssumeRolePolicy" => {
                "admin iam update-assume-role-policy --role-name $NAME-app-app --policy-document file://other.json\n"
            }
            "iam:TagRole" => "admin iam untag-role --role-name $NAME-app-app --tag-keys Name\n",
            _ => "",
        };
        format!(
            "podpass bind app/app --policy read.json {side}\n{meanwhile}podpass bind app/app --policy read.json {side}\n\
             podpass unbind app/app --yes {side}\n"
        )
    });
}

#[test]
fn a_policy_that_denies_or_is_none_is_told() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    let everything = r#"{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    stand.home.write("all.json", everything);
    stand
        .shell("podpass preflight --permissions --policy all.json")
        .said(&[]);
    let deny = r#"{"Version": "2012-10-17", "Statement": [
  {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}]}"#;
    stand.home.write("deny.json", deny);
    stand
        .shell("podpass preflight --permissions --policy all.json --policy deny.json")
        .ended(
            1,
            &[
                "lacks 2 actions for create-all and delete",
                "s3:DeleteBucket, denied at deny.json:2:3",
            ],
        );
    // A policy for creation alone is enough for creation alone.
    let create = stand.shell("podpass preflight --permissions --for create-iam-roles");
    stand.home.write("roles.json", create.succeeded());
    stand
        .shell("podpass preflight --permissions --for create-iam-roles --policy roles.json")
        .succeeded();
    stand
        .shell("podpass preflight --permissions --for create-all --policy roles.json")
        .ended(1, &["s3:CreateBucket"]);
    stand.home.write("bad.json", "{\"Statement\": 3}");
    stand
        .shell("podpass preflight --permissions --policy bad.json")
        .ended(2, &["bad.json:1:15"]);
    stand
        .shell("podpass preflight --permissions --for create-everything")
        .ended(2, &["create-everything", "create-all"]);
    stand
        .shell("podpass preflight")
        .ended(2, &["--permissions"]);
}
