//! A plan that was shown is carried out only when somebody agrees.

use std::io::{self, IsTerminal};

use crate::failure::{Exit, Failure};
use crate::output;

/// Asks `question`; elsewhere than on a terminal the answer is no. `done` says what was not, such as `deleted`.
pub(crate) fn ask(question: &str, done: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = format!("nothing was {done}: nobody agreed to the plan");
        return Err(Failure::new(Exit::Refused, message)
            .help("run the command again with `--yes`, or on a terminal"));
    }
    output::error_text(&format!("{question} [y/N] "));
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed("cannot read the answer").because(&error))?;
    if agrees(&answer) {
        Ok(())
    } else {
        Err(Failure::new(Exit::Refused, format!("nothing was {done}")))
    }
}

fn agrees(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_consent() {
        for (answer, expected) in [
            ("y\n", true),
            ("Yes\r\n", true),
            ("", false),
            ("\n", false),
            ("n\n", false),
            ("yes please\n", false),
        ] {
            assert_eq!(agrees(answer), expected, "{answer:?}");
        }
    }
}
