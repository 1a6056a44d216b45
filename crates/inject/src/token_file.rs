//! The path of the token file, as the container's SDK is told it.

use serde_json::Value;

/// The family of operating systems that a pod runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperatingSystem {
    Unix,
    Windows,
}

impl OperatingSystem {
    /// Reads it from a pod's spec: the node selector, as the peer does, or `os.name`, which the peer does not know.
    pub(crate) fn of(spec: &Value) -> Self {
        let selects = |label: &str| {
            spec.get("nodeSelector")
                .and_then(|selector| selector.get(label))
        };
        let names = [
            selects("beta.kubernetes.io/os"),
            selects("kubernetes.io/os"),
            spec.get("os").and_then(|os| os.get("name")),
        ];
        let windows = names.into_iter().flatten().any(|name| name == "windows");
        if windows { Self::Windows } else { Self::Unix }
    }
}

/// Returns the path of the token file under a mount path.
///
/// The path is joined and cleaned as a Unix path; Windows gets a drive letter and backslashes.
pub(crate) fn token_file(mount_path: &str, system: OperatingSystem) -> String {
    let path = clean(&format!("{mount_path}/{TOKEN_FILE_NAME}"));
    match system {
        OperatingSystem::Unix => path,
        OperatingSystem::Windows => format!("C:{}", path.replace('/', "\\")),
    }
}

/// Shortens a path as Go's `path.Clean` does: no empty, `.` or inner `..` parts and no slash at the end.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// The token's file name in its volume.
pub(crate) const TOKEN_FILE_NAME: &str = "token";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cleans_as_go_does() {
        let cases = [
            ("/x//y/", "/x/y"),
            ("/x/./y", "/x/y"),
            ("/x/../y", "/y"),
            ("/../y", "/y"),
            ("../y", "../y"),
            ("a/../..", ".."),
            ("", "."),
            ("/", "/"),
        ];
        for (path, expected) in cases {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn token_file_is_told_in_the_words_of_the_operating_system() {
        assert_eq!(token_file("/x//y/", OperatingSystem::Unix), "/x/y/token");
        assert_eq!(
            token_file("/x/y", OperatingSystem::Windows),
            r"C:\x\y\token"
        );
    }

    #[test]
    fn windows_is_told_by_node_selector_or_os_name() {
        let cases = [
            (
                "deprecated label",
                json!({"nodeSelector": {"beta.kubernetes.io/os": "windows"}}),
                OperatingSystem::Windows,
            ),
            (
                "label",
                json!({"nodeSelector": {"kubernetes.io/os": "windows"}}),
                OperatingSystem::Windows,
            ),
            (
                "os name",
                json!({"os": {"name": "windows"}}),
                OperatingSystem::Windows,
            ),
            (
                "capital letter",
                json!({"nodeSelector": {"kubernetes.io/os": "Windows"}}),
                OperatingSystem::Unix,
            ),
            (
                "linux",
                json!({"os": {"name": "linux"}}),
                OperatingSystem::Unix,
            ),
            ("nothing said", json!({}), OperatingSystem::Unix),
            (
                "malformed",
                json!({"nodeSelector": ["windows"], "os": null}),
                OperatingSystem::Unix,
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(OperatingSystem::of(&spec), expected, "{name}");
        }
    }
}
