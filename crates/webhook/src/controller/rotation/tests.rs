//! A rotation, step by step, on a Secret and a bundle that stand still between the steps.

use podpass_runtime::issue;

use super::*;

const LIFE: Duration = Duration::from_hours(90 * 24);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

fn subject() -> Subject {
    Subject::of("svc", "ns", vec!["127.0.0.1".parse().unwrap()])
}

fn issued(now: SystemTime) -> Issued {
    let Subject { names, addresses } = subject();
    issue(&names, &addresses, LIFE, now).unwrap()
}

/// Changes a Secret's data as the API server does (RFC 7386).
fn merged(secret: &Value, change: Map<String, Value>) -> Value {
    let mut secret = secret.clone();
    if !secret["data"].is_object() {
        secret["data"] = json!({});
    }
    let data = secret["data"].as_object_mut().unwrap();
    for (member, value) in change {
        if value.is_null() {
            data.remove(&member);
        } else {
            data.insert(member, value);
        }
    }
    secret
}

fn step(secret: &Value, trusted: &[&Issued], now: SystemTime) -> Step {
    Held::of(secret, &subject(), now).step(&authorities(trusted), now)
}

fn authorities(of: &[&Issued]) -> Vec<String> {
    of.iter().map(|issued| issued.authority.clone()).collect()
}

#[test]
fn a_certificate_is_made_out_to_all_names_of_the_service() {
    let expected = ["svc", "svc.ns", "svc.ns.svc", "svc.ns.svc.cluster.local"];
    assert_eq!(subject().names, expected);
}

#[test]
fn renewal_goes_from_step_to_step_whoever_takes_them() {
    let (one, two) = (issued(start()), issued(start() + LIFE * 2 / 3));
    let empty = json!({"metadata": {"name": "x"}});
    assert_eq!(step(&empty, &[], start()), Step::Issue);

    let secret = merged(&empty, as_current(&one));
    let trust_one = Step::Trust(authorities(&[&one]));
    assert_eq!(step(&secret, &[], start()), trust_one);
    let Step::Rest(rest) = step(&secret, &[&one], start()) else {
        panic!("there is nothing to do")
    };
    // Two thirds of its life, of which five minutes were before the start.
    let skew = Duration::from_mins(5);
    assert_eq!(rest + skew, (LIFE + skew) * 2 / 3);
    let due = start() + rest;
    let soon = due - Duration::from_secs(1);
    assert_eq!(
        step(&secret, &[&one], soon),
        Step::Rest(Duration::from_secs(1))
    );

    let due = due + Duration::from_secs(1);
    assert_eq!(step(&secret, &[&one], due), Step::Prepare);
    let secret = merged(&secret, as_next(&two));
    let trust_both = Step::Trust(authorities(&[&one, &two]));
    assert_eq!(step(&secret, &[&one], due), trust_both);
    assert_eq!(step(&secret, &[&one, &two], due), Step::Switch);
    let secret = merged(&secret, as_current(&two));
    let members: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["ca.crt", "tls.crt", "tls.key"]);
    let drop_one = Step::Drop(authorities(&[&two]));
    assert_eq!(step(&secret, &[&one, &two], due), drop_one);
    assert!(matches!(step(&secret, &[&two], due), Step::Rest(_)));
}

#[test]
fn what_cannot_be_served_is_replaced_at_once() {
    let (one, other) = (issued(start()), issued(start()));
    let good = merged(&json!({}), as_current(&one));
    let late = start() + LIFE + Duration::from_secs(1);
    assert_eq!(step(&good, &[&one], late), Step::Issue);
    let mixed = Issued {
        key: other.key.clone(),
        ..one.clone()
    };
    let foreign = Issued {
        authority: other.authority.clone(),
        ..one.clone()
    };
    for bad in [mixed, foreign] {
        let secret = merged(&json!({}), as_current(&bad));
        assert_eq!(step(&secret, &[&one, &other], start()), Step::Issue);
        // As the next one it is made anew, and what is served stays.
        let secret = merged(&good, as_next(&bad));
        assert!(matches!(step(&secret, &[&one], start()), Step::Rest(_)));
    }
    let renamed = Subject::of("other", "ns", Vec::new());
    assert!(Held::of(&good, &renamed, start()).current.is_none());
}

#[test]
fn a_bundle_that_somebody_emptied_is_filled_again() {
    let (one, two) = (issued(start()), issued(start()));
    let secret = merged(&json!({}), as_current(&one));
    let secret = merged(&secret, as_next(&two));
    let both = Step::Trust(authorities(&[&one, &two]));
    assert_eq!(step(&secret, &[], start()), both);
}

#[test]
fn what_is_somebody_elses_is_known() {
    let own = merged(&json!({}), as_current(&issued(start())));
    let none = json!({"metadata": {}});
    assert_eq!(other_owner(&own, &none), None);
    assert_eq!(other_owner(&none, &none), None);
    let annotated = |name: &str| json!({"metadata": {"annotations": {name: "x"}}});
    for name in [
        "cert-manager.io/certificate-name",
        "service.beta.openshift.io/originating-service-name",
    ] {
        assert!(other_owner(&annotated(name), &none).is_some(), "{name}");
    }
    for name in [
        "cert-manager.io/inject-ca-from",
        "service.beta.openshift.io/inject-cabundle",
    ] {
        assert!(other_owner(&own, &annotated(name)).is_some(), "{name}");
    }
    let by_hand = json!({"data": {"tls.crt": "x", "tls.key": "x"}});
    assert!(other_owner(&by_hand, &none).is_some());
    // A Secret of type `kubernetes.io/tls` has to have both members, empty ones do.
    let empty = json!({"data": {"tls.crt": "", "tls.key": ""}});
    assert_eq!(other_owner(&empty, &none), None);
}
