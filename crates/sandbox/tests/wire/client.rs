//! A small AWS client: HTTP/1.1 over a socket, and a signer written from AWS's description of Signature Version 4.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use jiff::{SignedDuration, Timestamp};

/// A client of one sandbox.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    /// Signs with these; unsigned when absent.
    pub(crate) keys: Option<Keys>,
    pub(crate) region: String,
    /// What the signer does wrong.
    pub(crate) faults: Faults,
}

/// Credentials.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// Deviations from a correct signature.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    pub(crate) clock: SignedDuration,
    pub(crate) service: Option<&'static str>,
    pub(crate) terminator: Option<&'static str>,
    pub(crate) scope_date: Option<&'static str>,
    /// Headers left out of the signature.
    pub(crate) unsigned: Vec<&'static str>,
    /// Replaces the date header.
    pub(crate) date: Option<&'static str>,
    /// Replaces the whole `Authorization` header.
    pub(crate) authorization: Option<String>,
    /// Stands before the parameters of the `Authorization` header.
    pub(crate) decoy: Option<&'static str>,
    /// Replaces the `Host` header.
    pub(crate) host: Option<&'static str>,
    /// Replaces the declared hash of the body (S3).
    pub(crate) content_hash: Option<String>,
}

/// A request to be presigned.
#[derive(Clone, Copy)]
pub(crate) struct Presign<'a> {
    pub(crate) service: &'static str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Encoded as it is sent.
    pub(crate) query: &'a str,
    /// The headers that are signed beside `host`.
    pub(crate) signed: &'a [(&'a str, &'a str)],
    pub(crate) expires: &'a str,
    /// What stands for the body in the canonical request.
    pub(crate) payload: &'a str,
}

impl Default for Presign<'_> {
    /// A GET of S3's root that is good for a minute.
    fn default() -> Self {
        Self {
            service: "s3",
            method: "GET",
            path: "/",
            query: "",
            signed: &[],
            expires: "60",
            payload: "UNSIGNED-PAYLOAD",
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Reply {
    /// The text of the first element of that name.
    pub(crate) fn text(&self, element: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("<{element}>"))?;
        let (text, _) = rest.split_once(&format!("</{element}>"))?;
        let unescaped = [
            ("&quot;", "\""),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&apos;", "'"),
            ("&amp;", "&"),
        ]
        .iter()
        .fold(text.to_owned(), |text, (escape, character)| {
            text.replace(escape, character)
        });
        Some(unescaped)
    }

    /// The texts of every element of that name.
    pub(crate) fn texts(&self, element: &str) -> Vec<String> {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let parts = self.body.split(&open).skip(1);
        parts
            .filter_map(|part| part.split_once(&close))
            .map(|(text, _)| text.to_owned())
            .collect()
    }

    /// Status and error code.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.text("Code").unwrap_or_default())
    }

    pub(crate) fn message(&self) -> String {
        self.text("Message").unwrap_or_default()
    }

    /// The answer, after making sure that it is a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            self.body
        );
        self
    }
}

impl Client {
    pub(crate) fn with_keys(&self, keys: Keys) -> Self {
        Self {
            keys: Some(keys),
            ..self.clone()
        }
    }

    pub(crate) fn anonymous(&self) -> Self {
        Self {
            keys: None,
            ..self.clone()
        }
    }

    pub(crate) fn with_faults(&self, faults: Faults) -> Self {
        Self {
            faults,
            ..self.clone()
        }
    }

    pub(crate) fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Reply {
        self.query("iam", "2010-05-08", action, parameters)
    }

    pub(crate) fn sts(&self, action: &str, parameters: &[(&str, &str)]) -> Reply {
        self.query("sts", "2011-06-15", action, parameters)
    }

    fn query(
        &self,
        service: &'static str,
        version: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Reply {
        let all = [("Action", action), ("Version", version)];
        let pairs = all.iter().chain(parameters);
        let body: Vec<String> = pairs
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )];
        self.send(service, "POST", "/", &headers, body.join("&").as_bytes())
    }

    pub(crate) fn s3(&self, method: &str, target: &str, body: &str) -> Reply {
        let hash = self
            .faults
            .content_hash
            .clone()
            .unwrap_or_else(|| sha256(body.as_bytes()));
        self.send(
            "s3",
            method,
            target,
            &[("x-amz-content-sha256", &hash)],
            body.as_bytes(),
        )
    }

    /// Signs, sends and reads the answer.
    pub(crate) fn send(
        &self,
        service: &'static str,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let host = self
            .faults
            .host
            .map_or_else(|| self.address.to_string(), str::to_owned);
        let mut all: BTreeMap<String, String> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        all.insert("host".into(), host);
        if self.keys.is_some() {
            self.sign(service, method, target, &mut all, body);
        }
        if let Some(authorization) = &self.faults.authorization {
            all.insert("authorization".into(), authorization.clone());
        }
        all.insert("content-length".into(), body.len().to_string());
        all.insert("connection".into(), "close".into());
        let head: Vec<String> = all
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = head.concat();
        let mut request = format!("{method} {target} HTTP/1.1\r\n{head}\r\n").into_bytes();
        request.extend_from_slice(body);
        exchange(self.address, &request)
    }

    /// The target of a presigned GET at `/`: the query with everything that a signature takes.
    pub(crate) fn presigned(
        &self,
        service: &'static str,
        query: &str,
        signed: &[(&str, &str)],
        expires: u32,
    ) -> String {
        self.presign(Presign {
            service,
            query,
            signed,
            expires: &expires.to_string(),
            payload: &sha256(b""),
            ..Presign::default()
        })
    }

    /// The target of a presigned request.
    pub(crate) fn presign(&self, what: Presign<'_>) -> String {
        let keys = self.keys.as_ref().expect("called with keys only");
        let faults = &self.faults;
        let now = Timestamp::now() + faults.clock;
        let now = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let date_time = faults.date.unwrap_or(&now);
        let date = faults.scope_date.unwrap_or(&now[..8]);
        let service = faults.service.unwrap_or(what.service);
        let end = faults.terminator.unwrap_or("aws4_request");
        let scope = format!("{date}/{}/{service}/{end}", self.region);
        let host = faults
            .host
            .map_or_else(|| self.address.to_string(), str::to_owned);
        let headers: BTreeMap<&str, &str> = [("host", host.as_str())]
            .into_iter()
            .chain(what.signed.iter().copied())
            .filter(|(name, _)| !faults.unsigned.contains(name))
            .collect();
        let names = headers.keys().copied().collect::<Vec<_>>().join(";");
        let given = what.query.split('&').filter(|pair| !pair.is_empty());
        let mut pairs: Vec<String> = given.map(str::to_owned).collect();
        let mut add = |name: &str, value: &str| pairs.push(format!("{name}={}", encode(value)));
        add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
        add("X-Amz-Credential", &format!("{}/{scope}", keys.id));
        add("X-Amz-Date", date_time);
        add("X-Amz-Expires", what.expires);
        add("X-Amz-SignedHeaders", &names);
        if let Some(token) = &keys.token {
            add("X-Amz-Security-Token", token);
        }
        pairs.sort();
        let query = pairs.join("&");
        let lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let canonical = format!(
            "{}\n{}\n{query}\n{}\n{names}\n{}",
            what.method,
            what.path,
            lines.concat(),
            what.payload
        );
        let text = format!(
            "AWS4-HMAC-SHA256\n{date_time}\n{scope}\n{}",
            sha256(canonical.as_bytes())
        );
        let key = scope
            .split('/')
            .fold(format!("AWS4{}", keys.secret).into_bytes(), |key, part| {
                mac(&key, part)
            });
        let signature = hex::encode(mac(&key, &text));
        format!("{}?{query}&X-Amz-Signature={signature}", what.path)
    }

    fn sign(
        &self,
        service: &str,
        method: &str,
        target: &str,
        headers: &mut BTreeMap<String, String>,
        body: &[u8],
    ) {
        let keys = self.keys.as_ref().expect("called with keys only");
        let now = Timestamp::now() + self.faults.clock;
        let date_time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        headers.insert(
            "x-amz-date".into(),
            self.faults
                .date
                .map_or_else(|| date_time.clone(), str::to_owned),
        );
        if let Some(token) = &keys.token {
            headers.insert("x-amz-security-token".into(), token.clone());
        }
        let signed: Vec<(&String, &String)> = headers
            .iter()
            .filter(|(name, _)| !self.faults.unsigned.contains(&name.as_str()))
            .collect();
        let names = signed
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(";");
        let lines: Vec<String> = signed
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let lines = lines.concat();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut pairs: Vec<String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                if pair.contains('=') {
                    pair.to_owned()
                } else {
                    format!("{pair}=")
                }
            })
            .collect();
        pairs.sort();
        let hash = headers
            .get("x-amz-content-sha256")
            .cloned()
            .unwrap_or_else(|| sha256(body));
        let canonical = format!(
            "{method}\n{path}\n{}\n{lines}\n{names}\n{hash}",
            pairs.join("&")
        );
        let date = self.faults.scope_date.unwrap_or(&date_time[..8]);
        let service = self.faults.service.unwrap_or(service);
        let end = self.faults.terminator.unwrap_or("aws4_request");
        let scope = format!("{date}/{}/{service}/{end}", self.region);
        let text = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            headers["x-amz-date"],
            sha256(canonical.as_bytes())
        );
        let parts = [date, &self.region, service, end];
        let key = parts
            .iter()
            .fold(format!("AWS4{}", keys.secret).into_bytes(), |key, part| {
                mac(&key, part)
            });
        let signature = hex::encode(mac(&key, &text));
        let credential = format!("{}/{scope}", keys.id);
        let header = format!(
            "AWS4-HMAC-SHA256 {}Credential={credential}, SignedHeaders={names}, Signature={signature}",
            self.faults.decoy.unwrap_or_default()
        );
        headers.insert("authorization".into(), header);
    }
}

/// Sends bytes and reads the answer to the end of the connection.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A server that refuses a body may close before it has read all of it.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    Reply {
        status: status.unwrap_or_default(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}
