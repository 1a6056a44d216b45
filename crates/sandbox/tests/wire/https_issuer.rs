//! An issuer outside of the sandbox: an HTTPS server on loopback that answers by a script.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// What a path is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Document(String),
    Status(u16),
    Redirect(String),
    /// Nothing, ever.
    Silence,
}

/// The server; it ends with the runtime.
pub(crate) struct HttpsIssuer {
    pub(crate) port: u16,
    /// The authority that signed its certificate, as PEM.
    pub(crate) authority: String,
    /// SHA-1 of the authority's certificate and of the server's own.
    pub(crate) thumbprints: [String; 2],
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    answers: BTreeMap<String, Answer>,
    asked: Vec<String>,
}

impl HttpsIssuer {
    /// Serves `localhost`, with its authority's certificate in the chain.
    pub(crate) fn start(runtime: &Runtime) -> Self {
        let mut of_authority = CertificateParams::new(Vec::new()).unwrap();
        of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        of_authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority =
            CertifiedIssuer::self_signed(of_authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let chain = vec![own.der().clone(), authority.der().clone()];
        let thumbprints = [&chain[1], &chain[0]].map(|certificate| sha1(certificate));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Mutex::new(Script::default()));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let served = Arc::clone(&script);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&served)));
            }
        });
        Self {
            port,
            authority: authority.pem(),
            thumbprints,
            script,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        let mut script = self.script.lock().unwrap();
        script.answers.insert(path.to_owned(), answer);
    }

    /// The paths that were asked for since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().asked)
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, script: Arc<Mutex<Script>>) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = {
        let mut script = script.lock().unwrap();
        script.asked.push(path.clone());
        script.answers.get(&path).cloned()
    };
    let (status, location, body) = match answer {
        None => (404, String::new(), String::new()),
        Some(Answer::Status(status)) => (status, String::new(), String::new()),
        Some(Answer::Document(text)) => (200, String::new(), text),
        Some(Answer::Redirect(to)) => (302, format!("location: {to}\r\n"), String::new()),
        Some(Answer::Silence) => return std::future::pending().await,
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Scripted\r\n{location}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    // The client may have gone once it has read enough.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn sha1(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    hex::encode(digest)
}
