//! An HTTP client that reads nothing from its surroundings and reaches one endpoint.

use std::sync::OnceLock;

use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;

/// A client that reaches `endpoint` and its buckets, without a proxy.
///
/// The SDK's own takes `HTTPS_PROXY` and its kin from the environment, and its credential providers ask metadata
/// services when a configuration leads them there. One connector serves all services, so that they share its pool. For
/// an `http` endpoint no certificate is loaded.
pub(crate) fn confined_to(endpoint: &str) -> SharedHttpClient {
    let endpoint = endpoint.to_owned();
    let connector = OnceLock::new();
    http_client_fn(move |settings, components| {
        connector
            .get_or_init(|| {
                SharedHttpConnector::new(Confined {
                    authority: authority(&endpoint).to_owned(),
                    inner: connect(endpoint.starts_with("http://"), settings, components),
                })
            })
            .clone()
    })
}

/// Refuses every host but one, and names below it.
#[derive(Debug)]
struct Confined {
    /// Host and port.
    authority: String,
    inner: SharedHttpConnector,
}

impl HttpConnector for Confined {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = authority(request.uri());
        let below = target
            .strip_suffix(&self.authority)
            .is_some_and(|bucket| bucket.is_empty() || bucket.ends_with('.'));
        if below {
            return self.inner.call(request);
        }
        let problem = format!("`{target}` is not the endpoint `{}`", self.authority);
        HttpConnectorFuture::ready(Err(ConnectorError::user(problem.into())))
    }
}

fn connect(
    plain: bool,
    settings: &HttpConnectorSettings,
    components: &RuntimeComponents,
) -> SharedHttpConnector {
    let mut builder = Connector::builder()
        .connector_settings(settings.clone())
        .proxy_config(ProxyConfig::disabled());
    builder.set_sleep_impl(components.sleep_impl());
    let connector = if plain {
        builder.build_http()
    } else {
        builder
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build()
    };
    connector.into_shared()
}

/// Host and port of a URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}
