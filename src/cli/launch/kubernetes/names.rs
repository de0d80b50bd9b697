//! Names that Kubernetes takes: RFC 1123 labels and subdomains, and container images.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use regex::Regex;

use super::super::slurm::word;

/// The characters that a label can have.
const MAX_LABEL: usize = 63;

/// The characters that a subdomain can have.
const MAX_SUBDOMAIN: usize = 253;

/// A reference to a container image: a registry, a path, a tag and a digest, of which only the path
/// has to be there.
static IMAGE: LazyLock<Regex> = LazyLock::new(|| {
    let path = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let registry = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?";
    let tag = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    let digest = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}";
    let image = format!(r"\A(?:{registry}/)?{path}(?:/{path})*(?::{tag})?(?:@{digest})?\z");
    Regex::new(&image).expect("the pattern is tested")
});

/// Returns the name of the job in a directory of this name: a label, with room for the index that
/// Kubernetes adds for the host name of a pod.
///
/// Names of directories that have to be changed for it stay different.
pub(super) fn job_name(directory: &str) -> String {
    let wanted = format!("rehearsal-{directory}");
    let word = word(&wanted);
    if word == wanted {
        return word;
    }
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    format!("{word}-{:08x}", hasher.finish() as u32)
}

/// Returns `true` for a label of RFC 1123.
pub(super) fn is_label(name: &str) -> bool {
    name.len() <= MAX_LABEL && is_part(name)
}

/// Returns `true` for a subdomain of RFC 1123.
pub(super) fn is_subdomain(name: &str) -> bool {
    name.len() <= MAX_SUBDOMAIN && name.split('.').all(is_part)
}

/// Returns `true` for what can be between two dots of a subdomain, where its length does not matter.
fn is_part(name: &str) -> bool {
    let is_end = |it: Option<char>| it.is_some_and(|it| it != '-');
    name.chars()
        .all(|it| matches!(it, 'a'..='z' | '0'..='9' | '-'))
        && is_end(name.chars().next())
        && is_end(name.chars().next_back())
}

/// Returns `true` for the name of a container image.
pub(super) fn is_image(name: &str) -> bool {
    IMAGE.is_match(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::Segment;

    #[test]
    fn names_of_directories_are_kept_where_they_are_names() {
        assert_eq!(
            job_name("launch-20261128-120000"),
            "rehearsal-launch-20261128-120000"
        );
        for (one, other) in [
            ("night run", "night_run"),
            ("Night", "night"),
            ("übung", "ubung"),
            (&"x".repeat(99), &"x".repeat(98)),
        ] {
            assert_ne!(job_name(one), job_name(other));
        }
    }

    #[test]
    fn labels_subdomains_and_images() {
        let long = "a".repeat(64);
        for (name, label, subdomain) in [
            ("results", true, true),
            ("7", true, true),
            ("a--b", true, true),
            ("a.b", false, true),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a..b", false, false),
            ("a.-b", false, false),
            ("Results", false, false),
            ("a_b", false, false),
            ("ä", false, false),
            ("a\n", false, false),
            (long.as_str(), false, true),
            (&[long.as_str(); 4].join("."), false, false),
        ] {
            assert_eq!(is_label(name), label, "{name:?}");
            assert_eq!(is_subdomain(name), subdomain, "{name:?}");
        }
        for (name, expected) in [
            ("rehearsal", true),
            ("load:1", true),
            ("registry/rehearsal:1", true),
            ("registry.example.com:5000/team/load_test:V1.2-rc", true),
            ("[::1]:5000/load", true),
            (
                "load@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                true,
            ),
            ("", false),
            ("Load", false),
            ("registry/Load", false),
            ("load:", false),
            ("load 1", false),
            ("load:1\n", false),
            ("https://registry/load", false),
            ("load@sha256:12", false),
        ] {
            assert_eq!(is_image(name), expected, "{name:?}");
        }
    }

    proptest! {
        /// The server asks that of the name of the last pod, too.
        #[test]
        fn the_name_of_every_job_is_a_label(directory in "\\PC{0,80}|[a-zA-Z0-9._-]{0,80}") {
            let name = job_name(&directory);
            prop_assert!(is_label(&name), "{name:?}");
            let last = format!("{name}-{}", Segment::MOST - 1);
            prop_assert!(is_label(&last), "{last:?}");
        }

        #[test]
        fn other_directories_have_other_jobs(one in "[a-zA-Z_. -]{0,60}", other in "[a-zA-Z_. -]{0,60}") {
            prop_assert_eq!(job_name(&one) == job_name(&other), one == other);
        }
    }
}
