//! One container's identity as shell exports and as an AWS config file.

use podpass_access::injected::{AccountReport, ContainerParts, Credentials, PodReport, Variable};
use podpass_inject::{CONFIG_FILE_NAME, chain_config};
use serde_json::Value;

use crate::failure::Failure;
use crate::output;

/// A container among those that were looked at.
pub(super) struct Chosen<'a> {
    pod: &'a PodReport,
    parts: &'a ContainerParts,
}

impl<'a> Chosen<'a> {
    /// The container of that name in the youngest pod; without a name the first that has an identity, or the first.
    pub(super) fn among(
        accounts: &'a [AccountReport],
        name: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut pods: Vec<&PodReport> = accounts.iter().flat_map(|account| &account.pods).collect();
        let created = |pod: &&PodReport| {
            let time = pod.object.pointer("/metadata/creationTimestamp");
            time.and_then(Value::as_str).map(str::to_owned)
        };
        // RFC 3339 in UTC sorts as text.
        pods.sort_by_key(|pod| std::cmp::Reverse(created(pod)));
        let all: Vec<Chosen<'a>> = pods
            .into_iter()
            .flat_map(|pod| {
                pod.containers
                    .iter()
                    .map(move |parts| Chosen { pod, parts })
            })
            .collect();
        let known: Vec<String> = all.iter().map(|one| one.parts.name.clone()).collect();
        let position = |wanted: &dyn Fn(&Chosen<'a>) -> bool| all.iter().position(wanted);
        let chosen = match name {
            Some(name) => position(&|one| one.parts.name == name),
            None => position(&|one| one.parts.credentials.is_some())
                .or_else(|| position(&|one| !one.parts.init)),
        };
        let chosen = chosen.and_then(|index| all.into_iter().nth(index));
        chosen.ok_or_else(|| match name {
            Some(name) if !known.is_empty() => {
                Failure::usage(format!("--container: no pod has a container `{name}`"))
                    .detail("expected", known.join(", "))
                    .help("name one of the containers that are there")
            }
            _ => Failure::failed("there is no pod whose variables could be shown")
                .help("start one, or take `-o aws-config`, which needs none"),
        })
    }

    /// Prints the `AWS_` variables as the container has them. What only the node knows is left out and named, and so are
    /// secrets.
    pub(super) fn print_env(&self) -> Result<(), Failure> {
        let place = format!(
            "{}/{}, container {}",
            self.pod.namespace, self.pod.name, self.parts.name
        );
        output::note(&format!("# {place}"));
        let mut shown = Vec::new();
        let container = self.object();
        let env = container.map(|container| &container["env"]);
        for variable in env.and_then(Value::as_array).into_iter().flatten() {
            let name = variable["name"].as_str().unwrap_or_default();
            if !name.starts_with("AWS_") {
                continue;
            }
            match self.value_of(variable) {
                Ok(_) if SECRETS.contains(&name) => {
                    output::note(&format!("# {name} is a secret and is left out"));
                }
                Ok(value) => shown.push((name.to_owned(), value)),
                Err(source) => {
                    output::note(&format!("# {name} comes from {source} and is left out"));
                }
            }
        }
        let env_from = container.map(|container| &container["envFrom"]);
        if env_from
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
        {
            output::note(
                "# the container takes whole ConfigMaps or Secrets as variables, too (envFrom)",
            );
        }
        let variables = shown
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        output::data(&output::shell_exports(variables))
    }

    fn object(&self) -> Option<&Value> {
        let member = if self.parts.init {
            "initContainers"
        } else {
            "containers"
        };
        let containers = self.pod.object["spec"][member].as_array()?;
        containers.iter().find(|own| own["name"] == self.parts.name)
    }

    /// The value, or where it comes from when the pod does not say it.
    fn value_of(&self, variable: &Value) -> Result<String, &'static str> {
        if let Some(value) = variable["value"].as_str() {
            return Ok(value.to_owned());
        }
        let source = &variable["valueFrom"];
        if let Some(field) = source["fieldRef"]["fieldPath"].as_str() {
            let pointer = format!("/{}", field.replace('.', "/"));
            let value = self.pod.object.pointer(&pointer).and_then(Value::as_str);
            return value.map(str::to_owned).ok_or("a field of the pod");
        }
        for (member, told) in [
            ("secretKeyRef", "a Secret"),
            ("configMapKeyRef", "a ConfigMap"),
            ("resourceFieldRef", "the container's resources"),
        ] {
            if source.get(member).is_some() {
                return Err(told);
            }
        }
        // Neither value nor source is an empty value.
        if source.is_null() {
            Ok(String::new())
        } else {
            Err("elsewhere")
        }
    }
}

/// An AWS config file whose default profile is the container's identity; where no pod has one, that which the service
/// account's pods should get.
pub(super) fn aws_config(
    accounts: &[AccountReport],
    container: Option<&str>,
    token_file: Option<&str>,
) -> Result<String, Failure> {
    let has_pods = accounts.iter().any(|account| !account.pods.is_empty());
    let chosen = match container {
        // Who names a container wants that one and no other.
        Some(name) => Some(Chosen::among(accounts, Some(name))?),
        None if has_pods => Some(Chosen::among(accounts, None)?),
        None => None,
    };
    if let (Some(name), Some(chosen)) = (container, &chosen)
        && chosen.parts.credentials.is_none()
    {
        return Err(Failure::failed(format!(
            "container `{name}` of {}/{} has no identity",
            chosen.pod.namespace, chosen.pod.name
        ))
        .help("see `podpass get` for why, or leave `--container` out for what the account's pods should get"));
    }
    let of_container = chosen.and_then(|chosen| {
        let credentials = chosen.parts.credentials.as_ref()?;
        Some((credentials, &chosen.parts.variables))
    });
    let mut expected = accounts
        .iter()
        .filter_map(|account| account.expected.as_ref());
    let of_account = expected
        .next()
        .map(|expected| (&expected.credentials, &expected.variables));
    let Some((credentials, variables)) = of_container.or(of_account) else {
        return Err(no_role(accounts));
    };
    match credentials {
        Credentials::WebIdentity {
            role_arn,
            token_file: own,
        } => Ok(profile(&[role_arn], token_file.unwrap_or(own), variables)),
        Credentials::Chain { roles, config_file } => {
            // The token is in the folder of the file.
            let own = config_file.strip_suffix(CONFIG_FILE_NAME).map(|folder| format!("{folder}token"));
            let token_file = token_file.map(str::to_owned).or(own).unwrap_or_default();
            Ok(profile(roles, &token_file, variables))
        }
        Credentials::Container { full_uri, .. } => Err(Failure::failed(format!(
            "the identity is that of EKS Pod Identity ({full_uri}), which no AWS config file can name"
        ))
        .help("set AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE instead: see `-o env`")),
    }
}

fn profile<R: AsRef<str>>(roles: &[R], token_file: &str, variables: &[Variable]) -> String {
    let value = |names: &[&str]| {
        let mut variables = variables.iter();
        let found = variables.find(|variable| names.contains(&variable.name.as_str()));
        found.map(|variable| variable.value.as_str())
    };
    let settings = [
        ("region", value(&["AWS_REGION", "AWS_DEFAULT_REGION"])),
        (
            "sts_regional_endpoints",
            value(&["AWS_STS_REGIONAL_ENDPOINTS"]),
        ),
    ];
    let lines = settings
        .iter()
        // A value with a line break would write lines of its own.
        .filter_map(|(name, value)| {
            Some(format!(
                "{name} = {}\n",
                value.filter(|text| !text.contains('\n'))?
            ))
        });
    let config = chain_config(roles, token_file, value(&["AWS_ROLE_SESSION_NAME"]));
    let (default, others) = config.split_once("[profile ").map_or_else(
        || (config.as_str(), String::new()),
        |(default, others)| (default, format!("[profile {others}")),
    );
    format!("{default}{}{others}", lines.collect::<String>())
}

fn no_role(accounts: &[AccountReport]) -> Failure {
    let notes = accounts.iter().flat_map(|account| &account.notes);
    match notes.into_iter().next() {
        Some(note) => Failure::denied(note.reason, note.message.clone()),
        None => Failure::failed("there is no service account with a role here"),
    }
}

/// What no command prints beside those whose product it is.
const SECRETS: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
