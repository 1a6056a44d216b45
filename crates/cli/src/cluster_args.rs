//! kubectl's connection flags.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use podpass_cluster::{Cluster, Target};

use crate::duration::parse_duration;
use crate::failure::Failure;

/// Which cluster is meant, by kubectl's flags; KUBECONFIG and `~/.kube/config` count as they do there.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// The kubeconfig file. [default: KUBECONFIG, ~/.kube/config, or the pod that this runs in]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The cluster of the kubeconfig, instead of the context's.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The user of the kubeconfig, instead of the context's.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The URL of the API server, instead of the cluster's.
    #[arg(short, long, value_name = "URL")]
    server: Option<String>,
    /// The namespace, where none is named. [default: the context's]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// How long one request may take, such as 30s; 0 does not limit it.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30s")]
    request_timeout: Duration,
}

impl ClusterArgs {
    pub(crate) async fn connect(&self) -> Result<Cluster, Failure> {
        Cluster::connect(&self.target())
            .await
            .map_err(|error| Failure::cluster(&error))
    }

    /// Which cluster is meant.
    pub(crate) fn target(&self) -> Target {
        Target {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            server: self.server.clone(),
            namespace: self.namespace.clone(),
            request_timeout: Some(self.request_timeout).filter(|timeout| !timeout.is_zero()),
        }
    }

    /// Reads these flags out of an unfinished command line, whatever else stands on it; `None` where a value is wrong.
    pub(crate) fn of_line(words: &[OsString]) -> Option<Self> {
        let command = Self::augment_args(Command::new("line").no_binary_name(true));
        let takes = |word: &str| {
            let (flag, value) = match word.split_once('=') {
                Some((flag, _)) => (flag, true),
                None => (word, false),
            };
            let is_long = |long| flag.strip_prefix("--") == Some(long);
            let is_short = |short| {
                word.strip_prefix('-')
                    .is_some_and(|it| it.starts_with(short))
            };
            let mut known = command.get_arguments();
            let found = known.find(|argument| {
                argument.get_long().is_some_and(is_long)
                    || argument.get_short().is_some_and(is_short)
            })?;
            let next_is_value = if found.get_long().is_some_and(is_long) {
                !value
            } else {
                word.len() == 2
            };
            Some(next_is_value)
        };
        let mut flags = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--") => break,
                Some(text) => match takes(text) {
                    Some(true) => flags.extend(
                        words
                            .next()
                            .map(|value| [word, value])
                            .into_iter()
                            .flatten(),
                    ),
                    Some(false) => flags.push(word),
                    None => {}
                },
                None => {}
            }
        }
        let matches = command.clone().try_get_matches_from(flags).ok()?;
        Self::from_arg_matches(&matches).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Target> {
        let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
        ClusterArgs::of_line(&words).map(|arguments| arguments.target())
    }

    #[test]
    fn flags_are_found_on_an_unfinished_line() {
        let target = read("podpass bind a/b --policy x -n one --context=two -shttps://c --kubeconfig f --nonsense")
            .unwrap();
        assert_eq!(target.namespace.as_deref(), Some("one"));
        assert_eq!(target.context.as_deref(), Some("two"));
        assert_eq!(target.server.as_deref(), Some("https://c"));
        assert_eq!(target.kubeconfig, Some(PathBuf::from("f")));
        assert_eq!(target.user, None);
        // What the child of `exec` is told is not ours, and the flag that is being written has no value yet.
        let target = read("podpass exec -- kubectl --context other").unwrap();
        assert_eq!(target.context, None);
        assert_eq!(read("podpass bind --context").unwrap().context, None);
        assert!(read("podpass bind --request-timeout soon").is_none());
    }
}
