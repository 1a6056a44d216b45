//! The first place of a run of symbols in a text, in linear time.

use super::{Symbol, Symbolic};

/// The end of the leftmost place where a run stands; adds the number of comparisons to `steps`.
///
/// The run has no `*`. Without a `?` it is looked for by Knuth, Morris and Pratt's method, in at most
/// `2 (text + run)` steps. With one, that method's table does not exist, and the run is looked for with bit sets that
/// hold every beginning of it that ends here (shift-and), 64 symbols to a set: one step per set for each unit.
pub(super) fn find<S: Symbolic, U: Copy + Into<u16>>(
    run: &[S],
    units: &[U],
    steps: &mut usize,
) -> Option<usize> {
    if run.len() > units.len() {
        return None;
    }
    if run.iter().any(|symbol| symbol.symbol() == Symbol::One) {
        find_by_sets(run, units, steps)
    } else {
        find_by_borders(run, units, steps)
    }
}

fn find_by_borders<S: Symbolic, U: Copy + Into<u16>>(
    run: &[S],
    units: &[U],
    steps: &mut usize,
) -> Option<usize> {
    let borders = borders(run, steps);
    let mut matched = 0;
    for (place, unit) in units.iter().enumerate() {
        loop {
            *steps += 1;
            if run.get(matched).is_some_and(|symbol| symbol.accepts(*unit)) {
                matched += 1;
                break;
            }
            match matched.checked_sub(1) {
                Some(before) => matched = borders[before],
                None => break,
            }
        }
        if matched == run.len() {
            return Some(place + 1);
        }
    }
    None
}

/// For each beginning of the run, the length of its longest proper end that is also a beginning.
fn borders<S: Symbolic>(run: &[S], steps: &mut usize) -> Vec<usize> {
    let mut borders = vec![0; run.len()];
    let mut length: usize = 0;
    for place in 1..run.len() {
        loop {
            *steps += 1;
            if run[length] == run[place] {
                length += 1;
                break;
            }
            match length.checked_sub(1) {
                Some(before) => length = borders[before],
                None => break,
            }
        }
        borders[place] = length;
    }
    borders
}

fn find_by_sets<S: Symbolic, U: Copy + Into<u16>>(
    run: &[S],
    units: &[U],
    steps: &mut usize,
) -> Option<usize> {
    let blocks: Vec<Block> = run.chunks(BLOCK).map(Block::of::<S>).collect();
    let complete = 1_u64 << ((run.len() - 1) % BLOCK);
    let mut reached = vec![0_u64; blocks.len()];
    for (place, unit) in units.iter().enumerate() {
        // A beginning of no symbols ends everywhere.
        let mut carried = 1;
        for (block, reached) in blocks.iter().zip(&mut reached) {
            *steps += 1;
            let next = *reached >> (BLOCK - 1);
            *reached = ((*reached << 1) | carried) & block.accepting((*unit).into());
            carried = next;
        }
        if reached.last().is_some_and(|last| last & complete != 0) {
            return Some(place + 1);
        }
    }
    None
}

/// Up to 64 symbols of a run: for each unit the set of symbols that accept it.
struct Block {
    /// The symbols that accept every unit.
    any: u64,
    /// The units that are named, in order, each with the symbols that accept it beside those of `any`.
    named: Vec<(u16, u64)>,
}

impl Block {
    fn of<S: Symbolic>(symbols: &[S]) -> Self {
        let mut any = 0;
        let mut named: Vec<(u16, u64)> = Vec::new();
        for (place, symbol) in symbols.iter().enumerate() {
            match symbol.symbol() {
                Symbol::Unit(unit) => named.push((unit, 1 << place)),
                Symbol::One | Symbol::Any => any |= 1 << place,
            }
        }
        named.sort_unstable();
        named.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 |= next.1;
            }
            same
        });
        Self { any, named }
    }

    /// The symbols that accept a unit. There are at most 64 units to search among, so this is one step.
    fn accepting(&self, unit: u16) -> u64 {
        let named = self.named.binary_search_by_key(&unit, |(unit, _)| *unit);
        self.any | named.map_or(0, |index| self.named[index].1)
    }
}

/// The symbols that one bit set holds.
const BLOCK: usize = u64::BITS as usize;
