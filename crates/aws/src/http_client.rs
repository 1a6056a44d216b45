//! An HTTP client that reads nothing from its surroundings.

use std::sync::OnceLock;

use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;

/// A client without a proxy. The SDK's own takes `HTTPS_PROXY` and its kin from the environment.
///
/// One connector serves all services, so that they share its pool. For an `http` endpoint no certificate is loaded.
pub(crate) fn without_proxy(endpoint: &str) -> SharedHttpClient {
    let plain = endpoint.starts_with("http://");
    let connector = OnceLock::new();
    http_client_fn(move |settings, components| {
        connector
            .get_or_init(|| connect(plain, settings, components))
            .clone()
    })
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
