//! The parameters that both operations share: the role, the session's name and its duration.

use std::sync::Arc;

use podpass_kinds::Reason;
use podpass_policy::{Partition, RoleArn, SessionName};

use crate::constraint::{Constraints, NAME_PATTERN, Show, is_name_character};
use crate::denial::{Code, Denial};
use crate::model::Role;
use crate::trace::{Comparison, StepName, Trace};

/// Which session of which role is asked for. The trace shares it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) role: RoleArn,
    pub(crate) session_name: SessionName,
    /// `None` if the parameter is absent, which conditions can tell from one hour.
    pub(crate) duration_seconds: Option<u32>,
}

/// Checks the constraints of the shared parameters.
pub(crate) fn constrain(
    constraints: &mut Constraints,
    role_arn: &str,
    session_name: &str,
    duration_seconds: Option<i64>,
) {
    constraints.length("roleArn", role_arn, Show::Value, 20, 2048);
    constraints.length("roleSessionName", session_name, Show::Value, 2, 64);
    constraints.pattern(
        "roleSessionName",
        session_name,
        Show::Value,
        NAME_PATTERN,
        is_name_character,
    );
    if let Some(seconds) = duration_seconds {
        constraints.range("durationSeconds", seconds, 900, 43_200);
    }
}

/// Checks the constraints of the parameters that stand for an MFA device.
pub(crate) fn constrain_mfa(
    constraints: &mut Constraints,
    serial_number: Option<&str>,
    token_code: Option<&str>,
) {
    if let Some(serial) = serial_number {
        constraints.length("serialNumber", serial, Show::Value, 9, 256);
    }
    if let Some(code) = token_code {
        constraints.length("tokenCode", code, Show::Nothing, 6, 6);
        constraints.pattern("tokenCode", code, Show::Nothing, r"[\d]*", |digit| {
            digit.is_ascii_digit()
        });
    }
}

/// Parses the shared parameters after their constraints were checked.
pub(crate) fn read(
    role_arn: &str,
    session_name: &str,
    duration_seconds: Option<i64>,
    partition: Option<Partition>,
    trace: &mut Trace,
) -> Result<Arc<Target>, Denial> {
    let role = read_role(role_arn, partition).map_err(|comparison| {
        trace.fail(StepName::Parameters, vec![comparison]);
        Denial::new(
            Code::ValidationError,
            "Request ARN is invalid",
            Reason::RoleArnInvalid,
            trace.clone(),
        )
    })?;
    Ok(Arc::new(Target {
        role,
        session_name: session_name
            .parse()
            .expect("length and alphabet of the session name were checked"),
        duration_seconds: duration_seconds.and_then(|seconds| u32::try_from(seconds).ok()),
    }))
}

impl Target {
    /// Records that the parameters are as they should be.
    pub(crate) fn accept(self: &Arc<Self>, trace: &mut Trace) {
        let target = Arc::clone(self);
        trace.pass(StepName::Parameters, move || {
            vec![Comparison::holding(
                "RoleArn",
                ROLE_ARN_FORM,
                target.role.as_str(),
            )]
        });
    }

    /// Returns the duration, which without the parameter is one hour whatever the role allows.
    pub(crate) fn duration(&self) -> u32 {
        self.duration_seconds.unwrap_or(DEFAULT_DURATION)
    }

    /// Checks the duration against the role's maximum.
    pub(crate) fn check_duration(&self, role: &Role, trace: &mut Trace) -> Result<(), Denial> {
        let duration = self.duration();
        let maximum = role.max_session_seconds;
        let wording = move || {
            vec![Comparison::new(
                "DurationSeconds",
                [format!(
                    "at most {maximum}, the role's maximum session duration"
                )],
                Some(duration.to_string()),
                duration <= maximum,
            )]
        };
        if duration <= maximum {
            trace.pass(StepName::Duration, wording);
            return Ok(());
        }
        trace.fail(StepName::Duration, wording());
        Err(Denial::new(
            Code::ValidationError,
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            Reason::DurationTooLong,
            trace.clone(),
        ))
    }
}

fn read_role(text: &str, partition: Option<Partition>) -> Result<RoleArn, Comparison> {
    let role: RoleArn = text
        .parse()
        .map_err(|_| Comparison::failing("RoleArn", ROLE_ARN_FORM, text))?;
    match partition {
        Some(partition) if partition != role.partition() => Err(Comparison::failing(
            "partition of RoleArn",
            partition.as_str(),
            role.partition().as_str(),
        )),
        _ => Ok(role),
    }
}

const DEFAULT_DURATION: u32 = 3600;
const ROLE_ARN_FORM: &str = "arn:<partition>:iam::<12-digit account>:role/<path and name>";
