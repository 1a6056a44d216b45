//! The names that the binary answers to: the file name that it was called by decides whose command lines it takes.

use std::ffi::OsStr;
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::args::Cli;

/// Whose command line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CalledAs {
    /// `podpass`, and every name that is no other's.
    Podpass,
    /// A plugin of kubectl or oc: podpass's command line under another name. Holds what the user typed before it.
    Plugin(&'static str),
    /// kubectl's request for candidates.
    PluginCompletion(&'static str),
    /// OpenShift's ccoctl.
    Ccoctl,
    /// The Amazon EKS pod identity webhook, by the name of its binary in Amazon's image or in OpenShift's.
    Webhook(&'static str),
}

// === impl CalledAs ===

impl CalledAs {
    /// Reads the zeroth argument.
    pub(crate) fn of(zeroth: Option<&OsStr>) -> Self {
        let name = zeroth.and_then(|path| Path::new(path).file_name());
        match name.and_then(OsStr::to_str) {
            Some("ccoctl") => Self::Ccoctl,
            Some("webhook") => Self::Webhook("webhook"),
            Some("aws-pod-identity-webhook") => Self::Webhook("aws-pod-identity-webhook"),
            Some("kubectl-podpass") => Self::Plugin("kubectl podpass"),
            Some("oc-podpass") => Self::Plugin("oc podpass"),
            Some("kubectl_complete-podpass") => Self::PluginCompletion("kubectl podpass"),
            Some("oc_complete-podpass") => Self::PluginCompletion("oc podpass"),
            _ => Self::Podpass,
        }
    }

    /// podpass's command line, whose usage says the name that was called.
    pub(crate) fn command(self) -> Command {
        match self {
            Self::Plugin(name) | Self::PluginCompletion(name) => {
                with_usage(Cli::command().bin_name(name), name)
            }
            Self::Podpass | Self::Ccoctl | Self::Webhook(_) => Cli::command(),
        }
    }
}

/// Replaces `podpass` where a usage is written out instead of made by clap.
fn with_usage(command: Command, name: &'static str) -> Command {
    command.mut_subcommands(|mut subcommand| {
        let usage = subcommand.render_usage().to_string();
        let subcommand = with_usage(subcommand, name);
        match usage.strip_prefix("Usage: podpass ") {
            Some(rest) => subcommand.override_usage(format!("{name} {rest}")),
            None => subcommand,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_decides() {
        for (zeroth, expected) in [
            ("podpass", CalledAs::Podpass),
            ("/usr/bin/podpass", CalledAs::Podpass),
            ("./renamed", CalledAs::Podpass),
            ("/usr/bin/ccoctl", CalledAs::Ccoctl),
            ("/webhook", CalledAs::Webhook("webhook")),
            (
                "/usr/bin/aws-pod-identity-webhook",
                CalledAs::Webhook("aws-pod-identity-webhook"),
            ),
            ("/opt/kubectl-podpass", CalledAs::Plugin("kubectl podpass")),
            ("oc-podpass", CalledAs::Plugin("oc podpass")),
            (
                "kubectl_complete-podpass",
                CalledAs::PluginCompletion("kubectl podpass"),
            ),
        ] {
            assert_eq!(CalledAs::of(Some(OsStr::new(zeroth))), expected, "{zeroth}");
        }
        assert_eq!(CalledAs::of(None), CalledAs::Podpass);
    }

    #[test]
    fn command_line_is_sound_under_each_name() {
        for called_as in [CalledAs::Podpass, CalledAs::Plugin("kubectl podpass")] {
            called_as.command().debug_assert();
        }
    }
}
