//! One port of a sandbox: bound before anything is served, accepting until it is stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::connections::{self, Accepted};
use crate::gateway::Gateway;
use crate::server::StartError;

/// A port that is bound and accepts nothing yet.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// A port that accepts connections; it stops when dropped.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    accepting: Option<JoinHandle<()>>,
}

impl Bound {
    /// Binds an address, which has to be loopback unless other machines may come.
    pub(crate) async fn to(listen: SocketAddr, allow_remote: bool) -> Result<Self, StartError> {
        if !listen.ip().is_loopback() && !allow_remote {
            return Err(StartError::NotLoopback { listen });
        }
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::InUse { listen, source },
            _ => StartError::Bind { listen, source },
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Accepts connections from now on.
    pub(crate) fn open<F: Future<Output = ()> + Send + 'static>(
        self,
        gateway: &Arc<Gateway>,
        serve: impl Fn(Accepted, &GracefulShutdown) -> F + Send + Sync + 'static,
    ) -> Port {
        let (stop, stopped) = oneshot::channel();
        let accepting = connections::accept(self.listener, Arc::clone(gateway), stopped, serve);
        Port {
            address: self.address,
            stop: Some(stop),
            accepting: Some(tokio::spawn(accepting)),
        }
    }
}

impl Port {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more.
    pub(crate) fn signal_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only when the task has ended.
            let _ = stop.send(());
        }
    }

    /// Waits until the connections have ended, for up to two seconds, and closes the others.
    pub(crate) async fn stopped(mut self) {
        self.signal_stop();
        if let Some(accepting) = self.accepting.take() {
            // A join error is a panic of the task, and then nothing is left to stop.
            let _ = accepting.await;
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.signal_stop();
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}
