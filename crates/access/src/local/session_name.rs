//! The session name of a local run, which carries the human.

use podpass_policy::SessionName;

/// Names a session after whoever runs the command: `podpass-<user>`, so that CloudTrail says who it was.
///
/// `system_user` is the operating system's; where it is missing, or `root`, which names nobody, `cluster_user` (the
/// kubeconfig's) stands for it. What STS does not accept in a name becomes `-`, and the name ends after 64 characters.
pub fn session_name(system_user: Option<&str>, cluster_user: Option<&str>) -> SessionName {
    let named = |user: &&str| !user.is_empty();
    let system_user = system_user.filter(named);
    let human = system_user
        .filter(|user| *user != "root")
        .or_else(|| cluster_user.filter(named))
        .or(system_user);
    let mut name = "podpass".to_owned();
    if let Some(human) = human {
        let accepted = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        name.push('-');
        name.extend(human.chars().map(|c| if accepted(c) { c } else { '-' }));
        // Only ASCII is left.
        name.truncate(MAX_LENGTH);
    }
    name.parse()
        .unwrap_or_else(|error| unreachable!("every character was checked: {error}"))
}

/// STS's limit of `RoleSessionName`.
const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_humans_in_the_characters_of_sts() {
        let long = "x".repeat(80);
        let cut = format!("podpass-{}", "x".repeat(56));
        for (system_user, cluster_user, expected) in [
            (Some("alice"), Some("admin"), "podpass-alice"),
            (
                Some("root"),
                Some("alice@example.com"),
                "podpass-alice@example.com",
            ),
            (
                None,
                Some("alice/api-prod:6443"),
                "podpass-alice-api-prod-6443",
            ),
            (Some(""), Some("system:admin"), "podpass-system-admin"),
            (Some("root"), None, "podpass-root"),
            (Some("root"), Some(""), "podpass-root"),
            (Some("Zoë B"), None, "podpass-Zo--B"),
            (None, None, "podpass"),
            (Some(&long), None, &cut),
        ] {
            let name = session_name(system_user, cluster_user);
            assert_eq!(name.as_str(), expected);
        }
    }
}
