//! Test inputs that are not part of the project.

use std::path::{Path, PathBuf};

/// The path of a test input under `PODPASS_TEST_DATA` (default: `../shared/data` beside the project).
///
/// Returns `None`, and says so on stderr, when the file is absent, so that a test can be skipped on a laptop.
///
/// # Panics
/// When the file is absent and `CI=true`: there a missing part is a failure.
pub fn test_data(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PODPASS_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!(
        "test data `{relative}` is missing: set PODPASS_TEST_DATA to the folder that holds it"
    ));
    None
}

/// The Python environment with the AWS CLI and boto3 that `cargo xtask test` makes.
///
/// # Panics
/// When it is absent and `CI=true`.
pub fn foreign_clients() -> Option<PathBuf> {
    let path = std::env::var_os("PODPASS_TEST_CLIENTS").map(PathBuf::from);
    if path.is_none() {
        skipped("the foreign clients are missing: run `cargo xtask test`, which installs them");
    }
    path
}

/// The Python of the environment that `cargo xtask test` makes with moto in it.
///
/// # Panics
/// When it is absent and `CI=true`.
pub fn python_with_moto() -> Option<PathBuf> {
    let environment = std::env::var_os("PODPASS_TEST_MOTO");
    if environment.is_none() {
        skipped("moto is missing: run `cargo xtask test`, which installs it");
    }
    environment.map(|path| PathBuf::from(path).join("bin/python"))
}

/// The programs on the AWS SDKs that `cargo xtask test` builds, by their language: `python`, `javascript`, `go`, `java`
/// and `rust`. `testclients/README.md` says which words they take.
///
/// One that is absent is left out, and said so on stderr.
///
/// # Panics
/// When one is absent and `CI=true`.
pub fn sdk_clients() -> Vec<(&'static str, PathBuf)> {
    let folders = std::env::var_os("PODPASS_TEST_SDKS").unwrap_or_default();
    let mut found = Vec::new();
    for language in ["python", "javascript", "go", "java", "rust"] {
        let program = std::env::split_paths(&folders)
            .map(|folder| folder.join(format!("{language}-client")))
            .find(|program| program.is_file());
        if let Some(program) = program {
            found.push((language, program));
        } else {
            skipped(&format!(
                "the program on the AWS SDK for {language} is missing: run `cargo xtask test`, which builds it"
            ));
        }
    }
    found
}

/// The folder with Debian's s3cmd and rclone (`usr/bin/…`) that `cargo xtask test` unpacks.
///
/// # Panics
/// When it is absent and `CI=true`.
pub fn debian_clients() -> Option<PathBuf> {
    let path = std::env::var_os("PODPASS_TEST_DEBIAN").map(PathBuf::from);
    if path.is_none() {
        skipped("s3cmd and rclone are missing: run `cargo xtask test`, which unpacks them");
    }
    path
}

/// The Helm that `cargo xtask test` builds.
///
/// # Panics
/// When it is absent and `CI=true`.
pub fn helm() -> Option<PathBuf> {
    let path = std::env::var_os("PODPASS_TEST_HELM").map(PathBuf::from);
    if path.is_none() {
        skipped("Helm is missing: run `cargo xtask test`, which builds it (it needs Go)");
    }
    path
}

/// Says loudly that a test is skipped.
///
/// # Panics
/// With `CI=true`: there a missing part is a failure.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub fn skipped(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("SKIPPED: {why}");
}
