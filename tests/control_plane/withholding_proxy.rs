//! A call whose answer is withheld has taken effect, and its caller does not know.

use std::time::Duration;

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, PostParams, WatchEvent, WatchParams};
use podpass_testkit::{
    Home, Identity, SandboxProcess, SharedControlPlane, Withhold, WithholdingProxy,
    control_plane_programs, eventually,
};
use serde_json::json;

use crate::create;

const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");

#[tokio::test]
async fn withholds_the_chosen_answer_of_kube_apiserver() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("withheld").await;
    let proxy = WithholdingProxy::start(&shared.api().config(&Identity::Admin)).await;
    let client = shared.api().at(proxy.url()).client(&Identity::Admin);
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let direct: Api<ConfigMap> = Api::namespaced(shared.admin(), &namespace);
    let map = |name: &str| -> ConfigMap {
        serde_json::from_value(json!({"metadata": {"name": name}})).unwrap()
    };

    create(&maps, json!({"metadata": {"name": "first"}})).await;
    proxy.withhold(2, Withhold::Close);
    let lost = maps.create(&PostParams::default(), &map("second")).await;
    assert!(
        !matches!(lost, Ok(_) | Err(kube::Error::Api(_))),
        "{lost:?}"
    );
    // It has taken effect, as the caller's second try finds out.
    assert!(direct.get_opt("second").await.unwrap().is_some());
    let again = maps.create(&PostParams::default(), &map("second")).await;
    assert!(
        matches!(&again, Err(kube::Error::Api(status)) if status.is_already_exists()),
        "{again:?}"
    );

    proxy.withhold(4, Withhold::Hang);
    let parameters = PostParams::default();
    let third = map("third");
    let mut call = std::pin::pin!(maps.create(&parameters, &third));
    tokio::select! {
        answered = &mut call => panic!("{answered:?}"),
        () = withheld(&proxy, 4) => {}
    }
    assert!(direct.get_opt("third").await.unwrap().is_some());
    let silence = tokio::time::timeout(Duration::from_secs(1), call).await;
    assert!(silence.is_err(), "{silence:?}");
    let listed = maps.list(&ListParams::default()).await.unwrap();
    let ours = listed.iter().filter(|map| map.data.is_none()).count();
    assert_eq!(ours, 3);

    let calls: Vec<(String, Option<u16>, bool)> = proxy
        .calls()
        .into_iter()
        .map(|call| (call.method, call.status, call.withheld))
        .collect();
    let call = |method: &str, status, withheld| (method.to_owned(), Some(status), withheld);
    assert_eq!(
        calls,
        [
            call("POST", 201, false),
            call("POST", 201, true),
            call("POST", 409, false),
            call("POST", 201, true),
            call("GET", 200, false),
        ]
    );
}

#[tokio::test]
async fn carries_a_watch_while_it_goes_on() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("watched").await;
    let proxy = WithholdingProxy::start(&shared.api().config(&Identity::Admin)).await;
    let client = shared.api().at(proxy.url()).client(&Identity::Admin);
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let parameters = WatchParams::default()
        .fields("metadata.name=late")
        .disable_bookmarks();
    let mut events = Box::pin(maps.watch(&parameters, "0").await.unwrap());
    create(&maps, json!({"metadata": {"name": "late"}})).await;
    let event = tokio::time::timeout(crate::PATIENCE, events.try_next());
    let event = event.await.unwrap().unwrap().unwrap();
    assert!(
        matches!(&event, WatchEvent::Added(map) if map.metadata.name.as_deref() == Some("late")),
        "{event:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn withholds_the_chosen_answer_of_the_sandbox() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let upstream = kube::Config::new(sandbox.endpoint().parse().unwrap());
    let proxy = WithholdingProxy::start(&upstream).await;
    let podpass = |arguments: &[&str]| {
        let mut command = sandbox.command(&home, PODPASS);
        let output = command
            .env("AWS_ENDPOINT_URL", proxy.url())
            .args(["aws"])
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (done, err) = podpass(&["create-key-pair", "--output-dir", "out"]);
    assert!(done, "{err}");
    let create = [
        "create-identity-provider",
        "--output-dir",
        "out",
        "--name",
        "proxied",
        "--region",
        "eu-west-1",
    ];
    // The signatures cover `Host`: they hold behind the proxy.
    proxy.withhold(1, Withhold::Close);
    let (done, err) = podpass(&create);
    assert!(done, "the SDK repeats a call without an answer: {err}");
    let calls = proxy.calls();
    let (lost, others) = calls.split_first().unwrap();
    assert!(lost.withheld);
    let repeated = others
        .iter()
        .filter(|call| (&call.method, &call.target) == (&lost.method, &lost.target));
    assert!(repeated.count() > 0, "{calls:?}");
    assert!(calls.iter().any(|call| call.method == "PUT"), "{calls:?}");

    // A caller that goes away meanwhile does not stop the call.
    let number = proxy.calls().len() + 1;
    proxy.withhold(number, Withhold::Hang);
    let mut child = sandbox
        .command(&home, PODPASS)
        .env("AWS_ENDPOINT_URL", proxy.url())
        .arg("aws")
        .args(create)
        .spawn()
        .unwrap();
    withheld(&proxy, number).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let (done, err) = podpass(&create);
    assert!(done, "{err}");
}

/// Waits until the answer to call `number` has come and is withheld.
async fn withheld(proxy: &WithholdingProxy, number: usize) {
    eventually("the answer is withheld", crate::PATIENCE, async || {
        let calls = proxy.calls();
        calls.get(number - 1)?.withheld.then_some(())
    })
    .await;
}
