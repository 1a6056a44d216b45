//! A paired comparison: all entrants take turns in short batches, so that a change of the machine's pace meets all of
//! them alike, and each round gives one ratio of each entrant to the first.

use std::fmt;
use std::time::{Duration, Instant};

/// A function under measurement.
pub(crate) struct Entrant {
    pub(crate) name: &'static str,
    /// How many times the first entrant's time it may take.
    pub(crate) bound: Option<f64>,
    /// Does the work once. It has to keep the optimiser away by itself (`std::hint::black_box`).
    pub(crate) work: Box<dyn FnMut()>,
}

/// What came of one entrant. `Display` prints the fields separated by tabs.
pub(crate) struct Timing {
    name: &'static str,
    bound: Option<f64>,
    nanoseconds: f64,
    /// Lower quartile, median and upper quartile of the ratio to the first entrant.
    ratio: [f64; 3],
}

impl Entrant {
    pub(crate) fn new(
        name: &'static str,
        bound: Option<f64>,
        work: impl FnMut() + 'static,
    ) -> Self {
        Self {
            name,
            bound,
            work: Box::new(work),
        }
    }

    /// Finds how many repetitions fill a batch.
    fn calibrate(&mut self) -> u32 {
        let mut count = 1;
        while self.batch(count) < BATCH {
            count *= 2;
        }
        count
    }

    fn batch(&mut self, count: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..count {
            (self.work)();
        }
        start.elapsed()
    }
}

/// Measures the entrants against the first of them.
pub(crate) fn run(mut entrants: Vec<Entrant>) -> Vec<Timing> {
    let counts: Vec<u32> = entrants.iter_mut().map(Entrant::calibrate).collect();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let mut times = vec![0.0; entrants.len()];
        // Each entrant comes first, second, … equally often, so none always runs in the wake of the same other.
        for turn in 0..entrants.len() {
            let index = (round + turn) % entrants.len();
            let nanoseconds = entrants[index].batch(counts[index]).as_secs_f64() * 1e9;
            times[index] = nanoseconds / f64::from(counts[index]);
        }
        rounds.push(times);
    }
    let timing = |(index, entrant): (usize, &Entrant)| Timing {
        name: entrant.name,
        bound: entrant.bound,
        nanoseconds: quartiles(rounds.iter().map(|times| times[index]))[1],
        ratio: quartiles(rounds.iter().map(|times| times[index] / times[0])),
    };
    entrants.iter().enumerate().map(timing).collect()
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, median, high] = self.ratio;
        write!(f, "{}\t", self.name)?;
        match self.bound {
            Some(bound) => write!(f, "{bound}")?,
            None => f.write_str("-")?,
        }
        write!(
            f,
            "\t{:.0}\t{median:.3}\t{low:.3}\t{high:.3}",
            self.nanoseconds
        )
    }
}

fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sorted[sorted.len() * quarter / 4])
}

/// Long enough to make the cost of the clock vanish, short enough that the scheduler interrupts few batches.
const BATCH: Duration = Duration::from_micros(200);
const ROUNDS: usize = 2000;
