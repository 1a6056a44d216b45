//! What was looked at for a request, in lines for people.

use podpass_policy::StatementOutcome;

use super::Event;

impl Event {
    /// The steps of a token exchange and the statements of the policies that were asked, a line each.
    pub fn looked_at(&self) -> Vec<String> {
        let steps = self
            .exchange
            .iter()
            .flat_map(|trace| &trace.steps)
            .flat_map(|step| {
                step.to_string()
                    .lines()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            });
        steps.chain(self.statements_looked_at()).collect()
    }

    /// The statements of the policies that were asked, and why each does or does not match, a line each.
    pub fn statements_looked_at(&self) -> Vec<String> {
        let described = self.policy.iter().flat_map(|policy| {
            policy.statements.iter().map(move |statement| {
                let outcome = describe_outcome(&statement.outcome);
                format!(
                    "{}, statement {}: {outcome}",
                    policy.source,
                    statement.index + 1
                )
            })
        });
        described.collect()
    }
}

fn describe_outcome(outcome: &StatementOutcome) -> String {
    let differs = |what: &str, expected: &[String], actual: &str| {
        format!("its {what} are {}, not {actual}", expected.join(", "))
    };
    match outcome {
        StatementOutcome::Matches => "matches".to_owned(),
        StatementOutcome::PrincipalDiffers { expected, actual } => {
            differs("principals", expected, actual)
        }
        StatementOutcome::ActionDiffers { expected, actual } => {
            differs("actions", expected, actual)
        }
        StatementOutcome::ResourceDiffers { expected, actual } => {
            differs("resources", expected, actual)
        }
        StatementOutcome::ConditionFails => "a condition does not hold".to_owned(),
    }
}
