//! `docs/reasons.md` is the table of reason codes, rendered.

use std::fmt::Write as _;
use std::path::Path;

use podpass_kinds::Reason;

/// Set to rewrite the page instead of comparing it.
const UPDATE: &str = "PODPASS_UPDATE_DOCS";

#[test]
fn reference_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons.md");
    let rendered = render();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, rendered).unwrap();
        return;
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(page, rendered, "run the test again with {UPDATE}=1");
}

#[test]
fn each_anchor_is_a_heading_of_the_page() {
    let page = render();
    for reason in Reason::ALL {
        let anchor = reason.docs_anchor();
        let (_, heading) = anchor.split_once('#').unwrap();
        let expected = format!("\n## {}\n", heading.to_ascii_uppercase());
        assert!(page.contains(&expected), "no heading for {anchor}");
    }
}

fn render() -> String {
    let mut page = String::from(
        "# Reason codes\n\n\
         Generated from `crates/kinds/src/reason.rs`. Every denial, refusal and note of podpass carries one of these\n\
         codes; the name below it is the same reason as a Kubernetes condition, event reason and metric label.\n",
    );
    for reason in Reason::ALL {
        let _ = write!(
            page,
            "\n## {}\n\n`{}`: {}.\n\nWhat to do: {}.\n",
            reason.code(),
            reason.condition(),
            reason.hint(),
            reason.fix()
        );
    }
    page
}
