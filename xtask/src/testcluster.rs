//! The control plane of the tests, built from the Go module `testcluster/` into the cache, once per content.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{cache, root, run, say};

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
///
/// They are built beside their place and renamed into it, under a lock, so that two runs do not build twice.
pub(crate) fn built() -> Result<Option<PathBuf>, String> {
    let folder = folder()?;
    let parent = folder.parent().expect("a folder of the cache has a parent");
    let in_cache = |error: io::Error| format!("cannot write to `{}`: {error}", parent.display());
    if folder.exists() {
        return Ok(Some(folder));
    }
    if !has_go() {
        say("Go is not installed: the tests that need a control plane are skipped");
        return Ok(None);
    }
    fs::create_dir_all(parent).map_err(in_cache)?;
    let lock = File::create(parent.join("lock")).map_err(in_cache)?;
    lock.lock().map_err(in_cache)?;
    if folder.exists() {
        return Ok(Some(folder));
    }
    say("building the control plane into the cache (once; about ten minutes)");
    let draft = parent.join("draft");
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(in_cache)?;
    }
    fs::create_dir(&draft).map_err(in_cache)?;
    let version = kubernetes_version()?;
    let stamp = format!("-X k8s.io/component-base/version.gitVersion={version}");
    run(build(".", &draft.join("control-plane"), &stamp))?;
    run(build("./kwok", &draft.join("kwok"), ""))?;
    for program in PROGRAMS {
        symlink("control-plane", draft.join(program)).map_err(in_cache)?;
    }
    fs::rename(&draft, &folder).map_err(in_cache)?;
    Ok(Some(folder))
}

fn build(package: &str, output: &Path, link_flags: &str) -> Command {
    let mut command = Command::new("go");
    command
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags"])
        .arg(format!("-s -w {link_flags}"))
        .arg("-o")
        .arg(output)
        .arg(package)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .current_dir(module());
    command
}

fn has_go() -> bool {
    Command::new("go")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn module() -> PathBuf {
    root().join("testcluster")
}

/// `testcluster/<version>-<digest>` in the cache: another content is another folder.
fn folder() -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    for path in sources()? {
        path.hash(&mut hasher);
        read(&path)?.hash(&mut hasher);
    }
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

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(module().join(path))
        .map_err(|error| format!("cannot read `testcluster/{}`: {error}", path.display()))
}

/// The version of `k8s.io/kubernetes` that `go.mod` requires. kubectl needs it in the binary to compare itself.
fn kubernetes_version() -> Result<String, String> {
    let text = read(Path::new("go.mod"))?;
    let mut words = text.lines().map(str::split_whitespace);
    words
        .find_map(|mut words| (words.next() == Some("k8s.io/kubernetes")).then(|| words.next())?)
        .map(str::to_owned)
        .ok_or_else(|| "`testcluster/go.mod` requires no k8s.io/kubernetes".to_owned())
}
