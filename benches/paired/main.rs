//! Cost of a flow: Rehearsal against a bare loop that does the same, in alternating runs.
//!
//! ```text
//! cargo bench --bench paired
//! cargo bench --bench paired -- --par 10,100,500 --reps 5
//! cargo bench --bench paired -- --par 200 --flows 200 --delay-us 100000 --stamp
//! cargo bench --bench paired -- --terminal pty --role ROLE --floor 'FLOOR --mode pty'
//! ```
//! prints the figures of both and their ratios: medians over the repetitions, and a line of JSON
//! for every run.
//!
//! A flow starts five programs, one after the other. Such a program asks `User: ` and `Password: `,
//! then shows a menu that ends with `Select operation (0-6): `. Each choice is answered by some
//! lines with `Order ID: ORD-20240115-143035-000001` among them and `Press Enter to continue...`,
//! then by the menu again, and 0 ends it. With `--stamp` measured answer times are compared with
//! those that the programs report.
//!
//! The programs and the bare loop are in this benchmark. Others can be named: ROLE takes
//! `--seed N`, and `--stamp` and `--delay-us N` as in `role.rs`; FLOOR takes `--role`, `--par`,
//! `--flows`, `--rounds` and `--delay-us`, and its last line is JSON as in `floor.rs`. The bare
//! loop of this benchmark supports pipes only.
//!
//! CPU times are those of the process itself, without the programs it starts, from the beginning
//! of its run to its end. Rehearsal keeps every flow and writes its log meanwhile.

mod floor;
mod role;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Parser;
use serde_json::{Value, json};

/// The number of programs per flow.
const ROLES: u64 = 5;

#[derive(Parser)]
struct Options {
    /// The program of all roles, instead of the one in this benchmark.
    #[arg(long)]
    role: Option<PathBuf>,
    /// The command of the bare loop, instead of the one in this benchmark.
    #[arg(long)]
    floor: Option<String>,
    /// `pipes` or `pty`.
    #[arg(long, default_value = "pipes")]
    terminal: String,
    /// Numbers of flows in parallel, measured one after the other.
    #[arg(long, value_delimiter = ',', default_value = "10,100")]
    par: Vec<u64>,
    #[arg(long, default_value_t = 300)]
    flows: u64,
    /// The number of orders requested from each program.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    #[arg(long, default_value_t = 3)]
    reps: usize,
    #[arg(long, default_value_t = 0)]
    delay_us: u64,
    /// Slot k starts its first flow after k times this.
    #[arg(long, default_value_t = 0)]
    ramp_us: u64,
    /// Compare measured answer times with those that the programs report.
    #[arg(long)]
    stamp: bool,
    /// The `rehearsal` program, instead of the one built with this benchmark.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_rehearsal"))]
    program: PathBuf,
    /// The flag that cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The first argument of a process that plays a role or runs the bare loop.
const AS_ROLE: &str = "as-role";
const AS_FLOOR: &str = "as-floor";

impl Options {
    /// Returns the program of all roles, with the first arguments of its command line.
    fn role(&self) -> (PathBuf, Vec<String>) {
        match &self.role {
            Some(role) => (
                fs::canonicalize(role).expect("the program of --role"),
                Vec::new(),
            ),
            None => (own_program(), vec![AS_ROLE.to_owned()]),
        }
    }

    /// Returns the command of the bare loop, if there is one for these options.
    fn floor(&self) -> Option<Command> {
        let (role, words) = self.role();
        if let Some(floor) = &self.floor {
            let mut parts = floor.split_whitespace();
            let mut command = Command::new(parts.next().expect("--floor names a program"));
            command.args(parts).arg("--role").arg(role);
            if self.stamp {
                command.arg("--stamp");
            }
            return Some(command);
        }
        if self.terminal != "pipes" || self.stamp || self.ramp_us > 0 {
            return None;
        }
        let mut command = Command::new(own_program());
        command.arg(AS_FLOOR).arg("--role").arg(role);
        command.args(["--roles", &ROLES.to_string()]);
        command.args(words.iter().flat_map(|word| ["--word", word]));
        Some(command)
    }
}

fn own_program() -> PathBuf {
    std::env::current_exe().expect("this program's path")
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(AS_ROLE) => return role::play(arguments),
        Some(AS_FLOOR) => return floor::perform(arguments),
        _ => {}
    }
    let options = Options::parse();
    let errors = if options.stamp {
        "  err p50/p99 us"
    } else {
        ""
    };
    println!("  P  what        CPU us/flow   flows/s{errors}");
    for &par in &options.par {
        let mut rehearsals = Vec::new();
        let mut floors = Vec::new();
        for _ in 0..options.reps {
            if let Some(floor) = options.floor() {
                floors.push(run_floor(floor, par, &options));
            }
            rehearsals.push(run_rehearsal(par, &options));
        }
        for (name, figures) in [("floor", &floors), ("rehearsal", &rehearsals)] {
            if !figures.is_empty() {
                let median = |key: &str| median(figures.iter().map(|it| figure(it, key)));
                print!(
                    "{par:>3}  {name:<10} {:>12.0} {:>9.1}",
                    median("cpu_us_flow"),
                    median("flows_s"),
                );
                if options.stamp {
                    let [half, most] = ["err_p50_us", "err_p99_us"].map(median);
                    print!("  {half:.0}/{most:.0}");
                }
                println!();
            }
        }
        if !floors.is_empty() {
            let pairs = || rehearsals.iter().zip(&floors);
            let ratio = |key: &str| {
                median(pairs().map(|(one, other)| figure(one, key) / figure(other, key)))
            };
            println!(
                "{par:>3}  {:<10} {:>12.2} {:>9.2}",
                "ratio",
                ratio("cpu_us_flow"),
                ratio("flows_s")
            );
        }
    }
}

fn figure(run: &Value, key: &str) -> f64 {
    run[key].as_f64().unwrap_or(f64::NAN)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn run_floor(mut command: Command, par: u64, options: &Options) -> Value {
    for (name, value) in [
        ("--par", par),
        ("--flows", options.flows),
        ("--rounds", options.rounds),
    ] {
        command.args([name, &value.to_string()]);
    }
    for (name, value) in [
        ("--delay-us", options.delay_us),
        ("--ramp-us", options.ramp_us),
    ] {
        if value > 0 {
            command.args([name, &value.to_string()]);
        }
    }
    let output = command.output().expect("the floor can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rfind(|line| line.starts_with('{'));
    let run = serde_json::from_str(line.expect("a line of JSON")).expect("JSON");
    checked(run, options)
}

fn run_rehearsal(par: u64, options: &Options) -> Value {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("paired.yaml");
    fs::write(&file, scenario(options)).expect("a file of the benchmark's own");
    let mut command = Command::new(&options.program);
    command
        .args(["run", "--json", "--flows", &options.flows.to_string()])
        .arg(&file)
        .env("REHEARSAL_RESULTS", directory.path())
        .stderr(Stdio::null());
    let par_text = par.to_string();
    if options.ramp_us > 0 {
        let ramp_ms = par * options.ramp_us / 1000;
        command.args(["--stages", &format!("{ramp_ms}ms:{par},10m:{par}")]);
    } else {
        command.args(["--parallel", &par_text]);
    }
    let output = command.output().expect("rehearsal can be started");
    let record: Value = serde_json::from_slice(&output.stdout).expect("a result");
    let flows = record["flows"].as_array().expect("a list of flows");
    let failed = |flow: &&Value| flow["outcome"] != "completed";
    let summary = &record["summary"];
    let wall_s = figure(summary, "elapsed_us") / 1e6;
    let mut run = json!({
        "driver": "rehearsal",
        "terminal": options.terminal,
        "par": par,
        "flows": options.flows,
        "delay_us": options.delay_us,
        "ids": flows.iter().map(ids).sum::<usize>(),
        "fails": flows.iter().filter(failed).count(),
        "wall_s": wall_s,
        "flows_s": options.flows as f64 / wall_s,
        "cpu_us_flow": figure(summary, "rehearsal_cpu_us") / options.flows as f64,
        "peak_rss_bytes": summary["rehearsal_peak_rss_bytes"],
    });
    if options.stamp {
        let mut errors: Vec<f64> = flows.iter().flat_map(errors_us).collect();
        errors.sort_by(f64::total_cmp);
        let at = |part: f64| errors[((errors.len() - 1) as f64 * part) as usize];
        run["n_lat"] = errors.len().into();
        run["err_p50_us"] = at(0.5).into();
        run["err_p99_us"] = at(0.99).into();
    }
    checked(run, options)
}

/// Prints the figures, and checks that all flows were completed.
fn checked(run: Value, options: &Options) -> Value {
    println!("{run}");
    assert_eq!(run["fails"], 0);
    assert_eq!(run["ids"], options.flows * ROLES * options.rounds);
    run
}

fn ids(flow: &Value) -> usize {
    let captures = flow["captures"].as_object().expect("captures by name");
    captures
        .keys()
        .filter(|name| name.starts_with("id_"))
        .count()
}

/// Returns the errors of a flow's measured answer times.
fn errors_us(flow: &Value) -> Vec<f64> {
    let ns = |name: String| -> f64 {
        let text = flow["captures"][name].as_str().expect("a stamp");
        text.parse().expect("a number")
    };
    let steps = flow["steps"].as_array().expect("a list of steps");
    let turns = steps.iter().flat_map(|step| step["turns"].as_array());
    turns
        .flatten()
        .map(|turn| {
            let place = turn["turn"]
                .as_str()
                .and_then(|it| it.strip_prefix("answer_"));
            let place = place.expect("a turn of ours");
            let true_ns = ns(format!("written_{place}")) - ns(format!("read_{place}"));
            figure(turn, "duration_us") - true_ns / 1e3
        })
        .collect()
}

fn scenario(options: &Options) -> String {
    let mut text = format!(
        "name: paired\nvariables: {{user: alice, password: secret}}\nsecrets: [password]\n\
         defaults: {{terminal: {}, startup: 2m, step: 10m}}\nroles:\n",
        options.terminal
    );
    let role = options.role();
    for index in 0..ROLES {
        text.push_str(&role_text(index, &role, options));
    }
    text.push_str("flow:\n");
    for index in 0..ROLES {
        let _ = writeln!(text, "  - {{step: s{index}, role: r{index}, do: work}}");
    }
    text
}

fn role_text(index: u64, role: &(PathBuf, Vec<String>), options: &Options) -> String {
    let (program, words) = role;
    let mut argv = vec![program.display().to_string()];
    argv.extend(words.iter().cloned());
    if options.stamp {
        argv.push("--stamp".into());
    }
    if options.delay_us > 0 {
        argv.extend(["--delay-us".into(), options.delay_us.to_string()]);
    }
    argv.extend(["--seed".into(), format!("${{flow.number}}{index}")]);
    let mut turns = Turns {
        text: format!(
            "  r{index}:\n    run: {}\n    actions:\n      work:\n",
            json!(argv)
        ),
        index,
        stamps: options.stamp.then_some(0),
    };
    turns.add("{prompt: 'User:', send: '${user}'}");
    turns.add_stamp();
    turns.add("{prompt: 'Password:', send: '${password}'}");
    turns.add_stamp();
    for round in 0..options.rounds {
        let choice = 1 + round % 6;
        turns.add(&format!(
            "{{prompt: 'Select operation (0-6):', send: '{choice}'}}"
        ));
        turns.add_stamp();
        turns.add(&format!(
            r"see: '/Order ID: (?<id_{index}_{round}>ORD-\d{{8}}-\d{{6}}-\d{{6}})/'"
        ));
        turns.add("{prompt: 'Press Enter to continue...', press: enter}");
        turns.add_stamp();
    }
    turns.add("{prompt: 'Select operation (0-6):', send: '0'}");
    turns.add("exits: 0");
    turns.text
}

/// The turns of one role, as written in a scenario.
struct Turns {
    text: String,
    index: u64,
    /// The number of stamps so far, if they are measured.
    stamps: Option<u64>,
}

impl Turns {
    fn add(&mut self, turn: &str) {
        let _ = writeln!(self.text, "        - {turn}");
    }

    /// Adds a turn that waits for the stamp of the last answer, and is timed.
    fn add_stamp(&mut self) {
        let Some(stamp) = self.stamps else { return };
        self.stamps = Some(stamp + 1);
        let place = format!("{}_{stamp}", self.index);
        self.add(&format!(
            r"{{see: '/@T (?<read_{place}>\d+) (?<written_{place}>\d+)/', name: answer_{place}}}"
        ));
    }
}
