//! Reading `--credentials-requests-dir`.

use std::fs;
use std::path::Path;

use podpass_kinds::read_credentials_requests;
use podpass_provision::{RequestFile, Selection, TechPreview, select};

use super::failures;
use crate::failure::Failure;
use crate::files::read_text;
use crate::given;

/// Reads the files of a directory in the order of their names, not those below it, and chooses the requests.
pub(crate) fn read(directory: &Path, tech_preview: TechPreview) -> Result<Selection, Failure> {
    given::path("--credentials-requests-dir", directory)?;
    let shown = directory.display().to_string();
    let failed = |error: std::io::Error| {
        Failure::usage(format!("cannot read the directory `{shown}`"))
            .because(&error)
            .help("name the directory that holds the CredentialsRequests of your release")
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_manifest = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        // What is no file may have any name, but behind a link that leads nowhere somebody expects a request.
        let is_no_file = fs::metadata(&path).is_ok_and(|found| !found.is_file());
        if is_manifest && !is_no_file {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let documents = read_credentials_requests(&name, &read_text(&path)?)
            .map_err(|error| failures::read(&error))?;
        files.push(RequestFile { name, documents });
    }
    select(&shown, files, tech_preview).map_err(|error| failures::request(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a.yaml")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("b.yaml")).unwrap();
        let failure = read(folder.path(), TechPreview::Exclude).unwrap_err();
        assert!(failure.message().contains("b.yaml"), "{failure}");
    }
}
