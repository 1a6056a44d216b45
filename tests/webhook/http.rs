//! Paths, statuses and bodies, as the peer's (v0.6.17) were observed.

use std::net::SocketAddr;

use http::Method;
use podpass_testkit::{Home, TestAuthority, WebhookProcess};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{get, send_body, shown_certificate};
use crate::stand::{PODPASS, soon};

const JSON: &str = "application/json";
/// The answer to a review without a request.
const BAD_CONTENT: &str =
    r#"{"response":{"uid":"","allowed":false,"status":{"message":"bad content"}}}"#;

/// A webhook whose API server is not there.
pub(crate) fn lonely(home: &Home, arguments: &[&str]) -> WebhookProcess {
    let authority = TestAuthority::new();
    let (certificate, key) = authority.issue(&["localhost"]);
    home.write("tls.crt", certificate);
    home.write("tls.key", key);
    let mut all = vec![
        "--in-cluster=false",
        "--tls-cert=tls.crt",
        "--tls-key=tls.key",
        // Nothing listens on port 1.
        "--kube-api=http://127.0.0.1:1",
        "--read-unknown-service-accounts=false",
    ];
    all.extend(arguments);
    WebhookProcess::start(PODPASS, home, &[], &all)
}

async fn mutate(address: SocketAddr, body: &str) -> String {
    let answer = send_body(address, Method::POST, "/mutate?timeout=10s", JSON, body).await;
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (200, JSON),
        "{body}"
    );
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_answered_as_by_the_peer() {
    let home = Home::new();
    let webhook = lonely(&home, &[]);
    let address = webhook.address();
    for body in ["", "null", "{}", r#"{"request":null}"#] {
        assert_eq!(mutate(address, body).await, BAD_CONTENT, "{body:?}");
    }
    let admitted =
        r#"{"request":{"uid":"u","namespace":"ns","object":{"spec":{"serviceAccountName":"a"}}}}"#;
    let answer = mutate(address, admitted).await;
    assert_eq!(answer, r#"{"response":{"uid":"u","allowed":true}}"#);
    // Kind and version are repeated, whatever they are.
    let echoed = admitted.replacen('{', r#"{"kind":"K","apiVersion":"V","#, 1);
    let answer = mutate(address, &echoed).await;
    assert_eq!(
        answer,
        r#"{"kind":"K","apiVersion":"V","response":{"uid":"u","allowed":true}}"#
    );
    for (body, uid, message) in [
        ("{", "", "couldn't get version/kind; json parse error: "),
        (
            r#"{"request":{"uid":"u"}}"#,
            "u",
            "the review has no `request.object`",
        ),
        (
            r#"{"request":{"uid":"u","object":"text"}}"#,
            "u",
            "`request.object` is no pod: ",
        ),
        (
            r#"{"request":{"uid":"u","object":{"spec":5}}}"#,
            "u",
            "`request.object` is no pod: ",
        ),
        (
            r#"{"request":{"uid":7}}"#,
            "",
            "couldn't get version/kind; json parse error: ",
        ),
    ] {
        let answer: Value = serde_json::from_str(&mutate(address, body).await).unwrap();
        let response = &answer["response"];
        assert_eq!(response["allowed"], false, "{body}");
        assert_eq!(response["uid"], uid, "{body}");
        let told = response["status"]["message"].as_str().unwrap();
        assert!(told.starts_with(message), "{body}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_statuses_are_the_peers() {
    let home = Home::new();
    let webhook = lonely(&home, &[]);
    let (address, plain) = (webhook.address(), webhook.metrics_address());
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(
            send_body(address, method, "/mutate", JSON, "{}")
                .await
                .status,
            200
        );
    }
    for kind in ["", "text/plain", "application/yaml"] {
        let answer = send_body(address, Method::POST, "/mutate", kind, "{}").await;
        assert_eq!(answer.status, 415, "{kind}");
        assert_eq!(
            answer.body,
            "Invalid Content-Type, expected `application/json`\n"
        );
    }
    let parameters = "application/json; charset=utf-8";
    assert_eq!(
        send_body(address, Method::POST, "/mutate", parameters, "{}")
            .await
            .status,
        200
    );
    for query in ["a=%zz", "a=1;b=2"] {
        let answer = send_body(
            address,
            Method::POST,
            &format!("/mutate?{query}"),
            JSON,
            "{}",
        )
        .await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.body, "{\"error\": \"error parsing form\"}\n");
    }
    for (port, secure) in [(address, true), (plain, false)] {
        assert_eq!(get(port, secure, "/healthz").await, (200, "ok".to_owned()));
        let (status, body) = get(port, secure, "/readyz").await;
        assert_eq!(status, 503, "{body}");
        for path in [
            "/",
            "/mutate/",
            "/healthz/",
            "/debug/alpha/cache",
            "/debug/alpha/deny",
        ] {
            let nothing = (404, "404 page not found\n".to_owned());
            assert_eq!(get(port, secure, path).await, nothing, "{path}");
        }
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.0 400 Bad Request\r\n"), "{told}");
    assert!(
        told.ends_with("Client sent an HTTP request to an HTTPS server.\n"),
        "{told}"
    );

    let (_, page) = get(plain, false, "/metrics").await;
    for line in [
        r#"http_request_count{verb="GET",path="/mutate",code="200"} 1"#,
        r#"http_request_count{verb="POST",path="/mutate",code="415"} 3"#,
        r#"http_request_latencies_bucket{le="125000.0",verb="GET",path="/mutate"} 1"#,
        r#"http_request_duration_microseconds_count{verb="GET",path="/mutate"} 1"#,
        "pod_identity_webhook_used 0",
    ] {
        assert!(
            page.lines().any(|own| own == line),
            "{line} is not in {page}"
        );
    }
    assert!(page.contains("podpass_serving_certificate_expiry_timestamp_seconds "));
}

#[tokio::test(flavor = "multi_thread")]
async fn debugging_handlers_are_there_when_asked_for() {
    let home = Home::new();
    let webhook = lonely(&home, &["--enable-debugging-handlers"]);
    let denied = get(webhook.address(), true, "/debug/alpha/deny").await.1;
    assert!(
        denied.contains("\"allowed\":false") && denied.contains("Test deny message"),
        "{denied}"
    );
    let failed = get(webhook.address(), true, "/debug/alpha/500").await;
    assert_eq!(failed, (500, "test error\n".to_owned()));
    assert_eq!(
        get(webhook.metrics_address(), false, "/debug/alpha/cache").await,
        (200, "{}".to_owned())
    );
    assert_eq!(
        get(webhook.metrics_address(), false, "/debug/alpha/cache/clear")
            .await
            .0,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn new_certificate_is_served_as_soon_as_it_is_there() {
    let home = Home::new();
    let webhook = lonely(&home, &[]);
    let first = shown_certificate(webhook.address()).await;
    let (certificate, key) = TestAuthority::new().issue(&["localhost"]);
    home.write("tls.key", key);
    assert_eq!(shown_certificate(webhook.address()).await, first);
    home.write("tls.crt", certificate);
    assert_ne!(shown_certificate(webhook.address()).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_drains_before_it_ends() {
    let home = Home::new();
    let mut webhook = lonely(&home, &["--shutdown-delay=1s"]);
    webhook.terminate();
    soon("it says that it ends", async || {
        let (_, body) = get(webhook.address(), true, "/readyz").await;
        body == "not ready: shutting down\n"
    })
    .await;
    // Still served: whoever routes to it has not noticed yet.
    assert_eq!(mutate(webhook.address(), "{}").await, BAD_CONTENT);
    assert_eq!(webhook.wait().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_signal_ends_it_at_once() {
    let home = Home::new();
    let mut webhook = lonely(&home, &["--shutdown-delay=1h"]);
    webhook.terminate();
    soon("it says that it ends", async || {
        get(webhook.address(), true, "/readyz").await.1 == "not ready: shutting down\n"
    })
    .await;
    webhook.terminate();
    assert_eq!(webhook.wait().code(), Some(1));
}
