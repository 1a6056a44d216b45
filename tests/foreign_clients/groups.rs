//! Groups, by the AWS CLI.

use serde_json::Value;

use crate::stand::{ACCOUNT, Stand, both};

#[test]
fn the_aws_cli_gives_a_user_permissions_through_a_group() {
    let Some(stand) = Stand::new() else { return };
    let read =
        |arguments: &[&str]| -> Value { serde_json::from_str(&stand.aws(arguments)).unwrap() };
    stand.aws(&["iam", "create-user", "--user-name", "u"]);
    stand.aws(&[
        "iam",
        "create-group",
        "--group-name",
        "g",
        "--path",
        "/team/",
    ]);
    stand.aws(&[
        "iam",
        "attach-group-policy",
        "--group-name",
        "g",
        "--policy-arn",
        "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
    ]);
    let pair = ["--group-name", "g", "--user-name", "u"];
    stand.aws(&[["iam", "add-user-to-group"].as_slice(), &pair].concat());
    let group = read(&["iam", "get-group", "--group-name", "g"]);
    assert_eq!(
        group["Group"]["Arn"],
        format!("arn:aws:iam::{ACCOUNT}:group/team/g")
    );
    assert_eq!(group["Users"][0]["UserName"], "u");
    let groups = read(&["iam", "list-groups-for-user", "--user-name", "u"]);
    assert_eq!(groups["Groups"][0]["GroupName"], "g");

    let listed = stand.aws_as_user("u", &["s3", "ls"]);
    assert!(listed.status.success(), "{}", both(&listed));
    stand.aws(&[["iam", "remove-user-from-group"].as_slice(), &pair].concat());
    let listed = stand.aws_as_user("u", &["s3", "ls"]);
    assert!(both(&listed).contains("AccessDenied"), "{}", both(&listed));
}
