//! The Principal element.

use super::values::Values;

/// The Principal or NotPrincipal element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalClause {
    /// Those who are meant.
    Principal(PrincipalSet),
    /// Everybody but these is meant.
    NotPrincipal(PrincipalSet),
}

/// A set of principals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalSet {
    /// `"*"`: everybody, which means the same as `{"AWS": "*"}`.
    Everyone,
    /// Principals by kind, in the order of the text; each kind stands once.
    Listed(Vec<(PrincipalKind, Values)>),
}

/// The kind of a principal: the member name inside the Principal element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// Accounts, users, roles and sessions.
    Aws,
    /// OIDC and SAML providers.
    Federated,
    /// AWS services.
    Service,
    /// S3's own account ids.
    CanonicalUser,
}

impl PrincipalClause {
    /// `"Principal": "*"`.
    pub const fn everyone() -> Self {
        Self::Principal(PrincipalSet::Everyone)
    }

    /// `"Principal": {"AWS": …}`.
    pub fn aws(values: impl Into<Values>) -> Self {
        Self::of(PrincipalKind::Aws, values)
    }

    /// `"Principal": {"Federated": …}`.
    pub fn federated(values: impl Into<Values>) -> Self {
        Self::of(PrincipalKind::Federated, values)
    }

    /// `"Principal": {"Service": …}`.
    pub fn service(values: impl Into<Values>) -> Self {
        Self::of(PrincipalKind::Service, values)
    }

    /// The set, whether it is meant or exempted.
    pub fn set(&self) -> &PrincipalSet {
        match self {
            Self::Principal(set) | Self::NotPrincipal(set) => set,
        }
    }

    fn of(kind: PrincipalKind, values: impl Into<Values>) -> Self {
        Self::Principal(PrincipalSet::Listed(vec![(kind, values.into())]))
    }
}

impl PrincipalSet {
    /// The principals of one kind; none for `"*"`.
    pub fn of_kind(&self, kind: PrincipalKind) -> &[String] {
        match self {
            Self::Everyone => &[],
            Self::Listed(kinds) => kinds
                .iter()
                .find(|(listed, _)| *listed == kind)
                .map_or(&[], |(_, values)| values),
        }
    }
}

impl PrincipalKind {
    /// Every kind, in AWS's order.
    pub const ALL: [Self; 4] = [
        Self::Aws,
        Self::Federated,
        Self::Service,
        Self::CanonicalUser,
    ];

    /// The member name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Federated => "Federated",
            Self::Service => "Service",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}
