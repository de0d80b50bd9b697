//! Start of programs: terminals, inheritance, limits, and errors.

use std::time::Duration;

use crate::support::child::{Actor, BOTH, PTY, command, on_both, with_spawner};
use crate::support::fixture;
use rehearsal::model::TerminalKind;
use rehearsal::process::{Command, SpawnError};

#[test]
fn a_terminal_is_the_controlling_one_and_has_its_size() {
    with_spawner(async |spawner| {
        let pty = TerminalKind::Pty {
            rows: 33,
            columns: 201,
        };
        let mut program = Actor::start(spawner, pty, &["tty", "size"]).await;
        program.end().await;
        assert_eq!(program.out, "tty: yes\nsize: 33x201\n");
        let mut program = Actor::start(spawner, TerminalKind::Pipes, &["tty"]).await;
        program.end().await;
        assert_eq!(program.out, "tty: no\n");
    });
}

#[test]
fn a_program_inherits_nothing() {
    on_both(async |spawner, terminal| {
        let words = ["fds", "cwd", "env", "HOME", "env", "GREETING", "signals"];
        let mut command = command(terminal, &words);
        command.environment.set("GREETING", "hello");
        let mut program = Actor::run(spawner, command).await.unwrap();
        program.end().await;
        let (said, ignored) = program.out.trim_end().rsplit_once(' ').unwrap();
        let expected = "fds: 0 1 2\ncwd: /\nHOME=\nGREETING=hello\nsignals: 0000000000000000";
        assert_eq!(said, expected);
        // Rust's own start-up ignores SIGPIPE; the C library keeps 32 and 33 for itself.
        const SIGPIPE_ONLY: u64 = 0x1000;
        let ignored = u64::from_str_radix(ignored, 16).unwrap();
        assert_eq!(ignored & 0x7fff_ffff, SIGPIPE_ONLY);
    });
}

#[test]
fn a_program_that_cannot_be_started_is_refused_with_the_reason() {
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
    with_spawner(async |spawner| {
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
                fixture::program(),
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
}

#[test]
fn an_abandoned_start_leaves_nothing() {
    with_spawner(async |spawner| {
        for _ in 0..50 {
            let start = spawner.spawn(command(PTY, &["ignore", "1", "15", "forever"]));
            let _ = tokio::time::timeout(Duration::from_micros(100), start).await;
        }
    });
}

#[test]
fn programs_get_the_original_limit_of_descriptors() {
    with_spawner(async |spawner| {
        let words = ["sleep", "0.05", "nofile"];
        let mut program = Actor::start(spawner, TerminalKind::Pipes, &words).await;
        program.end().await;
        let raised = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        assert_eq!(raised.current, raised.maximum);
        assert!(u64::from(program.number("nofile: ")) <= raised.current.unwrap_or(u64::MAX));
    });
}
