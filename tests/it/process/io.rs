//! Input and output of programs, and what is known of their activity and echo.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_core::Stream as _;

use crate::support::child::{Actor, PTY, command, on_both, with_spawner};
use crate::support::wait::{self, LONG};
use rehearsal::model::{Activity, TerminalKind};
use rehearsal::model::{Ending, ExitCause, Stream};
use rehearsal::process::{
    ChildEvent, Command, Environment, Events, Grace, MAX_UNWRITTEN, WriteError,
};

#[test]
fn a_program_is_read_answered_and_followed_to_its_exit() {
    on_both(async |spawner, terminal| {
        let words = ["ask", "Name: ", "answer", "exit", "7"];
        let mut program = Actor::start(spawner, terminal, &words).await;
        program.hear("Name: ").await;
        program.child.write(b"Ada\n").unwrap();
        let end = program.end().await;
        assert!(program.out.ends_with("<Ada>\n"), "{:?}", program.out);
        assert_eq!(end.exit, Some(ExitCause::Code(7)));
        assert_eq!(end.ending, Ending::Itself);
        assert!(end.usage.peak_rss_bytes > 0);
    });
}

#[test]
fn pipes_keep_output_and_errors_apart() {
    with_spawner(async |spawner| {
        let words = ["print", "out", "error", "err"];
        let mut program = Actor::start(spawner, TerminalKind::Pipes, &words).await;
        program.end().await;
        assert_eq!((program.out.as_str(), program.err.as_str()), ("out", "err"));
        program.closed.sort_by_key(|stream| *stream == Stream::Err);
        assert_eq!(program.closed, [Stream::Out, Stream::Err]);
    });
}

#[test]
fn many_programs_that_print_at_once_are_all_read_before_most_are_taken_in() {
    let is_output = |event: Poll<Option<ChildEvent>>| match event {
        Poll::Ready(Some(ChildEvent::Output { bytes, .. })) => bytes == b"up",
        Poll::Ready(other) => panic!("no output: {other:?}"),
        Poll::Pending => false,
    };
    on_both(async |spawner, terminal| {
        let mut programs = Vec::new();
        for _ in 0..6 {
            let command = command(terminal, &["print", "up", "await-end"]);
            let mut child = spawner.spawn(command).await.unwrap();
            let events = child.events().unwrap();
            programs.push((child, events));
        }
        let print = || programs.iter().all(|(child, _)| child.has_news());
        wait::until_async(LONG, "output of all", print).await;
        // The reactor learns of it, too.
        tokio::task::yield_now().await;
        let polls = poll_fn(|task| {
            let mut poll = |(_, events): &mut (_, Events)| Pin::new(events).poll_next(task);
            let polls = programs.iter_mut().map(|program| is_output(poll(program)));
            Poll::Ready(polls.collect::<Vec<_>>())
        });
        assert_eq!(polls.await, [true, true, true, true, false, false]);
        assert!(programs[4..].iter().all(|(child, _)| child.has_news()));
        let polls = poll_fn(|task| {
            let rest = programs[4..].iter_mut();
            let polls = rest.map(|(_, events)| is_output(Pin::new(events).poll_next(task)));
            Poll::Ready(polls.collect::<Vec<_>>())
        });
        assert_eq!(polls.await, [true, true]);
        assert!(!programs.iter().any(|(child, _)| child.has_news()));
    });
}

#[test]
fn two_hundred_programs_that_print_and_exit_at_once_lose_no_output() {
    on_both(async |spawner, terminal| {
        let mut programs = Vec::new();
        for _ in 0..200 {
            programs.push(Actor::start(spawner, terminal, &["lines", "100"]).await);
        }
        let all: String = (1..=100).map(|number| format!("line {number}\n")).collect();
        for program in &mut programs {
            let end = program.end().await;
            assert_eq!(end.exit, Some(ExitCause::Code(0)));
            assert_eq!(program.out, all);
        }
    });
}

/// `EXITS` is for more of them than in CI.
#[test]
fn the_last_line_of_a_program_that_ends_is_read() {
    const BATCH: usize = 400;
    const AT_ONCE: usize = 8;
    let exits = std::env::var("EXITS").map_or(BATCH, |exits| exits.parse().unwrap());
    let shell = |terminal| Command {
        program: "/bin/sh".into(),
        argv: ["sh", "-c", "printf 'Menu: '; read x; echo Bye"]
            .map(Into::into)
            .into(),
        ..command(terminal, &[])
    };
    for _ in 0..exits.div_ceil(BATCH) {
        on_both(async |spawner, terminal| {
            for _ in 0..BATCH / AT_ONCE {
                let mut programs = Vec::new();
                for _ in 0..AT_ONCE {
                    programs.push(Actor::run(spawner, shell(terminal)).await.unwrap());
                }
                for program in &mut programs {
                    program.hear("Menu: ").await;
                    program.child.write(b"q\n").unwrap();
                }
                for program in &mut programs {
                    let end = program.end().await;
                    assert_eq!(end.exit, Some(ExitCause::Code(0)));
                    assert!(program.out.ends_with("Bye\n"), "{:?}", program.out);
                }
            }
        });
    }
}

#[test]
fn the_echo_of_a_terminal_is_known() {
    use rehearsal::process::TerminalMode;
    with_spawner(async |spawner| {
        let words = [
            "ask",
            "Name: ",
            "password",
            "Password: ",
            "answer",
            "ask",
            "More: ",
        ];
        let mut program = Actor::start(spawner, PTY, &words).await;
        program.hear("Name: ").await;
        assert_eq!(program.child.echo(), TerminalMode::On);
        program.child.write(b"ada\n").unwrap();
        program.hear("Password: ").await;
        assert_eq!(program.child.echo(), TerminalMode::Off);
        program.child.write(b"secret\n").unwrap();
        program.hear("More: ").await;
        assert_eq!(program.child.echo(), TerminalMode::On);
        assert!(
            program.out.ends_with("Password: \n<secret>\nMore: "),
            "{:?}",
            program.out
        );
        program.child.close_input();
        assert_eq!(program.end().await.exit, Some(ExitCause::Code(3)));
        assert_eq!(program.child.echo(), TerminalMode::NoTerminal);
    });
}

#[test]
fn a_flood_is_held_back_until_it_is_read() {
    on_both(async |spawner, terminal| {
        const FLOOD: usize = 4 << 20;
        let words = ["flood", &FLOOD.to_string(), "print", "over"];
        let mut program = Actor::start(spawner, terminal, &words).await;
        program.next().await.unwrap();
        program.until_activity(Activity::BlockedOnWriting).await;
        let mut largest = 0;
        while let Some(event) = program.next().await {
            if let ChildEvent::Output { bytes, .. } = event {
                largest = largest.max(bytes.len());
            }
        }
        assert!(program.out.ends_with("over"));
        assert_eq!(program.out.len(), FLOOD + "over".len());
        assert!(largest <= 16 * 1024, "{largest}");
    });
}

#[test]
fn a_flood_does_not_starve_others() {
    with_spawner(async |spawner| {
        let mut flood =
            Actor::start(spawner, TerminalKind::Pipes, &["flood", "100000000000"]).await;
        let mut other = Actor::start(spawner, TerminalKind::Pipes, &["parrot"]).await;
        let talk = async {
            for _ in 0..20 {
                other.out.clear();
                other.child.write(b"hello\n").unwrap();
                other.hear("said: hello\n").await;
            }
        };
        let listen = async {
            loop {
                flood.next().await.unwrap();
                flood.out.clear();
            }
        };
        tokio::select! { () = talk => (), () = listen => () }
    });
}

#[test]
fn writes_to_a_program_that_does_not_read_are_refused_in_time() {
    on_both(async |spawner, terminal| {
        let mut program = Actor::start(spawner, terminal, &["print", "up", "forever"]).await;
        program.hear("up").await;
        let line = [b"x".repeat(1023).as_slice(), b"\n"].concat();
        let mut sent = 0;
        let refused = loop {
            let begin = Instant::now();
            match program.child.write(&line) {
                Ok(_) => sent += line.len(),
                Err(error) => break error,
            }
            assert!(begin.elapsed() < Duration::from_secs(1));
            assert!(sent < 1 << 20, "taken without end");
        };
        assert!(matches!(refused, WriteError::Full { unwritten } if unwritten <= MAX_UNWRITTEN));
        assert!(program.child.unread() > MAX_UNWRITTEN / 2);
    });
}

#[test]
fn input_that_does_not_fit_is_sent_later() {
    on_both(async |spawner, terminal| {
        // No echo, or its own output would hold the program back.
        let words = ["password", "> ", "answer", "parrot"];
        let mut program = Actor::start(
            spawner,
            terminal,
            &words[if terminal == PTY { 0 } else { 2 }..],
        )
        .await;
        if terminal == PTY {
            program.hear("> ").await;
        }
        let lines: String = (0..5000)
            .map(|number| format!("number {number}\n"))
            .collect();
        for chunk in lines.as_bytes().chunks(40_000) {
            while program.child.write(chunk).is_err() {
                program.next().await.unwrap();
            }
        }
        program.hear("said: number 4999\n").await;
        assert_eq!(program.child.unread(), 0);
        program.child.close_input();
        assert_eq!(program.end().await.exit, Some(ExitCause::Code(0)));
    });
}

#[test]
fn input_is_closed_after_what_was_written() {
    on_both(async |spawner, terminal| {
        // At the start of a line, and inside one.
        let words = ["parrot", "print", "over"];
        let mut program = Actor::start(spawner, terminal, &words).await;
        program.child.write(b"one\ntwo\n").unwrap();
        program.child.close_input();
        assert_eq!(program.end().await.exit, Some(ExitCause::Code(0)));
        assert!(program.out.contains("said: one\n"), "{:?}", program.out);
        assert!(
            program.out.ends_with("said: two\nover"),
            "{:?}",
            program.out
        );
        assert!(matches!(
            program.child.write(b"three"),
            Err(WriteError::Closed)
        ));

        let mut program = Actor::start(spawner, terminal, &["ask", "> ", "answer"]).await;
        program.hear("> ").await;
        program.child.write(b"no line").unwrap();
        program.child.close_input();
        assert_eq!(program.end().await.exit, Some(ExitCause::Code(0)));
        assert!(program.out.ends_with("<no line>\n"), "{:?}", program.out);
    });
}

#[test]
fn a_line_too_long_for_a_terminal_is_refused() {
    with_spawner(async |spawner| {
        let mut program = Actor::start(spawner, PTY, &["ask", "> "]).await;
        program.hear("> ").await;
        let refused = program.child.write(&b"x".repeat(4096)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a line of 4096 bytes is too long for a terminal, which keeps 4095 at most"
        );
    });
}

#[test]
fn the_activity_of_a_program_is_known() {
    on_both(async |spawner, terminal| {
        for (words, activity) in [
            (&["print", "up", "await-end"][..], Activity::WaitingForInput),
            (&["print", "up", "poll"], Activity::WaitingForInput),
            (
                &["wrap", "print", "up", "await-end"],
                Activity::WaitingForInput,
            ),
            (&["print", "up", "spin", "60"], Activity::Running),
            (&["wrap", "print", "up", "spin", "60"], Activity::Running),
            (&["print", "up", "forever"], Activity::Sleeping),
        ] {
            let mut program = Actor::start(spawner, terminal, words).await;
            program.hear("up").await;
            program.until_activity(activity).await;
            assert!(program.child.usage_now().unwrap().rss_bytes > 0);
            program.child.end(Grace::NOW);
            program.end().await;
            assert_eq!(program.child.activity(), Activity::Gone);
            assert_eq!(program.child.usage_now(), None);
        }
    });
}

#[test]
fn python_and_shell_programs_are_detected_as_waiting() {
    use rehearsal::process::{Programs, TerminalMode, Within};
    let path = std::env::var_os("PATH");
    let programs = Programs::new("/".into(), Vec::new(), "/bin/false".into(), path);
    let within = Within {
        directory: None,
        has_own_path: false,
    };
    let script = "import getpass; input('Name: '); getpass.getpass(); print('over')";
    let shell = "printf 'Name: '; read name; stty -echo; printf 'Password: '; read secret; \
                 stty echo; echo; echo over";
    for (name, flag, script) in [("python3", "-c", script), ("sh", "-c", shell)] {
        let Ok((program, _)) = programs.resolve(&[name], within) else {
            eprintln!("skipped: there is no {name} here");
            continue;
        };
        with_spawner(async |spawner| {
            let environment = Environment::new(std::env::vars_os());
            let argv = [name, flag, script].map(Into::into).to_vec();
            let command = Command {
                program,
                argv,
                environment,
                ..command(PTY, &[])
            };
            let mut program = Actor::run(spawner, command).await.unwrap();
            program.hear("Name: ").await;
            program.until_activity(Activity::WaitingForInput).await;
            assert_ne!(program.child.echo(), TerminalMode::Off);
            program.child.write(b"ada\n").unwrap();
            program.hear("Password: ").await;
            program.until_activity(Activity::WaitingForInput).await;
            assert_eq!(program.child.echo(), TerminalMode::Off);
            program.child.write(b"secret\n").unwrap();
            assert_eq!(program.end().await.exit, Some(ExitCause::Code(0)));
            assert!(program.out.ends_with("over\n"), "{:?}", program.out);
            assert!(!program.out.contains("secret"));
        });
    }
}

#[test]
fn a_write_to_a_closed_input_is_refused() {
    with_spawner(async |spawner| {
        let words = ["print", "bye", "close-all", "forever"];
        let mut program = Actor::start(spawner, TerminalKind::Pipes, &words).await;
        while program.closed.len() < 2 {
            program.next().await;
        }
        let written = program.child.write(b"Ada\n");
        assert!(matches!(written, Err(WriteError::Closed)), "{written:?}");
        program.child.end(Grace::NOW);
        program.end().await;
    });
}

#[test]
fn a_program_that_can_only_read_is_known() {
    use Activity::{Running, Sleeping, WaitingForInput};
    on_both(async |spawner, terminal| {
        for (words, activity, is_blocked) in [
            (&["print", "up", "await-end"][..], WaitingForInput, true),
            (&["wrap", "print", "up", "await-end"], WaitingForInput, true),
            (&["print", "up", "poll"], WaitingForInput, true),
            (
                &["child", "print", "up", "await-end", "--", "forever"],
                WaitingForInput,
                false,
            ),
            (
                &["child", "print", "up", "forever", "--", "await-end"],
                WaitingForInput,
                false,
            ),
            (&["print", "up", "forever"], Sleeping, false),
            (&["print", "up", "spin", "60"], Running, false),
        ] {
            let mut program = Actor::start(spawner, terminal, words).await;
            program.hear("up").await;
            program.until_activity(activity).await;
            // A shell or another wrapper may wait for its child a moment later.
            let is_it = || program.child.is_blocked_on_input() == is_blocked;
            wait::until_async(LONG, "the expected state", is_it).await;
            program.child.end(Grace::NOW);
            program.end().await;
            assert!(!program.child.is_blocked_on_input());
        }
    });
}
