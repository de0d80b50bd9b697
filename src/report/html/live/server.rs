//! Routes of the live page.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use tokio::sync::watch;

use crate::report::html::{bundles, page};

use super::access;
use super::controls::LiveControls;

/// The maximum size of a request's body.
const MAX_BODY: usize = 1 << 10;

/// The data of all requests.
pub(super) struct Shared {
    pub token: String,
    /// The run's directory, if it is on this machine.
    pub directory: Option<PathBuf>,
    pub updates: watch::Sender<Arc<Update>>,
    /// The actions of the buttons, if there are any.
    pub controls: Option<Box<dyn LiveControls>>,
}

/// The figures as browsers get them.
pub(super) struct Update {
    pub json: String,
    /// None follows.
    pub is_last: bool,
}

/// A use of a button.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    /// True to end all flows now.
    Stop(bool),
    /// A value as typed.
    Load(String),
}

pub(super) fn router(shared: Shared) -> Router {
    let shared = Arc::new(shared);
    Router::new()
        .route("/{token}/", get(show))
        .route("/{token}/events", get(events))
        .route("/{token}/flows/{number}", get(flow))
        .route("/{token}/control", post(control))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}

/// Answers only those who may ask, and adds the headers that all answers have.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let mut response = if access::is_allowed(&shared.token, method, uri, headers) {
        next.run(request).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    };
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(policy);
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn show() -> Response {
    let nonce = page::nonce();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let html = Html(page::live(&nonce));
    ([(header::CONTENT_SECURITY_POLICY, policy)], html).into_response()
}

/// Sends the latest figures whenever the browser has taken the ones before.
async fn events(
    State(shared): State<Arc<Shared>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut updates = shared.updates.subscribe();
    updates.mark_changed();
    let updates = stream::unfold(Some(updates), |updates| async {
        let mut updates = updates?;
        updates.changed().await.ok()?;
        let update = Arc::clone(&updates.borrow_and_update());
        let event = Event::default().data(&update.json);
        Some((Ok(event), (!update.is_last).then_some(updates)))
    });
    Sse::new(updates).keep_alive(KeepAlive::default())
}

/// Shows a failed flow whose bundle was kept.
async fn flow(
    State(shared): State<Arc<Shared>>,
    Path((_, number)): Path<(String, u64)>,
) -> Response {
    let directory = shared.directory.as_deref();
    match directory.and_then(|it| bundles::of_failed(it, number)) {
        Some(flow) => Html(page::flow(&flow)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn control(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let Some(controls) = &shared.controls else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let refused = match serde_json::from_slice(&body) {
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        Ok(Command::Stop(now)) => {
            controls.stop(now);
            None
        }
        Ok(Command::Load(value)) => controls.change_load(&value).err(),
    };
    // Browsers report other codes as errors of the page.
    let answer = serde_json::json!({ "refused": refused });
    (
        [(header::CONTENT_TYPE, "application/json")],
        answer.to_string(),
    )
        .into_response()
}
