//! The files in `deploy/` are what the crate renders.

use std::fs;
use std::path::Path;

use podpass_manifests::{PRESETS, to_yaml};

/// Set to rewrite the files instead of comparing them.
const UPDATE: &str = "PODPASS_UPDATE_DOCS";

#[test]
fn plain_manifests_are_up_to_date() {
    for preset in PRESETS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(preset.path);
        let options = (preset.options)();
        options.check().unwrap();
        let rendered = format!("# {}\n{}", preset.about, to_yaml(&options.render()));
        if std::env::var_os(UPDATE).is_some() {
            fs::write(&path, rendered).unwrap();
            continue;
        }
        let present = fs::read_to_string(&path).unwrap_or_default();
        let path = preset.path;
        assert!(
            present == rendered,
            "{path}: run the test again with {UPDATE}=1"
        );
    }
}
