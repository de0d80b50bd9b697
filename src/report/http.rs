//! HTTP server on a thread of its own, for outputs that are read while a run goes on.
//!
//! A slow client, or one that has vanished, holds one of a limited number of connections and
//! nothing else: no reporter waits for it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::error::ReportError;

/// The maximum number of connections; further ones are closed. The run needs the descriptors.
const MAX_CONNECTIONS: u32 = 32;

/// The time for a client to send the head of its request.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pause after a connection that could not be accepted, as when there are no descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A running server. Dropping it ends its connections and its thread.
pub(super) struct Server {
    address: SocketAddr,
    /// The grace of the connections.
    stop: Option<oneshot::Sender<Duration>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds `address`, for [`Server::start`].
    ///
    /// # Errors
    /// If the address cannot be listened at.
    pub fn bind(address: SocketAddr) -> Result<TcpListener, ReportError> {
        let listen = |source| ReportError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        Ok(listener)
    }

    /// Starts to serve `router`. A connection is closed after one answer, and after `longest`.
    ///
    /// # Errors
    /// If the system refuses a thread or what its runtime needs.
    pub fn start(
        name: &str,
        listener: TcpListener,
        router: Router,
        longest: Duration,
    ) -> Result<Self, ReportError> {
        let failed = |error: std::io::Error| ReportError::Thread(error.to_string());
        let address = listener.local_addr().map_err(failed)?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(move || serve(&runtime, listener, router, longest, stopped))
            .map_err(failed)?;
        Ok(Server {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the address, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more connections, waits until all answers are sent, at most `grace`, and ends the
    /// thread.
    pub fn stop(&mut self, grace: Duration) {
        let Some(stop) = self.stop.take() else { return };
        // One that has panicked has ended; it concerns no one but clients, who noticed.
        let _ = stop.send(grace);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

/// Serves until the end: the body of the thread.
fn serve(
    runtime: &Runtime,
    listener: TcpListener,
    router: Router,
    longest: Duration,
    mut stopped: oneshot::Receiver<Duration>,
) {
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
            return;
        };
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
        let grace = loop {
            let accepted = tokio::select! {
                grace = &mut stopped => break grace.unwrap_or_default(),
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let Ok(connection) = Arc::clone(&connections).try_acquire_owned() else {
                continue;
            };
            let service = TowerToHyperService::new(router.clone());
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                // A client that leaves or is too slow gets nothing more, and may come again.
                let _ = timeout(longest, served).await;
                drop(connection);
            });
        };
        drop(listener);
        let _ = timeout(grace, connections.acquire_many(MAX_CONNECTIONS)).await;
    });
}
