//! Rows that remember what a change under way has touched, so that it can be kept, or taken back as if it had never begun.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

/// Rows by key. They are read as those of a map.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    /// The rows that the change under way has touched, as they were before; `None` for one that was not there.
    before: BTreeMap<K, Option<V>>,
    /// The rows that were opened: they remember themselves what of them was touched.
    opened: BTreeSet<K>,
}

/// A value that remembers how it was before the change under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched<T> {
    now: T,
    before: Option<T>,
}

/// A row that was touched: how it was before, and how it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touched<'a, K, V> {
    pub(crate) key: &'a K,
    pub(crate) before: Option<&'a V>,
    pub(crate) now: Option<&'a V>,
}

/// Which rows are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All, as if each had just been made.
    Whole,
    /// Those that the change under way has touched.
    Touched,
}

/// What holds rows inside of itself.
pub(crate) trait Rows {
    /// Takes what has changed for how it was before.
    fn settle(&mut self);

    /// Takes everything back that was touched since it was settled.
    fn undo(&mut self);
}

// === impl Table ===

impl<K: Ord + Clone, V> Table<K, V> {
    /// Puts a row in, in the place of one of the same key.
    pub(crate) fn insert(&mut self, key: K, row: V) {
        let old = self.rows.insert(key.clone(), row);
        self.before.entry(key).or_insert(old);
    }

    /// Takes a row out; tells whether it was there.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let Some((key, old)) = self.rows.remove_entry(key) else {
            return false;
        };
        self.before.entry(key).or_insert(Some(old));
        true
    }

    /// Gives a row to be changed.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        V: Clone,
    {
        let (kept, row) = self.rows.get_key_value(key)?;
        if !self.before.contains_key(key) {
            self.before.insert(kept.clone(), Some(row.clone()));
        }
        self.rows.get_mut(key)
    }

    /// Gives a row to be changed that remembers itself what of it is touched.
    pub(crate) fn open_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        V: Rows,
    {
        let (kept, _) = self.rows.get_key_value(key)?;
        if !self.opened.contains(key) {
            self.opened.insert(kept.clone());
        }
        self.rows.get_mut(key)
    }

    /// The rows that are meant, for who keeps them.
    pub(crate) fn touched(&self, extent: Extent) -> impl Iterator<Item = Touched<'_, K, V>> {
        let (all, touched) = match extent {
            Extent::Whole => (Some(&self.rows), None),
            Extent::Touched => (None, Some(&self.before)),
        };
        let all = all.into_iter().flatten().map(|(key, row)| Touched {
            key,
            before: None,
            now: Some(row),
        });
        let touched = touched.into_iter().flatten().map(|(key, before)| Touched {
            key,
            before: before.as_ref(),
            now: self.rows.get(key),
        });
        all.chain(touched)
    }

    /// The rows that were opened, and are otherwise as they were.
    pub(crate) fn opened(&self) -> impl Iterator<Item = (&K, &V)> {
        self.opened
            .iter()
            .filter(|key| !self.before.contains_key(*key))
            .filter_map(|key| self.rows.get_key_value(key))
    }

    /// [`Rows::settle`] for rows that hold no others.
    pub(crate) fn settle_flat(&mut self) {
        self.before.clear();
        self.opened.clear();
    }

    /// [`Rows::undo`] for rows that hold no others.
    pub(crate) fn undo_flat(&mut self) {
        self.opened.clear();
        for (key, before) in std::mem::take(&mut self.before) {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}

impl<K: Ord + Clone, V: Rows> Rows for Table<K, V> {
    fn settle(&mut self) {
        let opened = std::mem::take(&mut self.opened);
        let changed = std::mem::take(&mut self.before);
        for key in opened.iter().chain(changed.keys()) {
            if let Some(row) = self.rows.get_mut(key) {
                row.settle();
            }
        }
    }

    fn undo(&mut self) {
        let opened = std::mem::take(&mut self.opened);
        self.undo_flat();
        for key in &opened {
            if let Some(row) = self.rows.get_mut(key) {
                row.undo();
            }
        }
    }
}

impl<K, V> Deref for Table<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        &self.rows
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            before: BTreeMap::new(),
            opened: BTreeSet::new(),
        }
    }
}

// === impl Watched ===

impl<T> Watched<T> {
    pub(crate) fn new(now: T) -> Self {
        Self { now, before: None }
    }

    /// The value, if it was touched or everything is meant.
    pub(crate) fn touched(&self, extent: Extent) -> Option<&T> {
        (extent == Extent::Whole || self.before.is_some()).then_some(&self.now)
    }
}

impl<T> Rows for Watched<T> {
    fn settle(&mut self) {
        self.before = None;
    }

    fn undo(&mut self) {
        if let Some(before) = self.before.take() {
            self.now = before;
        }
    }
}

impl<T> Deref for Watched<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.now
    }
}

impl<T: Clone> DerefMut for Watched<T> {
    fn deref_mut(&mut self) -> &mut T {
        if self.before.is_none() {
            self.before = Some(self.now.clone());
        }
        &mut self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled() -> Table<&'static str, Watched<u8>> {
        let mut table = Table::default();
        for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
            table.insert(key, Watched::new(value));
        }
        table.settle();
        table
    }

    fn values(table: &Table<&'static str, Watched<u8>>) -> Vec<(&'static str, u8)> {
        table.iter().map(|(key, value)| (*key, **value)).collect()
    }

    #[test]
    fn an_undone_change_leaves_nothing() {
        let mut table = settled();
        table.remove("a");
        table.insert("a", Watched::new(9));
        **table.get_mut("b").unwrap() = 8;
        table.remove("b");
        **table.open_mut("c").unwrap() = 7;
        table.insert("d", Watched::new(6));
        table.undo();
        assert_eq!(values(&table), [("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!(table.touched(Extent::Touched).count(), 0);
        assert_eq!(table.opened().count(), 0);
    }

    #[test]
    fn a_row_that_was_opened_and_removed_comes_back_as_it_was() {
        let mut table = settled();
        **table.open_mut("c").unwrap() = 7;
        table.remove("c");
        table.undo();
        assert_eq!(values(&table), [("a", 1), ("b", 2), ("c", 3)]);
    }

    #[test]
    fn touched_rows_tell_how_they_were_at_first() {
        let mut table = settled();
        table.insert("d", Watched::new(4));
        **table.get_mut("a").unwrap() = 8;
        **table.get_mut("a").unwrap() = 9;
        table.remove("b");
        **table.open_mut("c").unwrap() = 7;
        assert!(!table.remove("e"));
        let touched: Vec<_> = table
            .touched(Extent::Touched)
            .map(|row| (*row.key, row.before.map(|v| **v), row.now.map(|v| **v)))
            .collect();
        assert_eq!(
            touched,
            [
                ("a", Some(1), Some(9)),
                ("b", Some(2), None),
                ("d", None, Some(4))
            ]
        );
        let opened: Vec<_> = table.opened().map(|(key, row)| (*key, **row)).collect();
        assert_eq!(opened, [("c", 7)]);
        table.settle();
        table.undo();
        assert_eq!(values(&table), [("a", 9), ("c", 7), ("d", 4)]);
        let mut all = table.touched(Extent::Whole);
        assert!(all.all(|row| row.before.is_none()));
    }
}
