//! One request before the faults: which of them affect it, and what they do to it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use podpass_exchange::IssuerFailure;
use podpass_token::KeySet;

use super::{Accounts, Active, FaultId, FaultKind, Faults, Inner, Refusal};
use crate::received::Received;
use crate::route::Route;
use crate::sigv4::{Authorization, Dialect};
use crate::{iam, s3, storage, sts, trail};

/// What a request asks for, read before anything of it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) service: String,
    pub(crate) action: String,
    pub(crate) region: String,
}

/// One request before the faults.
#[derive(Debug)]
pub(crate) struct Exposure<'a> {
    faults: &'a Faults,
    /// `None` when there is no fault.
    target: Option<Target>,
    hit: RefCell<Vec<FaultId>>,
}

impl Target {
    fn of(request: &Received) -> Self {
        let authorization = request.authorization();
        let scope = authorization
            .as_deref()
            .map_or_else(
                || Authorization::parse_query(&request.query, Dialect::Query),
                Authorization::parse,
            )
            .ok()
            .map(|authorization| authorization.scope.region);
        let region = scope
            .or_else(|| request.host().region)
            .unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let (service, action) = match Route::of(request) {
            Route::Query(service) => {
                let action = request.form().ok().and_then(|form| form.text("Action"));
                let action = action.unwrap_or_default().to_owned();
                (service.name().to_owned(), action)
            }
            Route::S3 => {
                let request = storage::read_request(request, &region, String::new());
                let action = s3::Operation::of(&request).map(s3::Operation::name);
                ("s3".to_owned(), action.unwrap_or_default().to_owned())
            }
            Route::CloudTrail => (
                "cloudtrail".to_owned(),
                trail::action_of(request).to_owned(),
            ),
            Route::Other(service) => (service, String::new()),
        };
        Self {
            service,
            action,
            region,
        }
    }
}

impl Faults {
    /// Puts a request before the faults.
    pub(crate) fn expose(&self, request: &Received) -> Exposure<'_> {
        let is_fine = self.lock().active.is_empty();
        Exposure {
            faults: self,
            target: (!is_fine).then(|| Target::of(request)),
            hit: RefCell::default(),
        }
    }

    /// Keeps the accounts as they are before a change, while a fault delays what is seen of it.
    pub(crate) fn before_change(&self, accounts: &Accounts, now: Timestamp) {
        let mut inner = self.lock();
        let delays = inner
            .active
            .iter()
            .filter_map(|active| match active.fault.kind {
                FaultKind::Propagation(delay) if !active.is_over() => Some(delay),
                _ => None,
            });
        if let Some(longest) = delays.max() {
            inner.snapshots.keep(accounts, now, longest);
        }
    }
}

impl Exposure<'_> {
    /// What the request asks for; `None` when there is no fault.
    pub(crate) fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// The faults that have affected the request so far.
    pub(crate) fn hit(&self) -> Vec<String> {
        self.hit.borrow().iter().map(ToString::to_string).collect()
    }

    /// How much longer the answer takes.
    pub(crate) fn latency(&self) -> Duration {
        let mut total = Duration::ZERO;
        self.each(|active| match active.fault.kind {
            FaultKind::Latency(delay) => {
                total = total.saturating_add(delay.unsigned_abs());
                true
            }
            _ => false,
        });
        total
    }

    /// The answer in the place of the service's: that of the first fault which has one.
    pub(crate) fn refusal(&self, route: &Route) -> Option<Refusal> {
        let mut refusal = None;
        self.each(|active| {
            if refusal.is_none() {
                refusal = Refusal::of(&active.fault.kind, route);
                refusal.is_some()
            } else {
                false
            }
        });
        refusal
    }

    /// How far the service's clock is ahead.
    pub(crate) fn skew(&self) -> SignedDuration {
        let mut total = SignedDuration::ZERO;
        self.each(|active| match active.fault.kind {
            FaultKind::ClockSkew(offset) => {
                total = total.saturating_add(offset);
                true
            }
            _ => false,
        });
        total
    }

    /// When a session that begins `now` ends; `None` when no fault shortens it.
    pub(crate) fn session_end(&self, now: Timestamp) -> Option<Timestamp> {
        let mut end = None;
        self.each(|active| match active.fault.kind {
            FaultKind::SessionLife(life) => {
                end = now.checked_add(life).ok();
                true
            }
            _ => false,
        });
        end
    }

    /// The keys of an issuer as STS believes them to be; `fresh` are those that are published now.
    pub(crate) fn keys<'k>(
        &self,
        issuer: &str,
        fresh: Result<Cow<'k, KeySet>, IssuerFailure>,
    ) -> Result<Cow<'k, KeySet>, IssuerFailure> {
        let mut kept = None;
        self.each(|active| {
            if active.fault.kind != FaultKind::StaleJwks {
                return false;
            }
            if let Some(keys) = active.keys.get(issuer) {
                kept = Some(keys.clone());
                return true;
            }
            if let Ok(keys) = &fresh {
                active
                    .keys
                    .insert(issuer.to_owned(), keys.clone().into_owned());
            }
            false
        });
        kept.map_or(fresh, |keys| Ok(Cow::Owned(keys)))
    }

    /// The accounts as the service sees them; `None` when it sees them as they are.
    pub(crate) fn accounts(&self, present: &Accounts, now: Timestamp) -> Option<Accounts> {
        let mut seen = None;
        let target = self.target.as_ref()?;
        let mut inner = self.faults.lock();
        let Inner {
            active, snapshots, ..
        } = &mut *inner;
        for active in active {
            let FaultKind::Propagation(delay) = active.fault.kind else {
                continue;
            };
            if seen.is_some() || active.is_over() || !active.fault.affects(target) {
                continue;
            }
            seen = snapshots.seen(present, now, delay);
            if seen.is_some() && self.note(active.id) {
                active.hits += 1;
            }
        }
        seen
    }

    /// The fault that withholds the answer.
    pub(crate) fn withheld(&self) -> Option<FaultId> {
        let mut by = None;
        self.each(|active| {
            let FaultKind::Hold(number) = active.fault.kind else {
                return false;
            };
            active.counted += 1;
            if active.counted < number {
                return false;
            }
            by = by.or(Some(active.id));
            true
        });
        by
    }

    /// Shows each fault that affects the request; what `affect` says yes to is counted, once for a request.
    fn each(&self, mut affect: impl FnMut(&mut Active) -> bool) {
        let Some(target) = &self.target else { return };
        for active in &mut self.faults.lock().active {
            let is_hit = self.hit.borrow().contains(&active.id);
            // Its last call may meet it at several places.
            if (!active.is_over() || is_hit)
                && active.fault.affects(target)
                && affect(active)
                && self.note(active.id)
            {
                active.hits += 1;
            }
        }
    }

    /// Tells whether the fault affects the request for the first time.
    fn note(&self, id: FaultId) -> bool {
        let mut hit = self.hit.borrow_mut();
        let is_new = !hit.contains(&id);
        if is_new {
            hit.push(id);
        }
        is_new
    }
}

/// Whether the sandbox has an action of that name.
pub(super) fn is_action(service: Option<&str>, action: &str) -> bool {
    let is_in = |name: &str| service.is_none_or(|service| service == name);
    (is_in("sts") && sts::operation(action).is_some())
        || (is_in("iam") && iam::operation(action).is_some())
        || (is_in("s3") && s3::Operation::is_name(action))
        || (is_in("cloudtrail") && action == trail::LOOKUP_EVENTS)
}

/// The region of unsigned requests whose host name has none.
const DEFAULT_REGION: &str = "us-east-1";
