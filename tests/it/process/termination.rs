//! Exit and termination of programs, with their descendants.

use std::time::{Duration, Instant};

use crate::support::child::{
    Actor, BOTH, PTY, command, finish, gone, lives, on_both, run, spawner, with_spawner,
};
use rehearsal::model::{Activity, TerminalKind};
use rehearsal::model::{Ending, ExitCause, Stream};
use rehearsal::process::{Grace, SpawnError};

#[test]
fn exit_codes_signals_and_our_kills_are_distinguished() {
    on_both(async |spawner, terminal| {
        let mut program = Actor::start(spawner, terminal, &["exit", "3"]).await;
        let end = program.end().await;
        assert_eq!(
            (end.exit, end.ending),
            (Some(ExitCause::Code(3)), Ending::Itself)
        );

        let mut program = Actor::start(spawner, terminal, &["signal", "9"]).await;
        let end = program.end().await;
        assert_eq!(
            (end.exit, end.ending),
            (Some(ExitCause::Signal(9)), Ending::Itself)
        );

        let mut program = Actor::start(spawner, terminal, &["print", "up", "forever"]).await;
        program.hear("up").await;
        program.child.end(Grace::default());
        let end = program.end().await;
        assert_eq!(
            (end.exit, end.ending),
            (Some(ExitCause::Signal(1)), Ending::Terminated)
        );

        let mut program = Actor::start(spawner, terminal, &["print", "up", "forever"]).await;
        program.hear("up").await;
        program.child.end(Grace::NOW);
        let end = program.end().await;
        assert_eq!(
            (end.exit, end.ending),
            (Some(ExitCause::Signal(9)), Ending::Killed)
        );
    });
}

const QUICK: Grace = Grace {
    hang_up: Duration::from_millis(50),
    terminate: Duration::from_millis(50),
};

#[test]
fn a_program_that_ignores_requests_to_end_is_killed() {
    for close in ["close-output", "close-all", "pid"] {
        on_both(async |spawner, terminal| {
            let words = ["ignore", "1", "2", "15", "print", "up\\n", close, "forever"];
            let mut program = Actor::start(spawner, terminal, &words).await;
            program.hear("up").await;
            if close != "pid" {
                while !program.closed.contains(&Stream::Out) && terminal == TerminalKind::Pipes {
                    program.next().await.unwrap();
                }
                assert!(lives(program.child.pid()), "closed output is no end");
            }
            program.child.end(QUICK);
            let end = program.end().await;
            assert_eq!(
                (end.exit, end.ending),
                (Some(ExitCause::Signal(9)), Ending::Killed)
            );
        });
    }
}

#[test]
fn a_stopped_program_is_ended_politely() {
    with_spawner(async |spawner| {
        let words = ["print", "up\\n", "signal", "19", "forever"];
        let mut program = Actor::start(spawner, TerminalKind::Pipes, &words).await;
        program.hear("up").await;
        program.until_activity(Activity::Stopped).await;
        program.child.end(Grace::default());
        assert_eq!(program.end().await.exit, Some(ExitCause::Signal(1)));
    });
}

#[test]
fn a_grandchild_that_keeps_the_output_open_delays_the_end_only_briefly() {
    on_both(async |spawner, terminal| {
        let words = [
            "print", "first\\n", "child", "ignore", "1", "print", "up\\n", "forever",
        ];
        let mut program = Actor::start(spawner, terminal, &words).await;
        let begin = Instant::now();
        let end = program.end().await;
        assert_eq!(
            (end.exit, end.ending),
            (Some(ExitCause::Code(0)), Ending::Itself)
        );
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert!(program.out.contains("first\n"));
        gone(program.number("child: "), Duration::from_secs(5)).await;
    });
}

#[test]
fn a_grandchild_that_floods_the_output_does_not_prevent_the_end() {
    on_both(async |spawner, terminal| {
        let words = ["child", "ignore", "1", "flood", "100000000000"];
        let mut program = Actor::start(spawner, terminal, &words).await;
        program.end().await;
        gone(program.number("child: "), Duration::from_secs(5)).await;
    });
}

#[test]
fn a_process_that_leaves_the_session_is_ended_with_its_instance() {
    let escape = [
        "escape", "ignore", "1", "15", "print", "away\\n", "forever", "--",
    ];
    for rest in [&["exit", "0"][..], &["forever"]] {
        on_both(async |spawner, terminal| {
            let words: Vec<&str> = escape.iter().chain(rest).copied().collect();
            let mut program = Actor::start(spawner, terminal, &words).await;
            program.hear("child: ").await;
            let escapee = program.number("child: ");
            if rest == ["forever"] {
                program.hear("away\n").await;
                program.child.end(QUICK);
            }
            program.end().await;
            gone(escapee, Duration::from_secs(5)).await;
        });
    }
}

#[test]
fn a_process_that_wipes_its_environment_is_ended_with_its_tree() {
    for word in ["vanish", "child"] {
        with_spawner(async |spawner| {
            let away = [
                word, "ignore", "1", "15", "print", "away\\n", "forever", "--", "forever",
            ];
            let words: Vec<&str> = ["wrap", "wrap"].into_iter().chain(away).collect();
            let mut program = Actor::start(spawner, TerminalKind::Pipes, &words).await;
            program.hear("child: ").await;
            program.hear("away\n").await;
            let escapee = program.number("child: ");
            drop(program);
            gone(escapee, Duration::from_secs(5)).await;
        });
    }
}

#[test]
fn a_dropped_child_is_ended() {
    on_both(async |spawner, terminal| {
        let words = ["ignore", "1", "15", "print", "up", "forever"];
        let mut program = Actor::start(spawner, terminal, &words).await;
        program.hear("up").await;
        let pid = program.child.pid();
        drop(program);
        gone(pid, Duration::from_secs(5)).await;
    });
}

#[test]
fn a_shutdown_ends_everything_and_then_refuses() {
    let spawner = spawner();
    run(async {
        let mut programs = Vec::new();
        for terminal in BOTH {
            let words = ["child", "ignore", "1", "15", "print", "up", "forever"];
            let words = ["ignore", "1", "15", "print", "up"]
                .into_iter()
                .chain(words);
            let words: Vec<&str> = words.collect();
            let mut program = Actor::start(&spawner, terminal, &words).await;
            program.hear("child: ").await;
            programs.push(program);
        }
        let mut waiting = Actor::start(&spawner, PTY, &["print", "up", "await-end"]).await;
        waiting.hear("up").await;
        let begin = Instant::now();
        finish(&spawner);
        assert!(begin.elapsed() < Duration::from_secs(4));
        let end = waiting.end().await;
        assert_eq!(
            (end.exit, end.ending),
            (Some(ExitCause::Signal(1)), Ending::Terminated)
        );
        for program in &programs {
            assert!(!lives(program.number("child: ")));
        }
        let refused = spawner.spawn(command(PTY, &[])).await.err().unwrap();
        assert!(matches!(refused, SpawnError::ShutDown));
    });
}
