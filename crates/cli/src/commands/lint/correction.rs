//! The corrected policies for a person.

use std::fmt::Write as _;

use podpass_diagnose::lint::Correction;

use super::shown;
use crate::output::Paint;

/// Each corrected policy below what was changed in it, or why there is none. No file is written.
pub(super) fn text(corrections: &[Correction], paint: Paint) -> String {
    let mut text = String::new();
    for correction in corrections {
        let file = &correction.file;
        let changes = shown(&correction.changes.join(", "));
        if let Some(policy) = &correction.text {
            let head = format!("{file}: corrected: {changes}");
            let _ = writeln!(text, "\n{}", paint.strong(&head));
            for placeholder in &correction.placeholders {
                let _ = writeln!(text, "  = to fill in: {}", shown(placeholder));
            }
            text.push_str(policy);
        } else if let Some(undecided) = &correction.undecided {
            let head = format!("{file}: no corrected policy:");
            let undecided = shown(undecided);
            let _ = writeln!(
                text,
                "\n{} {undecided}, which its writer has to decide",
                paint.strong(&head)
            );
        }
    }
    text
}
