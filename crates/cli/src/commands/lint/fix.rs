//! `--fix`: the changes that lint calls safe, made in the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use podpass_diagnose::lint::{Edit, apply};

use super::inputs::Input;
use super::look;
use crate::failure::Failure;
use crate::files;

/// Repairs the files until nothing safe is left to do, and writes each that changed once; returns what was done.
pub(super) fn fix(inputs: &mut [Input]) -> Result<Vec<Edit>, Failure> {
    if inputs.iter().any(|input| input.path.is_none()) {
        return Err(Failure::usage("`--fix` cannot change standard input")
            .help("name a file, or leave `--fix` out"));
    }
    let before: Vec<String> = inputs.iter().map(|input| input.text.clone()).collect();
    let mut done = Vec::new();
    // One repair can bring another mistake to light; each round repairs at least one.
    for _ in 0..MAX_ROUNDS {
        let report = look(inputs);
        let mut changed = false;
        for input in &mut *inputs {
            let edits: Vec<Edit> = report
                .edits
                .iter()
                .filter(|edit| edit.file == input.name)
                .cloned()
                .collect();
            let (text, made) = apply(&input.text, &edits);
            if text != input.text {
                changed = true;
                input.text = text;
                done.extend(made.into_iter().cloned());
            }
        }
        if !changed {
            break;
        }
    }
    for (input, before) in inputs.iter().zip(before) {
        if let Some(path) = input.path.as_deref().filter(|_| input.text != before) {
            write(path, &input.text)?;
        }
    }
    Ok(done)
}

/// Replaces a file's content; its mode stays, and a link goes on pointing to it.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::failed(format!("cannot write `{}`", path.display())).because(error)
    };
    let target = fs::canonicalize(path).map_err(|error| failed(&error))?;
    let metadata = fs::metadata(&target).map_err(|error| failed(&error))?;
    files::write_atomically(
        &target,
        text.as_bytes(),
        metadata.permissions().mode() & 0o7777,
    )
}

const MAX_ROUNDS: usize = 10;
