//! Which roles the pods of each namespace may get (`--enforce-allowed-roles`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use podpass_cluster::resources::NAMESPACE;
use podpass_cluster::{Cluster, WatchedAnnotations};
use podpass_inject::AllowedRoles;
use podpass_kinds::annotations::ALLOWED_ROLES;
use tokio::time::Instant;

use crate::identities::NotAsked;
use crate::reads::{Fetch, Read, Reads};

/// The rules of all namespaces, as a watch keeps them; a namespace that it has not told of is read.
pub(crate) struct Namespaces {
    rules: Rules,
    reads: Reads<Rule, Fetch<Rule>>,
}

/// `None` where the namespace has no annotation and so restricts nothing.
type Rule = Option<Arc<AllowedRoles>>;

#[derive(Debug, Default)]
pub(crate) struct Rules(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    rules: HashMap<String, Rule>,
    /// What the list being read has named so far.
    listed: HashSet<String>,
    synced: bool,
}

impl Namespaces {
    pub(crate) fn new(cluster: Cluster) -> Self {
        let fetch: Fetch<Rule> = Box::new(move |name| {
            let cluster = cluster.clone();
            Box::pin(async move {
                let found = cluster.get(NAMESPACE, None, &name).await?;
                Ok(found.map(|namespace| {
                    rule_of(namespace["metadata"]["annotations"][ALLOWED_ROLES].as_str())
                }))
            })
        });
        Self {
            rules: Rules::default(),
            reads: Reads::new(fetch),
        }
    }

    /// Where the watch puts what it learns.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether all namespaces have been read once.
    pub(crate) fn is_synced(&self) -> bool {
        self.rules.table().synced
    }

    /// The rule of a namespace.
    pub(crate) async fn rule(&self, name: &str, deadline: Instant) -> Result<Rule, NotAsked> {
        if let Some(rule) = self.rules.table().rules.get(name) {
            return Ok(rule.clone());
        }
        match self.reads.read(name, deadline).await {
            Read::Found(rule) => Ok(rule),
            // A namespace that is gone takes no pods.
            Read::Missing => Ok(None),
            Read::Failed(why) => Err(NotAsked(why)),
        }
    }
}

impl Rules {
    fn table(&self) -> std::sync::RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_mut(&self) -> std::sync::RwLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchedAnnotations for Rules {
    fn begin_list(&self) {
        self.table_mut().listed.clear();
    }

    fn put(&self, _: &str, name: &str, annotations: &BTreeMap<String, String>) {
        let rule = rule_of(annotations.get(ALLOWED_ROLES).map(String::as_str));
        let mut table = self.table_mut();
        table.rules.insert(name.to_owned(), rule);
        table.listed.insert(name.to_owned());
    }

    fn remove(&self, _: &str, name: &str) {
        self.table_mut().rules.remove(name);
    }

    fn end_list(&self) {
        let mut table = self.table_mut();
        let listed = std::mem::take(&mut table.listed);
        table.rules.retain(|name, _| listed.contains(name));
        table.synced = true;
    }
}

fn rule_of(annotation: Option<&str>) -> Rule {
    annotation.map(|text| Arc::new(AllowedRoles::parse(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(ALLOWED_ROLES.to_owned(), text.to_owned())])
    }

    #[test]
    fn rules_follow_the_watch() {
        let rules = Rules::default();
        rules.begin_list();
        rules.put("", "free", &BTreeMap::new());
        rules.put("", "team", &annotated("arn:aws:iam::*:role/team/*"));
        assert!(!rules.table().synced);
        rules.end_list();
        assert!(rules.table().synced);
        assert_eq!(rules.table().rules["free"], None);
        let expected = AllowedRoles::parse("arn:aws:iam::*:role/team/*");
        assert_eq!(rules.table().rules["team"].as_deref(), Some(&expected));
        rules.put("", "team", &annotated(""));
        assert_eq!(
            rules.table().rules["team"].as_deref(),
            Some(&AllowedRoles::default())
        );
        rules.begin_list();
        rules.put("", "free", &annotated(""));
        rules.end_list();
        assert!(!rules.table().rules.contains_key("team"));
    }
}
