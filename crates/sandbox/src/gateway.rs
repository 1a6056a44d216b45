//! From a request to its answer: route, verify, authorise, act, record.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;

use crate::call::{Call, Report};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::credentials::{Verified, Verifier};
use crate::event::{EventLog, Outcome};
use crate::iam::Operation;
use crate::query::{ApiError, Fault, Form, QueryService, Xml};
use crate::received::Received;
use crate::route::Route;
use crate::s3;
use crate::session::Seal;
use crate::sigv4::{Authorization, Dialect, SignatureError};
use crate::state::State;
use crate::storage::BucketCaller;
use crate::sts::Sts;
use crate::{iam, ids, storage, sts};

/// What answers requests.
pub(crate) struct Gateway {
    state: RwLock<State>,
    events: EventLog,
    seal: Seal,
    clock: Arc<dyn Clock>,
}

/// An answer and what it meant.
type Answered = (Response<Bytes>, Outcome);

impl Gateway {
    pub(crate) fn new(state: State, seal: Seal, clock: Arc<dyn Clock>) -> Self {
        Self {
            state: RwLock::new(state),
            events: EventLog::default(),
            seal,
            clock,
        }
    }

    pub(crate) fn events(&self) -> &EventLog {
        &self.events
    }

    /// Answers a request and records it.
    pub(crate) fn answer(&self, request: &Received) -> Response<Bytes> {
        let (id, now) = (self.events.next_id(), self.clock.now());
        let mut report = Report::default();
        let (mut response, outcome) = match Route::of(request) {
            Route::Query(service) => self.answer_query(service, request, now, &mut report),
            Route::S3 => self.answer_s3(request, now, &mut report),
            Route::Other(service) => self.answer_other(&service, request, now, &mut report),
        };
        self.events.record(report.into_event(id, now, outcome));
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(EVENT_HEADER, id);
        }
        response
    }

    fn answer_query(
        &self,
        service: QueryService,
        request: &Received,
        now: Timestamp,
        report: &mut Report,
    ) -> Answered {
        service.name().clone_into(&mut report.service);
        let result = self.call_query(service, request, now, report);
        let outcome = result
            .as_ref()
            .map_or_else(Outcome::from, |_| Outcome::Allowed);
        let response = match result {
            Ok(result) => success(service, &report.action, &result),
            Err(error) => failure(service, &error),
        };
        (response, outcome)
    }

    fn call_query(
        &self,
        service: QueryService,
        request: &Received,
        now: Timestamp,
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
        self.run(service, &mut call)
    }

    fn run(&self, service: QueryService, call: &mut Call<'_>) -> Result<Xml, ApiError> {
        let version = call
            .form
            .text("Version")
            .unwrap_or_else(|| service.version())
            .to_owned();
        let unknown = ApiError::invalid_action(&call.report.action, &version);
        if version != service.version() {
            return Err(unknown);
        }
        match service {
            QueryService::Sts => {
                let operation = sts::operation(&call.report.action).ok_or(unknown)?;
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                operation(
                    &Sts {
                        state: &state,
                        seal: &self.seal,
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
        let verified = match self.verify(request, Dialect::S3, now, report) {
            Err(SignatureError::Missing) => anonymous(request),
            Ok(verified) => verified,
            Err(error) => {
                let outcome = Outcome::from(&refused(&error, Dialect::S3));
                let response = storage::refuse(&error, request, &s3_request.request_id);
                return (response, outcome);
            }
        };
        s3_request.region.clone_from(&verified.region);
        let context = request.context(&verified.region, now);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let State { accounts, buckets } = &mut *state;
        let account = verified.caller.account_id().and_then(|id| accounts.get(id));
        let mut caller = BucketCaller {
            caller: &verified.caller,
            account,
            context: &context,
            report,
        };
        let response = s3::serve(buckets, &s3_request, &mut caller, now);
        let outcome = storage::outcome_of(&response);
        (response, outcome)
    }

    /// Verifies the signature for a service that is not here, so that nobody takes its answer for the service's.
    fn answer_other(
        &self,
        service: &str,
        request: &Received,
        now: Timestamp,
        report: &mut Report,
    ) -> Answered {
        service.clone_into(&mut report.service);
        let error = match self.verify(request, Dialect::Query, now, report) {
            Err(error) => refused(&error, Dialect::Query),
            Ok(_) => ApiError::new(
                501,
                "NotImplemented",
                format!("This sandbox has no service `{service}`: it has iam, s3 and sts."),
            ),
        };
        let outcome = Outcome::from(&error);
        (failure(QueryService::Sts, &error), outcome)
    }

    fn verify(
        &self,
        request: &Received,
        dialect: Dialect,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<Verified, SignatureError> {
        "anonymous".clone_into(&mut report.principal);
        let Some(header) = request.headers.get("authorization") else {
            if request.query.contains("X-Amz-Algorithm=") {
                return Err(SignatureError::NotImplemented {
                    what: "presigned requests",
                });
            }
            return Err(SignatureError::Missing);
        };
        let authorization = Authorization::parse(&String::from_utf8_lossy(header.as_bytes()))?;
        report.principal.clone_from(&authorization.access_key_id);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        // The signature's date is the client's wall clock, which a moved sandbox clock does not move.
        let verifier = Verifier {
            state: &state,
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

fn success(service: QueryService, action: &str, result: &Xml) -> Response<Bytes> {
    let request_id = ids::new_request_id();
    let xml = Xml::of(|xml| {
        xml.root(&format!("{action}Response"), service.namespace(), |xml| {
            if !result.is_empty() {
                xml.element(&format!("{action}Result"), |xml| xml.append(result));
            }
            xml.element("ResponseMetadata", |xml| xml.text("RequestId", &request_id));
        });
    });
    respond(StatusCode::OK, &request_id, xml)
}

fn failure(service: QueryService, error: &ApiError) -> Response<Bytes> {
    let request_id = ids::new_request_id();
    let namespace = if error.code == "InvalidAction" {
        FAULT_NAMESPACE
    } else {
        service.namespace()
    };
    let xml = Xml::of(|xml| {
        xml.root("ErrorResponse", namespace, |xml| {
            xml.element("Error", |xml| {
                xml.text("Type", error.blame());
                xml.text("Code", error.code);
                xml.text("Message", &error.message);
            });
            xml.text("RequestId", &request_id);
        });
    });
    respond(
        StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        &request_id,
        xml,
    )
}

fn respond(status: StatusCode, request_id: &str, xml: Xml) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(xml.into_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
    response
}

const EVENT_HEADER: HeaderName = HeaderName::from_static("x-podpass-event");
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-amzn-requestid");
const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";
/// The region of unsigned requests whose host name has none.
const DEFAULT_REGION: &str = "us-east-1";
