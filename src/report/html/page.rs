//! The page as text: templates, scripts, styles and the policy that restricts it to them.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use super::data::Page;
use super::transcript::Transcript;

const STYLES: [&str; 2] = [
    include_str!("assets/uplot.min.css"),
    include_str!("assets/report.css"),
];

/// The scripts of all pages. The licence of uPlot, which asks to be in all copies, is a comment.
const SCRIPTS: [&str; 5] = [
    "/*",
    include_str!("assets/uplot.LICENSE"),
    "*/",
    include_str!("assets/uplot.min.js"),
    include_str!("assets/charts.js"),
];

/// The templates, which escape all values, as their names end with `.html`.
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the usual delimiters");
    environment.set_syntax(syntax);
    for (name, source) in [
        ("capacity.html", include_str!("assets/capacity.html")),
        ("comparison.html", include_str!("assets/comparison.html")),
        ("history.html", include_str!("assets/history.html")),
        ("trends.html", include_str!("assets/trends.html")),
        ("base.html", include_str!("assets/base.html")),
        ("page.html", include_str!("assets/page.html")),
        ("course.html", include_str!("assets/course.html")),
        ("flow.html", include_str!("assets/flow.html")),
        ("figures.html", include_str!("assets/figures.html")),
        ("failures.html", include_str!("assets/failures.html")),
        ("transcript.html", include_str!("assets/transcript.html")),
        #[cfg(feature = "cli")]
        ("live.html", include_str!("assets/live.html")),
        #[cfg(feature = "cli")]
        ("live_flow.html", include_str!("assets/live_flow.html")),
    ] {
        environment
            .add_template(name, source)
            .expect("a template that the tests render");
    }
    environment
});

/// Renders the page of a run.
pub(super) fn render(page: &Page) -> String {
    let mut scripts = vec![include_str!("assets/report.js")];
    if page.trends.is_some() {
        scripts.push(include_str!("assets/history.js"));
    }
    let page = Value::from(Serde(page));
    whole("page.html", &nonce(), "'none'", &[], &scripts, page)
}

/// Renders the page of a run in progress. Its scripts and styles have this nonce.
#[cfg(feature = "cli")]
pub(super) fn live(nonce: &str) -> String {
    let script = include_str!("assets/live.js");
    let style = include_str!("assets/live.css");
    whole(
        "live.html",
        nonce,
        "'self'",
        &[style],
        &[script],
        context! {},
    )
}

/// Renders the page of a search for the capacity.
#[cfg(feature = "cli")]
pub(super) fn capacity(page: &impl serde::Serialize) -> String {
    let script = include_str!("assets/report.js");
    let page = Value::from(Serde(page));
    whole("capacity.html", &nonce(), "'none'", &[], &[script], page)
}

/// Renders the page of a comparison.
#[cfg(feature = "cli")]
pub(super) fn comparison(page: &impl serde::Serialize) -> String {
    let script = include_str!("assets/report.js");
    let page = Value::from(Serde(page));
    whole("comparison.html", &nonce(), "'none'", &[], &[script], page)
}

/// Renders the page of trends.
#[cfg(feature = "cli")]
pub(super) fn history(page: &impl serde::Serialize) -> String {
    let scripts = [
        include_str!("assets/report.js"),
        include_str!("assets/history.js"),
    ];
    let page = Value::from(Serde(page));
    whole("history.html", &nonce(), "'none'", &[], &scripts, page)
}

/// Renders a flow for the page of a run in progress.
#[cfg(feature = "cli")]
pub(super) fn flow(flow: &super::data::Flow) -> String {
    rendered(
        "live_flow.html",
        context! { flow => Value::from(Serde(flow)) },
    )
}

fn whole(
    template: &str,
    nonce: &str,
    connect: &str,
    styles: &[&str],
    scripts: &[&str],
    values: Value,
) -> String {
    let safe =
        |texts: &[&str], more: &[&str]| Value::from_safe_string([texts, more].concat().join("\n"));
    rendered(
        template,
        context! {
            nonce,
            connect => safe(&[connect], &[]),
            styles => safe(&STYLES, styles),
            scripts => safe(&SCRIPTS, scripts),
            ..values
        },
    )
}

/// Renders the entries of a transcript.
pub(super) fn transcript(transcript: &Transcript) -> String {
    rendered("transcript.html", Value::from(Serde(transcript)))
}

fn rendered(name: &str, values: Value) -> String {
    let template = TEMPLATES.get_template(name);
    template
        .and_then(|template| template.render(values))
        .expect("templates take all pages")
}

/// Returns a random text that marks the page's own scripts and styles. No program can have printed
/// it, as it is chosen afterwards.
pub(super) fn nonce() -> String {
    // Keyed by the operating system's random numbers.
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// Returns JSON that ends no script element and starts no comment.
pub(super) fn script_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("maps with text keys, and finite numbers");
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_within_its_element() {
        let hostile = ["</script><!--", "a&b\u{2028}"];
        let json = script_json(&hostile);
        assert!(!json.contains(['<', '>', '&', '\u{2028}']), "{json}");
        let back: [String; 2] = serde_json::from_str(&json).unwrap();
        assert_eq!(back, hostile);
    }

    #[test]
    fn a_nonce_is_used_once() {
        assert_ne!(nonce(), nonce());
        assert_eq!(nonce().len(), 32);
    }
}
