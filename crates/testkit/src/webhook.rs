//! `podpass webhook` as a child process, and the certificates that a test gives it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Uri;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;

use crate::{Backend, Home};

/// A running webhook, or its controller, on free loopback ports; it is killed with this value.
#[derive(Debug)]
pub struct WebhookProcess {
    child: Child,
    /// Only the webhook itself admits pods.
    address: Option<SocketAddr>,
    metrics_address: SocketAddr,
    log: Arc<Mutex<Vec<Value>>>,
}

/// A certificate authority of a test.
pub struct TestAuthority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl WebhookProcess {
    /// Starts `binary webhook` with `arguments` behind those that keep it on loopback, and `variables` as all that
    /// it has beside the home's, and waits until it serves.
    ///
    /// # Panics
    /// When it ends, or says nothing for 20 s, before it serves.
    pub fn start(
        binary: impl AsRef<Path>,
        home: &Home,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let words = ["webhook", "--port=0"];
        Self::start_as(binary.as_ref(), home, &words, variables, arguments)
    }

    /// The same for `binary webhook controller`.
    ///
    /// # Panics
    /// When it ends, or says nothing for 20 s, before it serves.
    pub fn start_controller(binary: impl AsRef<Path>, home: &Home, arguments: &[&str]) -> Self {
        let words = ["webhook", "controller"];
        Self::start_as(binary.as_ref(), home, &words, &[], arguments)
    }

    fn start_as(
        binary: &Path,
        home: &Home,
        words: &[&str],
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let mut child = home
            .command(binary)
            .args(words)
            .args(["--bind-address=127.0.0.1", "--metrics-port=0"])
            .args(["--log-format=json", "--v=3"])
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let log = Arc::new(Mutex::new(Vec::new()));
        let serving = read_log(&mut child, Arc::clone(&log));
        let served = serving.recv_timeout(Duration::from_secs(20)).ok();
        if served.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
        assert!(served.is_some(), "the webhook does not serve: {log:?}");
        let (address, metrics_address) = served.expect("it was just checked");
        Self {
            child,
            address,
            metrics_address,
            log,
        }
    }

    /// Where it admits pods, with TLS.
    ///
    /// # Panics
    /// When it is the controller, which admits none.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("a controller admits no pods")
    }

    /// Where it has its metrics and health, without TLS.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics_address
    }

    /// What a balancer needs of a webhook.
    pub fn backend(&self) -> Backend {
        let probe: Uri = format!("http://{}/readyz", self.metrics_address)
            .parse()
            .expect("an address makes a URL");
        Backend {
            address: self.address(),
            probe,
        }
    }

    /// What it answers a GET of this path without TLS.
    ///
    /// # Panics
    /// When the answer is not a success.
    pub async fn page(&self, path: &str) -> String {
        let server = format!("http://{}", self.metrics_address).parse();
        let mut config = kube::Config::new(server.expect("an address makes a URL"));
        config.default_retry = false;
        let client = kube::Client::try_from(config).expect("the configuration is complete");
        let request = http::Request::get(path).body(Vec::new());
        let answer = client.request_text(request.expect("it is a request")).await;
        answer.expect("the webhook has the page")
    }

    /// The lines of its log so far.
    pub fn log(&self) -> Vec<Value> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends SIGSTOP: it stands still, and its clocks do not.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Sends SIGCONT.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let _ = std::process::Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
    }

    /// Sends SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Waits for its end while other tasks go on; the exit code, `None` after a signal.
    pub async fn wait_while_running(&mut self) -> Option<i32> {
        loop {
            let ended = self.child.try_wait().expect("a child can be waited for");
            if let Some(status) = ended {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("a child can be waited for")
    }
}

/// Of admission, where there is one, and of the metrics.
type Addresses = (Option<SocketAddr>, SocketAddr);

/// Reads standard error line by line; the addresses come when they are logged.
fn read_log(child: &mut Child, log: Arc<Mutex<Vec<Value>>>) -> Receiver<Addresses> {
    let (tell, serving) = channel();
    let stderr = child.stderr.take().expect("stderr is piped");
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
            let address = |member: &str| line[member].as_str()?.parse().ok();
            if let Some(metrics) = address("metrics_address") {
                let _ = tell.send((address("address"), metrics));
            }
            log.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
    });
    serving
}

impl Drop for WebhookProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl TestAuthority {
    /// Makes a new one.
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key can be generated");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params
            .self_signed(&key)
            .expect("an authority can be signed")
            .pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A serving certificate for names or addresses, and its key, PEM.
    pub fn issue(&self, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().expect("a key can be generated");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("the names can be used");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("a certificate can be signed");
        (certificate.pem(), key.serialize_pem())
    }
}

impl std::fmt::Debug for TestAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestAuthority").finish_non_exhaustive()
    }
}
