//! The comparison as a table, and each difference below it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use podpass_access::injected::{AccountReport, Credentials, Difference, PodReport, TokenVolume};

use crate::output::{Paint, printable};
use crate::table::Table;

/// How much a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Usual,
    /// Also the role that the service account has, and the token. How long a session lives is not among it: nothing in
    /// the cluster says so, the SDK asks STS for its default.
    Wide,
}

/// A row for each container; then what differs, and what is worth knowing.
pub(super) fn render(accounts: &[AccountReport], width: Width, paint: Paint) -> String {
    if accounts.is_empty() {
        return "no service account here has a role, and no pod has one\n".to_owned();
    }
    let mut header = vec![
        "SERVICE ACCOUNT",
        "POD",
        "CONTAINER",
        "ROLE IN THE POD",
        "RESULT",
    ];
    if width == Width::Wide {
        header.extend(["ROLE OF THE ACCOUNT", "AUDIENCE", "TOKEN LIFE"]);
    }
    let mut table = Table::new(&header);
    let mut row = |cells: [&str; 5], account: &AccountReport, token, is_bad| {
        let wide = wide(account, token);
        let mut cells = cells.to_vec();
        if width == Width::Wide {
            cells.extend(wide.iter().map(Cow::as_ref));
        }
        table.judged_cells(&cells, is_bad);
    };
    for account in accounts {
        let name = &account.service_account;
        for pod in &account.pods {
            for container in &pod.containers {
                let role = container
                    .credentials
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), Credentials::target);
                let codes = codes(pod, &container.name);
                let result = if codes.is_empty() {
                    "as it should be"
                } else {
                    &codes
                };
                row(
                    [name, &pod.name, &container.name, &role, result],
                    account,
                    pod.token_of(container),
                    !codes.is_empty(),
                );
            }
        }
        if account.pods.is_empty() {
            let token = account.expected.as_ref().map(|expected| &expected.token);
            row([name, "-", "-", "-", "no pods"], account, token, false);
        }
    }
    let mut text = table.render(paint);
    for account in accounts {
        let _ = write!(text, "\n{}", expected(account, paint));
        for pod in &account.pods {
            let name = format!("{}/{}", pod.namespace, pod.name);
            for difference in &pod.differences {
                let _ = write!(text, "\n{}", of_difference(&name, difference, paint));
            }
            for note in &pod.notes {
                let told = format!(
                    "note[{}]: {name}: {}",
                    note.reason,
                    printable(&note.message)
                );
                let _ = writeln!(text, "{}", paint.help(&told));
            }
        }
    }
    text
}

/// The cells that only `wide` has: the account's role, and audience and life of a token.
fn wide<'a>(account: &'a AccountReport, token: Option<&'a TokenVolume>) -> [Cow<'a, str>; 3] {
    let expected = account.expected.as_ref();
    let role = expected.map_or_else(|| "-".to_owned(), |expected| expected.credentials.target());
    let Some(token) = token else {
        return [role.into(), "-".into(), "-".into()];
    };
    let audience = token.audience.as_deref().unwrap_or("(the API server's)");
    let life = token.expiration_seconds;
    let life = life.map_or_else(
        || "(the API server's)".into(),
        |life| format!("{life}s").into(),
    );
    [role.into(), audience.into(), life]
}

/// The objects as kubectl names them.
pub(super) fn names(accounts: &[AccountReport]) -> Vec<String> {
    let mut names = Vec::new();
    for account in accounts {
        let name = account
            .service_account
            .split_once('/')
            .map_or("", |(_, name)| name);
        names.push(format!("serviceaccount/{name}"));
        names.extend(account.pods.iter().map(|pod| format!("pod/{}", pod.name)));
    }
    names
}

/// The codes of what differs in a container or in its whole pod, each once.
fn codes(pod: &PodReport, container: &str) -> String {
    let codes: BTreeSet<&str> = pod
        .differences
        .iter()
        .filter(|found| {
            found
                .container
                .as_deref()
                .is_none_or(|own| own == container)
        })
        .map(|found| found.code.code())
        .collect();
    codes.into_iter().collect::<Vec<_>>().join(", ")
}

/// What the service account's pods should get.
fn expected(account: &AccountReport, paint: Paint) -> String {
    let name = &account.service_account;
    if !account.exists {
        let told =
            format!("service account {name} does not exist: its pods get no tokens any more");
        return format!("{}\n", paint.error(&told));
    }
    let mut text = match &account.expected {
        None => format!("{name} should get nothing\n"),
        Some(expected) => {
            let life = expected.token.expiration_seconds;
            let life = life.map_or_else(String::new, |life| format!(" that lives {life} s"));
            let audience = match &expected.token.audience {
                Some(audience) => format!("a token for {audience}"),
                None => "a token for the API server's own audience".to_owned(),
            };
            format!(
                "{name} should get {} with {}{life}\n",
                printable(&expected.credentials.target()),
                printable(&audience)
            )
        }
    };
    for note in &account.notes {
        let told = format!("note[{}]: {}", note.reason, printable(&note.message));
        let _ = writeln!(text, "{}", paint.help(&told));
    }
    text
}

fn of_difference(pod: &str, difference: &Difference, paint: Paint) -> String {
    let Difference {
        code,
        container,
        what,
        expected,
        actual,
        fix,
    } = difference;
    let place = match container {
        Some(container) => format!("{pod}, container {container}"),
        None => pod.to_owned(),
    };
    let head = format!("{code}: {place}: {}", printable(what));
    let value = |value: &Option<String>| printable(value.as_deref().unwrap_or("(nothing)"));
    format!(
        "{}\n  = expected {}\n  = actual   {}\n  = {}: {}\n",
        paint.error(&head),
        value(expected),
        value(actual),
        paint.help("help"),
        printable(fix)
    )
}
