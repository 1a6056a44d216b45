//! `/_podpass/faults`: POST adds one, GET lists them, DELETE takes one away or all.

use std::sync::PoisonError;

use bytes::Bytes;
use http::{Method, Response, StatusCode};

use super::message::FaultList;
use super::{Controlled, Refused, json, read};
use crate::faults::{Fault, FaultId};
use crate::received::Received;

/// Answers a call; `item` is the id of one fault.
pub(super) fn answer(
    request: &Received,
    item: Option<&str>,
    controlled: Controlled<'_>,
) -> Result<Response<Bytes>, Refused> {
    let faults = match request.method {
        Method::POST => return add(request, controlled),
        Method::DELETE => clear(item, controlled)?,
        _ => controlled.faults.list(),
    };
    Ok(json(StatusCode::OK, &FaultList { faults }))
}

fn add(request: &Received, controlled: Controlled<'_>) -> Result<Response<Bytes>, Refused> {
    let fault: Fault = read(request)?;
    fault
        .check()
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let state = controlled
        .state
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    Ok(json(StatusCode::OK, &controlled.faults.add(fault, &state)))
}

fn clear(
    item: Option<&str>,
    controlled: Controlled<'_>,
) -> Result<Vec<crate::faults::FaultState>, Refused> {
    let id: Option<FaultId> = item
        .map(str::parse)
        .transpose()
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, format!("{error}")))?;
    let gone = controlled.faults.clear(id);
    match id {
        Some(id) if gone.is_empty() => Err(Refused::new(
            StatusCode::NOT_FOUND,
            format!("this sandbox has no fault {id}"),
        )),
        _ => Ok(gone),
    }
}
