//! Covering pairs of actions and resources by statements.

use std::collections::{BTreeMap, BTreeSet};

/// An action and a resource.
pub(super) type Pair = (String, String);

/// Every one of some actions on every one of some resources: what a statement allows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rectangle {
    pub(super) actions: BTreeSet<String>,
    pub(super) resources: BTreeSet<String>,
}

/// Lists of rectangles, in order, that together hold these pairs and no others; in none can anything be taken away.
pub(super) fn covers(pairs: &BTreeSet<Pair>) -> [Vec<Rectangle>; 3] {
    let rows = rows(pairs);
    let columns = columns(pairs);
    let covers = [
        by_resources(&rows),
        by_actions(&columns),
        greedily(pairs, &rows, &columns),
    ];
    covers.map(|cover| {
        let mut cover = irreducible(cover);
        cover.sort_unstable();
        cover
    })
}

/// For each key what stands with it.
type Table<'p> = BTreeMap<&'p str, BTreeSet<&'p str>>;

fn rows(pairs: &BTreeSet<Pair>) -> Table<'_> {
    let mut rows = Table::new();
    for (action, resource) in pairs {
        rows.entry(action).or_default().insert(resource);
    }
    rows
}

fn columns(pairs: &BTreeSet<Pair>) -> Table<'_> {
    let mut columns = Table::new();
    for (action, resource) in pairs {
        columns.entry(resource).or_default().insert(action);
    }
    columns
}

/// One rectangle for each set of resources that some action has.
fn by_resources(rows: &Table<'_>) -> Vec<Rectangle> {
    gather(rows)
        .into_iter()
        .map(|(resources, actions)| Rectangle::of(&actions, &resources))
        .collect()
}

/// One rectangle for each set of actions that some resource has.
fn by_actions(columns: &Table<'_>) -> Vec<Rectangle> {
    gather(columns)
        .into_iter()
        .map(|(actions, resources)| Rectangle::of(&actions, &resources))
        .collect()
}

/// The keys with the same set, by that set.
fn gather<'p>(table: &Table<'p>) -> BTreeMap<BTreeSet<&'p str>, BTreeSet<&'p str>> {
    let mut gathered: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (key, set) in table {
        gathered.entry(set.clone()).or_default().insert(*key);
    }
    gathered
}

/// Takes, again and again, the rectangle that holds the most pairs for its size among those not held yet.
///
/// It chooses among the widest rectangles for each action with all its resources, and for each resource with all its
/// actions.
fn greedily(pairs: &BTreeSet<Pair>, rows: &Table<'_>, columns: &Table<'_>) -> Vec<Rectangle> {
    let of_rows = gather(rows).into_keys().map(|resources| {
        let actions = rows
            .iter()
            .filter(|(_, set)| set.is_superset(&resources))
            .map(|(action, _)| *action)
            .collect();
        Rectangle::of(&actions, &resources)
    });
    let of_columns = gather(columns).into_keys().map(|actions| {
        let resources = columns
            .iter()
            .filter(|(_, set)| set.is_superset(&actions))
            .map(|(resource, _)| *resource)
            .collect();
        Rectangle::of(&actions, &resources)
    });
    let widest: BTreeSet<Rectangle> = of_rows.chain(of_columns).collect();
    let mut missing = pairs.clone();
    let mut taken = Vec::new();
    while !missing.is_empty() {
        let gain = |rectangle: &Rectangle| {
            rectangle
                .pairs()
                .filter(|pair| missing.contains(pair))
                .count()
        };
        // Compares gain / size without dividing.
        let best = widest
            .iter()
            .map(|rectangle| (gain(rectangle), rectangle))
            .reduce(|best, next| {
                let (ahead, behind) = (next.0 * best.1.size(), best.0 * next.1.size());
                if ahead > behind { next } else { best }
            });
        let Some((1.., rectangle)) = best else { break };
        for pair in rectangle.pairs() {
            missing.remove(&pair);
        }
        taken.push(rectangle.clone());
    }
    taken
}

/// The same pairs, after taking away every rectangle, action and resource that the others make superfluous.
fn irreducible(mut cover: Vec<Rectangle>) -> Vec<Rectangle> {
    let mut held: BTreeMap<Pair, usize> = BTreeMap::new();
    for pair in cover.iter().flat_map(Rectangle::pairs) {
        *held.entry(pair).or_default() += 1;
    }
    let mut release = |pairs: Vec<Pair>| {
        let superfluous = pairs
            .iter()
            .all(|pair| held.get(pair).is_some_and(|n| *n > 1));
        if superfluous {
            for pair in pairs {
                held.entry(pair).and_modify(|n| *n -= 1);
            }
        }
        superfluous
    };
    // The last taken hold the least, so they go first.
    for index in (0..cover.len()).rev() {
        let rectangle = &mut cover[index];
        if release(rectangle.pairs().collect()) {
            cover.remove(index);
            continue;
        }
        for action in rectangle.actions.clone() {
            let of_action = rectangle.pairs().filter(|(a, _)| *a == action).collect();
            if release(of_action) {
                rectangle.actions.remove(&action);
            }
        }
        for resource in rectangle.resources.clone() {
            let of_resource = rectangle.pairs().filter(|(_, r)| *r == resource).collect();
            if release(of_resource) {
                rectangle.resources.remove(&resource);
            }
        }
    }
    cover
}

impl Rectangle {
    fn of(actions: &BTreeSet<&str>, resources: &BTreeSet<&str>) -> Self {
        let owned = |texts: &BTreeSet<&str>| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            actions: owned(actions),
            resources: owned(resources),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.actions.iter().flat_map(|action| {
            self.resources
                .iter()
                .map(|resource| (action.clone(), resource.clone()))
        })
    }

    /// About as many characters as a statement that allows it has.
    fn size(&self) -> usize {
        let texts = self.actions.iter().chain(&self.resources);
        STATEMENT
            + texts
                .map(|text| text.len() + QUOTES_AND_COMMA)
                .sum::<usize>()
    }
}

/// What a statement takes beside its actions and resources: `{"Effect":"Allow","Action":[],"Resource":[]},`.
const STATEMENT: usize = 45;
const QUOTES_AND_COMMA: usize = 3;
