//! `GET /_podpass/events`: the newest events, or those after a cursor, for which it waits if it is told to.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{Controlled, Refused, json};
use crate::event::{EventId, EventTold};
use crate::query::Form;
use crate::received::Received;

/// Answers a page of events: `cursor` is where the last page ended, `newest` how many are wanted at most, and `wait`
/// how many seconds an empty answer may take.
pub(super) async fn list(
    request: &Received,
    controlled: Controlled<'_>,
) -> Result<Response<Bytes>, Refused> {
    let query = Form::parse(request.query.as_bytes())
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, error.message))?;
    let number = |name: &str| number(&query, name);
    let (cursor, newest, wait) = (number("cursor")?, number("newest")?, number("wait")?);
    if let (Some(cursor), Some(seconds)) = (cursor, wait) {
        let longest = Duration::from_secs(seconds).min(LONGEST_WAIT);
        controlled.events.wait_past(cursor, longest).await;
    }
    let newest = newest.map(|newest| usize::try_from(newest).unwrap_or(usize::MAX));
    let page = controlled.events.page(cursor, newest);
    Ok(json(StatusCode::OK, &page))
}

/// Answers one event with all that was compared.
pub(super) fn tell(id: &str, controlled: Controlled<'_>) -> Result<Response<Bytes>, Refused> {
    let id: EventId = id
        .parse()
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, format!("{error}")))?;
    let event = controlled.events.find(id).ok_or_else(|| {
        Refused::new(
            StatusCode::NOT_FOUND,
            format!("this sandbox has no event {id}, or not any more"),
        )
    })?;
    Ok(json(StatusCode::OK, &EventTold::of(&event)))
}

fn number(query: &Form, name: &str) -> Result<Option<u64>, Refused> {
    let Some(text) = query.text(name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        Refused::new(
            StatusCode::BAD_REQUEST,
            format!("`{text}` is not a number that `{name}` can have"),
        )
    })
}

/// A client that is gone is noticed then at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
