//! The table of a benchmark: figures beside their bounds.

use std::io::Write;
use std::time::Duration;

/// A figure and its bound.
pub(crate) struct Row {
    what: &'static str,
    figure: String,
    bound: Option<(f64, &'static str)>,
    /// What the bound is compared with.
    value: f64,
}

impl Row {
    pub(crate) fn of(
        what: &'static str,
        figure: String,
        value: f64,
        bound: Option<(f64, &'static str)>,
    ) -> Self {
        Self {
            what,
            figure,
            bound,
            value,
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.bound.is_none_or(|(bound, _)| self.value <= bound)
    }
}

pub(crate) fn print(rows: &[Row]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "| subject | figure | compared | bound |")?;
    writeln!(out, "| --- | ---: | ---: | ---: |")?;
    for row in rows {
        let bound = match row.bound {
            Some((bound, unit)) if row.is_kept() => format!("{bound:.3} {unit}"),
            Some((bound, unit)) => format!("**{bound:.3} {unit}**"),
            None => "–".to_owned(),
        };
        writeln!(
            out,
            "| {} | {} | {:.3} | {bound} |",
            row.what, row.figure, row.value
        )?;
    }
    Ok(())
}

pub(crate) fn micro(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

#[allow(dead_code, reason = "each benchmark takes what it needs")]
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "KiB of memory fit")]
pub(crate) fn mebi(kibi: u64) -> f64 {
    kibi as f64 / 1024.0
}
