//! The guide: a page for each task, as `rehearsal guide` prints it and as files in `src/guide`.
//!
//! Each page is also a module here. The commands on all pages are run by the tests.

/// A page of the guide, in Markdown.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The word that `rehearsal guide` takes; also the file's name.
    pub topic: &'static str,
    /// Contents in a line.
    pub summary: &'static str,
    /// The text, which begins with a heading.
    pub text: &'static str,
}

macro_rules! pages {
    ($($topic:ident: $summary:literal,)*) => {
        /// All pages, in the order of a reader's needs.
        pub const PAGES: &[Page] = &[$(Page {
            topic: stringify!($topic),
            summary: $summary,
            text: include_str!(concat!("guide/", stringify!($topic), ".md")),
        }),*];

        $(
            #[doc = include_str!(concat!("guide/", stringify!($topic), ".md"))]
            pub mod $topic {}
        )*
    };
}

pages! {
    scenarios: "write what programs ask and what is replied",
    recording: "make a scenario from your own work",
    screens: "forms, arrow-key menus, editors",
    failures: "causes, bundles, replay",
    load: "how many flows, what figures mean, thresholds",
    results: "saved runs; reports for browsers, CI and monitoring",
    baselines: "comparison with earlier runs, history, schedules",
    sharing: "retries, pools of programs, gates",
    integrity: "whether the data of all flows is consistent",
    faults: "killed, frozen and confused programs",
    segments: "one run on several machines",
    performance: "the cost of Rehearsal itself",
    troubleshooting: "frequent problems and their remedies",
}
