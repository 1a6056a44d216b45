//! The peer's commands for other clouds: they are listed and have help, and say that they are not here when they run.

use std::process::ExitCode;

use crate::output;

/// A cloud for which the peer has commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    commands: &'static [&'static str],
}

// === impl Elsewhere ===

impl Elsewhere {
    /// All of them. `alibabacloud` is one of releases up to OpenShift 4.16; the peer has removed it since.
    pub(super) const ALL: [Self; 5] = [
        Self {
            name: "alibabacloud",
            summary: "Manage credentials objects for Alibaba Cloud",
            commands: &["create-ram-users", "delete-ram-users"],
        },
        Self {
            name: "azure",
            summary: "Manage credentials objects for Azure",
            commands: &[
                "create-all",
                "create-key-pair",
                "create-managed-identities",
                "create-oidc-issuer",
                "delete",
            ],
        },
        Self {
            name: "gcp",
            summary: "Manage credentials objects for Google Cloud",
            commands: &[
                "create-all",
                "create-key-pair",
                "create-service-accounts",
                "create-workload-identity-pool",
                "create-workload-identity-provider",
                "delete",
            ],
        },
        Self {
            name: "ibmcloud",
            summary: "Manage credentials objects for IBM Cloud",
            commands: &["create-service-id", "delete-service-id", "refresh-keys"],
        },
        Self {
            name: "nutanix",
            summary: "Manage credentials objects for Nutanix",
            commands: &["create-shared-secrets"],
        },
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cloud| cloud.name == name)
    }

    /// Answers what follows the cloud's name: help with 0, everything else with 1.
    pub(super) fn run(self, arguments: &[&str]) -> ExitCode {
        let asks = |argument: &&str| ["--help", "-h"].contains(argument);
        match arguments {
            ["help", ..] => super::finish(output::data(&self.help(arguments.get(1).copied()))),
            [command, ..] if arguments.iter().any(asks) => {
                super::finish(output::data(&self.help(Some(command))))
            }
            _ => {
                let words = [&[self.name], arguments.get(..1).unwrap_or_default()].concat();
                output::note(&super::timestamped(&format!(
                    "ccoctl {}: {NOT_HERE}",
                    words.join(" ")
                )));
                output::note(&super::timestamped(INSTEAD));
                ExitCode::FAILURE
            }
        }
    }

    /// The help of one of its commands, or its own where there is no such command.
    pub(super) fn help(self, command: Option<&str>) -> String {
        let Self { name, summary, .. } = self;
        if let Some(command) = command.filter(|command| self.commands.contains(command)) {
            return format!(
                "{summary} ({NOT_HERE})\n\nUsage:\n  ccoctl {name} {command} [flags]\n\n\
                 Flags:\n  -h, --help   help for {command}\n"
            );
        }
        let commands: Vec<String> = self
            .commands
            .iter()
            .map(|command| format!("  {command}\n"))
            .collect();
        format!(
            "{summary} ({NOT_HERE})\n\nUsage:\n  ccoctl {name} [command]\n\n\
             Available Commands:\n{}\nFlags:\n  -h, --help   help for {name}\n\n\
             Use \"ccoctl {name} [command] --help\" for more information about a command.\n",
            commands.concat()
        )
    }
}

/// What is said of each of them.
pub(super) const NOT_HERE: &str = "not available in this version of podpass";
const INSTEAD: &str = "help: use OpenShift's own ccoctl for this cloud; `ccoctl aws` is here";
