//! How long the pure decisions take, compared in one run with the bare verification of an RSA signature.
//!
//! `cargo xtask bench decisions` builds this program, runs it, and counts its instructions. On its own:
//!
//! - `decisions` prints a line for each subject: name, bound, median in nanoseconds, median ratio, and the quartiles of
//!   the ratio, separated by tabs; a bound of `-` stands for none;
//! - `decisions run NAME COUNT` runs one subject so often and prints nothing.

#[path = "decisions/exchange.rs"]
mod exchange;
#[path = "decisions/injection.rs"]
mod injection;
#[path = "decisions/permissions.rs"]
mod permissions;
#[path = "decisions/race.rs"]
mod race;

use std::io::Write;
use std::process::ExitCode;

use race::Entrant;

/// The subjects; the first one is the measure of the others.
fn subjects() -> Vec<Entrant> {
    let world = exchange::World::new();
    vec![
        Entrant::new(BASE, None, world.bare_verification()),
        Entrant::new("exchange", Some(1.6), world.exchange()),
        Entrant::new("policy", Some(0.25), permissions::evaluation()),
        Entrant::new("injection", Some(1.2), injection::mutation()),
    ]
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => time(),
        ["run", name, count] => run(name, count),
        _ => Err("usage: decisions [run NAME COUNT]".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn time() -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    for result in race::run(subjects()) {
        writeln!(out, "{result}").map_err(|error| format!("cannot print: {error}"))?;
    }
    Ok(())
}

fn run(name: &str, count: &str) -> Result<(), String> {
    let count: u32 = count
        .parse()
        .map_err(|_| format!("`{count}` is not a number"))?;
    let mut subject = subjects()
        .into_iter()
        .find(|subject| subject.name == name)
        .ok_or_else(|| format!("`{name}` is not a subject"))?;
    (0..count).for_each(|_| (subject.work)());
    Ok(())
}

const BASE: &str = "verification";
