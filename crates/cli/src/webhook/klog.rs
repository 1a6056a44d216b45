//! The flags of klog, the log library of Kubernetes components: manifests pass them.

use clap::{ArgAction, Args};

// Flags that are taken so that command lines of the peer work, and that change nothing: the log goes to stderr, whole.
#[derive(Clone, Debug, Args)]
pub(super) struct KlogArgs {
    #[command(flatten)]
    switches: Switches,
    #[command(flatten)]
    values: Values,
}

macro_rules! ignored {
    ($group:ident: switches $($name:ident)*) => {
        #[derive(Clone, Debug, Args)]
        struct $group {
            $(#[arg(long = stringify!($name), value_parser = super::args::boolean, action = ArgAction::Set, hide = true)]
            $name: Option<bool>,)*
        }
    };
    ($group:ident: values $($name:ident)*) => {
        #[derive(Clone, Debug, Args)]
        struct $group {
            $(#[arg(long = stringify!($name), hide = true)]
            $name: Option<String>,)*
        }
    };
}

ignored!(Switches: switches
    logtostderr alsologtostderr legacy_stderr_threshold_behavior add_dir_header skip_headers skip_log_headers one_output);

// `alsologtostderrthreshold` and its likes are severities: numbers or names.
ignored!(Values: values
    vmodule stderrthreshold alsologtostderrthreshold log_dir log_file log_file_max_size log_backtrace_at);
