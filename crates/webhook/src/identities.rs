//! Who a pod is: its service account, and what is assigned to it elsewhere.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use podpass_cluster::resources::CONFIG_MAP;
use podpass_cluster::{Cluster, Indexed, ServiceAccountIndex};
use podpass_inject::{Assignments, ContainerCredentials, Identity, RoleMap};
use podpass_kinds::ServiceAccountView;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::causes::with_causes;
use crate::credentials_file::CredentialsFile;
use crate::metrics::Metrics;
use crate::reads::{Fetch, Read, Reads};

/// All sources of identities, as they are now.
pub(crate) struct Identities {
    index: Arc<ServiceAccountIndex>,
    /// Accounts that the index does not know; `None` leaves it at that.
    accounts: Option<Reads<ServiceAccountView, Fetch<ServiceAccountView>>>,
    grace: Duration,
    file: Option<CredentialsFile>,
    role_map: Option<WatchedRoleMap>,
    combined: Mutex<Combined>,
    metrics: Metrics,
}

/// What file and ConfigMap come to together; made anew when one of them is another than before.
#[derive(Default)]
struct Combined {
    roles: Arc<RoleMap>,
    credentials: Arc<ContainerCredentials>,
    both: Arc<Assignments>,
}

/// The ConfigMap of roles.
struct WatchedRoleMap {
    namespace: String,
    state: RwLock<RoleMapState>,
    reads: Reads<Arc<RoleMap>, Fetch<Arc<RoleMap>>>,
}

#[derive(Default)]
struct RoleMapState {
    roles: Arc<RoleMap>,
    synced: bool,
}

/// What is known of a service account when a pod has to be decided.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) account: ServiceAccountView,
    /// Whether the cluster has the account.
    pub(crate) exists: bool,
    /// `None` where nothing is assigned to anybody but by annotations.
    pub(crate) assignments: Option<Arc<Assignments>>,
}

impl Known {
    /// Whether anything could give the account an identity; without, its pods need not be looked at.
    pub(crate) fn may_have_identity(&self) -> bool {
        let (namespace, name) = (&self.account.namespace, &self.account.name);
        !self.account.annotations.is_empty()
            || self.has_container_credentials()
            || self
                .assignments
                .as_ref()
                .is_some_and(|assigned| assigned.roles.get(namespace, name).is_some())
    }

    /// Whom a pod of the account runs as.
    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity {
            assignments: self.assignments.as_deref(),
            ..Identity::from(&self.account)
        }
    }

    /// Whether the file names the account.
    pub(crate) fn has_container_credentials(&self) -> bool {
        let (namespace, name) = (&self.account.namespace, &self.account.name);
        self.assignments
            .as_ref()
            .is_some_and(|assigned| assigned.container_credentials.contains(namespace, name))
    }
}

/// An API server that could not be asked; why.
#[derive(Debug)]
pub(crate) struct NotAsked(pub(crate) Arc<str>);

/// What [`Identities`] are made of.
pub(crate) struct Sources<'a> {
    pub(crate) index: Arc<ServiceAccountIndex>,
    pub(crate) cluster: Cluster,
    /// Whether accounts that the index does not know are read.
    pub(crate) reads_unknown: bool,
    pub(crate) grace: Duration,
    pub(crate) credentials_file: Option<&'a Path>,
    /// The namespace of the ConfigMap that is watched.
    pub(crate) role_map_in: Option<&'a str>,
    pub(crate) metrics: Metrics,
}

impl Identities {
    pub(crate) fn new(sources: Sources<'_>) -> Result<Self, String> {
        let file = sources.credentials_file.map(CredentialsFile::open);
        let cluster = sources.cluster;
        let role_map = sources
            .role_map_in
            .map(|namespace| WatchedRoleMap::new(&cluster, namespace));
        let fetch: Fetch<ServiceAccountView> = Box::new(move |key| {
            let cluster = cluster.clone();
            Box::pin(async move {
                let (namespace, name) = key.split_once('/').unwrap_or_default();
                let found = cluster.service_account(namespace, name).await?;
                Ok(found.map(|account| account.view))
            })
        });
        Ok(Self {
            index: sources.index,
            accounts: sources.reads_unknown.then(|| Reads::new(fetch)),
            grace: sources.grace,
            file: file.transpose()?,
            role_map,
            combined: Mutex::default(),
            metrics: sources.metrics,
        })
    }

    /// The service accounts that are known.
    pub(crate) fn index(&self) -> &ServiceAccountIndex {
        &self.index
    }

    /// Whether all that is watched has been read once.
    pub(crate) fn is_synced(&self) -> bool {
        let role_map = self.role_map.as_ref();
        self.index.is_synced() && role_map.is_none_or(|watched| watched.state().synced)
    }

    /// Takes on what the ConfigMap holds now; `None` when there is none.
    pub(crate) fn take_role_map(&self, object: Option<&Value>) {
        let Some(watched) = &self.role_map else {
            return;
        };
        let read = object.map(role_map_of).transpose();
        let mut state = watched
            .state
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        state.synced = true;
        match read {
            Ok(roles) => {
                let roles = roles.unwrap_or_default();
                for rejected in roles.rejected() {
                    tracing::warn!(%rejected, "ConfigMap {ROLE_MAP}");
                }
                state.roles = Arc::new(roles);
            }
            Err(error) => {
                tracing::error!(
                    error,
                    "ConfigMap {ROLE_MAP} not used; what it said before stays"
                );
            }
        }
    }

    /// Where the ConfigMap is that is watched.
    pub(crate) fn role_map_namespace(&self) -> Option<&str> {
        self.role_map
            .as_ref()
            .map(|watched| watched.namespace.as_str())
    }

    /// Finds out who a pod of this service account is. What the watches have not told yet is read from the API server.
    pub(crate) async fn of(
        &self,
        namespace: &str,
        name: &str,
        deadline: Instant,
    ) -> Result<Known, NotAsked> {
        let assignments = self.assignments(deadline).await?;
        let view = || ServiceAccountView {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..ServiceAccountView::default()
        };
        let found = match self.index.get(namespace, name) {
            Indexed::Annotated(account) => Some(account),
            Indexed::Plain => Some(view()),
            // As with the peer, a pod without a service account has none; API servers name one in every pod.
            Indexed::Unknown if name.is_empty() => None,
            Indexed::Unknown => self.read(namespace, name, deadline).await?,
        };
        let exists = found.is_some();
        if !exists {
            self.metrics.missing_service_accounts.inc();
        }
        Ok(Known {
            account: found.unwrap_or_else(view),
            exists,
            assignments,
        })
    }

    /// What is known of a service account without asking anybody; `None` while the watches have not told of it.
    pub(crate) fn at_hand(&self, namespace: &str, name: &str) -> Option<Known> {
        let account = match self.index.get(namespace, name) {
            Indexed::Annotated(account) => account,
            Indexed::Plain => ServiceAccountView {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                ..ServiceAccountView::default()
            },
            Indexed::Unknown => return None,
        };
        let roles = self.role_map.as_ref().map(|watched| {
            let state = watched.state();
            Arc::clone(&state.roles)
        });
        Some(Known {
            account,
            exists: true,
            assignments: self.combined(roles),
        })
    }

    async fn assignments(&self, deadline: Instant) -> Result<Option<Arc<Assignments>>, NotAsked> {
        let roles = match &self.role_map {
            None => None,
            Some(watched) => Some(watched.current(deadline).await?),
        };
        Ok(self.combined(roles))
    }

    /// What file and ConfigMap come to together; `None` where there is neither.
    fn combined(&self, roles: Option<Arc<RoleMap>>) -> Option<Arc<Assignments>> {
        let credentials = self.file.as_ref().map(CredentialsFile::current);
        if roles.is_none() && credentials.is_none() {
            return None;
        }
        let mut combined = self.combined.lock().unwrap_or_else(PoisonError::into_inner);
        Some(combined.of(roles.unwrap_or_default(), credentials.unwrap_or_default()))
    }

    async fn read(
        &self,
        namespace: &str,
        name: &str,
        deadline: Instant,
    ) -> Result<Option<ServiceAccountView>, NotAsked> {
        let Some(accounts) = &self.accounts else {
            return Ok(None);
        };
        let key = format!("{namespace}/{name}");
        let grace_ends = Instant::now() + self.grace;
        loop {
            let read = accounts.read(&key, deadline).await;
            self.metrics.count_read(&read);
            match read {
                Read::Found(account) => return Ok(Some(account)),
                Read::Failed(why) => return Err(NotAsked(why)),
                // `--service-account-lookup-grace-period`: a pod may come before its account.
                Read::Missing if Instant::now() + GRACE_STEP < grace_ends.min(deadline) => {
                    sleep(GRACE_STEP).await;
                }
                Read::Missing => return Ok(None),
            }
        }
    }
}

impl Combined {
    fn of(
        &mut self,
        roles: Arc<RoleMap>,
        credentials: Arc<ContainerCredentials>,
    ) -> Arc<Assignments> {
        if !Arc::ptr_eq(&roles, &self.roles) || !Arc::ptr_eq(&credentials, &self.credentials) {
            self.both = Arc::new(Assignments {
                container_credentials: credentials.as_ref().clone(),
                roles: roles.as_ref().clone(),
            });
            (self.roles, self.credentials) = (roles, credentials);
        }
        Arc::clone(&self.both)
    }
}

impl WatchedRoleMap {
    fn new(cluster: &Cluster, namespace: &str) -> Self {
        let (cluster, place) = (cluster.clone(), namespace.to_owned());
        let fetch: Fetch<Arc<RoleMap>> = Box::new(move |_| {
            let (cluster, place) = (cluster.clone(), place.clone());
            Box::pin(async move {
                let object = cluster.get(CONFIG_MAP, Some(&place), ROLE_MAP).await?;
                let roles = object.as_ref().map(role_map_of).transpose();
                // One that cannot be used is none; the watch says so in the log.
                Ok(Some(Arc::new(roles.ok().flatten().unwrap_or_default())))
            })
        });
        Self {
            namespace: namespace.to_owned(),
            state: RwLock::default(),
            reads: Reads::new(fetch),
        }
    }

    fn state(&self) -> std::sync::RwLockReadGuard<'_, RoleMapState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn current(&self, deadline: Instant) -> Result<Arc<RoleMap>, NotAsked> {
        {
            let state = self.state();
            if state.synced {
                return Ok(Arc::clone(&state.roles));
            }
        }
        match self.reads.read(ROLE_MAP, deadline).await {
            Read::Found(roles) => Ok(roles),
            Read::Missing => Ok(Arc::default()),
            Read::Failed(why) => Err(NotAsked(why)),
        }
    }
}

/// Reads the ConfigMap's value `config`.
fn role_map_of(object: &Value) -> Result<RoleMap, String> {
    let config = object.pointer("/data/config").and_then(Value::as_str);
    let config = config.ok_or_else(|| "it has no text `data.config`".to_owned())?;
    RoleMap::parse(config).map_err(|error| format!("`data.config`: {}", with_causes(&error)))
}

/// The ConfigMap's name; the peer's.
pub(crate) const ROLE_MAP: &str = "pod-identity-webhook";
/// The time between two questions for an account that may still come.
const GRACE_STEP: Duration = Duration::from_millis(50);
