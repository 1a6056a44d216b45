//! Whom a pod runs as, and what gives it a role.

use std::borrow::Cow;

use podpass_kinds::{Reason, ServiceAccountView, annotations};

use crate::annotated::Annotated;
use crate::assignments::{Assignments, MappedRole};
use crate::{Note, Settings, chain};

/// Whom a pod runs as, and what decides beside the annotations.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The pod's service account; namespace and name alone when the cluster does not have it.
    pub service_account: &'a ServiceAccountView,
    /// What is assigned to service accounts elsewhere; `None` assigns nothing.
    pub assignments: Option<&'a Assignments>,
    /// A number drawn at random for this pod, so that pods do not all renew their tokens at the same time: where
    /// lifetimes are spread, one of exactly a day loses up to two hours, nothing at `u32::MAX`.
    pub draw: u32,
}

impl<'a> From<&'a ServiceAccountView> for Identity<'a> {
    /// Without assignments, and with the full lifetime.
    fn from(service_account: &'a ServiceAccountView) -> Self {
        Self {
            service_account,
            assignments: None,
            draw: u32::MAX,
        }
    }
}

/// Returns the roles that a pod of this identity gets, in the order in which it takes them on: the service account's own
/// and those of its chain, as they would be injected.
///
/// There are none for container credentials, whose role only EKS knows, and none without an identity.
pub fn roles<'a>(identity: impl Into<Identity<'a>>, settings: &'a Settings) -> Vec<Cow<'a, str>> {
    let identity = identity.into();
    let mut notes = Vec::new();
    let account = Account::of(identity.service_account, settings, &mut notes);
    let own = match account.find(identity.assignments, settings) {
        None | Some(Found::ContainerCredentials(_)) => return Vec::new(),
        Some(Found::Annotated(role_arn)) => role_arn,
        Some(Found::Mapped(entry)) => Cow::Borrowed(entry.role_arn.as_str()),
    };
    let chain = account.annotated.assume_role_chain;
    let chain = chain.map_or_else(Vec::new, |text| chain::parse(text, &mut notes));
    let own = match chain[..] {
        [] => own,
        _ => Cow::Owned(chain::written(&own)),
    };
    let mut roles = vec![own];
    roles.extend(chain.into_iter().map(Cow::Owned));
    roles
}

/// A service account and its annotations.
pub(crate) struct Account<'a> {
    pub(crate) view: &'a ServiceAccountView,
    pub(crate) annotated: Annotated<'a>,
}

/// What gives a service account its identity.
pub(crate) enum Found<'a> {
    /// The container credentials file, and what the ConfigMap says of the same service account.
    ContainerCredentials(Option<&'a MappedRole>),
    /// Its annotation.
    Annotated(Cow<'a, str>),
    /// The ConfigMap.
    Mapped(&'a MappedRole),
}

impl<'a> Account<'a> {
    pub(crate) fn of(
        view: &'a ServiceAccountView,
        settings: &'a Settings,
        notes: &mut Vec<Note>,
    ) -> Self {
        let annotated = Annotated::of_account(view, &settings.annotation_prefix, notes);
        Self { view, annotated }
    }

    /// Finds what gives the account an identity: the container credentials file, its annotation, the ConfigMap.
    pub(crate) fn find(
        &self,
        assignments: Option<&'a Assignments>,
        settings: &Settings,
    ) -> Option<Found<'a>> {
        let (namespace, name) = (self.view.namespace.as_str(), self.view.name.as_str());
        if let Some(assignments) = assignments
            && assignments.container_credentials.contains(namespace, name)
        {
            let entry = assignments.roles.exact(namespace, name);
            return Some(Found::ContainerCredentials(entry));
        }
        if let Some(role) = self.annotated.role_arn.filter(|role| !role.is_empty()) {
            let composed = settings
                .compose_role_arn
                .as_ref()
                .filter(|_| !role.contains("arn:"))
                .map(|home| Cow::Owned(home.role_arn(role)));
            return Some(Found::Annotated(composed.unwrap_or(Cow::Borrowed(role))));
        }
        let entry = assignments?.roles.get(namespace, name)?;
        (!entry.role_arn.is_empty()).then_some(Found::Mapped(entry))
    }

    pub(crate) fn without_role(&self) -> Note {
        let message = format!(
            "service account `{}/{}` has no annotation `{}`",
            self.view.namespace,
            self.view.name,
            self.annotated.name_of(annotations::ROLE_ARN)
        );
        Note::new(Reason::NoRoleAnnotation, "", message)
    }
}
