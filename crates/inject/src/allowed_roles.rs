//! Which roles the pods of a namespace may get: the namespace's own annotation.

use std::fmt;

use podpass_kinds::{Reason, annotations};
use podpass_policy::covers_arn;

/// The patterns of a namespace's annotation `podpass.dev/allowed-roles`.
///
/// A namespace without the annotation is not restricted, and there is no `AllowedRoles` for it; an empty annotation
/// allows no role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedRoles {
    patterns: Vec<String>,
}

/// A role that a namespace does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleNotAllowed {
    /// The role.
    pub role: String,
    /// How many roles are taken on before it; 0 is the service account's own.
    pub position: usize,
    /// The patterns, none of which covers it.
    pub patterns: Vec<String>,
}

impl AllowedRoles {
    /// Reads the annotation: patterns of ARNs, separated by commas or white space.
    ///
    /// `*` stands for any characters and `?` for one. Both keep to the field of the ARN that they stand in, and a pattern
    /// has the six fields of an ARN: `arn:aws:iam::123456789012:role/team-a/*`, `arn:*:iam::*:role/*`. What has not
    /// covers no role, and the refusal says so.
    pub fn parse(annotation: &str) -> Self {
        let items = annotation.split(|c: char| c == ',' || c.is_whitespace());
        let patterns = items.filter(|item| !item.is_empty());
        Self {
            patterns: patterns.map(str::to_owned).collect(),
        }
    }

    /// Decides about a pod, by [all roles that it would get](crate::roles); the first that no pattern covers is refused.
    ///
    /// What a container sets itself is not looked at: a program can ask STS for any role, and the role's trust policy is
    /// what stops it.
    pub fn check<R: AsRef<str>>(&self, roles: &[R]) -> Result<(), RoleNotAllowed> {
        let is_allowed = |role: &str| {
            let mut patterns = self.patterns.iter();
            patterns.any(|pattern| covers_arn(pattern, role))
        };
        let mut roles = roles.iter().map(AsRef::as_ref).enumerate();
        match roles.find(|(_, role)| !is_allowed(role)) {
            None => Ok(()),
            Some((position, role)) => Err(RoleNotAllowed {
                role: role.to_owned(),
                position,
                patterns: self.patterns.clone(),
            }),
        }
    }
}

impl RoleNotAllowed {
    /// Returns the reason code.
    pub fn reason(&self) -> Reason {
        Reason::RoleNotAllowed
    }
}

impl fmt::Display for RoleNotAllowed {
    /// One clause that names the role, and the patterns as far as somebody would read them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let annotation = annotations::ALLOWED_ROLES;
        let of = match self.position {
            0 => "",
            _ => " of the chain",
        };
        write!(
            f,
            "role `{}`{of} is not allowed in this namespace: ",
            self.role
        )?;
        if self.patterns.is_empty() {
            return write!(f, "its annotation `{annotation}` is empty");
        }
        write!(f, "its annotation `{annotation}` has only")?;
        for (index, pattern) in self.patterns.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { " " } else { ", " };
            write!(f, "{separator}`{pattern}`")?;
            if !covers_arn(pattern, pattern) {
                write!(f, " (no pattern of an ARN)")?;
            }
        }
        match self.patterns.len().checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

impl std::error::Error for RoleNotAllowed {}

/// How many patterns are shown, since an annotation may hold 256 KiB.
const SHOWN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/team-a/app";

    fn allows(annotation: &str, role: &str) -> bool {
        AllowedRoles::parse(annotation).check(&[role]).is_ok()
    }

    #[test]
    fn patterns_cover_roles() {
        for (annotation, expected) in [
            (ROLE, true),
            ("arn:aws:iam::123456789012:role/team-a/*", true),
            ("arn:aws:iam::123456789012:role/team-?/app", true),
            ("arn:*:iam::*:role/*", true),
            ("arn:aws:iam::123456789012:role/team-b/*", false),
            ("arn:aws:iam::123456789012:role/team-a/", false),
            ("arn:aws:iam::210987654321:role/*", false),
            ("arn:aws:iam::123456789012:ROLE/team-a/app", false),
            ("arn:aws:iam::123456789012:user/*", false),
            // Not an ARN with wildcards, in which each field is there.
            ("*", false),
            ("arn:aws:iam::*", false),
            ("team-a/app", false),
            ("", false),
            (" ,\n", false),
        ] {
            assert_eq!(allows(annotation, ROLE), expected, "{annotation}");
        }
    }

    /// IAM's paths may hold colons and slashes, so an account's number could be written into another account's role.
    #[test]
    fn a_wildcard_does_not_reach_over_the_field_it_stands_in() {
        let role = "arn:aws:iam::999999999999:role/x:123456789012:role/app";
        assert!(!allows("arn:aws:iam:*:123456789012:role/app", role));
        assert!(!allows("arn:aws:*:123456789012:role/*", role));
    }

    #[test]
    fn commas_and_white_space_separate() {
        let other = "arn:aws:iam::123456789012:role/other";
        for separator in [",", " ", "\n", "\t", ", ", " ,, \r\n"] {
            let annotation = format!("{other}{separator}{ROLE}");
            assert!(allows(&annotation, ROLE) && allows(&annotation, other));
        }
    }

    #[test]
    fn every_role_of_a_chain_has_to_be_allowed() {
        let allowed = AllowedRoles::parse("arn:aws:iam::123456789012:role/* anything");
        let target = "arn:aws:iam::210987654321:role/target";
        assert_eq!(allowed.check::<&str>(&[]), Ok(()));
        assert_eq!(allowed.check(&[ROLE, ROLE]), Ok(()));
        let refusal = allowed.check(&[ROLE, target]).unwrap_err();
        assert_eq!((refusal.role.as_str(), refusal.position), (target, 1));
        assert_eq!(refusal.reason(), Reason::RoleNotAllowed);
        assert_eq!(
            refusal.to_string(),
            format!(
                "role `{target}` of the chain is not allowed in this namespace: its annotation `podpass.dev/allowed-roles` \
                 has only `arn:aws:iam::123456789012:role/*`, `anything` (no pattern of an ARN)"
            )
        );
        let own = allowed.check(&[target, ROLE]).unwrap_err();
        assert_eq!(own.position, 0);
    }

    #[test]
    fn an_empty_annotation_allows_none_and_says_so() {
        let refusal = AllowedRoles::parse("").check(&[ROLE]).unwrap_err();
        assert!(refusal.to_string().ends_with("is empty"), "{refusal}");
    }

    #[test]
    fn a_long_list_is_cut_in_the_message() {
        let list: Vec<String> = (0..1000).map(|index| format!("p{index}")).collect();
        let refusal = AllowedRoles::parse(&list.join(","))
            .check(&[ROLE])
            .unwrap_err();
        assert_eq!(refusal.patterns.len(), 1000);
        assert!(refusal.to_string().ends_with("and 990 more"), "{refusal}");
        assert!(refusal.to_string().len() < 1000);
    }
}
