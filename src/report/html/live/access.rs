//! Access to the live page: who may see it, and who may use its buttons.
//!
//! Everything needs the token, which is the first part of the path: another user of the machine, or
//! a page on the web, does not know it. A host name other than `localhost` is refused, so that no
//! name of a foreign page can be made to mean this server (DNS rebinding). Buttons also need the
//! token in a header, which a foreign page cannot send, and the page's own origin.

use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use subtle::ConstantTimeEq as _;

/// The header of requests that change something.
pub(super) const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-rehearsal-token");

/// Random bytes of a token, more than anyone can guess.
const TOKEN_BYTES: usize = 16;

/// Returns a new token.
pub(super) fn token() -> Result<String, Errno> {
    let mut bytes = [0; TOKEN_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns whether a request may be answered.
pub(super) fn is_allowed(token: &str, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let given = uri.path().split('/').nth(1).unwrap_or_default();
    let Some(host) = text(headers, &header::HOST) else {
        return false;
    };
    let is_read = [Method::GET, Method::HEAD].contains(method);
    is_equal(given, token) && is_own(host) && (is_read || may_change(token, host, headers))
}

/// Returns whether a request that changes something comes from the page itself.
fn may_change(token: &str, host: &str, headers: &HeaderMap) -> bool {
    let given = text(headers, &TOKEN_HEADER).unwrap_or_default();
    let origin = headers.get(header::ORIGIN);
    let own = format!("http://{host}");
    let is_own_origin = origin.is_none_or(|origin| origin.as_bytes() == own.as_bytes());
    is_equal(given, token) && is_own_origin
}

/// Returns whether a host is an address or `localhost`, which no one else can give a meaning. The
/// port may be another one, as of a tunnel.
fn is_own(host: &str) -> bool {
    let Ok(authority) = host.parse::<axum::http::uri::Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok()
}

fn is_equal(given: &str, token: &str) -> bool {
    given.as_bytes().ct_eq(token.as_bytes()).into()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(method: Method, path: &str, headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.insert(name, value.parse().unwrap());
        }
        is_allowed("secret", &method, &path.parse().unwrap(), &map)
    }

    #[test]
    fn tokens_are_long_and_differ() {
        let [one, other] = [token().unwrap(), token().unwrap()];
        assert_ne!(one, other);
        assert_eq!(one.len(), 2 * TOKEN_BYTES);
    }

    #[test]
    fn reading_needs_the_token_and_an_own_host() {
        for host in [
            "127.0.0.1:80",
            "localhost:9",
            "LOCALHOST",
            "[::1]:8080",
            "10.0.0.1",
        ] {
            assert!(
                allowed(Method::GET, "/secret/", &[("host", host)]),
                "{host}"
            );
        }
        for host in [
            "evil.example:80",
            "127.0.0.1.evil.example",
            "",
            "localhost.evil",
        ] {
            assert!(
                !allowed(Method::GET, "/secret/", &[("host", host)]),
                "{host}"
            );
        }
        let own = ("host", "127.0.0.1:80");
        for path in [
            "/",
            "/secre",
            "/secrets/",
            "/x/secret/",
            "//secret/",
            "/?secret",
        ] {
            assert!(!allowed(Method::GET, path, &[own]), "{path}");
        }
        assert!(!allowed(Method::GET, "/secret/", &[]));
    }

    #[test]
    fn changing_needs_the_header_and_the_own_origin() {
        let own = ("host", "127.0.0.1:80");
        let header = ("x-rehearsal-token", "secret");
        let post = |more: &[(&str, &str)]| {
            let headers = [&[own], more].concat();
            allowed(Method::POST, "/secret/control", &headers)
        };
        assert!(post(&[header]));
        assert!(post(&[header, ("origin", "http://127.0.0.1:80")]));
        assert!(!post(&[]));
        assert!(!post(&[("x-rehearsal-token", "guess")]));
        assert!(!post(&[header, ("origin", "http://evil.example")]));
        assert!(!post(&[header, ("origin", "null")]));
        assert!(!post(&[header, ("origin", "http://127.0.0.1:81")]));
    }
}
