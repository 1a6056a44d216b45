//! Six ways to break the set-up: AWS's error, and the comparison behind it.

use podpass_cloud::{CloudError, Exchange};
use podpass_exchange::WebIdentityRequest;
use podpass_provision::Region;
use podpass_sandbox::Outcome;
use podpass_token::{KeySize, SigningKey, Token};

use super::shown;
use super::stage::{Stage, Station};
use super::world::{Cluster, World};
use crate::failure::Failure;

/// What is broken, where on the path, and the token that shows it.
struct Breakage {
    title: &'static str,
    station: Station,
    token: Token,
}

pub(crate) async fn play(
    stage: &mut Stage,
    world: &World,
    cluster: &Cluster,
    role_arn: &str,
    region: &Region,
) -> Result<(), Failure> {
    stage.open(
        "breaking it, six ways",
        &["AWS says little on purpose. The sandbox keeps the comparison that failed, and podpass shows it."],
    )?;
    for breakage in breakages(world, cluster)? {
        stage.step(breakage.station, breakage.title)?;
        let request = WebIdentityRequest::new(role_arn, "broken", breakage.token);
        let nobody = world.nobody(region);
        let answer = nobody.assume_role_with_web_identity(&request).await;
        refused(stage, world, answer, breakage.title)?;
    }
    Ok(())
}

/// Shows the refusal of a call, and the comparison behind it.
pub(super) fn refused<T>(
    stage: &Stage,
    world: &World,
    answer: Result<T, CloudError>,
    what: &str,
) -> Result<(), Failure> {
    match answer {
        Ok(_) => Err(super::must_be_refused(what)),
        Err(error) => {
            stage.refused(&shown::in_words_of_aws(&error))?;
            explain(stage, world)
        }
    }
}

/// Shows the reason and the failed comparison of the newest event.
fn explain(stage: &Stage, world: &World) -> Result<(), Failure> {
    let Some(event) = world.last_event() else {
        return Ok(());
    };
    if let Outcome::Denied {
        reason: Some(reason),
        ..
    } = &event.outcome
    {
        stage.because(&format!("{}: {}", reason.code(), reason.hint()))?;
        if let Some(failed) = event
            .exchange
            .as_ref()
            .and_then(|trace| trace.first_failure())
        {
            stage.compared(failed)?;
        }
        stage.fix(reason.fix())?;
    }
    Ok(())
}

fn breakages(world: &World, cluster: &Cluster) -> Result<Vec<Breakage>, Failure> {
    let (namespace, account, pod) = ("default", "irsa-test-service-account", "irsa-test-pod");
    let good = || cluster.claims(world.now(), namespace, account, pod, 3_600);
    let expired = {
        let mut claims = good();
        (claims.issued_at, claims.not_before, claims.expires_at) = (
            claims.issued_at - 7_200,
            claims.issued_at - 7_200,
            claims.issued_at - 3_600,
        );
        claims
    };
    let unknown_issuer = {
        let mut claims = good();
        claims.issuer.push('/');
        claims
    };
    let wrong_audience = {
        let mut claims = good();
        claims.audiences = vec!["https://kubernetes.default.svc".to_owned()];
        claims
    };
    let wrong_subject = cluster.claims(world.now(), namespace, "default", pod, 3_600);
    // A key that nobody published; 2048 bits so that the tour does not wait for it.
    let stranger = SigningKey::generate(KeySize::Rsa2048)
        .map_err(|error| Failure::failed("cannot make a key").because(&error))?;
    Ok(vec![
        Breakage {
            title: "A garbage token",
            station: Station::Token,
            token: Token::new("this-is.not-a.token".to_owned()),
        },
        Breakage {
            title: "An expired token",
            station: Station::Token,
            token: cluster.mint(&expired),
        },
        Breakage {
            title: "An issuer that IAM does not know: one slash too many",
            station: Station::Provider,
            token: cluster.mint(&unknown_issuer),
        },
        Breakage {
            title: "The token for the API server instead of the one for AWS",
            station: Station::Provider,
            token: cluster.mint(&wrong_audience),
        },
        Breakage {
            title: "Another service account of the namespace",
            station: Station::Role,
            token: cluster.mint(&wrong_subject),
        },
        Breakage {
            title: "A signing key that is not in the JWKS",
            station: Station::Issuer,
            token: stranger.mint(&good()),
        },
    ])
}
