//! The floor: the same HTTPS stack, whose handler reads the body and answers a constant.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use podpass_runtime::{Answer, Certificates, Port, Shutdown, TlsOptions};

/// Serves until it is killed; prints its address first.
pub(crate) async fn serve(certificate: &Path, key: &Path) -> Result<(), String> {
    let certificates = Certificates::of_files(certificate, key, TlsOptions::default())
        .map_err(|error| error.to_string())?;
    let port = Port::bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
        .await
        .map_err(|error| error.to_string())?;
    super::say(&port.address().to_string())?;
    port.serve(Some(Arc::new(certificates)), Shutdown::new(), answer)
        .await;
    Ok(())
}

async fn answer(request: Request<Incoming>) -> Answer {
    // The webhook does no less: a body that is not read would have to be drained.
    let read = request.into_body().collect().await;
    let length = read.map_or(0, |body| body.to_bytes().len());
    let body = if length > 0 { CONSTANT } else { "" };
    let mut answer = Answer::new(Full::from(body));
    let json = http::HeaderValue::from_static("application/json");
    answer
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    answer
}

const CONSTANT: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true}}"#;
