//! Descriptors, threads, zombies and CPU time of the whole process, and the remains of a killed run.
//!
//! They can be measured only while the process does nothing else: the tests take turns, and each
//! ends with the assertion that the process is as it was before.

#[path = "it/support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rehearsal::model::{ExitCause, TerminalKind};
use rehearsal::process::{DESCRIPTORS_OF_A_TERMINAL, DESCRIPTORS_OF_PIPES, Grace, Spawner};
use support::child::{Actor, BOTH, PTY, command, finish, gone, lives, run, spawner, with_spawner};
use support::{fixture, wait};

/// One test's turn, and how this process was before.
struct Turn {
    _turn: MutexGuard<'static, ()>,
    before: Usage,
}

#[derive(Debug, PartialEq, Eq)]
struct Usage {
    descriptors: usize,
    threads: Vec<String>,
    children: Vec<String>,
}

impl Usage {
    fn now() -> Self {
        let mut threads = Vec::new();
        let mut children = Vec::new();
        for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
            let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            // The harness' own threads come and go.
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if name.starts_with("spawner") || name.starts_with("reaper") {
                threads.push(name);
            }
            children.extend(list.split_ascii_whitespace().map(str::to_owned));
        }
        let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
        Usage {
            descriptors,
            threads,
            children,
        }
    }
}

impl Turn {
    fn take() -> Self {
        static TURNS: Mutex<()> = Mutex::new(());
        let turn = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
        fixture::program();
        // A runtime's first start opens descriptors that stay for the process' life.
        run(async {});
        Turn {
            _turn: turn,
            before: Usage::now(),
        }
    }

    /// Asserts that nothing is left.
    fn end(self) {
        wait::retry(Instant::now() + Duration::from_secs(5), || {
            let now = Usage::now();
            let is_same = now == self.before;
            let difference = || format!("{now:?}, not {:?}", self.before);
            is_same.then_some(()).ok_or_else(difference)
        });
    }
}

/// Runs one test in its turn with a new spawner, and asserts that nothing is left.
fn alone(test: impl AsyncFnOnce(&Spawner)) {
    let turn = Turn::take();
    with_spawner(test);
    turn.end();
}

/// CPU time of this process, all threads.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap()
}

#[test]
fn two_hundred_programs_leave_no_thread_descriptor_or_zombie() {
    alone(async |spawner| {
        for terminal in BOTH {
            let mut programs = Vec::new();
            for number in 0..100 {
                let words: &[&str] = match number % 4 {
                    0 => &["print", "hello"],
                    1 => &["child", "print", "hello", "forever"],
                    2 => &["escape", "forever"],
                    _ => &["forever"],
                };
                programs.push(Actor::start(spawner, terminal, words).await);
            }
            for program in &mut programs {
                program.child.end(Grace::default());
                program.end().await;
            }
        }
    });
}

/// As many as the check of the limits before a run counts.
#[test]
fn a_program_takes_as_many_descriptors_as_are_counted_for_it() {
    for (terminal, each) in [
        (TerminalKind::Pipes, DESCRIPTORS_OF_PIPES),
        (PTY, DESCRIPTORS_OF_A_TERMINAL),
    ] {
        alone(async |spawner| {
            let mut programs = Vec::new();
            let before = Usage::now().descriptors;
            for _ in 0..20 {
                let mut program = Actor::start(spawner, terminal, &["ask", "? "]).await;
                program.hear("? ").await;
                programs.push(program);
            }
            let taken = Usage::now().descriptors - before;
            assert_eq!(taken as u64, 20 * each, "{terminal:?}");
            for program in &mut programs {
                program.child.end(Grace::NOW);
                program.end().await;
            }
        });
    }
}

#[test]
fn hundreds_of_programs_are_ended_at_once() {
    alone(async |spawner| {
        let mut programs = Vec::new();
        for number in 0..400 {
            let mut sleep = command(BOTH[number % 2], &[]);
            sleep.program = "/bin/sleep".into();
            sleep.argv = vec!["sleep".into(), "3600".into()];
            programs.push(Actor::run(spawner, sleep).await.unwrap());
        }
        let (begin, before) = (Instant::now(), cpu());
        finish(spawner);
        println!("{:?}, of CPU {:?}", begin.elapsed(), cpu() - before);
        for program in &mut programs {
            assert_eq!(program.end().await.exit, Some(ExitCause::Signal(1)));
        }
    });
}

#[test]
fn a_spawner_that_is_dropped_leaves_nothing() {
    let turn = Turn::take();
    run(async {
        let spawner = spawner();
        let mut program = Actor::start(&spawner, PTY, &["print", "up", "forever"]).await;
        program.hear("up").await;
        drop(spawner);
        assert_eq!(program.end().await.exit, Some(ExitCause::Signal(1)));
    });
    turn.end();
}

#[test]
fn a_panic_of_the_owner_ends_the_program() {
    let turn = Turn::take();
    let spawner = spawner();
    let mut pid = 0;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(async {
            let words = ["ignore", "1", "15", "print", "up", "forever"];
            let mut program = Actor::start(&spawner, TerminalKind::Pipes, &words).await;
            program.hear("up").await;
            pid = program.child.pid();
            panic!("as actors may");
        });
    }));
    assert!(panicked.is_err());
    run(gone(pid, Duration::from_secs(5)));
    finish(&spawner);
    drop(spawner);
    turn.end();
}

#[test]
fn a_process_that_wiped_its_environment_is_ended_with_the_only_run() {
    alone(async |spawner| {
        let words = ["vanish", "ignore", "1", "15", "print", "away\\n", "forever"];
        let mut program = Actor::start(spawner, TerminalKind::Pipes, &words).await;
        program.end().await;
        let escapee = program.number("child: ");
        assert!(lives(escapee));
        finish(spawner);
        assert!(!lives(escapee));
    });
}

#[test]
fn idle_programs_use_no_cpu_time_of_ours() {
    alone(async |spawner| {
        let mut programs = Vec::new();
        for terminal in BOTH {
            for words in [
                &["print", "over"][..],
                &["print", "up", "close-output", "forever"],
                &["print", "up", "close-all", "forever"],
                &["print", "up", "await-end"],
            ] {
                let mut program = Actor::start(spawner, terminal, words).await;
                program.next().await;
                programs.push(program);
            }
        }
        // Everything that still happens by itself happens now.
        for program in &mut programs {
            let quiet = async { while program.next().await.is_some() {} };
            let _ = tokio::time::timeout(Duration::from_millis(100), quiet).await;
        }
        let before = cpu();
        for program in &mut programs {
            let quiet = async { while program.next().await.is_some() {} };
            let _ = tokio::time::timeout(Duration::from_millis(200), quiet).await;
        }
        let used = cpu() - before;
        assert!(used < Duration::from_millis(50), "{used:?}");
    });
}

#[test]
fn descriptors_above_1024_work() {
    let turn = Turn::take();
    let spawner = spawner();
    let mut files = Vec::new();
    for _ in 0..1100 {
        files.push(fs::File::open("/dev/null").unwrap());
    }
    run(async {
        for terminal in BOTH {
            let words = ["fds", "ask", "Name: ", "answer"];
            let mut program = Actor::start(&spawner, terminal, &words).await;
            program.hear("Name: ").await;
            program.child.write(b"Ada\n").unwrap();
            assert_eq!(program.end().await.exit, Some(ExitCause::Code(0)));
            assert!(program.out.contains("fds: 0 1 2\n"));
            assert!(program.out.contains("<Ada>"));
        }
    });
    drop(files);
    finish(&spawner);
    drop(spawner);
    turn.end();
}

#[test]
fn closed_standard_streams_and_an_ignored_sigchld_do_no_harm() {
    let turn = Turn::take();
    for words in [&["close-all", "talk"][..], &["ignore", "17", "talk"]] {
        let status = Command::new(fixture::program())
            .args(words)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(0), "{words:?}");
    }
    turn.end();
}

#[test]
fn a_killed_run_leaves_nothing() {
    let turn = Turn::take();
    // Makes this process the reaper of the orphans.
    let reaper = spawner();
    let temporary = tempfile::tempdir().unwrap();
    let inside = temporary.path().join("run");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("file"), "").unwrap();
    let mut parent = Command::new(fixture::program())
        .env("FIXTURE_TEMPORARY", &inside)
        .args([
            "watched",
            "own",
            "pty,print,up\\n,forever",
            "pty,ignore,1,15,print,up\\n,forever",
            "pipes,ignore,1,15,print,up\\n,forever",
            "pipes,wrap,ignore,1,15,print,up\\n,forever",
            "pipes,wrap,escape,ignore,1,15,print,up\\n,forever",
            "--",
            "print",
            "ready\\n",
            "forever",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pids: Vec<u32> = Vec::new();
    for line in BufReader::new(parent.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, pid)) = line.split_once(": ") {
            pids.push(pid.trim().parse().unwrap());
        }
        if line == "ready" {
            break;
        }
    }
    assert!(pids.len() >= 5, "{pids:?}");
    assert!(pids.iter().filter(|&&pid| lives(pid)).count() >= 5);
    parent.kill().unwrap();
    parent.wait().unwrap();
    let begin = Instant::now();
    run(async {
        for pid in pids {
            gone(pid, Duration::from_secs(2)).await;
        }
    });
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    wait::until("the directory of the killed run is removed", || {
        !inside.exists()
    });
    finish(&reaper);
    drop(reaper);
    turn.end();
}

/// Measures the cost of a start, with little and with much memory of the parent. Run it alone, in a
/// release build: `cargo test --release --test process_alone -- --ignored --nocapture cost`.
#[test]
#[ignore = "a measurement"]
fn cost_of_a_start() {
    let turn = Turn::take();
    let spawner = spawner();
    let mut ballast: Vec<u8>;
    for mib in [0, 1024, 0, 1024] {
        ballast = vec![1_u8; mib << 20];
        for terminal in BOTH {
            const STARTS: u32 = 500;
            run(async {
                let program = || {
                    let mut command = command(terminal, &[]);
                    command.program = "/bin/true".into();
                    command
                };
                let begin = Instant::now();
                for _ in 0..STARTS {
                    Actor::run(&spawner, program()).await.unwrap().end().await;
                }
                let whole = begin.elapsed() / STARTS;
                let begin = Instant::now();
                let mut programs = Vec::new();
                for _ in 0..STARTS {
                    programs.push(Actor::run(&spawner, program()).await.unwrap());
                }
                let start = begin.elapsed() / STARTS;
                for program in &mut programs {
                    program.end().await;
                }
                assert_eq!(ballast.len(), mib << 20);
                println!("{mib:5} MiB, {terminal:?}: start {start:?}, whole life {whole:?}");
            });
        }
    }

    finish(&spawner);
    drop(spawner);
    turn.end();
}
