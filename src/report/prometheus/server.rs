//! HTTP server of one page, for scrapers: one request at a time, on one thread.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::report::error::ReportError;

/// The time for a client to send its request, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The maximum size of a request.
const MAX_REQUEST: usize = 8 << 10;

/// The path of the page.
const PATH: &str = "/metrics";

/// A running server.
pub(super) struct Server {
    address: SocketAddr,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts to serve the text that `page` returns.
    pub fn start(
        address: SocketAddr,
        page: impl Fn() -> String + Send + 'static,
    ) -> Result<Self, ReportError> {
        let listen = |source| ReportError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let is_stopped = Arc::<AtomicBool>::default();
        let stop = Arc::clone(&is_stopped);
        let thread = thread::Builder::new()
            .name("metrics".into())
            .spawn(move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    // A client that leaves or is too slow gets nothing, and may come again.
                    let _ = stream.and_then(|stream| answer(stream, &page));
                }
            })
            .map_err(|error| ReportError::Thread(error.to_string()))?;
        Ok(Server {
            address,
            is_stopped,
            thread: Some(thread),
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the thread once it has answered the present request.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.is_stopped.store(true, Ordering::Relaxed);
        // It waits for a connection. Without one it ends together with the program.
        if TcpStream::connect_timeout(&self.address, PATIENCE).is_ok() {
            // A panic of it concerns no one but scrapers, who noticed.
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, page: &impl Fn() -> String) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = read_request(&mut stream)?;
    let mut words = request.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let (status, body) = match (method, path) {
        (Some("GET" | "HEAD"), PATH) => ("200 OK", page()),
        (Some("GET" | "HEAD"), _) => ("404 Not Found", format!("the metrics are at {PATH}\n")),
        _ => ("405 Method Not Allowed", String::new()),
    };
    let kind = match status {
        "200 OK" => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if method != Some("HEAD") {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}

/// Reads the head of a request.
fn read_request(stream: &mut TcpStream) -> io::Result<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut request = Vec::new();
    let mut block = [0; 1024];
    while !request.windows(4).any(|it| it == b"\r\n\r\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || request.len() > MAX_REQUEST {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut block)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => request.extend_from_slice(&block[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&request).into_owned())
}
