//! Programs on the AWS SDKs, built from `testclients/` into the cache, once per content.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::{environment, go_build, tool};
use super::{cache, prepend_path, root, run, say};

/// A language that has an SDK and a folder in `testclients/`.
struct Language {
    name: &'static str,
    sources: &'static [&'static str],
    /// What has to be in `PATH`, before which there is the Python environment of the clients.
    tools: &'static [&'static str],
    /// Makes the program `<name>-client` in a folder that holds the sources. The tools are in their order above.
    build: fn(&Path, &[PathBuf]) -> Result<(), String>,
}

const LANGUAGES: [Language; 5] = [
    Language {
        name: "python",
        sources: &["client.py"],
        tools: &["python"],
        build: python,
    },
    Language {
        name: "javascript",
        sources: &["client.js", "package-lock.json", "package.json"],
        tools: &["node", "npm"],
        build: javascript,
    },
    Language {
        name: "go",
        sources: &["go.mod", "go.sum", "main.go"],
        tools: &["go"],
        build: go,
    },
    Language {
        name: "java",
        sources: &["Client.java", "jars.sha256", "pom.xml"],
        tools: &["java", "javac", "mvn", "sha256sum"],
        build: java,
    },
    Language {
        name: "rust",
        sources: &["Cargo.lock", "Cargo.toml", "src/main.rs"],
        tools: &["cargo"],
        build: rust,
    },
];

/// The folders with the programs, as a `PATH` has them. A language whose tools are missing is left out.
pub(crate) fn built() -> Result<OsString, String> {
    let mut folders = Vec::new();
    for language in &LANGUAGES {
        folders.extend(language.built()?);
    }
    std::env::join_paths(folders)
        .map_err(|error| format!("the cache's path cannot be in a PATH: {error}"))
}

impl Language {
    fn built(&self) -> Result<Option<PathBuf>, String> {
        let name = self.name;
        let mut tools = Vec::new();
        let path = prepend_path(&environment("clients")?)?;
        for wanted in self.tools {
            let Some(found) = tool(wanted, &path) else {
                say(&format!(
                    "`{wanted}` is not installed: the tests of the AWS SDK for {name} are skipped"
                ));
                return Ok(None);
            };
            tools.push(found);
        }
        let source = root().join("testclients").join(name);
        let files: Vec<PathBuf> = self.sources.iter().map(PathBuf::from).collect();
        let mut hasher = DefaultHasher::new();
        cache::digest(&mut hasher, &source, &files)?;
        // Scripts that start a program have the paths of its tools in them.
        tools.hash(&mut hasher);
        let folder = cache::folder()?
            .join("sdk-clients")
            .join(format!("{name}-{:016x}", hasher.finish()));
        let said = format!("building a program on the AWS SDK for {name} into the cache (once)");
        cache::once(&folder, &said, |draft| {
            for file in &files {
                write(&draft.join(file), &cache::read(&source.join(file))?)?;
            }
            (self.build)(draft, &tools)
        })?;
        Ok(Some(folder))
    }
}

fn python(draft: &Path, tools: &[PathBuf]) -> Result<(), String> {
    script(draft, "python", &tools[0], r#""$here/client.py""#)
}

fn javascript(draft: &Path, tools: &[PathBuf]) -> Result<(), String> {
    let mut install = Command::new(&tools[1]);
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .arg("--loglevel=error")
        .env_remove("NODE_OPTIONS")
        .current_dir(draft);
    run(install)?;
    script(draft, "javascript", &tools[0], r#""$here/client.js""#)
}

fn go(draft: &Path, _: &[PathBuf]) -> Result<(), String> {
    go_build(draft, ".", &draft.join("go-client"), "-s -w")
}

/// Maven only fetches: which bytes are run, `jars.sha256` says.
fn java(draft: &Path, tools: &[PathBuf]) -> Result<(), String> {
    let [java, javac, maven, sha256sum] = tools else {
        unreachable!("as many as are named");
    };
    let repository = draft.join("repository");
    let mut fetch = Command::new(maven);
    fetch
        .args(["--batch-mode", "--quiet", "-Dstyle.color=never"])
        .arg(format!("-Dmaven.repo.local={}", repository.display()))
        .args(["dependency:copy-dependencies", "-DoutputDirectory=lib"])
        .current_dir(draft);
    run(fetch)?;
    remove(&repository)?;
    let lib = draft.join("lib");
    let listed = cache::read(&draft.join("jars.sha256"))?;
    let fetched = fs::read_dir(&lib)
        .map_err(|error| format!("cannot list `{}`: {error}", lib.display()))?
        .count();
    if fetched != listed.lines().count() {
        return Err(format!(
            "`jars.sha256` lists other files than Maven put into `{}`",
            lib.display()
        ));
    }
    let mut check = Command::new(sha256sum);
    check
        .args(["--check", "--strict", "--quiet", "../jars.sha256"])
        .current_dir(&lib);
    run(check)?;
    let mut compile = Command::new(javac);
    compile
        .args(["--release", "17", "-cp", "lib/*", "Client.java"])
        .current_dir(draft);
    run(compile)?;
    // It runs for a second: the optimising compiler would take longer than it wins.
    let arguments = r#"-XX:TieredStopAtLevel=1 -cp "$here:$here/lib/*" Client"#;
    script(draft, "java", java, arguments)
}

fn rust(draft: &Path, tools: &[PathBuf]) -> Result<(), String> {
    let target = draft.join("target");
    let mut build = Command::new(&tools[0]);
    build
        .args(["build", "--quiet", "--locked", "--target-dir"])
        .arg(&target)
        .env_remove("CARGO_BUILD_TARGET")
        .current_dir(draft);
    run(build)?;
    let program = draft.join("rust-client");
    fs::copy(target.join("debug/client"), &program)
        .map_err(|error| format!("cannot write `{}`: {error}", program.display()))?;
    remove(&target)
}

/// The program `<name>-client`, which starts `program` with `arguments` before its own; `$here` is its folder.
fn script(folder: &Path, name: &str, program: &Path, arguments: &str) -> Result<(), String> {
    let path = folder.join(format!("{name}-client"));
    let program = program.display();
    write(
        &path,
        &format!("#!/bin/sh\nhere=${{0%/*}}\nexec '{program}' {arguments} \"$@\"\n"),
    )?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("cannot make `{}` executable: {error}", path.display()))
}

fn write(path: &Path, content: &str) -> Result<(), String> {
    let parent = path.parent().expect("a file has a folder");
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, content))
        .map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

fn remove(folder: &Path) -> Result<(), String> {
    fs::remove_dir_all(folder)
        .map_err(|error| format!("cannot remove `{}`: {error}", folder.display()))
}
