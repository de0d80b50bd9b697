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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::time::Instant;

    use axum::body::Body;
    use axum::routing::get;
    use futures_util::stream;

    use super::*;

    /// A server with a short answer, and one that never ends.
    fn server() -> Server {
        let endless = async || {
            let block = Ok::<_, std::convert::Infallible>(vec![b'x'; 1 << 16]);
            Body::from_stream(stream::repeat(block))
        };
        let router = Router::new()
            .route("/short", get(async || "short"))
            .route("/endless", get(endless));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Server::bind(address).unwrap();
        Server::start("test", listener, router, Duration::MAX).unwrap()
    }

    fn ask(server: &Server, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn answer(server: &Server) -> String {
        let mut text = String::new();
        // A connection beyond the limit is closed without an answer.
        let _ = ask(server, "/short").read_to_string(&mut text);
        text
    }

    #[test]
    fn a_client_that_never_reads_delays_neither_others_nor_the_end() {
        let mut server = server();
        let mut first = [0; 1];
        let mut stuck = ask(&server, "/endless");
        stuck.read_exact(&mut first).unwrap();
        let silent = TcpStream::connect(server.address()).unwrap();
        assert!(answer(&server).ends_with("short"));
        let address = server.address();
        let began = Instant::now();
        server.stop(Duration::from_millis(50));
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            began.elapsed()
        );
        assert!(TcpStream::connect(address).is_err(), "the port is free");
        drop((stuck, silent));
    }

    #[test]
    fn connections_beyond_the_limit_are_closed_until_there_is_room() {
        let server = server();
        let mut first = [0; 1];
        let stuck: Vec<TcpStream> = (0..MAX_CONNECTIONS)
            .map(|_| {
                let mut stream = ask(&server, "/endless");
                stream.read_exact(&mut first).unwrap();
                stream
            })
            .collect();
        assert_eq!(answer(&server), "");
        drop(stuck);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !answer(&server).ends_with("short") {
            assert!(Instant::now() < deadline, "there is room again");
        }
    }
}
