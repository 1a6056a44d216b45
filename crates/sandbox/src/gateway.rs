//! From a request to its answer: route, verify, authorise, act, record.

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, Response};
use jiff::Timestamp;
use podpass_policy::{Context, MessageStyle};

use crate::authorize::Question;
use crate::call::{Call, Report, merged};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::control::{self, Control, Controlled};
use crate::credentials::{Verified, Verifier};
use crate::elsewhere::Elsewhere;
use crate::event::{EventId, EventLog, Outcome};
use crate::iam::Operation;
use crate::issuers::{Fetched, Remote, Wanted};
use crate::query::{self, ApiError, Fault, Form, QueryService, Xml};
use crate::received::{BodyFailure, Received};
use crate::route::Route;
use crate::s3::{self, S3Request, Served};
use crate::session::Seal;
use crate::sigv4::{Authorization, Dialect, SignatureError, is_presigned};
use crate::state::State;
use crate::storage::BucketCaller;
use crate::sts::Sts;
use crate::{iam, ids, session_limits, storage, sts};

/// What answers requests.
pub(crate) struct Gateway {
    state: RwLock<State>,
    events: EventLog,
    seal: Seal,
    clock: Clock,
    control: Control,
    remote: Remote,
}

/// What comes of a request at first.
pub(crate) enum Step {
    /// Its answer.
    Answered(Response<Bytes>),
    /// An issuer has to be asked before; then the request is to be answered with what it said.
    Ask(Wanted),
}

/// An answer and what it meant.
type Answered = (Response<Bytes>, Outcome);

impl Gateway {
    pub(crate) fn new(
        state: State,
        seal: Seal,
        clock: Clock,
        control: Control,
        remote: Remote,
    ) -> Self {
        Self {
            state: RwLock::new(state),
            events: EventLog::default(),
            seal,
            clock,
            control,
            remote,
        }
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
        }
    }

    /// Asks an issuer elsewhere for its keys.
    pub(crate) async fn ask(&self, wanted: &Wanted) -> Fetched {
        self.remote.ask(&self.state, wanted, self.clock.now()).await
    }

    /// Answers a request, and records it if it is one of AWS's.
    ///
    /// `fetched` is what the issuer said that was asked for this request.
    pub(crate) fn answer(&self, request: &Received, fetched: Option<&Fetched>) -> Step {
        if control::is_meant(&request.path, &request.host()) {
            return Step::Answered(self.control.answer(request, self.controlled()));
        }
        let now = self.clock.now();
        let mut report = Report::default();
        let (response, outcome) = match Route::of(request) {
            Route::Query(service) => self.answer_query(service, request, now, fetched, &mut report),
            Route::S3 => self.answer_s3(request, now, &mut report),
            Route::Other(service) => self.answer_other(&service, request, now, &mut report),
        };
        if let Some(wanted) = report.wanted.take() {
            return Step::Ask(wanted);
        }
        let id = self.events.next_id();
        self.events.record(report.into_event(id, now, outcome));
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
            Route::S3 | Route::Other(_) => query_body_failure(QueryService::Sts, failure),
        };
        self.events
            .record(report.into_event(id, now, storage::outcome_of(&response)));
        with_event(response, id)
    }

    fn answer_query(
        &self,
        service: QueryService,
        request: &Received,
        now: Timestamp,
        fetched: Option<&Fetched>,
        report: &mut Report,
    ) -> Answered {
        service.name().clone_into(&mut report.service);
        let result = self.call_query(service, request, now, fetched, report);
        let outcome = result
            .as_ref()
            .map_or_else(Outcome::from, |_| Outcome::Allowed);
        let response = match result {
            Ok(result) => query::success(service, &report.action, &result),
            Err(error) => query::failure(service, &error),
        };
        (response, outcome)
    }

    fn call_query(
        &self,
        service: QueryService,
        request: &Received,
        now: Timestamp,
        fetched: Option<&Fetched>,
        report: &mut Report,
    ) -> Result<Xml, ApiError> {
        let form = Form::parse(request.form_bytes());
        if let Some(action) = form.as_ref().ok().and_then(|form| form.text("Action")) {
            action.clone_into(&mut report.action);
        }
        let unsigned = service == QueryService::Sts && sts::is_unsigned(&report.action);
        let verified = self.verify(request, Dialect::Query, now, report);
        let verified = match verified {
            Err(SignatureError::Missing) if unsigned => anonymous(request),
            verified => verified.map_err(|error| refused(&error, Dialect::Query))?,
        };
        let form = form?;
        if report.action.is_empty() {
            return Err(ApiError::new(
                400,
                "MissingAction",
                "The request must contain the parameter Action",
            ));
        }
        let context = request.context(&verified.region, now);
        let mut call = Call {
            form: &form,
            caller: &verified.caller,
            now,
            context: &context,
            report,
        };
        self.run(service, fetched, &mut call)
    }

    fn run(
        &self,
        service: QueryService,
        fetched: Option<&Fetched>,
        call: &mut Call<'_>,
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
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                operation(
                    &Sts {
                        state: &state,
                        seal: &self.seal,
                        remote: &self.remote,
                        fetched,
                    },
                    call,
                )
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
                        write(call, state.accounts.get_mut(&id).ok_or_else(missing)?)
                    }
                    Operation::Rename(rename) => {
                        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                        let account = state.accounts.get_mut(&id).ok_or_else(missing)?;
                        let renamed = rename(call, account)?;
                        state.rename(&renamed);
                        Ok(Xml::default())
                    }
                }
            }
        }
    }

    fn answer_s3(&self, request: &Received, now: Timestamp, report: &mut Report) -> Answered {
        "s3".clone_into(&mut report.service);
        let mut s3_request =
            storage::read_request(request, DEFAULT_REGION, ids::new_s3_request_id());
        if let Ok(operation) = s3::Operation::of(&s3_request) {
            operation.name().clone_into(&mut report.action);
        }
        if let Err(error) = storage::check_uri(request) {
            let response = s3::refuse(error, &s3_request, now);
            let outcome = storage::outcome_of(&response);
            return (response, outcome);
        }
        let verified = match self.verify(request, Dialect::S3, now, report) {
            Err(SignatureError::Missing) => anonymous(request),
            Ok(verified) => verified,
            Err(error) => {
                let outcome = Outcome::from(&refused(&error, Dialect::S3));
                let response = s3::refuse(storage::refusal(&error), &s3_request, now);
                return (response, outcome);
            }
        };
        s3_request.region.clone_from(&verified.region);
        let context = request.context(&verified.region, now);
        let response = self.serve_s3(&s3_request, &verified.caller, &context, now, report);
        let outcome = storage::outcome_of(&response);
        (response, outcome)
    }

    fn serve_s3(
        &self,
        request: &S3Request,
        caller: &Caller,
        context: &Context,
        now: Timestamp,
        report: &mut Report,
    ) -> Response<Bytes> {
        let looked = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let mut caller = BucketCaller::new(caller, &state.accounts, context, report);
            s3::serve(&state.buckets, request, &mut caller, now)
        };
        match looked {
            Served::Answered(response) => response,
            Served::Pending(change) => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                let State {
                    accounts, buckets, ..
                } = &mut *state;
                let mut caller = BucketCaller::new(caller, accounts, context, report);
                change.serve(buckets, request, &mut caller, now)
            }
        }
    }

    /// Verifies the signature for a service that is not here, so that nobody takes its answer for the service's, and
    /// says whose it is.
    fn answer_other(
        &self,
        service: &str,
        request: &Received,
        now: Timestamp,
        report: &mut Report,
    ) -> Answered {
        service.clone_into(&mut report.service);
        let call = Elsewhere::of(service, request);
        if let Some(operation) = call.operation() {
            operation.clone_into(&mut report.action);
        }
        let verified = match self.verify(request, Dialect::Query, now, report) {
            Ok(verified) => verified,
            Err(error) => {
                let error = refused(&error, Dialect::Query);
                return (call.answer(&error, None), Outcome::from(&error));
            }
        };
        let denied = self.denied_elsewhere(&call, &verified, request, now, report);
        let decision = call.action().map(|_| denied.is_none());
        let caller = verified.caller.principal.arn();
        let error = denied.unwrap_or_else(|| call.allowed(&caller));
        (call.answer(&error, decision), Outcome::from(&error))
    }

    /// The denial of a call of a service that is not here, when the caller's policies do not allow it.
    fn denied_elsewhere(
        &self,
        call: &Elsewhere<'_>,
        verified: &Verified,
        request: &Received,
        now: Timestamp,
        report: &mut Report,
    ) -> Option<ApiError> {
        let action = call.action()?;
        let caller = &verified.caller;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let account = state.account(caller.account_id()?)?;
        let resource = call.resource(&account.id, &verified.region);
        report.resource = Some(resource.clone().into_owned());
        let context = merged([request.context(&verified.region, now), caller.context()]);
        let question = Question {
            caller,
            account: Some(account),
            action: &action,
            resource: &resource,
            context: &context,
            resource_policy: None,
            resource_account: Some(&account.id),
        };
        let decision = question.decide();
        report.add_decision(&decision);
        (!decision.is_allowed()).then(|| {
            let words = decision.denied_message_in(MessageStyle::WithReason, &question.request());
            call.denied(words)
        })
    }

    fn verify(
        &self,
        request: &Received,
        dialect: Dialect,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<Verified, SignatureError> {
        "anonymous".clone_into(&mut report.principal);
        let authorization = read_authorization(request, dialect)?;
        report.principal.clone_from(&authorization.access_key_id);
        // The signature's date is the client's wall clock, which a moved sandbox clock does not move.
        let verifier = Verifier {
            state: &self.state,
            seal: &self.seal,
            now,
            wall_clock: Timestamp::now(),
        };
        let verified = verifier.verify(request, &authorization, dialect)?;
        report.principal = verified.caller.principal.arn();
        report.account = verified.caller.account_id().cloned();
        Ok(verified)
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

/// What the request says about its signature, in its header or in its query.
fn read_authorization(
    request: &Received,
    dialect: Dialect,
) -> Result<Authorization, SignatureError> {
    let count = request.headers.get_all(AUTHORIZATION).iter().count();
    let presigned = is_presigned(&request.query);
    let Some(header) = request.authorization() else {
        return match (presigned?, dialect) {
            (false, _) => Err(SignatureError::Missing),
            (true, Dialect::Query) => Authorization::parse_query(&request.query),
            (true, Dialect::S3) => Err(SignatureError::NotImplemented {
                what: "presigned requests",
            }),
        };
    };
    if count > 1 || presigned != Ok(false) {
        return Err(SignatureError::Several);
    }
    Authorization::parse(&header)
}

fn with_event(mut response: Response<Bytes>, id: EventId) -> Response<Bytes> {
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(EVENT_HEADER, id);
    }
    response
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
    }
}

fn refused(error: &SignatureError, dialect: Dialect) -> ApiError {
    let refusal = error.refusal(dialect);
    let fault = if matches!(error, SignatureError::NotImplemented { .. }) {
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
