//! From a request to its answer: route, verify, authorise, act, record.

mod beginning;
mod cloudtrail;
mod elsewhere;
mod node;

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use http::header::{DATE, HeaderName};
use http::{HeaderValue, Response};
use jiff::Timestamp;
use podpass_policy::Context;

use crate::call::{Call, Report};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::control::{self, Control, Controlled};
use crate::credentials::{Verified, Verifier, read_authorization};
use crate::event::{EventId, EventLog, Outcome};
use crate::faults::{Accounts, Exposure, Faults, Past, Refusal};
use crate::iam::Operation;
use crate::iam::store::Account;
use crate::issuers::{Fetched, Remote, Wanted};
use crate::query::{self, ApiError, Fault, QueryService, Xml};
use crate::received::{BodyFailure, Received};
use crate::route::Route;
use crate::s3::{self, S3Request, Served};
use crate::session::Seal;
use crate::sigv4::{Authorization, Dialect, SignatureError};
use crate::state::{BeginError, Opening, State};
use crate::storage::BucketCaller;
use crate::sts::Sts;
use crate::trail::{Actor, Observed, Trail};
use crate::{iam, ids, session_limits, storage, sts};

pub(crate) use self::beginning::Beginning;
use self::beginning::Begun;
pub(crate) use self::node::NodeState;

/// What answers requests.
pub(crate) struct Gateway {
    state: RwLock<State>,
    events: EventLog,
    trail: Trail,
    faults: Faults,
    seal: Seal,
    clock: Clock,
    control: Control,
    remote: Remote,
    beginning: Beginning,
}

/// The answer is not to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is withheld")]
pub(crate) struct Withheld;

/// A request, when it came, and what goes wrong with it on purpose.
#[derive(Clone, Copy, Debug)]
struct Facing<'a> {
    request: &'a Received,
    exposure: &'a Exposure<'a>,
    /// What the issuer said that was asked for this request.
    fetched: Option<&'a Fetched>,
    now: Timestamp,
}

/// What comes of a request at first.
enum Step {
    /// Its answer.
    Answered(Response<Bytes>),
    /// An issuer has to be asked before; then the request is to be answered with what it said.
    Ask(Wanted),
}

/// A request of S3 whose caller is known.
#[derive(Clone, Copy, Debug)]
struct Serving<'a> {
    request: &'a S3Request,
    caller: &'a Caller,
    context: &'a Context,
    /// The accounts as S3 sees them, when changes spread late.
    past: Option<&'a Accounts>,
    now: Timestamp,
}

/// An answer and what it meant.
type Answered = (Response<Bytes>, Outcome);

impl Gateway {
    pub(crate) fn new(
        beginning: Beginning,
        remote: Remote,
        opening: Option<Opening>,
    ) -> Result<Self, BeginError> {
        let Begun { state, seal, clock } = beginning.begin(opening)?;
        Ok(Self {
            state: RwLock::new(state),
            events: EventLog::default(),
            trail: Trail::default(),
            faults: Faults::default(),
            seal,
            control: Control::random()?,
            clock,
            remote,
            beginning,
        })
    }

    pub(crate) fn events(&self) -> &EventLog {
        &self.events
    }

    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    pub(crate) fn controlled(&self) -> Controlled<'_> {
        Controlled {
            state: &self.state,
            clock: &self.clock,
            events: &self.events,
            faults: &self.faults,
            trail: &self.trail,
            beginning: &self.beginning,
            remote: &self.remote,
        }
    }

    /// Answers a request; one of AWS's is recorded. An answer may be withheld, and then the connection has to end.
    pub(crate) async fn answer(&self, request: &Received) -> Result<Response<Bytes>, Withheld> {
        if control::is_meant(&request.path, &request.host()) {
            return Ok(self.control.answer(request, self.controlled()).await);
        }
        let exposure = self.faults.expose(request);
        let latency = exposure.latency();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let route = Route::of(request);
        if let Some(refusal) = exposure.refusal(&route) {
            return Ok(self.refuse(request, &route, &refusal, &exposure));
        }
        let withheld = exposure.withheld();
        let mut fetched = None;
        let response = loop {
            match self.answer_aws(request, &route, &exposure, fetched.as_ref()) {
                Step::Answered(response) => break response,
                // With what the issuer said, no request waits for one again.
                Step::Ask(wanted) => {
                    let now = self.clock.now();
                    fetched = Some(self.remote.ask(&self.state, &wanted, now).await);
                }
            }
        };
        match withheld {
            None => Ok(response),
            Some(fault) => {
                tokio::select! {
                    () = self.faults.wait_cleared(fault) => {}
                    () = self.events.wait_end() => {}
                }
                Err(Withheld)
            }
        }
    }

    /// Answers in the place of a service, and records it.
    fn refuse(
        &self,
        request: &Received,
        route: &Route,
        refusal: &Refusal,
        exposure: &Exposure<'_>,
    ) -> Response<Bytes> {
        let (id, now) = (self.events.next_id(), self.clock.now());
        let target = exposure.target().cloned();
        let (service, action) = target
            .map(|target| (target.service, target.action))
            .unwrap_or_default();
        let caller = request
            .authorization()
            .and_then(|header| Authorization::parse(&header).ok())
            .map(|authorization| authorization.access_key_id);
        let report = Report {
            service,
            action,
            principal: caller.unwrap_or_else(|| "anonymous".to_owned()),
            ..Report::default()
        };
        let response = refusal.response(route);
        let (status, outcome) = (response.status(), refusal.outcome());
        self.events.record(
            report.into_event(id, now, status, outcome, exposure.hit()),
            0,
        );
        with_event(response, id)
    }

    fn answer_aws(
        &self,
        request: &Received,
        route: &Route,
        exposure: &Exposure<'_>,
        fetched: Option<&Fetched>,
    ) -> Step {
        let now = self.clock.now();
        let mut report = Report::default();
        let facing = Facing {
            request,
            exposure,
            fetched,
            now,
        };
        let (response, outcome) = match route {
            Route::Query(service) => self.answer_query(*service, facing, &mut report),
            Route::S3 => self.answer_s3(facing, &mut report),
            Route::CloudTrail => self.answer_trail(facing, &mut report),
            Route::Other(service) => self.answer_other(service, facing, &mut report),
        };
        if let Some(wanted) = report.wanted.take() {
            return Step::Ask(wanted);
        }
        self.trail.observe(Observed {
            request,
            report: &mut report,
            response: &response,
            outcome: &outcome,
            now,
        });
        let id = self.events.next_id();
        let (status, faults) = (response.status(), exposure.hit());
        let response = dated(response, report.service_clock);
        // The trace of an exchange holds the token's claims.
        let held = report.exchange.as_ref().map_or(0, |_| request.body.len());
        self.events
            .record(report.into_event(id, now, status, outcome, faults), held);
        Step::Answered(with_event(response, id))
    }

    /// Answers a request whose body could not be read, in the words of the service it is for, and records it.
    pub(crate) fn refuse_body(&self, request: &Received, failure: BodyFailure) -> Response<Bytes> {
        if control::is_meant(&request.path, &request.host()) {
            return control::refuse_body(failure);
        }
        let (id, now) = (self.events.next_id(), self.clock.now());
        let mut report = Report::default();
        "anonymous".clone_into(&mut report.principal);
        let response = match Route::of(request) {
            Route::Query(service) => {
                service.name().clone_into(&mut report.service);
                query_body_failure(service, failure)
            }
            Route::S3 if request.expects_objects() => {
                "s3".clone_into(&mut report.service);
                let s3_request =
                    storage::read_request(request, DEFAULT_REGION, ids::new_s3_request_id());
                s3::refuse(storage::body_failure(failure), &s3_request, now)
            }
            Route::S3 | Route::CloudTrail | Route::Other(_) => {
                query_body_failure(QueryService::Sts, failure)
            }
        };
        let outcome = storage::outcome_of(&response);
        self.events.record(
            report.into_event(id, now, response.status(), outcome, Vec::new()),
            0,
        );
        with_event(response, id)
    }

    fn answer_query(
        &self,
        service: QueryService,
        facing: Facing<'_>,
        report: &mut Report,
    ) -> Answered {
        service.name().clone_into(&mut report.service);
        let result = self.call_query(service, facing, report);
        match result {
            Ok(result) => {
                let (response, shown) = query::success(service, &report.action, result);
                report.shown = shown;
                (response, Outcome::Allowed)
            }
            Err(error) => (query::failure(service, &error), Outcome::from(&error)),
        }
    }

    fn call_query(
        &self,
        service: QueryService,
        facing: Facing<'_>,
        report: &mut Report,
    ) -> Result<Xml, ApiError> {
        let Facing { request, now, .. } = facing;
        let form = request.form();
        if let Some(action) = form.ok().and_then(|form| form.text("Action")) {
            action.clone_into(&mut report.action);
        }
        let unsigned = service == QueryService::Sts && sts::is_unsigned(&report.action);
        let verified = self.verify(facing, Dialect::Query, report);
        let verified = match verified {
            Err(SignatureError::Missing) if unsigned => anonymous(request),
            verified => verified.map_err(|error| refused(&error, Dialect::Query))?,
        };
        let form = form.map_err(Clone::clone)?;
        if report.action.is_empty() {
            return Err(ApiError::new(
                400,
                "MissingAction",
                "The request must contain the parameter Action",
            ));
        }
        let context = request.context(&verified.region, now);
        let past = self.past(facing);
        let mut call = Call {
            form,
            caller: &verified.caller,
            now,
            context,
            report,
            exposure: facing.exposure,
            seen: seen(past.as_ref(), &verified.caller),
        };
        self.run(service, facing.fetched, &mut call, past.as_ref())
    }

    /// Carries a call out; `past` has the accounts as services see them, when changes spread late.
    fn run(
        &self,
        service: QueryService,
        fetched: Option<&Fetched>,
        call: &mut Call<'_>,
        past: Option<&Accounts>,
    ) -> Result<Xml, ApiError> {
        let version = call
            .form
            .text("Version")
            .unwrap_or_else(|| service.version())
            .to_owned();
        let unknown = ApiError::invalid_action(&call.report.action, &version);
        if version != service.version() {
            return Err(unknown);
        }
        session_limits::check(service, call)?;
        match service {
            QueryService::Sts => {
                let operation = sts::operation(&call.report.action).ok_or(unknown)?;
                let sts = |state| Sts {
                    state,
                    seal: &self.seal,
                    remote: &self.remote,
                    fetched,
                    behaviour: self.beginning.behaviour,
                };
                if let Some(past) = past {
                    let state = Past::enter(&self.state, past.clone());
                    return operation(&sts(&state), call);
                }
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                operation(&sts(&state), call)
            }
            QueryService::Iam => {
                let operation = iam::operation(&call.report.action).ok_or(unknown)?;
                let missing = || refused(&SignatureError::InvalidToken, Dialect::Query);
                let id = call.caller.account_id().cloned().ok_or_else(missing)?;
                match operation {
                    Operation::Read(read) => {
                        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                        read(call, state.account(&id).ok_or_else(missing)?)
                    }
                    Operation::Write(write) => {
                        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                        self.faults.before_change(&state.accounts, call.now);
                        state.change(|state| {
                            write(call, state.accounts.get_mut(&id).ok_or_else(missing)?)
                        })?
                    }
                    Operation::Rename(rename) => {
                        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                        self.faults.before_change(&state.accounts, call.now);
                        state.change(|state| {
                            let account = state.accounts.get_mut(&id).ok_or_else(missing)?;
                            let renamed = rename(call, account)?;
                            state.rename(&renamed);
                            Ok(Xml::default())
                        })?
                    }
                }
            }
        }
    }

    fn answer_s3(&self, facing: Facing<'_>, report: &mut Report) -> Answered {
        let Facing { request, now, .. } = facing;
        "s3".clone_into(&mut report.service);
        let mut s3_request =
            storage::read_request(request, DEFAULT_REGION, ids::new_s3_request_id());
        report.bucket.clone_from(&s3_request.bucket);
        if let Ok(operation) = s3::Operation::of(&s3_request) {
            operation.name().clone_into(&mut report.action);
        }
        if let Err(error) = storage::check_uri(request) {
            let response = s3::refuse(error, &s3_request, now);
            let outcome = storage::outcome_of(&response);
            return (response, outcome);
        }
        let verified = match self.verify(facing, Dialect::S3, report) {
            Err(SignatureError::Missing) => anonymous(request),
            Ok(verified) => verified,
            Err(error) => {
                let outcome = Outcome::from(&refused(&error, Dialect::S3));
                let response = s3::refuse(storage::refusal(&error), &s3_request, now);
                return (response, outcome);
            }
        };
        s3_request.region.clone_from(&verified.region);
        let mut context = request.context(&verified.region, now);
        if let Some(age) = verified.presigned_age {
            let milliseconds = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
            context.insert("s3:signatureAge", milliseconds);
        }
        let past = self.past(facing);
        let serving = Serving {
            request: &s3_request,
            caller: &verified.caller,
            context: &context,
            past: past.as_ref(),
            now,
        };
        let response = self.serve_s3(serving, report);
        let outcome = storage::outcome_of(&response);
        (response, outcome)
    }

    fn serve_s3(&self, serving: Serving<'_>, report: &mut Report) -> Response<Bytes> {
        let Serving {
            request,
            caller,
            context,
            past,
            now,
        } = serving;
        let looked = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let accounts = past.unwrap_or(&state.accounts);
            let mut caller = BucketCaller::new(caller, accounts, context, report);
            s3::serve(&state.buckets, request, &mut caller, now)
        };
        match looked {
            Served::Answered(response) => response,
            Served::Pending(change) => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                let changed = state.change(|state| {
                    let accounts = past.unwrap_or(&state.accounts);
                    let mut caller = BucketCaller::new(caller, accounts, context, report);
                    change.serve(&mut state.buckets, request, &mut caller, now)
                });
                let error = match changed {
                    Ok(Ok(response)) => return response,
                    Ok(Err(error)) => error,
                    Err(not_kept) => storage::not_kept(&not_kept),
                };
                s3::refuse(error, request, now)
            }
        }
    }

    /// The accounts as the service sees them; `None` when it sees them as they are.
    fn past(&self, facing: Facing<'_>) -> Option<Accounts> {
        facing.exposure.target()?;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        facing.exposure.accounts(&state.accounts, facing.now)
    }

    fn verify(
        &self,
        facing: Facing<'_>,
        dialect: Dialect,
        report: &mut Report,
    ) -> Result<Verified, SignatureError> {
        let Facing {
            request,
            exposure,
            now,
            ..
        } = facing;
        "anonymous".clone_into(&mut report.principal);
        let authorization = read_authorization(request, dialect)?;
        report.principal.clone_from(&authorization.access_key_id);
        // The signature's date is the client's wall clock, which a moved sandbox clock does not move.
        let (wall_clock, skew) = (Timestamp::now(), exposure.skew());
        let verifier = Verifier {
            state: &self.state,
            past: self.past(facing),
            seal: &self.seal,
            now,
            wall_clock: wall_clock.checked_add(skew).unwrap_or(wall_clock),
        };
        if !skew.is_zero() {
            report.service_clock = Some(verifier.wall_clock);
        }
        let verified = verifier
            .verify(request, &authorization, dialect)
            .inspect_err(|error| report.add_signature_error(error))?;
        report.principal = verified.caller.principal.arn();
        report.account = verified.caller.account_id().cloned();
        report.region = Some(verified.region.clone());
        report.actor = Actor::of_caller(&verified.caller, &authorization.access_key_id);
        Ok(verified)
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

fn with_event<B>(mut response: Response<B>, id: EventId) -> Response<B> {
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(EVENT_HEADER, id);
    }
    response
}

/// Dates an answer by the service's own clock, where that is not the system's: SDKs correct theirs by it.
fn dated(mut response: Response<Bytes>, clock: Option<Timestamp>) -> Response<Bytes> {
    let date = clock.map(|now| now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(date) = date.and_then(|date| HeaderValue::try_from(date).ok()) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

fn seen<'a>(past: Option<&'a Accounts>, caller: &Caller) -> Option<&'a Account> {
    past?.get(caller.account_id()?)
}

fn query_body_failure(service: QueryService, body: BodyFailure) -> Response<Bytes> {
    let error = match body {
        BodyFailure::TooLarge { limit } => ApiError::new(
            413,
            "RequestEntityTooLarge",
            format!("The request has more than {limit} bytes."),
        ),
        BodyFailure::Incomplete => {
            ApiError::malformed_input("The request ended before its announced length.")
        }
        BodyFailure::Slow => {
            ApiError::new(408, "RequestTimeout", "The request took too long to send.")
        }
    };
    query::failure(service, &error)
}

fn anonymous(request: &Received) -> Verified {
    let region = request
        .host()
        .region
        .unwrap_or_else(|| DEFAULT_REGION.to_owned());
    Verified {
        caller: Caller::anonymous(),
        region,
        presigned_age: None,
    }
}

fn refused(error: &SignatureError, dialect: Dialect) -> ApiError {
    let refusal = error.refusal(dialect);
    let fault = if matches!(error.plain(), SignatureError::NotImplemented { .. }) {
        Fault::Failed
    } else {
        Fault::Denied
    };
    ApiError {
        fault,
        ..ApiError::new(refusal.status.as_u16(), refusal.code, refusal.message)
    }
}

const EVENT_HEADER: HeaderName = HeaderName::from_static("x-podpass-event");
/// The region of unsigned requests whose host name has none.
const DEFAULT_REGION: &str = "us-east-1";
