//! The text as clients print it: AWS CLI, boto3, the SDKs for Go, Java, JavaScript and Rust, raw XML and JSON bodies.

/// A text without the escapes and line breaks of its wrapping.
pub(super) struct Wording {
    text: String,
    /// The same in lower case, byte for byte, to search in.
    lower: String,
}

impl Wording {
    pub(super) fn of(text: &str) -> Self {
        let mut plain = text.to_owned();
        for (escaped, character) in ESCAPES {
            plain = plain.replace(escaped, character);
        }
        let text = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let lower = text.to_ascii_lowercase();
        Self { text, lower }
    }

    /// Whether a phrase stands in the text, in any case.
    pub(super) fn has(&self, phrase: &str) -> bool {
        self.lower.contains(&phrase.to_ascii_lowercase())
    }

    /// What stands behind a phrase.
    pub(super) fn after(&self, phrase: &str) -> Option<&str> {
        let start = self.lower.find(&phrase.to_ascii_lowercase())? + phrase.len();
        self.text.get(start..)
    }

    /// What stands between two phrases.
    pub(super) fn between(&self, before: &str, after: &str) -> Option<&str> {
        let rest = self.after(before)?;
        let end = rest
            .to_ascii_lowercase()
            .find(&after.to_ascii_lowercase())?;
        rest.get(..end)
    }

    /// The word behind a phrase, without the punctuation of the sentence around it.
    pub(super) fn word_after(&self, phrase: &str) -> Option<&str> {
        let rest = self.after(phrase)?.trim_start();
        let end = rest
            .find([' ', '"', '<', '>', ',', ';', ')'])
            .unwrap_or(rest.len());
        let word = rest[..end].trim_end_matches(['.', '\'', '`']);
        (!word.is_empty()).then_some(word)
    }

    /// The error code.
    pub(super) fn code(&self) -> Option<String> {
        let said = [
            self.between("an error occurred (", ")"),
            self.between("<code>", "</code>"),
            self.between("error code: ", ";"),
            self.between("api error ", ":"),
        ];
        let said = said.into_iter().flatten().find(|code| is_code(code));
        let known = || CODES.iter().copied().find(|code| self.text.contains(code));
        said.or_else(known).map(str::to_owned)
    }

    /// The operation that was called.
    pub(super) fn operation(&self) -> Option<String> {
        let said = [
            self.between("when calling the ", " operation"),
            self.after("operation error ")
                .and_then(|rest| rest.split_once(": "))
                .and_then(|(_, rest)| rest.split(',').next()),
        ];
        let said = said.into_iter().flatten().find(|name| is_code(name));
        said.map(str::to_owned)
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '.')
}

/// XML's and JSON's, and the apostrophe that word processors make. `&amp;` comes last, so that it escapes nothing new.
const ESCAPES: [(&str, &str); 15] = [
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&#x27;", "'"),
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&amp;", "&"),
    ("\\\"", "\""),
    ("\\n", " "),
    ("\\t", " "),
    ("\\/", "/"),
    ("\\u0027", "'"),
    ("\\'", "'"),
    ("\u{2019}", "'"),
];

/// The longer ones first, where one begins another.
const CODES: [&str; 12] = [
    "AccessDeniedException",
    "AccessDenied",
    "InvalidIdentityTokenException",
    "InvalidIdentityToken",
    "ExpiredTokenException",
    "ExpiredToken",
    "IDPCommunicationError",
    "IDPRejectedClaim",
    "UnauthorizedOperation",
    "ValidationError",
    "MalformedPolicyDocument",
    "AuthorizationError",
];
