//! Pages of `List*` answers.
//!
//! A marker names the last item of the page before it and is bound to account, action and filter, so that it cannot
//! be carried over to another list. The page size may change from page to page.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use podpass_policy::Context;

use super::rules;
use super::store::Account;
use crate::call::Call;
use crate::query::{ApiError, Constraint, Input, Xml};

/// Which page is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    max: usize,
    marker: Option<String>,
}

/// The items of a page and the marker of the next one.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    next: Option<String>,
}

impl Paging {
    /// Reads `MaxItems` and `Marker`.
    pub(crate) fn read(input: &mut Input<'_>) -> Result<Self, ApiError> {
        let max = input.integer("MaxItems", 1, 1000);
        let marker = input.optional("Marker", &MARKER);
        let max = max?.and_then(|max| usize::try_from(max).ok());
        Ok(Self {
            max: max.unwrap_or(DEFAULT_ITEMS),
            marker: marker?,
        })
    }

    /// Reads and authorises a list of all things of a kind below a path: the path (`PathPrefix`), and the page.
    ///
    /// `kind` is what their ARNs have before the path.
    pub(crate) fn below_path(
        call: &mut Call<'_>,
        account: &Account,
        action: &str,
        kind: &str,
    ) -> Result<(String, Self), ApiError> {
        let mut input = Input::new(call.form);
        let prefix = input.optional::<String>("PathPrefix", &rules::PATH_PREFIX);
        let paging = Self::read(&mut input);
        input.finish()?;
        let (prefix, paging) = (prefix?.unwrap_or_else(|| "/".to_owned()), paging?);
        let resource = format!("arn:aws:iam::{}:{kind}{prefix}", account.id);
        call.authorize(account, action, &resource, Context::new())?;
        Ok((prefix, paging))
    }

    /// Cuts the page out of all items, which come in the order of their keys.
    pub(crate) fn cut<T>(
        self,
        call: &Call<'_>,
        account: &Account,
        filter: &str,
        items: impl Iterator<Item = (String, T)>,
    ) -> Result<Page<T>, ApiError> {
        let binding = format!("{}\n{}\n{filter}", account.id, call.report.action);
        let binding =
            &digest::digest(&digest::SHA256, binding.as_bytes()).as_ref()[..BINDING_LEN].to_vec();
        let after = self
            .marker
            .as_deref()
            .map(|marker| open(marker, binding))
            .transpose()?;
        let mut following =
            items.skip_while(|(key, _)| after.as_ref().is_some_and(|after| key <= after));
        let (mut page, mut last) = (Vec::new(), String::new());
        for (key, item) in following.by_ref().take(self.max) {
            page.push(item);
            last = key;
        }
        let next = following
            .next()
            .map(|_| URL_SAFE_NO_PAD.encode([binding, last.as_bytes()].concat()));
        Ok(Page { items: page, next })
    }
}

impl<T> Page<T> {
    /// The list of that name, and its end.
    pub(crate) fn to_xml(&self, list: &str, each: impl FnMut(&mut Xml, &T)) -> Xml {
        Xml::of(|xml| {
            xml.list(list, &self.items, each);
            self.write_end(xml);
        })
    }

    /// Writes `IsTruncated` and `Marker`.
    pub(crate) fn write_end(&self, xml: &mut Xml) {
        xml.text(
            "IsTruncated",
            if self.next.is_some() { "true" } else { "false" },
        );
        xml.optional("Marker", self.next.as_deref());
    }
}

fn open(marker: &str, binding: &[u8]) -> Result<String, ApiError> {
    let invalid = || ApiError::validation("Invalid Marker.");
    let bytes = URL_SAFE_NO_PAD.decode(marker).map_err(|_| invalid())?;
    let last = bytes.strip_prefix(binding).ok_or_else(invalid)?;
    String::from_utf8(last.to_vec()).map_err(|_| invalid())
}

const DEFAULT_ITEMS: usize = 100;
const BINDING_LEN: usize = 8;

/// A marker holds a name or ARN in base64, so it may be longer than the 320 characters of the API model.
const MARKER: Constraint = Constraint::length(1, 3000);
