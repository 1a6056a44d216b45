//! The parts of a pod that an injection adds, as they stand in it.

use podpass_inject::{CONFIG_FILE_NAME, Settings, VOLUME_NAME, chain_roles};
use podpass_kinds::annotations::AWS_CONFIG;
use serde::Serialize;
use serde_json::Value;

/// What a pod has of what an injection adds, whoever put it there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Init containers first.
    pub(super) containers: Vec<ContainerParts>,
    /// The volumes that hold a token, as far as they have the injection's names.
    pub(super) volumes: Vec<TokenVolume>,
}

/// What a container has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerParts {
    /// The container's name.
    pub name: String,
    /// Whether it is an init container.
    pub init: bool,
    /// How its SDK gets credentials; `None` unless both variables of a kind are there as plain text.
    pub credentials: Option<Credentials>,
    /// The variables that an injection can add, in the container's order, where they are plain text.
    pub variables: Vec<Variable>,
    /// Where it mounts the token.
    pub mounts: Vec<Mount>,
}

/// How an SDK gets credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Credentials {
    /// By exchanging a token for those of a role.
    WebIdentity {
        /// `AWS_ROLE_ARN`.
        role_arn: String,
        /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
        token_file: String,
    },
    /// By exchanging a token for those of a role, and taking on further roles with them.
    Chain {
        /// The roles, in the order in which they are taken on; the last is the one that counts.
        roles: Vec<String>,
        /// `AWS_CONFIG_FILE`.
        config_file: String,
    },
    /// By asking an endpoint (EKS Pod Identity).
    Container {
        /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
        full_uri: String,
        /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
        token_file: String,
    },
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A mounted token volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// The volume's name.
    pub volume: String,
    /// The path.
    pub path: String,
}

/// A volume of a projected service account token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenVolume {
    /// Its name.
    pub name: String,
    /// The token's audience; `None` is the API server's own.
    pub audience: Option<String>,
    /// The token's lifetime in seconds.
    pub expiration_seconds: Option<i64>,
    /// The file's name in the volume.
    pub path: String,
}

impl Parts {
    pub(super) fn of(pod: &Value, settings: &Settings) -> Self {
        let names = volume_names(settings);
        let config = pod["metadata"]["annotations"][AWS_CONFIG].as_str();
        let of_list = |member: &str, init: bool| -> Vec<ContainerParts> {
            let containers = list(&pod["spec"], member);
            containers
                .map(|container| ContainerParts::of(container, init, names, config))
                .collect()
        };
        let mut containers = of_list("initContainers", true);
        containers.extend(of_list("containers", false));
        Self {
            containers,
            volumes: token_volumes(pod, settings),
        }
    }

    /// The container of that name and kind.
    pub(super) fn container(&self, like: &ContainerParts) -> Option<&ContainerParts> {
        let mut containers = self.containers.iter();
        containers.find(|own| own.name == like.name && own.init == like.init)
    }
}

impl ContainerParts {
    fn of(container: &Value, init: bool, names: [&str; 2], config: Option<&str>) -> Self {
        let variables: Vec<Variable> = list(container, "env")
            .filter_map(|variable| {
                Some(Variable {
                    name: variable["name"].as_str()?.to_owned(),
                    value: variable["value"].as_str()?.to_owned(),
                })
            })
            .filter(|variable| VARIABLES.contains(&variable.name.as_str()))
            .collect();
        let mounts = list(container, "volumeMounts").filter_map(|mount| {
            let volume = mount["name"].as_str()?;
            names.contains(&volume).then(|| Mount {
                volume: volume.to_owned(),
                path: text(mount, "mountPath"),
            })
        });
        Self {
            name: text(container, "name"),
            init,
            credentials: Credentials::of(&variables, config),
            mounts: mounts.collect(),
            variables,
        }
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        value_of(&self.variables, name)
    }
}

impl Credentials {
    /// `config` is what the injection wrote for a chain.
    fn of(variables: &[Variable], config: Option<&str>) -> Option<Self> {
        let value = |name| value_of(variables, name).map(str::to_owned);
        let [role_arn, token_file] = WEB_IDENTITY.map(value);
        if let (Some(role_arn), Some(token_file)) = (role_arn, token_file) {
            return Some(Self::WebIdentity {
                role_arn,
                token_file,
            });
        }
        if let (Some(config_file), Some(config)) = (value(CHAIN[0]), config) {
            let roles = chain_roles(config).into_iter().map(str::to_owned);
            return Some(Self::Chain {
                roles: roles.collect(),
                config_file,
            });
        }
        let [full_uri, token_file] = CONTAINER.map(value);
        Some(Self::Container {
            full_uri: full_uri?,
            token_file: token_file?,
        })
    }

    /// What they are for: the roles' ARNs, in the order in which they are taken on, or the endpoint.
    pub fn target(&self) -> String {
        match self {
            Self::WebIdentity { role_arn, .. } => role_arn.clone(),
            Self::Chain { roles, .. } => roles.join(" then "),
            Self::Container { full_uri, .. } => full_uri.clone(),
        }
    }

    /// The roles that are taken on, one after the other; none of container credentials.
    pub fn roles(&self) -> &[String] {
        match self {
            Self::WebIdentity { role_arn, .. } => std::slice::from_ref(role_arn),
            Self::Chain { roles, .. } => roles,
            Self::Container { .. } => &[],
        }
    }

    /// Where the token is, or the file that says so.
    pub fn file(&self) -> &str {
        match self {
            Self::WebIdentity { token_file, .. } | Self::Container { token_file, .. } => token_file,
            Self::Chain { config_file, .. } => config_file,
        }
    }
}

/// The pod without what a webhook put into it: token volumes, their mounts, the two credentials variables where they
/// point to such a mount, and the configuration of a chain.
///
/// Region, STS and endpoint variables stay: nobody can tell whose they are, and the injection leaves them alone.
pub(super) fn without_injected(pod: &Value, settings: &Settings) -> Value {
    let volumes = token_volumes(pod, settings);
    let mut bare = pod.clone();
    if let Some(own) = bare["spec"]["volumes"].as_array_mut() {
        own.retain(|volume| !volumes.iter().any(|token| volume["name"] == token.name));
    }
    if let Some(annotations) = bare["metadata"]["annotations"].as_object_mut() {
        annotations.remove(AWS_CONFIG);
    }
    for member in ["initContainers", "containers"] {
        let containers = bare["spec"][member].as_array_mut();
        for container in containers.into_iter().flatten() {
            strip(container, &volumes);
        }
    }
    bare
}

fn strip(container: &mut Value, volumes: &[TokenVolume]) {
    let mut token_files = Vec::new();
    if let Some(mounts) = container["volumeMounts"].as_array_mut() {
        mounts.retain(|mount| {
            let token = volumes.iter().find(|token| mount["name"] == token.name);
            if let Some(token) = token {
                let path = text(mount, "mountPath");
                token_files.push(format!("{path}/{}", token.path));
                token_files.push(format!("{path}/{CONFIG_FILE_NAME}"));
            }
            token.is_none()
        });
    }
    let Some(env) = container["env"].as_array_mut() else {
        return;
    };
    let value = |env: &[Value], name: &str| {
        let mut variables = env.iter();
        let found = variables.find(|variable| variable["name"] == name)?;
        found["value"].as_str().map(str::to_owned)
    };
    // Of each, the second names a file in the token's volume.
    for pair in [WEB_IDENTITY, CONTAINER, [CHAIN[1], CHAIN[0]]] {
        let [target, file] = pair.map(|name| value(env, name));
        let points_there = |file: &String| token_files.iter().any(|own| same_file(own, file));
        if target.is_some() && file.as_ref().is_some_and(points_there) {
            env.retain(|variable| !pair.iter().any(|name| variable["name"] == *name));
        }
    }
}

/// Whether two spellings name one file, on Unix or on Windows.
fn same_file(one: &str, other: &str) -> bool {
    let plain = |path: &str| {
        let path = path.replace('\\', "/");
        let path = path.strip_prefix("C:").unwrap_or(&path).to_owned();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        parts.join("/")
    };
    plain(one) == plain(other)
}

/// The volumes of the injection's names that project a token.
fn token_volumes(pod: &Value, settings: &Settings) -> Vec<TokenVolume> {
    let names = volume_names(settings);
    list(&pod["spec"], "volumes")
        .filter_map(|volume| {
            let name = volume["name"].as_str()?;
            let mut sources = list(&volume["projected"], "sources");
            let token = sources.find_map(|source| source.get("serviceAccountToken"))?;
            names.contains(&name).then(|| TokenVolume {
                name: name.to_owned(),
                audience: token["audience"].as_str().map(str::to_owned),
                expiration_seconds: token["expirationSeconds"].as_i64(),
                path: text(token, "path"),
            })
        })
        .collect()
}

fn volume_names(settings: &Settings) -> [&str; 2] {
    [
        VOLUME_NAME,
        &settings.container_credentials.token_volume_name,
    ]
}

fn value_of<'a>(variables: &'a [Variable], name: &str) -> Option<&'a str> {
    let mut variables = variables.iter();
    let found = variables.find(|variable| variable.name == name)?;
    Some(&found.value)
}

fn list<'a>(object: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    object[member].as_array().into_iter().flatten()
}

fn text(object: &Value, member: &str) -> String {
    object[member].as_str().unwrap_or_default().to_owned()
}

const WEB_IDENTITY: [&str; 2] = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
const CONTAINER: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

const CHAIN: [&str; 2] = ["AWS_CONFIG_FILE", "AWS_SDK_LOAD_CONFIG"];

/// The variables that an injection can add.
const VARIABLES: [&str; 12] = [
    WEB_IDENTITY[0],
    WEB_IDENTITY[1],
    CONTAINER[0],
    CONTAINER[1],
    CHAIN[0],
    CHAIN[1],
    "AWS_ROLE_SESSION_NAME",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
];
