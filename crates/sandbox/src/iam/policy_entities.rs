//! `ListEntitiesForPolicy`: who has a managed policy attached, or as its permissions boundary.

use podpass_policy::PolicyArn;

use super::Answer;
use super::managed::{self, read_arn};
use super::pages::Paging;
use super::rules;
use super::store::{Account, Grants};
use crate::call::Call;
use crate::query::{Constraint, Input, Pattern, Xml};

/// A role, user or group.
struct Entity<'a> {
    kind: &'static str,
    name: &'a str,
    id: &'a str,
    path: &'a str,
    grants: &'a Grants,
}

/// `ListEntitiesForPolicy`; groups come first, then roles, then users, and a page may hold some of each.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    let filter = input.optional::<String>("EntityFilter", &FILTER);
    let prefix = input.optional::<String>("PathPrefix", &rules::PATH_PREFIX);
    let usage = input.optional::<String>("PolicyUsageFilter", &USAGE);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let (arn, filter, prefix, usage) = (arn?, filter?, prefix?, usage?);
    managed::authorize(call, account, "iam:ListEntitiesForPolicy", &arn)?;
    let policy = arn
        .parse::<PolicyArn>()
        .ok()
        .filter(|arn| account.managed_document(arn).is_some())
        .ok_or_else(|| managed::missing(&arn))?;

    let uses = |grants: &Grants| match usage.as_deref() {
        Some("PermissionsBoundary") => grants.boundary.as_ref() == Some(&policy),
        Some("PermissionsPolicy") => grants.attached.contains(&policy),
        _ => grants.attached.contains(&policy) || grants.boundary.as_ref() == Some(&policy),
    };
    let entities = entities(account)
        .filter(|entity| match filter.as_deref() {
            None | Some("LocalManagedPolicy" | "AWSManagedPolicy") => true,
            Some(kind) => kind == entity.kind,
        })
        .filter(|entity| {
            prefix
                .as_deref()
                .is_none_or(|prefix| entity.path.starts_with(prefix))
        })
        .filter(|entity| uses(entity.grants));
    let keyed = entities.map(|entity| {
        let key = format!("{}\n{}", entity.kind, entity.name.to_ascii_lowercase());
        (key, entity)
    });
    let bound = format!("{arn}\n{filter:?}\n{prefix:?}\n{usage:?}");
    let page = paging?.cut(call, account, &bound, keyed)?;
    Ok(Xml::of(|xml| {
        for kind in KINDS {
            let of_kind = page.items.iter().filter(|entity| entity.kind == kind);
            xml.list(&format!("Policy{kind}s"), of_kind, |xml, entity| {
                xml.text(&format!("{kind}Name"), entity.name);
                xml.text(&format!("{kind}Id"), entity.id);
            });
        }
        page.write_end(xml);
    }))
}

/// Everybody who can hold policies, in the order of [`KINDS`], which is that of the alphabet too.
fn entities(account: &Account) -> impl Iterator<Item = Entity<'_>> {
    let groups = account.groups.values().map(|group| Entity {
        kind: "Group",
        name: &group.name,
        id: &group.id,
        path: group.path.as_str(),
        grants: &group.grants,
    });
    let roles = account.roles.values().map(|role| Entity {
        kind: "Role",
        name: role.arn.name().as_str(),
        id: &role.id,
        path: role.arn.path(),
        grants: &role.grants,
    });
    let users = account.users.values().map(|user| Entity {
        kind: "User",
        name: user.arn.name().as_str(),
        id: &user.id,
        path: user.arn.path(),
        grants: &user.grants,
    });
    groups.chain(roles).chain(users)
}

const KINDS: [&str; 3] = ["Group", "Role", "User"];
const FILTER: Constraint = Constraint {
    min: 1,
    max: 32,
    pattern: Some(Pattern {
        cited: "User|Role|Group|LocalManagedPolicy|AWSManagedPolicy",
        holds: |text| {
            KINDS.contains(&text) || matches!(text, "LocalManagedPolicy" | "AWSManagedPolicy")
        },
    }),
};
const USAGE: Constraint = Constraint {
    min: 1,
    max: 32,
    pattern: Some(Pattern {
        cited: "PermissionsPolicy|PermissionsBoundary",
        holds: |text| matches!(text, "PermissionsPolicy" | "PermissionsBoundary"),
    }),
};
