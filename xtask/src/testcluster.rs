//! The control plane of the tests, built from the Go module `testcluster/` into the cache, once per content.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::tools::{go_build, tool};
use super::{cache, root, say};

/// The names by which the multi-call binary is called.
const PROGRAMS: [&str; 5] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
];

/// The folder with the programs, when they were built before.
pub(crate) fn cached() -> Result<Option<PathBuf>, String> {
    let folder = folder()?;
    Ok(folder.exists().then_some(folder))
}

/// The folder with the programs, built now if need be; `None` where there is no Go.
pub(crate) fn built() -> Result<Option<PathBuf>, String> {
    let folder = folder()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !folder.exists() && tool("go", &path).is_none() {
        say("Go is not installed: the tests that need a control plane are skipped");
        return Ok(None);
    }
    let said = "building the control plane into the cache (once; about ten minutes)";
    cache::once(&folder, said, |draft| {
        let stamp = format!(
            "-s -w -X k8s.io/component-base/version.gitVersion={}",
            kubernetes_version()?
        );
        go_build(&module(), ".", &draft.join("control-plane"), &stamp)?;
        go_build(&module(), "./kwok", &draft.join("kwok"), "-s -w")?;
        for program in PROGRAMS {
            symlink("control-plane", draft.join(program)).map_err(|error| {
                format!("cannot link `{program}` in `{}`: {error}", draft.display())
            })?;
        }
        Ok(())
    })?;
    Ok(Some(folder))
}

fn module() -> PathBuf {
    root().join("testcluster")
}

/// `testcluster/<version>-<digest>` in the cache: another content is another folder.
fn folder() -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    cache::digest(&mut hasher, &module(), &sources()?)?;
    let name = format!("{}-{:016x}", kubernetes_version()?, hasher.finish());
    Ok(cache::folder()?.join("testcluster").join(name))
}

/// The files that decide what is built, as paths in the module.
fn sources() -> Result<Vec<PathBuf>, String> {
    let mut found = vec![PathBuf::from("go.mod"), PathBuf::from("go.sum")];
    for folder in ["", "kwok", "lifetime"] {
        let entries = fs::read_dir(module().join(folder))
            .map_err(|error| format!("cannot list `testcluster/{folder}`: {error}"))?;
        let names = entries.flatten().map(|entry| entry.file_name());
        let paths = names.map(|name| Path::new(folder).join(name));
        found.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "go")));
    }
    found.sort();
    Ok(found)
}

/// The version of `k8s.io/kubernetes` that `go.mod` requires. kubectl needs it in the binary to compare itself.
fn kubernetes_version() -> Result<String, String> {
    let text = cache::read(&module().join("go.mod"))?;
    let mut words = text.lines().map(str::split_whitespace);
    words
        .find_map(|mut words| (words.next() == Some("k8s.io/kubernetes")).then(|| words.next())?)
        .map(str::to_owned)
        .ok_or_else(|| "`testcluster/go.mod` requires no k8s.io/kubernetes".to_owned())
}
