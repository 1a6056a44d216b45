//! The service accounts of a cluster, in little memory.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{PoisonError, RwLock};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use podpass_kinds::ServiceAccountView;
use podpass_kinds::annotations::{Carrier, Misnamed};

use crate::watch::WatchedAnnotations;

/// The service accounts of a cluster, as a watch keeps them. Only what injection reads is held.
///
/// Of an account without annotations of interest there is a hash of 8 bytes, which tells that it exists; of any other
/// one text. Looking one up takes no part in the watch and waits at most for a single change.
#[derive(Debug)]
pub struct ServiceAccountIndex {
    prefix: String,
    hasher: RandomState,
    tables: RwLock<Tables>,
}

/// What the index knows of a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// It exists and has annotations of interest: these.
    Annotated(ServiceAccountView),
    /// It exists, and nothing of interest is annotated.
    Plain,
    /// Nothing is known of it: it does not exist, or the watch has not told of it yet.
    Unknown,
}

/// How many service accounts an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexSize {
    /// Those with annotations of interest.
    pub annotated: usize,
    /// The others.
    pub plain: usize,
}

#[derive(Debug, Default)]
struct Tables {
    annotated: HashTable<Account>,
    /// Hashes of namespace and name.
    plain: HashSet<u64, Identity>,
    /// Counts the lists that were read: what a list does not name again is gone at its end.
    generation: u8,
    /// Plain accounts that the list being read has named so far.
    listed: Option<HashSet<u64, Identity>>,
    synced: bool,
}

/// An account with annotations of interest.
#[derive(Debug)]
struct Account {
    /// Namespace, name, then name and value of each annotation, each ended by a NUL, which none of them can hold.
    text: Box<str>,
    generation: u8,
}

/// The hashes are hashes already.
type Identity = std::hash::BuildHasherDefault<Same>;

#[derive(Debug, Default)]
struct Same(u64);

impl std::hash::Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers are hashed")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl ServiceAccountIndex {
    /// An empty one, which is not synced. Annotations of interest are those under `<prefix>/`, podpass's own, and what
    /// looks like one of them.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            hasher: RandomState::new(),
            tables: RwLock::default(),
        }
    }

    /// Looks a service account up.
    pub fn get(&self, namespace: &str, name: &str) -> Indexed {
        let hash = self.hash(namespace, name);
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let found = tables
            .annotated
            .find(hash, |account| account.is(namespace, name));
        match found {
            Some(account) => Indexed::Annotated(account.view()),
            None if tables.plain.contains(&hash) => Indexed::Plain,
            None => Indexed::Unknown,
        }
    }

    /// Whether all service accounts have been read once. It stays so when the API server is gone later.
    pub fn is_synced(&self) -> bool {
        self.tables
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .synced
    }

    /// How many there are.
    pub fn size(&self) -> IndexSize {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        IndexSize {
            annotated: tables.annotated.len(),
            plain: tables.plain.len(),
        }
    }

    /// What the index holds of all that are annotated, in no order.
    pub fn annotated(&self) -> Vec<ServiceAccountView> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.annotated.iter().map(Account::view).collect()
    }

    /// Whether an annotation is kept: one that is read, or that was meant to be.
    fn is_of_interest(&self, annotation: &str) -> bool {
        is_under(annotation, &self.prefix)
            || is_under(annotation, OWN_DOMAIN)
            || Misnamed::of(annotation, &self.prefix, Carrier::ServiceAccount).is_some()
    }

    fn hash(&self, namespace: &str, name: &str) -> u64 {
        self.hasher.hash_one((namespace, name))
    }

    fn hash_of(&self, account: &Account) -> u64 {
        let (namespace, name) = account.key();
        self.hash(namespace, name)
    }
}

impl WatchedAnnotations for ServiceAccountIndex {
    fn put(&self, namespace: &str, name: &str, annotations: &BTreeMap<String, String>) {
        let mut text = format!("{namespace}\0{name}\0");
        let start = text.len();
        for (key, value) in annotations
            .iter()
            .filter(|(key, _)| self.is_of_interest(key))
        {
            // A NUL would be taken for the end; no role, region or number has one.
            if !value.contains('\0') {
                text.extend([key, "\0", value, "\0"]);
            }
        }
        let hash = self.hash(namespace, name);
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if text.len() == start {
            tables.remove_annotated(hash, namespace, name);
            tables.plain.insert(hash);
            if let Some(listed) = &mut tables.listed {
                listed.insert(hash);
            }
            return;
        }
        tables.plain.remove(&hash);
        let account = Account {
            text: text.into_boxed_str(),
            generation: tables.generation,
        };
        let entry =
            tables
                .annotated
                .entry(hash, |it| it.is(namespace, name), |it| self.hash_of(it));
        match entry {
            Entry::Occupied(mut there) => *there.get_mut() = account,
            Entry::Vacant(place) => drop(place.insert(account)),
        }
    }

    fn remove(&self, namespace: &str, name: &str) {
        let hash = self.hash(namespace, name);
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.remove_annotated(hash, namespace, name);
        tables.plain.remove(&hash);
    }

    fn begin_list(&self) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.generation = tables.generation.wrapping_add(1);
        // On the first list there is nothing that could be gone at its end.
        tables.listed = tables.synced.then(HashSet::default);
    }

    fn end_list(&self) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let generation = tables.generation;
        tables.annotated.retain(|it| it.generation == generation);
        if let Some(listed) = tables.listed.take() {
            tables.plain.retain(|hash| listed.contains(hash));
        }
        tables
            .annotated
            .shrink_to_fit(|account| self.hash_of(account));
        tables.plain.shrink_to_fit();
        tables.synced = true;
    }
}

impl Tables {
    fn remove_annotated(&mut self, hash: u64, namespace: &str, name: &str) {
        if let Ok(there) = self
            .annotated
            .find_entry(hash, |account| account.is(namespace, name))
        {
            there.remove();
        }
    }
}

impl Account {
    fn key(&self) -> (&str, &str) {
        let mut parts = self.text.split('\0');
        (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        )
    }

    fn is(&self, namespace: &str, name: &str) -> bool {
        self.key() == (namespace, name)
    }

    fn view(&self) -> ServiceAccountView {
        let mut parts = self.text.split_terminator('\0').map(str::to_owned);
        let namespace = parts.next().unwrap_or_default();
        let name = parts.next().unwrap_or_default();
        let mut view = ServiceAccountView {
            namespace,
            name,
            ..ServiceAccountView::default()
        };
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            view.annotations.insert(key, value);
        }
        view
    }
}

fn is_under(annotation: &str, domain: &str) -> bool {
    annotation
        .strip_prefix(domain)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// The domain of podpass's own annotations.
const OWN_DOMAIN: &str = "podpass.dev";

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: (&str, &str) = ("eks.amazonaws.com/role-arn", "arn:aws:iam::1:role/a");

    fn index() -> ServiceAccountIndex {
        ServiceAccountIndex::new("eks.amazonaws.com")
    }

    fn put(index: &ServiceAccountIndex, name: &str, annotations: &[(&str, &str)]) {
        let annotations = annotations
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        index.put("ns", name, &annotations.collect());
    }

    fn annotations(indexed: Indexed) -> Vec<(String, String)> {
        match indexed {
            Indexed::Annotated(view) => view.annotations.into_iter().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_annotations_of_interest_are_held() {
        let index = index();
        put(&index, "plain", &[("kubectl.kubernetes.io/last", "x")]);
        let more = [
            ROLE,
            ("podpass.dev/session-name", ""),
            ("eks.amazonaws.com.example.net/a", "b"),
            ("example.com/a", "b"),
        ];
        put(&index, "annotated", &more);
        assert_eq!(index.get("ns", "plain"), Indexed::Plain);
        assert_eq!(index.get("ns", "other"), Indexed::Unknown);
        assert_eq!(index.get("n", "splain"), Indexed::Unknown);
        let held = annotations(index.get("ns", "annotated"));
        let expected = [ROLE, ("podpass.dev/session-name", "")];
        assert_eq!(held, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(
            index.size(),
            IndexSize {
                annotated: 1,
                plain: 1
            }
        );
    }

    #[test]
    fn changes_move_an_account_from_one_table_to_the_other() {
        let index = index();
        put(&index, "a", &[]);
        put(&index, "a", &[ROLE]);
        assert_eq!(annotations(index.get("ns", "a")).len(), 1);
        assert_eq!(
            index.size(),
            IndexSize {
                annotated: 1,
                plain: 0
            }
        );
        put(&index, "a", &[]);
        assert_eq!(index.get("ns", "a"), Indexed::Plain);
        assert_eq!(
            index.size(),
            IndexSize {
                annotated: 0,
                plain: 1
            }
        );
        index.remove("ns", "a");
        assert_eq!(index.get("ns", "a"), Indexed::Unknown);
    }

    #[test]
    fn what_a_later_list_does_not_name_is_gone_at_its_end_and_not_before() {
        let index = index();
        index.begin_list();
        for name in ["a", "b"] {
            put(&index, name, &[ROLE]);
            put(&index, &format!("plain-{name}"), &[]);
        }
        assert!(!index.is_synced());
        index.end_list();
        assert!(index.is_synced());
        index.begin_list();
        put(&index, "b", &[ROLE]);
        put(&index, "plain-b", &[]);
        assert_eq!(annotations(index.get("ns", "a")).len(), 1);
        assert_eq!(index.get("ns", "plain-a"), Indexed::Plain);
        assert!(index.is_synced());
        index.end_list();
        assert_eq!(index.get("ns", "a"), Indexed::Unknown);
        assert_eq!(index.get("ns", "plain-a"), Indexed::Unknown);
        assert_eq!(annotations(index.get("ns", "b")).len(), 1);
        assert_eq!(index.get("ns", "plain-b"), Indexed::Plain);
    }
}
