//! Which service a request is for. One port serves all of them.

use http::Method;

use crate::query::{Form, QueryService};
use crate::received::Received;
use crate::sigv4::Authorization;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// STS or IAM.
    Query(QueryService),
    /// S3, signed or anonymous.
    S3,
    /// CloudTrail's event history.
    CloudTrail,
    /// A service that is not here, by its name in the credential scope.
    Other(String),
}

impl Route {
    /// Decides by the credential scope, then the JSON target, then the form of an unsigned call; the rest is S3.
    pub(crate) fn of(request: &Received) -> Self {
        if let Some(service) = scoped_service(request.authorization().as_deref(), &request.query) {
            return Self::to(&service);
        }
        if let Some(target) = request.header("x-amz-target") {
            let prefix = target.rsplit_once('.').map_or(target, |(prefix, _)| prefix);
            let prefix = prefix.to_ascii_lowercase();
            return if prefix.contains("cloudtrail") {
                Self::CloudTrail
            } else {
                Self::Other(prefix)
            };
        }
        match unsigned_form(request) {
            Some(form) => Self::Query(query_service(form)),
            None => Self::S3,
        }
    }

    fn to(service: &str) -> Self {
        match service {
            "sts" => Self::Query(QueryService::Sts),
            "iam" => Self::Query(QueryService::Iam),
            "s3" => Self::S3,
            "cloudtrail" => Self::CloudTrail,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether a body of S3's size is to be expected, judged before the body is read.
    pub(crate) fn expects_objects(
        authorization: Option<&str>,
        query: &str,
        content_type: Option<&str>,
    ) -> bool {
        match scoped_service(authorization, query) {
            Some(service) => service == "s3",
            None => !content_type
                .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")),
        }
    }
}

/// The service named in the `Authorization` header, or in the query of a presigned request.
fn scoped_service(authorization: Option<&str>, query: &str) -> Option<String> {
    if let Some(service) = authorization.and_then(Authorization::scoped_service) {
        return Some(service.to_owned());
    }
    if query.is_empty() {
        return None;
    }
    let form = Form::parse(query.as_bytes()).ok()?;
    form.text("X-Amz-Credential")?
        .split('/')
        .nth(3)
        .map(str::to_owned)
}

/// The parameters of a call of the Query protocol at `/`.
fn unsigned_form(request: &Received) -> Option<&Form> {
    if request.path != "/" || !matches!(request.method, Method::GET | Method::POST) {
        return None;
    }
    request
        .form()
        .ok()
        .filter(|form| form.text("Action").is_some())
}

fn query_service(form: &Form) -> QueryService {
    match form.text("Version") {
        Some(version) if version == QueryService::Iam.version() => QueryService::Iam,
        _ => QueryService::Sts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(
        method: Method,
        target: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Received {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Received {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
                .collect(),
            body: body.to_owned().into(),
            peer: std::net::Ipv4Addr::LOCALHOST.into(),
            local: std::net::Ipv4Addr::LOCALHOST.into(),
            form: std::sync::OnceLock::new(),
            secure: false,
        }
    }

    #[test]
    fn scope_comes_first_then_target_then_form() {
        let signed = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=A/20261123/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
            )
        };
        let sts = Route::Query(QueryService::Sts);
        for (case, request, expected) in [
            (
                "sts",
                request(Method::POST, "/", &[("authorization", &signed("sts"))], ""),
                sts.clone(),
            ),
            (
                "iam",
                request(Method::POST, "/", &[("authorization", &signed("iam"))], ""),
                Route::Query(QueryService::Iam),
            ),
            (
                "s3",
                request(Method::GET, "/b/k", &[("authorization", &signed("s3"))], ""),
                Route::S3,
            ),
            (
                "ec2",
                request(Method::POST, "/", &[("authorization", &signed("ec2"))], ""),
                Route::Other("ec2".into()),
            ),
            (
                "presigned",
                request(
                    Method::GET,
                    "/?Action=GetCallerIdentity&X-Amz-Credential=A%2F1%2Fr%2Fsts%2Fx",
                    &[],
                    "",
                ),
                sts.clone(),
            ),
            (
                "web identity",
                request(Method::POST, "/", &[], "Action=AssumeRoleWithWebIdentity"),
                sts.clone(),
            ),
            (
                "web identity by GET",
                request(Method::GET, "/?Action=AssumeRoleWithWebIdentity", &[], ""),
                sts,
            ),
            (
                "unsigned IAM",
                request(
                    Method::POST,
                    "/",
                    &[],
                    "Action=ListRoles&Version=2010-05-08",
                ),
                Route::Query(QueryService::Iam),
            ),
            (
                "JSON",
                request(
                    Method::POST,
                    "/",
                    &[("x-amz-target", "com.Trail_1.LookupEvents")],
                    "{}",
                ),
                Route::Other("com.trail_1".into()),
            ),
            (
                "CloudTrail",
                request(
                    Method::POST,
                    "/",
                    &[(
                        "x-amz-target",
                        "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
                    )],
                    "{}",
                ),
                Route::CloudTrail,
            ),
            (
                "anonymous read",
                request(Method::GET, "/b/k", &[], ""),
                Route::S3,
            ),
            (
                "anonymous list",
                request(Method::GET, "/", &[], ""),
                Route::S3,
            ),
            (
                "form elsewhere",
                request(Method::POST, "/b", &[], "Action=x"),
                Route::S3,
            ),
        ] {
            assert_eq!(Route::of(&request), expected, "{case}");
        }
    }
}
