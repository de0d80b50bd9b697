//! Snapshots as messages of a NATS server.
//!
//! A snapshot is sent as one or more messages, as a server limits their size. Each begins with a line:
//! the format, the start of the segment, the number of the snapshot, and the part of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ClientError, ConnectOptions, Event, Message};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::timeout;

use super::place::{NatsLogin, NatsPlace};
use super::snapshot::{MAX_BYTES, Snapshot};

/// The name and version of the messages' form.
const FORMAT: &str = "rehearsal-part/1";

/// Room for the first line of a message.
const HEADING: usize = 512;

/// The maximum size of a part, whatever the server allows.
const MAX_PART: usize = 512 << 10;

/// The time for a server to take a snapshot, or to answer a new connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time for a connection to come back for the last snapshot, and for one to come that was never
/// there.
const LAST_PATIENCE: Duration = Duration::from_secs(4);
const FIRST_PATIENCE: Duration = Duration::from_secs(1);

/// The interval at which a silent connection is tested.
const PING: Duration = Duration::from_secs(5);

/// The longest pause between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The maximum number of segments of which parts are kept.
const MAX_PENDING: usize = 100_000;

/// A connection, which is made again whenever it is lost.
struct Connection {
    client: Client,
    is_up: watch::Receiver<bool>,
    /// The reason for which it is not there.
    trouble: Arc<Mutex<String>>,
}

impl Connection {
    /// Begins to connect; the server need not be there.
    async fn open(server: &str, login: NatsLogin) -> Result<Self, String> {
        let (up, is_up) = watch::channel(false);
        let up = Arc::new(up);
        let trouble = Arc::new(Mutex::new("the server cannot be reached".to_owned()));
        let said = Arc::clone(&trouble);
        let options = ConnectOptions::new()
            .name("rehearsal")
            .retry_on_initial_connect()
            .connection_timeout(PATIENCE)
            .ping_interval(PING)
            .reconnect_delay_callback(|attempts| {
                let exponent = u32::try_from(attempts.min(8)).unwrap_or(8);
                (Duration::from_millis(25) * 2_u32.pow(exponent)).min(MAX_PAUSE)
            })
            .event_callback(move |event| {
                let why = match event {
                    Event::Connected => {
                        up.send_replace(true);
                        None
                    }
                    Event::Disconnected | Event::Closed => {
                        up.send_replace(false);
                        Some("the connection is lost".to_owned())
                    }
                    Event::ServerError(error) => Some(error.to_string()),
                    // That of a server that is not there says less than is known.
                    Event::ClientError(ClientError::Other(why)) if why != "IO error" => Some(why),
                    _ => None,
                };
                if let Some(why) = why
                    && let Ok(mut said) = said.lock()
                {
                    *said = why;
                }
                async {}
            });
        let options = match (login.user, login.password) {
            (Some(user), Some(password)) => options.user_and_password(user, password),
            (Some(token), None) => options.token(token),
            (None, _) => options,
        };
        let client = options.connect(server).await;
        Ok(Connection {
            client: client.map_err(|error| error.to_string())?,
            is_up,
            trouble,
        })
    }

    fn trouble(&self) -> String {
        let trouble = self.trouble.lock().map(|it| it.clone());
        trouble.unwrap_or_default()
    }
}

/// A publisher of one segment.
pub(super) struct NatsPublisher {
    connection: Result<Connection, String>,
    place: NatsPlace,
}

impl NatsPublisher {
    /// Begins to connect; the server need not be there.
    pub(super) async fn connect(place: NatsPlace, login: NatsLogin) -> Self {
        NatsPublisher {
            connection: Connection::open(&place.server, login).await,
            place,
        }
    }

    /// Sends a snapshot, which is identified by its start and sequence. For the last one, a connection
    /// that is lost is awaited.
    pub(super) async fn publish(
        &mut self,
        number: u64,
        (start, sequence): (&str, u64),
        bytes: Vec<u8>,
        is_last: bool,
    ) -> Result<(), String> {
        let connection = self.connection.as_mut().map_err(|why| why.clone())?;
        let patience = match (is_last, connection.client.try_server_info()) {
            (false, _) => Duration::ZERO,
            (true, None) => FIRST_PATIENCE,
            (true, Some(_)) => LAST_PATIENCE,
        };
        // Without the connection the state below says so.
        let _ = timeout(patience, connection.is_up.wait_for(|is_up| *is_up)).await;
        if connection.client.connection_state() != State::Connected {
            return Err(connection.trouble());
        }
        let client = &connection.client;
        let subject = self.place.subject(&number.to_string());
        let room = client.max_payload().min(MAX_PART).saturating_sub(HEADING);
        let parts = bytes.chunks(room.max(1));
        let count = parts.len();
        let send = async {
            for (part, bytes) in parts.enumerate() {
                let mut message =
                    format!("{FORMAT} {start} {sequence} {part} {count}\n").into_bytes();
                message.extend_from_slice(bytes);
                let sent = client.publish(subject.clone(), message.into()).await;
                sent.map_err(|error| error.to_string())?;
            }
            client.flush().await.map_err(|error| error.to_string())
        };
        let sent = timeout(PATIENCE, send).await;
        sent.unwrap_or_else(|_| Err("the server does not take them".into()))
    }
}

/// A message to a subscriber.
pub(super) enum Heard {
    Snapshot(Box<Snapshot>),
    /// A message that is no snapshot, or a change of the connection; for people.
    Note(String),
}

/// Hears the snapshots of all segments until `stopped`.
pub(super) async fn subscribe(
    place: NatsPlace,
    login: NatsLogin,
    mut stopped: watch::Receiver<bool>,
    hear: impl Fn(Heard),
) {
    let mut connection = match Connection::open(&place.server, login).await {
        Ok(connection) => connection,
        Err(why) => return hear(Heard::Note(format!("{place} cannot be watched: {why}"))),
    };
    let mut messages = match connection.client.subscribe(place.subject("*")).await {
        Ok(messages) => messages,
        Err(error) => return hear(Heard::Note(format!("{place} cannot be watched: {error}"))),
    };
    let mut parts = Parts::default();
    let mut was_up = None;
    // A server that is there answers before that.
    let first = timeout(PATIENCE, connection.is_up.wait_for(|is_up| *is_up)).await;
    let mut is_up = first.is_ok_and(|it| it.is_ok());
    loop {
        match (is_up, was_up) {
            (false, None | Some(true)) => {
                let why = connection.trouble();
                hear(Heard::Note(format!("{place} is not heard: {why}")));
            }
            (true, Some(false)) => hear(Heard::Note(format!("{place} is heard again"))),
            _ => {}
        }
        was_up = Some(is_up);
        tokio::select! {
            // Also if the other end is gone.
            _ = stopped.wait_for(|it| *it) => return,
            changed = connection.is_up.changed() => match changed {
                Ok(()) => is_up = *connection.is_up.borrow_and_update(),
                Err(_) => return,
            },
            message = messages.next() => match message {
                Some(message) => match parts.add(&message) {
                    Ok(None) => {}
                    Ok(Some(snapshot)) => hear(Heard::Snapshot(snapshot)),
                    Err(why) => hear(Heard::Note(format!(
                        "a message of {}: {why}; it is ignored",
                        message.subject
                    ))),
                },
                None => return,
            },
        }
    }
}

/// Parts of snapshots, by subject.
#[derive(Default)]
struct Parts(HashMap<String, Pending>);

/// A snapshot of which parts have arrived, in order.
struct Pending {
    id: String,
    bytes: Vec<u8>,
    next: usize,
}

impl Parts {
    /// Adds a message, and returns the snapshot that it completes.
    fn add(&mut self, message: &Message) -> Result<Option<Box<Snapshot>>, String> {
        let payload = &message.payload;
        let end = payload.iter().take(HEADING).position(|it| *it == b'\n');
        let heading = end.and_then(|end| std::str::from_utf8(&payload[..end]).ok());
        let words = heading.map(|it| it.split(' ').collect::<Vec<_>>());
        let (Some([FORMAT, start, sequence, part, count]), Some(end)) = (words.as_deref(), end)
        else {
            return Err("it is no part of a snapshot".into());
        };
        let (Ok(part), Ok(count)) = (part.parse::<usize>(), count.parse::<usize>()) else {
            return Err("it is no part of a snapshot".into());
        };
        let id = format!("{start} {sequence} {count}");
        let subject = message.subject.to_string();
        if part == 0 && (self.0.len() < MAX_PENDING || self.0.contains_key(&subject)) {
            let pending = Pending {
                id: id.clone(),
                bytes: Vec::new(),
                next: 0,
            };
            self.0.insert(subject.clone(), pending);
        }
        // Those of a snapshot whose beginning was not heard are left out.
        let Some(pending) = self.0.get_mut(&subject) else {
            return Ok(None);
        };
        let body = &payload[end + 1..];
        if pending.id != id || pending.next != part {
            return Ok(None);
        }
        if pending.bytes.len() + body.len() > MAX_BYTES {
            self.0.remove(&subject);
            return Err("it is too large for a snapshot".into());
        }
        pending.bytes.extend_from_slice(body);
        pending.next += 1;
        if pending.next < count {
            return Ok(None);
        }
        let bytes = self.0.remove(&subject).map(|it| it.bytes);
        let snapshot = Snapshot::read(&bytes.unwrap_or_default())?;
        let number = snapshot.place().map(|(number, _)| number.to_string());
        let named = subject.rsplit('.').next();
        match number.as_deref() == named {
            true => Ok(Some(Box::new(snapshot))),
            false => Err("it is of another segment than its subject says".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::snapshot;
    use super::*;

    fn message(subject: &str, payload: Vec<u8>) -> Message {
        Message {
            subject: subject.into(),
            reply: None,
            length: payload.len(),
            payload: payload.into(),
            headers: None,
            status: None,
            description: None,
        }
    }

    fn parts(start: &str, sequence: u64, count: usize) -> Vec<Message> {
        let bytes = serde_json::to_vec(&snapshot("2/4", start, sequence, 20)).expect("JSON");
        let chunks = bytes.chunks(bytes.len().div_ceil(count));
        let messages = chunks.enumerate().map(|(part, chunk)| {
            let heading = format!("{FORMAT} {start} {sequence} {part} {count}\n");
            message("rehearsal.night.2", [heading.as_bytes(), chunk].concat())
        });
        messages.collect()
    }

    #[test]
    fn parts_are_joined_and_those_of_others_are_left_out() {
        let mut joined = Parts::default();
        let [first, second, third] = parts("a", 5, 3).try_into().expect("three");
        assert!(joined.add(&second).expect("it is left out").is_none());
        for message in [&first, &second, &parts("b", 6, 3)[2]] {
            assert!(joined.add(message).expect("a part").is_none());
        }
        let whole = joined.add(&third).expect("a part").expect("the last");
        assert_eq!((whole.sequence, whole.summary.flows.completed), (5, 20));
        let one = joined.add(&parts("c", 1, 1)[0]).expect("a part");
        assert_eq!(one.expect("whole").start, "c");
    }

    #[test]
    fn messages_that_are_no_snapshots_are_refused() {
        let good = parts("a", 1, 1).remove(0).payload.to_vec();
        let torn = good[..good.len() - 9].to_vec();
        for (subject, payload, why) in [
            (
                "rehearsal.night.2",
                b"hello".to_vec(),
                "no part of a snapshot",
            ),
            (
                "rehearsal.night.2",
                vec![0xff; 2_000],
                "no part of a snapshot",
            ),
            (
                "rehearsal.night.2",
                format!("{FORMAT} a 1 x 1\n").into(),
                "no part",
            ),
            (
                "rehearsal.night.2",
                format!("{FORMAT} a 1 0 1\n{{}}").into(),
                "no snapshot",
            ),
            ("rehearsal.night.2", torn, "EOF"),
            ("rehearsal.night.3", good, "another segment"),
        ] {
            let error = Parts::default().add(&message(subject, payload));
            let error = error.expect_err("it is refused");
            assert!(error.contains(why), "{error}");
        }
    }
}
