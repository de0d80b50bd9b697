//! Fault injection into scripts: rules of which fault, how often, and where.
//!
//! ```text
//! chaos     = injection {"," injection}
//! injection = KIND [SIZE] often {how} {where}
//! often     = PERCENT "%" | "once" | "nth" NUMBER
//! how       = "for" TIME | "every" TIME | "of" NUMBER ["bytes"]
//!           | "mid_turn" ["after" TIME] | "between_turns"
//! where     = "at" STEP | "role" ROLE | "turn" TURN | "flow" NUMBER
//! ```
//! A SIZE, as `40x120`, is that of the terminal after a `resize`. A TIME is a duration, or two with `..` between them, from which it is drawn. Names with blanks
//! or commas are quoted.
//!
//! A percentage is of step executions, further attempts included, each of which a rule hits at most
//! once.

mod parse;
pub(super) mod reach;
pub(super) mod rule;

pub use parse::FaultRuleError;
pub use reach::{ReplyCount, RuleContext, turn_replies};
pub use rule::{DurationRange, FaultRule, FaultRules, FaultSpec, FaultTiming, Frequency, Target};
