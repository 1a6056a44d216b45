//! The status as a page for a person.

use std::fmt::Write as _;

use podpass_access::status::{BucketStatus, CloudStatus, IssuerStatus, ProviderStatus, Remark};
use podpass_cluster::{IdentityWebhook, WebhookTarget};

use super::document::{Aws, Credentials, StatusDocument};
use crate::output::{Paint, printable};
use crate::table::Table;

pub(super) fn render(document: &StatusDocument<'_>, paint: Paint) -> String {
    let mut page = Page {
        text: String::new(),
        paint,
    };
    page.line("cluster", document.server);
    page.credentials(&document.credentials);
    page.issuer(document.issuer);
    page.aws(&document.aws);
    page.webhooks(document.webhooks);
    if let Some(seen) = document.aws.seen {
        page.roles(seen);
    }
    page.remarks(document.remarks);
    if let Some(seen) = document.aws.seen {
        page.remarks(&seen.remarks);
    }
    page.text
}

struct Page {
    text: String,
    paint: Paint,
}

impl Page {
    fn line(&mut self, label: &str, value: &str) {
        let label = self.paint.strong(&format!("{label:<LABEL$}"));
        let _ = writeln!(self.text, "{label} {}", printable(value));
    }

    /// A line that belongs to the one above.
    fn more(&mut self, value: &str) {
        let _ = writeln!(self.text, "{:<LABEL$} {}", "", printable(value));
    }

    /// The label once, and each value on a line of its own.
    fn lines<S: AsRef<str>>(&mut self, label: &str, values: impl IntoIterator<Item = S>) {
        let mut values = values.into_iter();
        match values.next() {
            Some(first) => self.line(label, first.as_ref()),
            None => self.line(label, "none"),
        }
        for value in values {
            self.more(value.as_ref());
        }
    }

    fn table(&mut self, table: &Table) {
        let _ = write!(self.text, "\n{}", table.render(self.paint));
    }

    fn remarks(&mut self, remarks: &[Remark]) {
        for Remark { code, message } in remarks {
            let code = code.map_or_else(String::new, |code| format!("[{code}]"));
            let told = format!("note{code}: {}", printable(message));
            let _ = write!(self.text, "\n{}\n", self.paint.help(&told));
        }
    }

    fn credentials(&mut self, credentials: &Credentials<'_>) {
        match credentials {
            Credentials::Elsewhere { mode, meaning } => {
                self.line("mode", mode);
                self.more(meaning);
            }
            Credentials::OpenShift {
                decision,
                meaning,
                spec,
                platform,
                region,
            } => {
                self.line("mode", decision.mode.as_str());
                self.more(meaning);
                self.lines(
                    "decided by",
                    decision.decided_by.iter().map(ToString::to_string),
                );
                for note in &decision.notes {
                    self.more(note);
                }
                let level = |level: &Option<String>| level.clone().unwrap_or_default();
                let (own, operator) = (level(&spec.log_level), level(&spec.operator_log_level));
                self.line("log level", &format!("{own} (operator: {operator})"));
                if let Some(platform) = platform {
                    let region = region.unwrap_or_default();
                    self.line("platform", format!("{platform} {region}").trim());
                }
            }
        }
    }

    fn issuer(&mut self, issuer: &IssuerStatus) {
        self.line("issuer", issuer.url().unwrap_or("unknown"));
        if issuer.signs.is_none() {
            return self.line("keys", "unknown");
        }
        let keys = issuer.keys.iter().map(|key| {
            let kid = key.kid.as_deref().unwrap_or("(without a kid)");
            match &key.unusable {
                Some(why) => format!("{kid}, which AWS does not use: {why}"),
                None => kid.to_owned(),
            }
        });
        self.lines("keys", keys);
    }

    fn webhooks(&mut self, webhooks: Option<&Vec<IdentityWebhook>>) {
        let Some(webhooks) = webhooks else {
            return self.line("webhook", "unknown");
        };
        if webhooks.is_empty() {
            return self.line("webhook", "none");
        }
        let mut table = Table::new(&[
            "WEBHOOK",
            "CONFIGURATION",
            "CALLS",
            "FAILURE POLICY",
            "CREATED",
        ]);
        for webhook in webhooks {
            let calls = match &webhook.target {
                WebhookTarget::Service { namespace, name } => format!("service {namespace}/{name}"),
                WebhookTarget::Url(url) => url.clone(),
            };
            let created = webhook.created.map(|time| time.to_string());
            table.row([
                &webhook.name,
                &webhook.configuration,
                &calls,
                &webhook.failure_policy,
                created.as_deref().unwrap_or("-"),
            ]);
        }
        self.table(&table);
    }

    fn aws(&mut self, aws: &Aws<'_>) {
        let Some(seen) = aws.seen else {
            let why = aws.why.as_deref().unwrap_or_default();
            return self.line("AWS", &format!("not looked at: {why}"));
        };
        self.line(
            "AWS account",
            &format!("{}, as {}", seen.account, seen.caller),
        );
        let name = seen.cluster_name.as_deref().unwrap_or("unknown");
        self.line("name in tags", name);
        match &seen.provider {
            None => self.line("provider", "none"),
            Some(provider) => self.provider(provider),
        }
        for other in &seen.other_providers {
            self.line("  another", other);
        }
        if let Some(bucket) = &seen.bucket {
            self.bucket(bucket, seen);
        }
    }

    fn provider(&mut self, provider: &ProviderStatus) {
        self.line("provider", &provider.arn);
        self.line("  audiences", &provider.audiences.join(", "));
        self.lines("  thumbprints", &provider.thumbprints);
        self.line("  tags", &provider.tags.to_string());
    }

    fn bucket(&mut self, bucket: &BucketStatus, seen: &CloudStatus) {
        self.line("bucket", &format!("{} in {}", bucket.name, bucket.region));
        self.line("  tags", &bucket.tags.to_string());
        let objects = bucket.objects.iter();
        self.lines("  objects", objects.map(|object| &object.key));
        let keys = seen.published_keys.iter().map(|key| {
            let whose = if key.in_cluster {
                "the cluster's"
            } else {
                "not one of the cluster's"
            };
            format!("{} ({whose})", key.kid)
        });
        self.lines("  keys", keys);
    }

    fn roles(&mut self, seen: &CloudStatus) {
        if seen.roles.is_empty() {
            return self.line("roles", "none");
        }
        let mut table = Table::new(&["ROLE", "POLICIES", "DESCRIPTION"]);
        for role in &seen.roles {
            let policies = role.policies.join(", ");
            table.row([
                &role.name,
                &policies,
                role.description.as_deref().unwrap_or("-"),
            ]);
        }
        self.table(&table);
    }
}

/// The width of the labels.
const LABEL: usize = 13;
