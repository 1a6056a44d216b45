//! The proxy front: whom it answers for, what it refuses, and what its authority is good for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use podpass_sandbox::{Outcome, Proxy, Sandbox, Settings, StartError};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{Reply, exchange};
use crate::fixture::{Fixture, ROLE_ARN, claims, mint};

fn address(proxy: &Proxy) -> SocketAddr {
    proxy.url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// The answer to a CONNECT, and the connection to go on with.
fn connect(proxy: &Proxy, head: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address(proxy)).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => answer.push(byte[0]),
            _ => break,
        }
    }
    (String::from_utf8(answer).unwrap(), stream)
}

/// A client that trusts the proxy's authority and nothing else.
fn trusting(proxy: &Proxy) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(proxy.certificate.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// TLS for `name` in a tunnel to `host`.
fn tunnel(proxy: &Proxy, host: &str, name: &str, config: ClientConfig) -> std::io::Result<Tls> {
    let (answer, mut stream) = connect(
        proxy,
        &format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n"),
    );
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(tls, stream))
}

fn ask(tls: &mut Tls, request: &str) -> String {
    tls.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// A sandbox with a proxy, and the objects of the web identity flow.
fn proxied() -> (Fixture, Proxy) {
    let fixture = Fixture::proxied();
    let proxy = fixture.sandbox.proxy().unwrap();
    (fixture, proxy)
}

fn refusal(proxy: &Proxy, head: &str) -> Reply {
    exchange(address(proxy), head.as_bytes())
}

#[test]
fn a_token_is_exchanged_in_a_tunnel_and_the_event_is_as_usual() {
    let (fixture, proxy) = proxied();
    fixture.make_identity();
    let host = "sts.eu-west-1.amazonaws.com";
    let token = mint(&claims());
    let form = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={ROLE_ARN}&RoleSessionName=pod&WebIdentityToken={}",
        token.expose()
    );
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut tls = tunnel(&proxy, host, host, trusting(&proxy)).unwrap();
    let answer = ask(&mut tls, &request);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("<SessionToken>"), "{answer}");
    let event = fixture.sandbox.events().pop().unwrap();
    assert_eq!(event.action, "AssumeRoleWithWebIdentity");
    assert_eq!(event.outcome, Outcome::Allowed);
    assert!(event.exchange.is_some());
}

#[test]
fn buckets_have_their_hosts_with_dots_too_and_come_over_tls() {
    let (fixture, proxy) = proxied();
    for name in ["plain", "with.dots.in.it"] {
        fixture.make_bucket(name);
        fixture.admin.s3("PUT", &format!("/{name}/k"), "text").ok();
        let open = "<PublicAccessBlockConfiguration><BlockPublicPolicy>false</BlockPublicPolicy></PublicAccessBlockConfiguration>";
        fixture
            .admin
            .s3("PUT", &format!("/{name}?publicAccessBlock"), open)
            .ok();
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{name}/*",
            "Condition":{{"Bool":{{"aws:SecureTransport":"true"}}}}}}]}}"#
        );
        fixture
            .admin
            .s3("PUT", &format!("/{name}?policy"), &policy)
            .ok();
        let host = format!("{name}.s3.eu-west-1.amazonaws.com");
        let request = format!("GET /k HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let mut tls = tunnel(&proxy, &host, &host, trusting(&proxy)).unwrap();
        let answer = ask(&mut tls, &request);
        assert!(answer.ends_with("\r\n\r\ntext"), "{answer}");
        // The plain port is no secure transport.
        let plain = exchange(fixture.sandbox.address(), request.as_bytes());
        assert_eq!(plain.status, 403, "{}", plain.body);
    }
}

#[test]
fn nothing_is_forwarded_and_the_refusal_names_host_and_fix() {
    let (fixture, proxy) = proxied();
    let connect_to = |target: &str| format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    let own = fixture.sandbox.address();
    for (head, status, expected) in [
        (
            connect_to("example.com:443"),
            403,
            ["`example.com`", "NO_PROXY"],
        ),
        (
            connect_to(&own.to_string()),
            403,
            ["`127.0.0.1`", "NO_PROXY"],
        ),
        (connect_to("[::1]:443"), 403, ["`[::1]`", "NO_PROXY"]),
        (
            connect_to("sts.amazonaws.com.evil.example:443"),
            403,
            ["evil.example", "NO_PROXY"],
        ),
        (connect_to("sts.amazonaws.com:80"), 403, ["port 80", "443"]),
        (
            connect_to("sts.amazonaws.com:8443"),
            403,
            ["port 8443", "443"],
        ),
        (
            connect_to("*.amazonaws.com:443"),
            400,
            ["`*.amazonaws.com:443`", "host name"],
        ),
        (
            "GET http://sts.amazonaws.com/ HTTP/1.1\r\nHost: sts.amazonaws.com\r\n\r\n".to_owned(),
            405,
            ["CONNECT only", "https://"],
        ),
        (
            "GET http://169.254.169.254/latest/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"
                .to_owned(),
            405,
            ["CONNECT only", "HTTPS_PROXY"],
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".to_owned(),
            405,
            ["CONNECT only", "AWS_ENDPOINT_URL"],
        ),
    ] {
        let reply = refusal(&proxy, &head);
        assert_eq!(reply.status, status, "{head}: {}", reply.body);
        for part in expected {
            assert!(reply.body.contains(part), "{head}: {}", reply.body);
        }
        assert_eq!(reply.headers["connection"], "close");
        // Most clients show the status line alone.
        let line = connect(&proxy, &head).0;
        let line = line.lines().next().unwrap();
        assert!(line.contains(expected[1]), "{line}");
    }
    assert!(fixture.sandbox.events().is_empty());
}

#[test]
fn garbage_and_heads_without_end_are_refused() {
    let (_fixture, proxy) = proxied();
    let long = "a".repeat(40_000);
    for (case, head, status) in [
        ("garbage", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), 400),
        (
            "TLS without CONNECT",
            "\u{16}\u{3}\u{1}\0\u{5}hello\r\n\r\n".to_owned(),
            400,
        ),
        (
            "no port",
            "CONNECT sts.amazonaws.com HTTP/1.1\r\n\r\n".to_owned(),
            400,
        ),
        ("path", "CONNECT /a HTTP/1.1\r\n\r\n".to_owned(), 400),
        (
            "oversize header",
            format!("CONNECT sts.amazonaws.com:443 HTTP/1.1\r\nX: {long}\r\n\r\n"),
            431,
        ),
        (
            "oversize target",
            format!("CONNECT {long}.amazonaws.com:443 HTTP/1.1\r\n\r\n"),
            431,
        ),
        (
            "many headers",
            format!(
                "CONNECT sts.amazonaws.com:443 HTTP/1.1\r\n{}\r\n",
                "X: y\r\n".repeat(500)
            ),
            431,
        ),
    ] {
        let answer = connect(&proxy, &head).0;
        let told = answer
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse::<u16>().ok());
        assert_eq!(told, Some(status), "{case}: {answer}");
    }
}

#[test]
fn clients_that_stop_half_way_are_let_go() {
    let (_fixture, proxy) = proxied();
    let begun = Instant::now();
    let mut open: Vec<TcpStream> = ["", "CONNECT sts.amazonaws.com:443 HT"]
        .map(|head| {
            let mut stream = TcpStream::connect(address(&proxy)).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .into();
    // A tunnel in which no TLS begins, and one in which it does not end.
    for hello in ["", "\u{16}\u{3}\u{1}"] {
        let (answer, mut stream) =
            connect(&proxy, "CONNECT sts.amazonaws.com:443 HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        stream.write_all(hello.as_bytes()).unwrap();
        open.push(stream);
    }
    // One that goes away at once does no harm.
    drop(connect(
        &proxy,
        "CONNECT sts.amazonaws.com:443 HTTP/1.1\r\n\r\n",
    ));
    for mut stream in open {
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut rest = Vec::new();
        // The end of the connection, not of the patience.
        let _ = stream.read_to_end(&mut rest);
        assert!(
            begun.elapsed() < Duration::from_secs(25),
            "{:?}",
            begun.elapsed()
        );
    }
    assert!(begun.elapsed() > Duration::from_secs(5));
}

#[test]
fn tunnels_are_bounded_in_number_and_one_that_ends_makes_room() {
    let (_fixture, proxy) = proxied();
    let head = "CONNECT sts.amazonaws.com:443 HTTP/1.1\r\n\r\n";
    let mut open: Vec<TcpStream> = (0..256)
        .map(|number| {
            let (answer, stream) = connect(&proxy, head);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{number}: {answer}");
            stream
        })
        .collect();
    let refused = refusal(&proxy, head);
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.contains("256 tunnels"), "{}", refused.body);
    open.pop();
    let again = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        connect(&proxy, head).0.starts_with("HTTP/1.1 200 ")
    });
    assert!(again, "no room two seconds after a tunnel has ended");
}

#[test]
fn the_name_in_the_tunnel_is_the_tunnels() {
    let (_fixture, proxy) = proxied();
    let host = "sts.eu-west-1.amazonaws.com";
    let other = "iam.amazonaws.com";
    let refused = tunnel(&proxy, host, other, trusting(&proxy)).err().unwrap();
    assert!(refused.to_string().contains("alert"), "{refused}");
    // A client that sends no name gets the certificate of the tunnel's host.
    let mut silent = trusting(&proxy);
    silent.enable_sni = false;
    let mut tls = tunnel(&proxy, host, host, silent).unwrap();
    let answer = ask(
        &mut tls,
        &format!("GET / HTTP/1.1\r\nHost: {other}\r\nConnection: close\r\n\r\n"),
    );
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    // Control calls are of the plain port.
    let mut tls = tunnel(&proxy, host, host, trusting(&proxy)).unwrap();
    let answer = ask(
        &mut tls,
        "GET /_podpass/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
}

#[test]
fn http_2_is_not_offered() {
    let (_fixture, proxy) = proxied();
    let host = "sts.amazonaws.com";
    let offering = |protocols: &[&str]| {
        let mut config = trusting(&proxy);
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        tunnel(&proxy, host, host, config)
    };
    let tls = offering(&["h2", "http/1.1"]).unwrap();
    assert_eq!(tls.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(offering(&["h2"]).is_err());
}

#[test]
fn the_chain_ends_with_the_authority_that_is_published() {
    let (_fixture, proxy) = proxied();
    let host = "c1-oidc.s3.eu-west-1.amazonaws.com";
    let tls = tunnel(&proxy, host, host, trusting(&proxy)).unwrap();
    let chain = tls.conn.peer_certificates().unwrap();
    let published = CertificateDer::from_pem_slice(proxy.certificate.as_bytes()).unwrap();
    assert_eq!(chain.len(), 2);
    assert_eq!(chain.last(), Some(&published));
    assert!(!proxy.certificate.contains("PRIVATE"));
}

#[test]
fn a_state_keeps_the_authority_so_that_who_trusts_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let fixture = Fixture::start_as(Settings {
            state: Some(folder.path().to_owned()),
            proxy_listen: Some("127.0.0.1:0".parse().unwrap()),
            ..crate::fixture::two_accounts()
        });
        let proxy = fixture.sandbox.proxy().unwrap();
        (fixture, proxy)
    };
    let (first, before) = start();
    drop(first);
    let (second, after) = start();
    assert_eq!(before.certificate, after.certificate);
    let host = "sts.eu-west-1.amazonaws.com";
    let tls = tunnel(&after, host, host, trusting(&before)).unwrap();
    let chain = tls.conn.peer_certificates().unwrap();
    let published = CertificateDer::from_pem_slice(before.certificate.as_bytes()).unwrap();
    assert_eq!(chain.last(), Some(&published));
    // A reset takes what was made, not what the start made.
    let sandbox = &second.sandbox;
    let token = sandbox.control_token().clone();
    let control = podpass_sandbox::ControlClient::new(&sandbox.endpoint(), token).unwrap();
    second.runtime.block_on(control.reset()).unwrap();
    drop((tls, second));
    assert_eq!(start().1.certificate, before.certificate);
    // Another folder has another authority.
    let (_other, elsewhere) = proxied();
    assert_ne!(elsewhere.certificate, before.certificate);
}

#[test]
fn a_proxy_is_opt_in_on_loopback_and_stops_with_the_sandbox() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let start = |settings| runtime.block_on(Sandbox::start(settings));
    let without = start(Settings::default()).unwrap();
    assert_eq!(without.proxy(), None);
    let remote = Settings {
        proxy_listen: Some("0.0.0.0:0".parse().unwrap()),
        ..Settings::default()
    };
    assert!(matches!(start(remote), Err(StartError::NotLoopback { .. })));
    let on_loopback = |listen: SocketAddr| Settings {
        proxy_listen: Some(listen),
        ..Settings::default()
    };
    let taken = start(on_loopback(without.address()));
    assert!(matches!(taken, Err(StartError::InUse { .. })));

    let sandbox = start(on_loopback("127.0.0.1:0".parse().unwrap())).unwrap();
    let proxy = sandbox.proxy().unwrap();
    let host = "sts.amazonaws.com";
    let mut idle = tunnel(&proxy, host, host, trusting(&proxy)).unwrap();
    let begun = Instant::now();
    runtime.block_on(sandbox.stop());
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(matches!(idle.read(&mut [0; 8]), Ok(0) | Err(_)));
    assert!(TcpStream::connect(address(&proxy)).is_err());
}

#[test]
fn a_connection_without_a_connect_does_not_hold_a_stop_up() {
    let fixture = Fixture::proxied();
    let proxy = fixture.sandbox.proxy().unwrap();
    let mut silent = TcpStream::connect(address(&proxy)).unwrap();
    let patience = Some(Duration::from_secs(20));
    silent.set_read_timeout(patience).unwrap();
    // Accepted in turn: the silent one is served when a later one has its answer.
    refusal(&proxy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let began = Instant::now();
    fixture.runtime.block_on(fixture.sandbox.stop());
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "the whole grace period"
    );
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
}
