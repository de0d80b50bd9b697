//! Programs are started, heard, answered and ended as promised, over terminals and pipes.
//!
//! Every test has a spawner of its own and ends by seeing that nothing of it is left.

use std::time::{Duration, Instant};

use crate::support::processes::{Actor, BOTH, PTY, command, finish, gone, lives, run, spawner};
use rehearsal::model::Activity;
use rehearsal::model::{Ending, ExitCause, Stream};
use rehearsal::process::{
    ChildEvent, Command, Environment, Grace, MAX_UNWRITTEN, SpawnError, Terminal, WriteError,
};

#[test]
fn a_program_is_heard_answered_and_seen_to_its_end() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            let words = ["ask", "Name: ", "answer", "exit", "7"];
            let mut program = Actor::start(&spawner, terminal, &words).await;
            program.hear("Name: ").await;
            program.child.write(b"Ada\n").unwrap();
            let end = program.end().await;
            assert!(program.out.ends_with("<Ada>\n"), "{:?}", program.out);
            assert_eq!(end.exit, Some(ExitCause::Code(7)));
            assert_eq!(end.ending, Ending::Itself);
            assert!(end.usage.peak_rss_bytes > 0);
        });
        finish(&spawner);
    }
}

#[test]
fn pipes_keep_output_and_errors_apart() {
    let spawner = spawner();
    run(async {
        let words = ["print", "out", "error", "err"];
        let mut program = Actor::start(&spawner, Terminal::Pipes, &words).await;
        program.end().await;
        assert_eq!((program.out.as_str(), program.err.as_str()), ("out", "err"));
        program.closed.sort_by_key(|stream| *stream == Stream::Err);
        assert_eq!(program.closed, [Stream::Out, Stream::Err]);
    });
    finish(&spawner);
}

#[test]
fn a_terminal_is_the_programs_own_and_has_its_size() {
    let spawner = spawner();
    run(async {
        let pty = Terminal::Pty {
            rows: 33,
            columns: 201,
        };
        let mut program = Actor::start(&spawner, pty, &["tty", "size"]).await;
        program.end().await;
        assert_eq!(program.out, "tty: yes\nsize: 33x201\n");
        let mut program = Actor::start(&spawner, Terminal::Pipes, &["tty"]).await;
        program.end().await;
        assert_eq!(program.out, "tty: no\n");
    });
    finish(&spawner);
}

#[test]
fn a_program_inherits_nothing() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            let words = ["fds", "cwd", "env", "HOME", "env", "GREETING", "signals"];
            let mut command = command(terminal, &words);
            command.environment.set("GREETING", "hello");
            let mut program = Actor::run(&spawner, command).await.unwrap();
            program.end().await;
            let (said, ignored) = program.out.trim_end().rsplit_once(' ').unwrap();
            let expected = "fds: 0 1 2\ncwd: /\nHOME=\nGREETING=hello\nsignals: 0000000000000000";
            assert_eq!(said, expected);
            // Rust's own start-up ignores SIGPIPE; the C library keeps 32 and 33 for itself.
            const SIGPIPE_ONLY: u64 = 0x1000;
            let ignored = u64::from_str_radix(ignored, 16).unwrap();
            assert_eq!(ignored & 0x7fff_ffff, SIGPIPE_ONLY);
        });
        finish(&spawner);
    }
}

#[test]
fn two_hundred_programs_that_print_and_exit_at_once_lose_no_output() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            let mut programs = Vec::new();
            for _ in 0..200 {
                programs.push(Actor::start(&spawner, terminal, &["lines", "100"]).await);
            }
            let all: String = (1..=100).map(|number| format!("line {number}\n")).collect();
            for program in &mut programs {
                let end = program.end().await;
                assert_eq!(end.exit, Some(ExitCause::Code(0)));
                assert_eq!(program.out, all);
            }
        });
        finish(&spawner);
    }
}

#[test]
fn what_a_terminal_does_with_typed_characters_is_known() {
    use rehearsal::process::Echo;
    let spawner = spawner();
    run(async {
        let words = [
            "ask",
            "Name: ",
            "password",
            "Password: ",
            "answer",
            "ask",
            "More: ",
        ];
        let mut program = Actor::start(&spawner, PTY, &words).await;
        program.hear("Name: ").await;
        assert_eq!(program.child.echo(), Echo::On);
        program.child.write(b"ada\n").unwrap();
        program.hear("Password: ").await;
        assert_eq!(program.child.echo(), Echo::Off);
        program.child.write(b"secret\n").unwrap();
        program.hear("More: ").await;
        assert_eq!(program.child.echo(), Echo::On);
        assert!(
            program.out.ends_with("Password: \n<secret>\nMore: "),
            "{:?}",
            program.out
        );
        program.child.close_input();
        assert_eq!(program.end().await.exit, Some(ExitCause::Code(3)));
        assert_eq!(program.child.echo(), Echo::NoTerminal);
    });
    finish(&spawner);
}

#[test]
fn exit_code_signal_and_our_kill_are_told_apart() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            let mut program = Actor::start(&spawner, terminal, &["exit", "3"]).await;
            let end = program.end().await;
            assert_eq!(
                (end.exit, end.ending),
                (Some(ExitCause::Code(3)), Ending::Itself)
            );

            let mut program = Actor::start(&spawner, terminal, &["signal", "9"]).await;
            let end = program.end().await;
            assert_eq!(
                (end.exit, end.ending),
                (Some(ExitCause::Signal(9)), Ending::Itself)
            );

            let mut program = Actor::start(&spawner, terminal, &["print", "up", "forever"]).await;
            program.hear("up").await;
            program.child.end(Grace::default());
            let end = program.end().await;
            assert_eq!(
                (end.exit, end.ending),
                (Some(ExitCause::Signal(1)), Ending::Terminated)
            );

            let mut program = Actor::start(&spawner, terminal, &["print", "up", "forever"]).await;
            program.hear("up").await;
            program.child.end(Grace::NOW);
            let end = program.end().await;
            assert_eq!(
                (end.exit, end.ending),
                (Some(ExitCause::Signal(9)), Ending::Killed)
            );
        });
        finish(&spawner);
    }
}

const QUICK: Grace = Grace {
    hang_up: Duration::from_millis(50),
    terminate: Duration::from_millis(50),
};

#[test]
fn a_program_that_ignores_requests_to_end_is_killed() {
    for terminal in BOTH {
        for close in ["close-output", "close-all", "pid"] {
            let spawner = spawner();
            run(async {
                let words = ["ignore", "1", "2", "15", "print", "up\\n", close, "forever"];
                let mut program = Actor::start(&spawner, terminal, &words).await;
                program.hear("up").await;
                if close != "pid" {
                    while !program.closed.contains(&Stream::Out) && terminal == Terminal::Pipes {
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
            finish(&spawner);
        }
    }
}

#[test]
fn a_stopped_program_is_ended_politely() {
    let spawner = spawner();
    run(async {
        let words = ["print", "up\\n", "signal", "19", "forever"];
        let mut program = Actor::start(&spawner, Terminal::Pipes, &words).await;
        program.hear("up").await;
        awaited(&program, Activity::Stopped).await;
        program.child.end(Grace::default());
        assert_eq!(program.end().await.exit, Some(ExitCause::Signal(1)));
    });
    finish(&spawner);
}

/// Waits until a program does this.
async fn awaited(program: &Actor, activity: Activity) {
    let until = Instant::now() + Duration::from_secs(5);
    while program.child.activity() != activity {
        assert!(
            Instant::now() < until,
            "{:?}, not {activity:?}",
            program.child.activity()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn a_grandchild_that_keeps_the_output_open_delays_the_end_only_briefly() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            let words = [
                "print", "first\\n", "child", "ignore", "1", "print", "up\\n", "forever",
            ];
            let mut program = Actor::start(&spawner, terminal, &words).await;
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
        finish(&spawner);
    }
}

#[test]
fn a_grandchild_that_floods_the_output_does_not_delay_the_end_for_ever() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            let words = ["child", "ignore", "1", "flood", "100000000000"];
            let mut program = Actor::start(&spawner, terminal, &words).await;
            program.end().await;
            gone(program.number("child: "), Duration::from_secs(5)).await;
        });
        finish(&spawner);
    }
}

#[test]
fn who_leaves_the_session_does_not_outlive_its_instance() {
    let escape = [
        "escape", "ignore", "1", "15", "print", "away\\n", "forever", "--",
    ];
    for terminal in BOTH {
        for rest in [&["exit", "0"][..], &["forever"]] {
            let spawner = spawner();
            run(async {
                let words: Vec<&str> = escape.iter().chain(rest).copied().collect();
                let mut program = Actor::start(&spawner, terminal, &words).await;
                program.hear("child: ").await;
                let escapee = program.number("child: ");
                if rest == ["forever"] {
                    program.hear("away\n").await;
                    program.child.end(QUICK);
                }
                program.end().await;
                gone(escapee, Duration::from_secs(5)).await;
            });
            finish(&spawner);
        }
    }
}

#[test]
fn who_wipes_its_environment_is_ended_with_its_tree() {
    for word in ["vanish", "child"] {
        let spawner = spawner();
        run(async {
            let away = [
                word, "ignore", "1", "15", "print", "away\\n", "forever", "--", "forever",
            ];
            let words: Vec<&str> = ["wrap", "wrap"].into_iter().chain(away).collect();
            let mut program = Actor::start(&spawner, Terminal::Pipes, &words).await;
            program.hear("child: ").await;
            program.hear("away\n").await;
            let escapee = program.number("child: ");
            drop(program);
            gone(escapee, Duration::from_secs(5)).await;
        });
        finish(&spawner);
    }
}

#[test]
fn a_flood_is_held_back_until_it_is_read() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            const FLOOD: usize = 4 << 20;
            let words = ["flood", &FLOOD.to_string(), "print", "over"];
            let mut program = Actor::start(&spawner, terminal, &words).await;
            program.next().await.unwrap();
            awaited(&program, Activity::BlockedOnWriting).await;
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
        finish(&spawner);
    }
}

#[test]
fn a_flood_leaves_others_their_turn() {
    let spawner = spawner();
    run(async {
        let mut flood = Actor::start(&spawner, Terminal::Pipes, &["flood", "100000000000"]).await;
        let mut other = Actor::start(&spawner, Terminal::Pipes, &["parrot"]).await;
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
    finish(&spawner);
}

#[test]
fn a_program_that_does_not_read_does_not_block_us() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            let mut program = Actor::start(&spawner, terminal, &["print", "up", "forever"]).await;
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
            assert!(
                matches!(refused, WriteError::Full { unwritten } if unwritten <= MAX_UNWRITTEN)
            );
            assert!(program.child.unwritten() > MAX_UNWRITTEN / 2);
        });
        finish(&spawner);
    }
}

#[test]
fn what_was_not_taken_at_once_is_sent_later() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            // No echo, or its own output would hold the program back.
            let words = ["password", "> ", "answer", "parrot"];
            let mut program = Actor::start(
                &spawner,
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
            assert_eq!(program.child.unwritten(), 0);
            program.child.close_input();
            assert_eq!(program.end().await.exit, Some(ExitCause::Code(0)));
        });
        finish(&spawner);
    }
}

#[test]
fn input_is_closed_after_what_was_written() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            // At the start of a line, and inside one.
            let words = ["parrot", "print", "over"];
            let mut program = Actor::start(&spawner, terminal, &words).await;
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

            let mut program = Actor::start(&spawner, terminal, &["ask", "> ", "answer"]).await;
            program.hear("> ").await;
            program.child.write(b"no line").unwrap();
            program.child.close_input();
            assert_eq!(program.end().await.exit, Some(ExitCause::Code(0)));
            assert!(program.out.ends_with("<no line>\n"), "{:?}", program.out);
        });
        finish(&spawner);
    }
}

#[test]
fn a_line_too_long_for_a_terminal_is_refused() {
    let spawner = spawner();
    run(async {
        let mut program = Actor::start(&spawner, PTY, &["ask", "> "]).await;
        program.hear("> ").await;
        let refused = program.child.write(&b"x".repeat(4096)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a line of 4096 bytes is too long for a terminal, which keeps 4095 at most"
        );
    });
    finish(&spawner);
}

#[test]
fn what_a_program_is_doing_is_known() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
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
                let mut program = Actor::start(&spawner, terminal, words).await;
                program.hear("up").await;
                awaited(&program, activity).await;
                assert!(program.child.usage_now().unwrap().rss_bytes > 0);
                program.child.end(Grace::NOW);
                program.end().await;
                assert_eq!(program.child.activity(), Activity::Gone);
                assert_eq!(program.child.usage_now(), None);
            }
        });
        finish(&spawner);
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let plain = file("plain", "#!/bin/sh\n", 0o644);
    let lost = file("lost", "#!/no/such/interpreter\n", 0o755);
    let dos = file("dos", "#!/bin/sh\r\n", 0o755);
    let text = file("text", "echo hello\n", 0o755);
    let spawner = spawner();
    run(async {
        for (program, at, why) in [
            (directory.path().join("nothing"), "/", "there is no program"),
            (
                directory.path().to_owned(),
                "/",
                "is a directory, not a program",
            ),
            (plain, "/", "is not executable: try `chmod +x"),
            (
                lost,
                "/",
                "asks for /no/such/interpreter, which does not exist",
            ),
            (dos, "/", "save the file with Unix line ends"),
            (text, "/", "nor a script that begins with `#!`"),
            (
                crate::support::fixture::fixture(),
                "/no/such/place",
                "the working directory /no/such/place",
            ),
        ] {
            for terminal in BOTH {
                let program = program.clone();
                let command = Command {
                    program,
                    directory: at.into(),
                    ..command(terminal, &[])
                };
                let refused = spawner.spawn(command).await.err().unwrap().to_string();
                assert!(refused.contains(why), "{refused}");
            }
        }
        let mut with_nul = command(PTY, &["print"]);
        with_nul.argv.push("a\0b".into());
        assert!(matches!(
            spawner.spawn(with_nul).await,
            Err(SpawnError::Nul { .. })
        ));
    });
    finish(&spawner);
}

#[test]
fn a_dropped_child_is_ended() {
    for terminal in BOTH {
        let spawner = spawner();
        run(async {
            let words = ["ignore", "1", "15", "print", "up", "forever"];
            let mut program = Actor::start(&spawner, terminal, &words).await;
            program.hear("up").await;
            let pid = program.child.pid();
            drop(program);
            gone(pid, Duration::from_secs(5)).await;
        });
        finish(&spawner);
    }
}

#[test]
fn a_start_that_nobody_waits_for_leaves_nothing() {
    let spawner = spawner();
    run(async {
        for _ in 0..50 {
            let start = spawner.spawn(command(PTY, &["ignore", "1", "15", "forever"]));
            let _ = tokio::time::timeout(Duration::from_micros(100), start).await;
        }
    });
    finish(&spawner);
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

#[test]
fn programs_get_the_limit_of_descriptors_that_we_were_started_with() {
    let spawner = spawner();
    run(async {
        let words = ["sleep", "0.05", "nofile"];
        let mut program = Actor::start(&spawner, Terminal::Pipes, &words).await;
        program.end().await;
        let raised = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        assert_eq!(raised.current, raised.maximum);
        assert!(u64::from(program.number("nofile: ")) <= raised.current.unwrap_or(u64::MAX));
    });
    finish(&spawner);
}

#[test]
fn python_and_shell_programs_are_seen_to_wait() {
    use rehearsal::process::{Echo, Programs, Within};
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
        let spawner = spawner();
        run(async {
            let environment = Environment::new(std::env::vars_os());
            let argv = [name, flag, script].map(Into::into).to_vec();
            let command = Command {
                program,
                argv,
                environment,
                ..command(PTY, &[])
            };
            let mut program = Actor::run(&spawner, command).await.unwrap();
            program.hear("Name: ").await;
            awaited(&program, Activity::WaitingForInput).await;
            assert_ne!(program.child.echo(), Echo::Off);
            program.child.write(b"ada\n").unwrap();
            program.hear("Password: ").await;
            awaited(&program, Activity::WaitingForInput).await;
            assert_eq!(program.child.echo(), Echo::Off);
            program.child.write(b"secret\n").unwrap();
            assert_eq!(program.end().await.exit, Some(ExitCause::Code(0)));
            assert!(program.out.ends_with("over\n"), "{:?}", program.out);
            assert!(!program.out.contains("secret"));
        });
        finish(&spawner);
    }
}
