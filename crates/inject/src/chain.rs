//! Roles that a pod takes on one after the other, without code: an AWS configuration file whose default profile is the
//! last of them.
//!
//! Every SDK reads such a file, and refreshes along the chain by itself. The pair `AWS_ROLE_ARN` and
//! `AWS_WEB_IDENTITY_TOKEN_FILE` has to be absent, since SDKs prefer it to a profile. Source: the settings `role_arn`,
//! `source_profile` and `web_identity_token_file` of the AWS SDKs and Tools Reference Guide.

use std::fmt::Write as _;

use podpass_kinds::{Reason, annotations};

use crate::Note;
use crate::role_arn::is_role_arn;

/// Reads the annotation: the roles after the service account's own. Empty items do not count.
///
/// What is no role's ARN is noted and stays, so that STS names it to whoever looks at the pod.
pub(crate) fn parse(text: &str, notes: &mut Vec<Note>) -> Vec<String> {
    let items = text.split(',').map(str::trim);
    let roles: Vec<String> = items.filter(|item| !item.is_empty()).map(written).collect();
    for role in roles.iter().filter(|role| !is_role_arn(role)) {
        let message = format!(
            "`{role}` in `{}` is not the ARN of an IAM role; it is injected as it stands",
            annotations::ASSUME_ROLE_CHAIN
        );
        notes.push(Note::new(Reason::ChainInvalid, "", message));
    }
    roles
}

/// A role as the file may hold it: a line break would end the setting that it is written to, and begin another.
pub(crate) fn written(role: &str) -> String {
    role.replace(char::is_control, "?")
}

/// The AWS configuration file that takes on roles one after the other.
///
/// Its profile `default` is the last of `roles`, and each role's source is the one before it, up to the first, whose
/// source is the token in `token_file`. All sessions are called `session_name`, or what an SDK calls them.
pub fn chain_config<R: AsRef<str>>(
    roles: &[R],
    token_file: &str,
    session_name: Option<&str>,
) -> String {
    let mut text = String::new();
    for (index, role) in roles.iter().enumerate().rev() {
        let _ = if index + 1 == roles.len() {
            writeln!(text, "[default]")
        } else {
            writeln!(text, "[profile podpass-{index}]")
        };
        let _ = writeln!(text, "{ROLE}{}", role.as_ref());
        let _ = match index.checked_sub(1) {
            Some(source) => writeln!(text, "source_profile = podpass-{source}"),
            None => writeln!(text, "web_identity_token_file = {token_file}"),
        };
        if let Some(name) = session_name {
            let _ = writeln!(text, "role_session_name = {name}");
        }
    }
    text
}

/// Reads the roles of such a file back, in the order in which they are taken on.
pub fn chain_roles(config: &str) -> Vec<&str> {
    let roles = config.lines().filter_map(|line| line.strip_prefix(ROLE));
    let mut roles: Vec<&str> = roles.collect();
    roles.reverse();
    roles
}

const ROLE: &str = "role_arn = ";

/// The configuration file's name in the token's volume.
pub const CONFIG_FILE_NAME: &str = "aws-config";

/// Where the volume takes it from: the annotation [`annotations::AWS_CONFIG`].
pub(crate) const CONFIG_FIELD: &str = "metadata.annotations['podpass.dev/aws-config']";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_comes_from_the_one_before() {
        let roles = [
            "arn:aws:iam::111:role/a",
            "arn:aws:iam::222:role/b",
            "arn:aws:iam::333:role/c",
        ];
        let text = chain_config(&roles, "/t/token", Some("ns.sa"));
        let expected = "[default]\n\
             role_arn = arn:aws:iam::333:role/c\n\
             source_profile = podpass-1\n\
             role_session_name = ns.sa\n\
             [profile podpass-1]\n\
             role_arn = arn:aws:iam::222:role/b\n\
             source_profile = podpass-0\n\
             role_session_name = ns.sa\n\
             [profile podpass-0]\n\
             role_arn = arn:aws:iam::111:role/a\n\
             web_identity_token_file = /t/token\n\
             role_session_name = ns.sa\n";
        assert_eq!(text, expected);
        assert_eq!(chain_roles(&text), roles);
    }

    #[test]
    fn the_annotation_is_a_list_of_role_arns() {
        let mut notes = Vec::new();
        let one = "arn:aws:iam::123456789012:role/one";
        let roles = parse(&format!(" {one} ,, not\na role,"), &mut notes);
        assert_eq!(roles, [one, "not?a role"]);
        let reasons: Vec<Reason> = notes.iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::ChainInvalid]);
        assert!(notes[0].message.contains("`not?a role`"), "{}", notes[0]);
        assert_eq!(parse(" , ", &mut notes), [""; 0]);
    }

    #[test]
    fn the_volume_reads_the_annotation_that_is_written() {
        assert_eq!(
            CONFIG_FIELD,
            format!("metadata.annotations['{}']", annotations::AWS_CONFIG)
        );
    }
}
