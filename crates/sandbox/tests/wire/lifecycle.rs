//! Starting, stopping, and requests that are not AWS's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use podpass_sandbox::{AccountSettings, AdminKey, Sandbox, Settings, StartError};

use crate::client::exchange;
use crate::fixture::{ACCOUNT, Fixture};

#[tokio::test]
async fn refuses_settings_that_cannot_work() {
    let account = |id: &str, key: Option<&str>| AccountSettings {
        admin_key: key.map(|id| AdminKey::new(id, "s").unwrap()),
        ..AccountSettings::new(id.parse().unwrap())
    };
    let remote = Settings {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..Settings::default()
    };
    assert!(matches!(
        Sandbox::start(remote.clone()).await,
        Err(StartError::NotLoopback { .. })
    ));
    let allowed = Sandbox::start(Settings {
        allow_remote: true,
        ..remote
    })
    .await
    .unwrap();
    allowed.stop().await;
    for (case, accounts) in [
        ("no account", vec![]),
        (
            "account twice",
            vec![account(ACCOUNT, None), account(ACCOUNT, None)],
        ),
        (
            "key twice",
            vec![
                account(ACCOUNT, Some("key")),
                account("210987654321", Some("key")),
            ],
        ),
    ] {
        let started = Sandbox::start(Settings {
            accounts,
            ..Settings::default()
        })
        .await;
        match (case, started) {
            ("no account", Err(StartError::NoAccount))
            | ("account twice", Err(StartError::DuplicateAccount { .. }))
            | ("key twice", Err(StartError::DuplicateAdminKey { .. })) => {}
            (case, other) => panic!("{case}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_port_in_use_is_named_and_free_again_after_the_stop() {
    let first = Sandbox::start(Settings::default()).await.unwrap();
    let settings = Settings {
        listen: first.address(),
        ..Settings::default()
    };
    let error = Sandbox::start(settings.clone()).await.unwrap_err();
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&first.address().to_string()));
    first.stop().await;
    let second = Sandbox::start(settings).await.unwrap();
    assert_eq!(second.endpoint(), format!("http://{}", second.address()));
}

#[test]
fn accounts_have_random_keys_unless_given() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let start = || {
        runtime
            .block_on(Sandbox::start(Settings::default()))
            .unwrap()
    };
    let (one, other) = (start(), start());
    let (one, other) = (&one.accounts()[0], &other.accounts()[0]);
    assert_eq!(one.id.as_str(), "123456789012");
    assert!(one.access_key_id.starts_with("AKIARZPUZDIK") && one.access_key_id.len() == 20);
    assert_ne!(one.access_key_id, other.access_key_id);
    assert_ne!(one.secret_access_key, other.secret_access_key);
    assert!(!format!("{one:?}").contains(one.secret_access_key.expose()));
}

#[test]
fn stopping_closes_idle_connections() {
    let Fixture {
        sandbox, runtime, ..
    } = Fixture::start();
    let mut idle = TcpStream::connect(sandbox.address()).unwrap();
    idle.set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let before = std::time::Instant::now();
    runtime.block_on(sandbox.stop());
    assert!(before.elapsed() < Duration::from_secs(5));
    let _ = idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(matches!(idle.read(&mut [0; 64]), Ok(0) | Err(_)));
}

#[test]
fn dropping_stops_too() {
    let fixture = Fixture::start();
    let (address, sandbox) = (fixture.sandbox.address(), fixture.sandbox);
    drop(sandbox);
    let closed = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        TcpStream::connect(address).is_err()
    });
    assert!(closed, "still accepting two seconds after the drop");
    drop(fixture.runtime);
}

#[test]
fn requests_that_are_not_aws_get_a_clear_answer() {
    let fixture = Fixture::start();
    let address = fixture.sandbox.address();
    for (case, request, status) in [
        (
            "no host",
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        (
            "two hosts",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        ("not HTTP", "\u{1}\u{2}\r\n\r\n".to_owned(), 400),
        (
            "form too large",
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\
                 Content-Length: 2000000\r\n\r\n{}",
                "a".repeat(2_000_000)
            ),
            413,
        ),
        (
            "anonymous list of buckets",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
            403,
        ),
    ] {
        assert_eq!(
            exchange(address, request.as_bytes()).status,
            status,
            "{case}"
        );
    }
}

#[test]
fn an_oversized_upload_is_refused_before_it_is_sent() {
    let fixture = Fixture::start();
    let request = "PUT /b/k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: \
                   99999999999\r\n\r\n";
    let reply = exchange(fixture.sandbox.address(), request.as_bytes());
    assert_eq!(
        reply.error(),
        (400, "EntityTooLarge".to_owned()),
        "{}",
        reply.body
    );
    assert!(reply.text("MaxSizeAllowed").is_some());
    assert_eq!(reply.headers["content-type"], "application/xml");
    assert!(reply.headers.contains_key("x-amz-request-id"));
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nExpect: \
                   100-continue\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n";
    let reply = exchange(fixture.sandbox.address(), request.as_bytes());
    assert_eq!(
        reply.error(),
        (413, "RequestEntityTooLarge".to_owned()),
        "{}",
        reply.body
    );
}

#[test]
fn answers_are_well_formed_xml_whatever_is_asked_for() {
    let fixture = Fixture::start();
    for target in [
        "/%00%01",
        "/b%00/k",
        "/abc?max-keys=%00",
        "/?Action=%00%EF%BF%BF",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let reply = exchange(fixture.sandbox.address(), request.as_bytes());
        assert!(reply.status >= 400, "{target}");
        let is_allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
        assert!(
            reply.body.chars().all(is_allowed),
            "{target}: {}",
            reply.body
        );
        assert!(
            !reply.body.contains("&#x0;") && !reply.body.contains("&#x1;"),
            "{target}: {}",
            reply.body
        );
    }
}
