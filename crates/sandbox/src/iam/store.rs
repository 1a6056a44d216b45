//! What an account holds: users, groups, access keys, roles, instance profiles, managed policies and OIDC providers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use podpass_policy::{
    AccountId, Attached, Document, DocumentKind, Path, PolicyArn, PolicyError, PolicyName, RoleArn,
    UserArn, UserName,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::aws_managed;
use super::tags::Tags;
use crate::renaming::Renamed;
use crate::service_controls::ServiceControls;
use crate::settings::Secret;
use crate::state::{Table, secret_text};

/// One AWS account's IAM.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) service_controls: ServiceControls,
    pub(crate) users: NamedRows<User>,
    pub(crate) groups: NamedRows<Group>,
    pub(crate) roles: NamedRows<Role>,
    pub(crate) instance_profiles: NamedRows<InstanceProfile>,
    pub(crate) policies: NamedRows<ManagedPolicy>,
    /// By ARN, in which AWS keeps the case of the URL.
    pub(crate) providers: Table<String, OidcProvider>,
    /// By access key id.
    pub(crate) access_keys: Table<String, AccessKey>,
}

/// Things found by a name whose case does not matter, and listed in the order of their names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Named<T>(BTreeMap<String, T>);

/// The same, as rows that remember what a change touches.
#[derive(Clone, Debug)]
pub(crate) struct NamedRows<T>(Table<String, T>);

/// An IAM user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub(crate) arn: UserArn,
    /// `AIDA…`.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) grants: Grants,
    /// The unique ids of its groups, which a renaming leaves as they are.
    pub(crate) groups: BTreeSet<String>,
    pub(crate) tags: Tags,
}

/// A group of users.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) path: Path,
    /// `AGPA…`.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) grants: Grants,
}

/// A long-term access key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    #[serde(with = "secret_text")]
    pub(crate) secret: Secret,
    pub(crate) user: UserName,
    pub(crate) status: KeyStatus,
    pub(crate) created: Timestamp,
}

/// Whether an access key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyStatus {
    Active,
    Inactive,
}

/// An IAM role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    pub(crate) arn: RoleArn,
    /// `AROA…`; a role made again under the same name has another one.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) description: Option<String>,
    pub(crate) max_session_seconds: u32,
    #[serde(deserialize_with = "PolicyText::trust")]
    pub(crate) trust: PolicyText,
    pub(crate) grants: Grants,
    pub(crate) tags: Tags,
}

/// What hands a role to EC2 instances.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstanceProfile {
    pub(crate) name: String,
    pub(crate) path: Path,
    /// `AIPA…`.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    /// The name of its role; more than one is never there.
    pub(crate) role: Option<String>,
    pub(crate) tags: Tags,
}

/// What gives a user, group or role its permissions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grants {
    pub(crate) inline: Named<InlinePolicy>,
    /// In the order of attachment.
    pub(crate) attached: Vec<PolicyArn>,
    pub(crate) boundary: Option<PolicyArn>,
}

/// A policy that lives in its user, group or role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InlinePolicy {
    pub(crate) name: PolicyName,
    #[serde(deserialize_with = "PolicyText::permissions")]
    pub(crate) policy: PolicyText,
}

/// A policy document as it was sent, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct PolicyText {
    pub(crate) text: String,
    pub(crate) document: Arc<Document>,
}

/// A customer managed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagedPolicy {
    pub(crate) arn: PolicyArn,
    /// `ANPA…`.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) description: Option<String>,
    /// Oldest first; never empty.
    pub(crate) versions: Vec<PolicyVersion>,
    /// The number of the version in force.
    pub(crate) default_version: u32,
    /// Numbers are not given twice, also after a deletion.
    pub(crate) next_version: u32,
    pub(crate) tags: Tags,
}

/// One version of a managed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyVersion {
    /// 1 is shown as `v1`.
    pub(crate) number: u32,
    #[serde(deserialize_with = "PolicyText::permissions")]
    pub(crate) policy: PolicyText,
    pub(crate) created: Timestamp,
}

/// An OIDC provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcProvider {
    /// What an exchange needs of it: ARN and client ids.
    pub(crate) known: podpass_exchange::OidcProvider,
    pub(crate) thumbprints: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) tags: Tags,
}

/// The policies that a user, with its groups, or a role holds, each with the name to show for it.
#[derive(Debug, Default)]
pub(crate) struct HeldPolicies<'a> {
    pub(crate) identity: Vec<NamedDocument<'a>>,
    pub(crate) boundary: Option<NamedDocument<'a>>,
}

/// A policy document and the name to show for it.
#[derive(Debug)]
pub(crate) struct NamedDocument<'a> {
    pub(crate) source: String,
    pub(crate) document: &'a Document,
}

impl Account {
    /// An account without anything in it.
    pub(crate) fn new(id: AccountId) -> Self {
        Self {
            id,
            service_controls: ServiceControls::default(),
            users: NamedRows::default(),
            groups: NamedRows::default(),
            roles: NamedRows::default(),
            instance_profiles: NamedRows::default(),
            policies: NamedRows::default(),
            providers: Table::default(),
            access_keys: Table::default(),
        }
    }

    /// The role of that ARN, path included.
    pub(crate) fn role_at(&self, arn: &RoleArn) -> Option<&Role> {
        self.roles
            .find(arn.name().as_str())
            .filter(|role| role.arn == *arn)
    }

    /// The user of that unique id.
    pub(crate) fn user_by_id(&self, id: &str) -> Option<&User> {
        self.users.values().find(|user| user.id == id)
    }

    /// The policies of the role of that name, unless it is another one by now.
    pub(crate) fn policies_of_role(&self, name: &str, id: &str) -> Option<HeldPolicies<'_>> {
        let role = self.roles.find(name).filter(|role| role.id == id)?;
        Some(self.held_policies(&role.grants, &format!("role {name}")))
    }

    /// The policies of the user of that name, unless it is another one by now.
    pub(crate) fn policies_of_user(&self, name: &str, id: &str) -> Option<HeldPolicies<'_>> {
        let user = self.users.find(name).filter(|user| user.id == id)?;
        let mut held = self.held_policies(&user.grants, &format!("user {name}"));
        for group in self.groups_of(user) {
            let of_group = self.held_policies(&group.grants, &format!("group {}", group.name));
            held.identity.extend(of_group.identity);
        }
        Some(held)
    }

    /// The groups of a user, in the order of their names.
    pub(crate) fn groups_of<'a>(&'a self, user: &'a User) -> impl Iterator<Item = &'a Group> {
        self.groups
            .values()
            .filter(|group| user.groups.contains(&group.id))
    }

    /// The users of a group, in the order of their names.
    pub(crate) fn members_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a User> {
        self.users
            .values()
            .filter(|user| user.groups.contains(&group.id))
    }

    /// The instance profiles that hold the role of that name.
    pub(crate) fn profiles_of<'a>(
        &'a self,
        role: &'a str,
    ) -> impl Iterator<Item = &'a InstanceProfile> {
        self.instance_profiles.values().filter(|profile| {
            profile
                .role
                .as_deref()
                .is_some_and(|kept| kept.eq_ignore_ascii_case(role))
        })
    }

    /// The document in force of a managed policy of this account or of AWS.
    pub(crate) fn managed_document(&self, arn: &PolicyArn) -> Option<&Document> {
        if arn.account().is_none() {
            return aws_managed::find(arn).map(|policy| &*policy.policy.document);
        }
        self.managed_policy(arn).and_then(ManagedPolicy::document)
    }

    /// The customer managed policy of that ARN.
    pub(crate) fn managed_policy(&self, arn: &PolicyArn) -> Option<&ManagedPolicy> {
        self.policies
            .find(arn.name().as_str())
            .filter(|policy| policy.arn == *arn)
    }

    /// The policies behind a set of grants; `holder` is for people, such as `role r`.
    fn held_policies<'a>(&'a self, grants: &'a Grants, holder: &str) -> HeldPolicies<'a> {
        let inline = grants.inline.values().map(|inline| NamedDocument {
            source: format!("inline policy {} of {holder}", inline.name),
            document: &inline.policy.document,
        });
        let attached = grants
            .attached
            .iter()
            .filter_map(|arn| self.named_managed(arn));
        HeldPolicies {
            identity: inline.chain(attached).collect(),
            boundary: grants
                .boundary
                .as_ref()
                .and_then(|arn| self.named_managed(arn)),
        }
    }

    /// A managed policy under its ARN.
    pub(crate) fn named_managed(&self, arn: &PolicyArn) -> Option<NamedDocument<'_>> {
        let document = self.managed_document(arn)?;
        Some(NamedDocument {
            source: format!("managed policy {arn}"),
            document,
        })
    }
}

impl<T> Named<T> {
    pub(crate) fn find(&self, name: &str) -> Option<&T> {
        self.0.get(&fold(name))
    }

    pub(crate) fn insert(&mut self, name: &str, value: T) {
        self.0.insert(fold(name), value);
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<T> {
        self.0.remove(&fold(name))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> NamedRows<T> {
    pub(crate) fn find(&self, name: &str) -> Option<&T> {
        self.0.get(&fold(name))
    }

    pub(crate) fn find_mut(&mut self, name: &str) -> Option<&mut T>
    where
        T: Clone,
    {
        self.0.get_mut(&fold(name))
    }

    pub(crate) fn insert(&mut self, name: &str, value: T) {
        self.0.insert(fold(name), value);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(&fold(name));
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The rows by their names in lower case, for who keeps them.
    pub(crate) fn table(&self) -> &Table<String, T> {
        &self.0
    }

    pub(crate) fn settle(&mut self) {
        self.0.settle_flat();
    }

    pub(crate) fn undo(&mut self) {
        self.0.undo_flat();
    }
}

impl<T> Default for NamedRows<T> {
    fn default() -> Self {
        Self(Table::default())
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl PolicyText {
    /// Reads a document and keeps its text.
    pub(crate) fn parse(text: String, kind: DocumentKind) -> Result<Self, PolicyError> {
        let document = Document::parse(&text, kind)?;
        Ok(Self {
            text,
            document: Arc::new(document),
        })
    }

    /// Reads a trust policy that was kept.
    fn trust<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::kept(deserializer, DocumentKind::Trust)
    }

    /// Reads a permissions policy that was kept.
    fn permissions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::kept(deserializer, DocumentKind::Permissions)
    }

    fn kept<'de, D: Deserializer<'de>>(
        deserializer: D,
        kind: DocumentKind,
    ) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?, kind).map_err(de::Error::custom)
    }

    /// Shows a principal as it is called now.
    pub(crate) fn rename(&mut self, renamed: &Renamed) {
        renamed.apply(Arc::make_mut(&mut self.document));
        self.text = self.document.to_json();
    }

    /// The length that quotas count: without white space.
    pub(crate) fn counted_len(&self) -> usize {
        self.text
            .chars()
            .filter(|character| !character.is_whitespace())
            .count()
    }
}

/// A policy is its text.
impl Serialize for PolicyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl ManagedPolicy {
    /// The version of that number.
    pub(crate) fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }

    fn document(&self) -> Option<&Document> {
        self.version(self.default_version)
            .map(|version| &*version.policy.document)
    }
}

impl NamedDocument<'_> {
    pub(crate) fn attached(&self) -> Attached<'_> {
        Attached {
            source: &self.source,
            document: self.document,
        }
    }
}

fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}
