//! `podpass man`.

use std::fs;

use podpass_testkit::Home;

use crate::stand::{PODPASS, run};

#[test]
fn every_command_has_a_page_that_names_it_and_nothing_else_is_written() {
    let home = Home::new();
    for _ in 0..2 {
        run(home.command(PODPASS).args(["man", "--dir", "new/man1"])).succeeded();
    }
    let mut pages: Vec<String> = fs::read_dir(home.path("new/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let root = run(home.command(PODPASS).arg("--help"));
    let commands = root.succeeded();
    let (_, commands) = commands.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let mut count = 0;
    for command in commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
    {
        let name = command.split_whitespace().next().unwrap();
        if name == "help" {
            continue;
        }
        let page = format!("podpass-{name}.1");
        assert!(pages.contains(&page), "no {page} in {pages:?}");
        count += 1;
    }
    assert!(count > 10, "{commands}");
    assert!(pages.contains(&"podpass-token-get.1".to_owned()));
    for page in &pages {
        let text = fs::read_to_string(home.path("new/man1").join(page)).unwrap();
        let name = page.strip_suffix(".1").unwrap();
        assert!(
            text.contains(&format!(".TH {} 1 ", name.to_uppercase())),
            "{text}"
        );
        // As roff writes hyphens that are to stay hyphens.
        let named = format!(".SH NAME\n{} \\- ", name.replace('-', "\\-"));
        assert!(text.contains(&named), "{text}");
    }
}

#[test]
fn page_of_podpass_goes_to_standard_output() {
    let home = Home::new();
    let ran = run(home.command(PODPASS).arg("man"));
    assert!(ran.succeeded().contains(".TH PODPASS 1 "), "{ran:#?}");
    let file = home.write("file", "");
    let ran = run(home.command(PODPASS).arg("man").arg("--dir").arg(file));
    ran.refused(1, &["cannot make the folder `"]);
}
