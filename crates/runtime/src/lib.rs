//! What every server of podpass needs: connections with TLS that follows its certificate, metrics, logs and a shutdown
//! that drains.
//!
//! Nothing in here knows what is served. A server binds its ports with [`Port`], answers requests with a function, and
//! ends as its [`Shutdown`] says: first not ready while it still accepts, then closed while it finishes what it began.

mod authority;
mod certificates;
mod file_stamp;
pub mod logging;
pub mod metrics;
mod port;
mod shown;
mod shutdown;
mod tls_options;

pub use authority::{IssueError, Issued, is_trusted, issue};
pub use certificates::{CertificateError, Certificates, Served};
pub use file_stamp::FileStamp;
pub use port::{Answer, Handler, Port, PortError, text};
pub use shown::shown_certificate;
pub use shutdown::{Shutdown, Stage};
pub use tls_options::{TlsOptionError, TlsOptions};
