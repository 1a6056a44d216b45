//! PEM files: keys, and whether their labels say what they are.

use podpass_kinds::Reason;
use podpass_policy::Position;
use podpass_token::{KeyError, PemError, PublicKey, SigningKey};

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::super::edit::Edit;

pub(super) fn check(text: &str, out: &mut Collector<'_>) {
    let blocks = blocks(text);
    for block in &blocks {
        if block.label == "CERTIFICATE" {
            out.report(Draft::note(
                Reason::FileKindUnknown,
                block.position(),
                "certificates are not checked",
            ));
            continue;
        }
        let error = if block.label.ends_with("PRIVATE KEY") {
            SigningKey::from_pem(&block.text).err()
        } else {
            match PublicKey::read_pem_bundle(&block.text) {
                Ok(keys) => {
                    for key in &keys {
                        check_label(block, key, out);
                    }
                    None
                }
                Err(error) => Some(error),
            }
        };
        if let Some(error) = error {
            report(&error, block, out);
        }
    }
}

/// One block with its boundaries, as it stands in the file.
struct Block {
    label: String,
    text: String,
    /// From 1.
    line: u32,
    lines: u32,
}

impl Block {
    fn position(&self) -> Position {
        Position {
            line: self.line,
            column: 1,
        }
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (line, number) in text.lines().zip(1..) {
        if let Some(rest) = line.trim().strip_prefix("-----BEGIN ") {
            open = true;
            blocks.push(Block {
                label: rest.split("-----").next().unwrap_or_default().to_owned(),
                text: String::new(),
                line: number,
                lines: 0,
            });
        }
        if let Some(block) = blocks.last_mut().filter(|_| open) {
            block.text.push_str(line);
            block.text.push('\n');
            block.lines += 1;
            open = !line.trim().starts_with("-----END ");
        }
    }
    blocks
}

/// An RSA public key in PKIX form under PKCS#1's label: some tools refuse it, and OpenShift prints it so.
fn check_label(block: &Block, key: &PublicKey, out: &mut Collector<'_>) {
    let body = |text: &str| -> String {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| !line.starts_with('-')).collect()
    };
    let is_pkix = body(&block.text) == body(&key.to_pkix_pem());
    let right = if is_pkix {
        "PUBLIC KEY"
    } else {
        "RSA PUBLIC KEY"
    };
    if block.label == right {
        return;
    }
    let form = if is_pkix { "PKIX" } else { "PKCS#1" };
    let message = format!(
        "the body is in {form} form, whose label is `{right}`, not `{}`",
        block.label
    );
    let draft = Draft::warning(Reason::PemLabelMismatch, block.position(), message);
    out.report(draft.expected(right).actual(&block.label).fix(format!(
        "write `{right}` on the first and the last line of the block"
    )));
    let last = Position {
        line: block.line + block.lines - 1,
        column: 1,
    };
    for (position, boundary) in [(block.position(), "BEGIN"), (last, "END")] {
        let line = |label: &str| format!("-----{boundary} {label}-----");
        let message = format!("wrote the label `{right}`");
        out.edit(Edit::new(
            Reason::PemLabelMismatch,
            position,
            line(&block.label),
            line(right),
            message,
        ));
    }
}

fn report(error: &KeyError, block: &Block, out: &mut Collector<'_>) {
    let (code, message) = match error {
        KeyError::Pem(PemError::Unclosed { label, .. }) => (
            Reason::FileSyntaxInvalid,
            format!("no `-----END {label}-----` closes the block"),
        ),
        KeyError::Pem(PemError::LabelsDiffer {
            expected, found, ..
        }) => (
            Reason::FileSyntaxInvalid,
            format!("the block of `{expected}` ends with `{found}`"),
        ),
        KeyError::Pem(PemError::LineBreaksLost { .. }) => (
            Reason::FileSyntaxInvalid,
            "the line breaks of the block are lost".to_owned(),
        ),
        KeyError::Pem(PemError::NotBase64 { label, .. }) => (
            Reason::FileSyntaxInvalid,
            format!("the body of the `{label}` block is not base64"),
        ),
        KeyError::Pem(_) | KeyError::NoPemBlock => (Reason::FileSyntaxInvalid, error.to_string()),
        KeyError::WrongKind { found, label, .. } => (
            Reason::KeyUnusable,
            format!("the `{label}` block holds {found}"),
        ),
        KeyError::Size { bits, label, .. } => (
            Reason::KeyUnusable,
            format!("the key of the `{label}` block has {bits} bits"),
        ),
        _ => (
            Reason::KeyUnusable,
            "the key of the block is not valid".to_owned(),
        ),
    };
    out.report(Draft::error(code, block.position(), message).fix(error.fix()));
}
