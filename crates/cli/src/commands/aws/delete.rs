//! `delete`: everything that carries the cluster's ownership tag goes, by a plan that is shown first.

use futures::StreamExt;
use podpass_aws::Connection;
use podpass_cloud::{Applied, Apply, CloudError, ErrorKind, Observe};
use podpass_provision::{Deletion, DeletionPlan, Outcome, Resource, Staying, Step, Why};

use super::failures;
use super::inputs::{self, Consent, DeleteInput, DryRun};
use super::report::{Event, Report};
use crate::failure::{Exit, Failure};
use crate::{consent, output};

/// Deletes what the other commands made.
///
/// Nothing records progress but AWS itself: a run that was killed is finished by the next.
pub(crate) async fn delete(input: &DeleteInput, report: &Report) -> Result<(), Failure> {
    let deletion = Deletion::of(
        inputs::cluster(&input.name)?,
        inputs::region(&input.region)?,
    );
    let connection = input.target.connect(Some(&deletion.region)).await?;
    let planned = Box::pin(plan(&connection, &deletion)).await?;
    if input.target.dry_run == DryRun::Plan {
        return output::data(&planned.to_string());
    }
    report.tell(&Event::DeletionPlanned(&planned))?;
    if input.consent == Consent::Ask && !planned.plan.is_empty() {
        consent::ask("Delete all of this?", "deleted")?;
    }
    apply(&connection, &planned, input.concurrency, report).await
}

/// Looks at everything before anything is deleted.
pub(crate) async fn plan(
    connection: &Connection,
    deletion: &Deletion,
) -> Result<DeletionPlan, Failure> {
    let observed = connection
        .cluster(deletion)
        .await
        .map_err(|error| Failure::cloud(&error))?;
    deletion.plan(&observed).map_err(|refusal| {
        failures::refusal(&refusal).help("give the bucket's region with `--region`")
    })
}

/// Takes the steps, those of several resources at a time, and fails when something is left.
///
/// A resource that cannot be deleted does not stop the others.
pub(crate) async fn apply(
    connection: &Connection,
    planned: &DeletionPlan,
    concurrency: usize,
    report: &Report,
) -> Result<(), Failure> {
    let mut left: Vec<Left> = planned.left().map(Left::staying).collect();
    let by_resource = planned
        .plan
        .steps
        .chunk_by(|one, next| one.resource() == next.resource());
    // The bucket can go only when its objects are gone; nothing else waits for anything.
    let (objects, mut others): (Vec<&[Step]>, Vec<&[Step]>) =
        by_resource.partition(|steps| matches!(steps, [Step::DeleteObject { .. }]));
    report.start_bar("Deleting  ", planned.plan.resources.len());
    let failed = run(connection, objects, concurrency, report).await?;
    if !failed.is_empty() {
        left.extend(failed);
        others.retain(|steps| match steps {
            [Step::DeleteBucket { bucket }] => {
                left.push(Left::staying(&Staying {
                    resource: Resource::bucket(bucket),
                    why: Why::NotEmpty,
                }));
                false
            }
            _ => true,
        });
    }
    left.extend(run(connection, others, concurrency, report).await?);
    report.end_bar();
    all_gone(&left)
}

/// A resource of the cluster that still exists.
struct Left {
    resource: Resource,
    why: String,
    hint: String,
}

/// Takes the steps of each resource in order; returns the resources that could not be deleted.
async fn run(
    connection: &Connection,
    resources: Vec<&[Step]>,
    concurrency: usize,
    report: &Report,
) -> Result<Vec<Left>, Failure> {
    let mut results = std::pin::pin!(
        futures::stream::iter(resources)
            .map(async |steps| (steps, take(connection, steps).await))
            .buffered(concurrency)
    );
    let mut failed = Vec::new();
    while let Some((steps, (taken, error))) = results.next().await {
        report.advance_bar();
        for step in &steps[..taken] {
            report.tell(&Event::StepTaken(step, &Applied::Done))?;
        }
        match (error, steps.first()) {
            (Some(error), _) => failed.push(Left::failed(&steps[taken], &error)),
            (None, Some(step)) => {
                report.tell(&Event::Reached(&step.resource(), Outcome::Deleted))?;
            }
            (None, None) => {}
        }
    }
    Ok(failed)
}

/// Takes steps until one fails; returns how many were taken.
async fn take(connection: &Connection, steps: &[Step]) -> (usize, Option<CloudError>) {
    for (taken, step) in steps.iter().enumerate() {
        if let Err(error) = connection.apply(step).await {
            return (taken, Some(error));
        }
    }
    (steps.len(), None)
}

fn all_gone(left: &[Left]) -> Result<(), Failure> {
    let Some(first) = left.first() else {
        return Ok(());
    };
    let message = match left.len() {
        1 => "1 resource of the cluster is left".to_owned(),
        many => format!("{many} resources of the cluster are left"),
    };
    let mut failure = Failure::new(Exit::PartlyFailed, message).help(&first.hint);
    for Left { resource, why, .. } in left {
        failure = failure.detail("left", format!("{resource}: {why}"));
    }
    Err(failure)
}

// === impl Left ===

impl Left {
    fn staying(staying: &Staying) -> Self {
        Self {
            resource: staying.resource.clone(),
            why: staying.why.to_string(),
            hint: staying.why.hint().to_owned(),
        }
    }

    fn failed(step: &Step, error: &CloudError) -> Self {
        let resource = step.resource();
        // What is not in the list of objects and keeps a bucket all the same are versions, or objects that came since.
        if error.code.as_deref() == Some("BucketNotEmpty") {
            return Self {
                resource,
                why: format!("it holds objects that came since, or versions of deleted ones: {error}"),
                hint: "run the command again; if the bucket keeps versions, delete them with its lifecycle rules or by \
                       hand"
                    .to_owned(),
            };
        }
        Self {
            resource,
            why: error.to_string(),
            hint: match error.kind {
                ErrorKind::Conflict => {
                    "run the command again; if it fails alike, look at what the resource still holds".to_owned()
                }
                _ => error.hint(),
            },
        }
    }
}
