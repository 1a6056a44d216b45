//! The path of the token file, as the container's SDK is told it.

/// Returns the path of the token file under a mount path.
///
/// The path is joined and cleaned as a Unix path; Windows gets a drive letter and backslashes.
pub(crate) fn token_file(mount_path: &str, file_name: &str, windows: bool) -> String {
    let path = clean(&format!("{mount_path}/{file_name}"));
    if windows {
        format!("C:{}", path.replace('/', "\\"))
    } else {
        path
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

#[cfg(test)]
mod tests {
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
        assert_eq!(token_file("/x//y/", "token", false), "/x/y/token");
        assert_eq!(token_file("/x/y", "token", true), r"C:\x\y\token");
    }
}
