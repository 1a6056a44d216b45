//! The command line itself.

use podpass_testkit::Home;

use crate::stand::{PODPASS, run};

#[test]
fn mistakes_on_the_command_line_exit_with_2_and_help_with_0() {
    let home = Home::new();
    for arguments in [
        vec!["nonsense"],
        vec!["token", "decode", "--nonsense"],
        vec!["sandbox"],
        vec![],
    ] {
        let ran = run(home.command(PODPASS).args(&arguments));
        ran.refused(2, &[]);
        assert!(ran.out.is_empty(), "{ran:#?}");
    }
    assert!(
        run(home.command(PODPASS).arg("--help"))
            .succeeded()
            .contains("demo")
    );
    assert!(
        run(home.command(PODPASS).arg("version"))
            .succeeded()
            .starts_with("podpass ")
    );
}

#[test]
fn reader_that_goes_away_is_no_error() {
    let home = Home::new();
    let status = home
        .command("sh")
        .args([
            "-c",
            &format!("{PODPASS} demo --list | head -c 1 >/dev/null"),
        ])
        .status()
        .unwrap();
    assert!(status.success());
}
