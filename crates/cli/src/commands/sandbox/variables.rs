//! The environment that leads clients to the running sandbox.

use serde::{Serialize, Serializer};

use super::run_file::{RunningAccount, RunningProxy};
use crate::output;

/// Clients need some region; the sandbox takes any.
const DEFAULT_REGION: &str = "us-east-1";

/// Hosts that no client may look for behind the proxy: API servers of clusters on this machine are here.
const NOT_PROXIED: &str = "localhost,127.0.0.1,::1";

/// What the AWS CLI and every SDK read, by the names of the variables.
pub(crate) struct Variables<'a> {
    set: Vec<(&'static str, &'a str)>,
    /// What would win over these, or go another way.
    unset: Vec<&'static str>,
}

/// How requests reach the sandbox.
#[derive(Clone, Copy)]
pub(crate) enum Way<'a> {
    /// By an override of the endpoint.
    Endpoint(&'a str),
    /// Through its proxy, with no override.
    Proxy(&'a RunningProxy),
}

/// Who clients are.
#[derive(Clone, Copy)]
pub(crate) enum Who<'a> {
    /// The administrator of an account.
    Administrator(&'a RunningAccount),
    /// The node with this metadata.
    Node(&'a str),
}

impl<'a> Variables<'a> {
    pub(crate) fn of(way: Way<'a>, who: Who<'a>) -> Self {
        let mut set = Vec::new();
        let mut unset = vec![
            "AWS_SESSION_TOKEN",
            "AWS_PROFILE",
            "AWS_ROLE_ARN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
        ];
        match way {
            Way::Endpoint(endpoint) => set.extend([
                ("AWS_ENDPOINT_URL", endpoint),
                // The SDK for Go sees only this one when it asks STS for credentials.
                ("AWS_ENDPOINT_URL_STS", endpoint),
            ]),
            Way::Proxy(proxy) => {
                set.extend([
                    ("HTTPS_PROXY", proxy.url.as_str()),
                    ("NO_PROXY", NOT_PROXIED),
                ]);
                set.extend(CA_VARIABLES.map(|name| (name, proxy.ca_file.as_str())));
                unset.extend([
                    "AWS_ENDPOINT_URL",
                    "AWS_ENDPOINT_URL_STS",
                    "AWS_ENDPOINT_URL_IAM",
                    "AWS_ENDPOINT_URL_S3",
                    // Python and curl let these win.
                    "https_proxy",
                    "no_proxy",
                    "ALL_PROXY",
                    "all_proxy",
                ]);
            }
        }
        match who {
            Who::Administrator(account) => set.extend([
                ("AWS_ACCESS_KEY_ID", account.access_key_id.as_str()),
                ("AWS_SECRET_ACCESS_KEY", &account.secret_access_key),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ]),
            Who::Node(metadata) => {
                set.push(("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata));
                unset.extend([
                    "AWS_EC2_METADATA_DISABLED",
                    "AWS_ACCESS_KEY_ID",
                    "AWS_SECRET_ACCESS_KEY",
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                ]);
            }
        }
        set.extend([
            ("AWS_REGION", DEFAULT_REGION),
            ("AWS_DEFAULT_REGION", DEFAULT_REGION),
        ]);
        Self { set, unset }
    }

    /// Lines for a POSIX shell.
    pub(crate) fn exports(&self) -> String {
        let mut text = output::shell_exports(self.set.iter().copied());
        text.push_str("unset ");
        text.push_str(&self.unset.join(" "));
        text.push('\n');
        text
    }
}

impl Serialize for Variables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.set.iter().copied())
    }
}

/// AWS's CLI and SDK for Python; Go, Rust and OpenSSL; Node; curl.
const CA_VARIABLES: [&str; 4] = [
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
];
