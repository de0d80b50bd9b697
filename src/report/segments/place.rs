//! Places at which segments publish and are watched: directories and NATS servers.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::report::sanitize::sanitize;

/// The scheme of NATS servers' addresses.
const NATS: &str = "nats://";

/// A place at which a segment publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishPlace {
    /// A directory that all machines share.
    Folder(PathBuf),
    Nats(NatsPlace),
}

/// The places at which a run is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchedPlace {
    pub folder: Option<PathBuf>,
    pub nats: Option<NatsPlace>,
}

/// A run on a NATS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsPlace {
    /// The address without the run's name: `nats://host:4222`.
    pub server: String,
    /// The run's name: a part of its subjects.
    pub run: String,
}

/// The name and the password for a NATS server; a name alone is a token.
#[derive(Debug, Clone, Default)]
pub struct NatsLogin {
    pub user: Option<String>,
    pub password: Option<String>,
}

/// An address that is none of a run on a NATS server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    #[error("write the run's name after the server: nats://HOST/NAME")]
    NoRun,
    #[error("write a name of letters, digits, `-` and `_` after the server: nats://HOST/NAME")]
    BadRun,
    #[error("write a server and the run's name: nats://HOST:4222/NAME")]
    BadServer,
    #[error(
        "leave the password out, which others would see: $NATS_USER and $NATS_PASSWORD have it"
    )]
    Password,
    #[error("TLS is not supported: write nats://")]
    Tls,
}

impl FromStr for PublishPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        if text.starts_with("tls://") {
            return Err(InvalidPlace::Tls);
        }
        match text.starts_with(NATS) {
            true => NatsPlace::parse(text, None).map(PublishPlace::Nats),
            false => Ok(PublishPlace::Folder(text.into())),
        }
    }
}

impl NatsPlace {
    /// Parses `nats://HOST[:PORT][/NAME]`, with this name if it has none.
    ///
    /// # Errors
    /// If it is no such address.
    pub fn parse(text: &str, name: Option<&str>) -> Result<Self, InvalidPlace> {
        if text.starts_with("tls://") {
            return Err(InvalidPlace::Tls);
        }
        let rest = text.strip_prefix(NATS).ok_or(InvalidPlace::BadServer)?;
        let (server, run) = rest.split_once('/').unwrap_or((rest, ""));
        if server.contains('@') {
            return Err(InvalidPlace::Password);
        }
        if server.is_empty() || server.contains([' ', ',', '?', '#']) {
            return Err(InvalidPlace::BadServer);
        }
        let run = match (run.trim_end_matches('/'), name) {
            ("", Some(name)) => name,
            ("", None) => return Err(InvalidPlace::NoRun),
            (run, _) => run,
        };
        let is_sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if run.len() > 100 || !run.chars().all(is_sound) {
            return Err(InvalidPlace::BadRun);
        }
        Ok(NatsPlace {
            server: format!("{NATS}{server}"),
            run: run.to_owned(),
        })
    }

    /// Returns the subject of a segment; `*` stands for all of them.
    pub(super) fn subject(&self, segment: &str) -> String {
        format!("rehearsal.{}.{segment}", self.run)
    }
}

impl WatchedPlace {
    /// Returns the directory's place, for people.
    pub fn folder(path: &Path) -> Self {
        WatchedPlace {
            folder: Some(path.to_owned()),
            nats: None,
        }
    }
}

impl From<PublishPlace> for WatchedPlace {
    fn from(place: PublishPlace) -> Self {
        match place {
            PublishPlace::Folder(path) => WatchedPlace::folder(&path),
            PublishPlace::Nats(nats) => WatchedPlace {
                folder: None,
                nats: Some(nats),
            },
        }
    }
}

impl fmt::Display for NatsPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.server, self.run)
    }
}

impl fmt::Display for PublishPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublishPlace::Folder(path) => f.write_str(&sanitize(&path.display().to_string())),
            PublishPlace::Nats(nats) => nats.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_nats_has_a_server_and_a_run() {
        let place = |text: &str| text.parse::<PublishPlace>();
        let shown = |text: &str| place(text).map(|it| it.to_string());
        for text in [
            "nats://host/night",
            "nats://10.0.0.1:4222/run_2-b",
            "shared/live",
            "nats",
        ] {
            assert_eq!(shown(text), Ok(text.to_owned()));
        }
        assert_eq!(place("shared"), Ok(PublishPlace::Folder("shared".into())));
        for (text, expected) in [
            ("nats://host", InvalidPlace::NoRun),
            ("nats://host/", InvalidPlace::NoRun),
            ("nats:///night", InvalidPlace::BadServer),
            ("nats://host/a.b", InvalidPlace::BadRun),
            ("nats://host/*", InvalidPlace::BadRun),
            ("nats://ann:pw@host/night", InvalidPlace::Password),
            ("tls://host/night", InvalidPlace::Tls),
        ] {
            assert_eq!(place(text), Err(expected), "{text}");
        }
        let named = NatsPlace::parse("nats://host", Some("job"));
        assert_eq!(
            named.map(|it| it.subject("2")),
            Ok("rehearsal.job.2".into())
        );
    }
}
