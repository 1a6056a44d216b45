//! Helm, built from the Go module `testclients/helm` into the cache, once per content.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;
use std::path::PathBuf;

use super::tools::{go_build, tool};
use super::{cache, root, say};

/// The program, when it was built before.
pub(crate) fn cached() -> Result<Option<PathBuf>, String> {
    let folder = folder()?;
    Ok(folder.exists().then(|| folder.join("helm")))
}

/// The program, built now if need be; `None` where there is no Go.
pub(crate) fn built() -> Result<Option<PathBuf>, String> {
    let folder = folder()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !folder.exists() && tool("go", &path).is_none() {
        say("Go is not installed: the tests of the Helm chart are skipped");
        return Ok(None);
    }
    let said = "building Helm into the cache (once; about two minutes)";
    cache::once(&folder, said, |draft| {
        let package = "helm.sh/helm/v3/cmd/helm";
        go_build(&module(), package, &draft.join("helm"), "-s -w")
    })?;
    cached()
}

fn module() -> PathBuf {
    root().join("testclients/helm")
}

fn folder() -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    let files = ["go.mod", "go.sum"].map(PathBuf::from);
    cache::digest(&mut hasher, &module(), &files)?;
    let name = format!("{:016x}", hasher.finish());
    Ok(cache::folder()?.join("helm").join(name))
}
