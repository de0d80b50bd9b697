//! Programs are started, heard, answered and ended as promised, over terminals and pipes.
//!
//! Every test has a spawner of its own and ends by seeing that nothing of it is left.

mod support;

use rehearsal::model::{Ending, ExitCause, Stream};
use rehearsal::transport::Terminal;
use support::{Actor, BOTH, PTY, command, finish, run, spawner};

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
            command
                .environment
                .push(("GREETING".into(), "hello".into()));
            let mut program = Actor::run(&spawner, command).await.unwrap();
            program.end().await;
            let none = "0000000000000000";
            assert_eq!(
                program.out,
                // Rust's own start-up ignores SIGPIPE.
                format!(
                    "fds: 0 1 2\ncwd: /\nHOME=\nGREETING=hello\nsignals: {none} 0000000000001000\n"
                )
            );
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
    use rehearsal::transport::Echo;
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
