use super::commands::Leaf;
use super::flags::{Parsed, parse};
use super::{help, timestamped};

fn mistake(leaf: Leaf, arguments: &[&str]) -> String {
    parse(leaf.flags(), arguments).unwrap_err()
}

#[test]
fn flags_are_read_as_pflag_reads_them() {
    let arguments = [
        "--name",
        "a",
        "--region=eu-west-1",
        "ignored",
        "--dry-run",
        "--name=b",
        "--",
        "--bogus",
    ];
    let Ok(Parsed::Flags(flags)) = parse(Leaf::IdentityProvider.flags(), &arguments) else {
        panic!("the flags are valid");
    };
    assert_eq!(flags.value("name"), Some("b"));
    assert_eq!(flags.value("region"), Some("eu-west-1"));
    assert_eq!(flags.value("output-dir"), None);
    assert!(flags.is_on("dry-run"));
}

#[test]
fn switches_take_gos_spellings_of_true_and_false() {
    for (argument, on) in [
        ("--dry-run", true),
        ("--dry-run=true", true),
        ("--dry-run=T", true),
        ("--dry-run=1", true),
        ("--dry-run=false", false),
        ("--dry-run=0", false),
    ] {
        let Ok(Parsed::Flags(flags)) = parse(
            Leaf::IdentityProvider.flags(),
            &["--name=n", "--region=r", argument],
        ) else {
            panic!("{argument} is valid");
        };
        assert_eq!(flags.is_on("dry-run"), on, "{argument}");
    }
}

#[test]
fn mistakes_are_told_in_the_peers_words() {
    for (arguments, expected) in [
        (
            &["--public-key-file", "x"][..],
            "required flag(s) \"name\", \"region\" not set",
        ),
        (&["--name"], "flag needs an argument: --name"),
        (&["--nope=1"], "unknown flag: --nope"),
        (&["-n", "x"], "unknown shorthand flag: 'n' in -n"),
        (&["--=x"], "bad flag syntax: --=x"),
        (&["---name"], "bad flag syntax: ---name"),
        (
            &["--dry-run=maybe"],
            "invalid argument \"maybe\" for \"--dry-run\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
    ] {
        assert_eq!(mistake(Leaf::IdentityProvider, arguments), expected);
    }
    assert_eq!(
        mistake(Leaf::IamRoles, &[]),
        "required flag(s) \"credentials-requests-dir\", \"identity-provider-arn\", \"name\" not set"
    );
}

#[test]
fn help_is_asked_for_anywhere() {
    for arguments in [&["--help"][..], &["-h"], &["--name", "a", "--help"]] {
        assert_eq!(parse(Leaf::All.flags(), arguments), Ok(Parsed::Help));
    }
}

#[test]
fn usage_lists_flags_in_order_with_their_types() {
    assert_eq!(
        help::usage(Leaf::IdentityProvider),
        "Usage:
  ccoctl aws create-identity-provider [flags]

Flags:
      --create-private-s3-bucket   Serve the issuer from a private bucket (not available: refused)
      --dry-run                    Write the inputs for the AWS CLI and call nobody
  -h, --help                       help for create-identity-provider
      --name string                Name of the cluster, for the names and tags of all resources
      --output-dir string          Directory for keys and manifests (default: the current directory)
      --public-key-file string     File with the public keys of the cluster's signing keys
      --region string              Region of the bucket
"
    );
}

#[test]
fn log_lines_start_with_gos_time() {
    let line = timestamped("Reading public key");
    let (time, message) = line.split_at(20);
    assert_eq!(message, "Reading public key");
    let shape: String = time
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    assert_eq!(shape, "9999/99/99 99:99:99 ");
}
