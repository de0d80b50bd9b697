//! Starts the shop's programs and talks to them. A program that a test leaves running dies with
//! its `Program`; the database's directory goes with its `Shop`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

/// The streams that a program is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// Without a controlling terminal, so that passwords are read from the input.
    Pipes,
    Terminal,
}

/// A shop in a temporary directory.
pub struct Shop {
    directory: TempDir,
    attached: Attached,
    environment: Vec<(String, String)>,
}

impl Shop {
    pub fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            attached: Attached::Pipes,
            environment: Vec::new(),
        }
    }

    pub fn attached(mut self, attached: Attached) -> Self {
        self.attached = attached;
        self
    }

    pub fn stock(mut self, stock: u32) -> Self {
        let variable = ("REHEARSAL_SHOP_STOCK".to_owned(), stock.to_string());
        self.environment.push(variable);
        self
    }

    /// From here on, programs start with these faults.
    pub fn set_fault(&mut self, fault: &str) {
        let variable = ("REHEARSAL_SHOP_FAULT".to_owned(), fault.to_owned());
        self.environment.push(variable);
    }

    pub fn with_fault(fault: &str) -> Self {
        let mut shop = Self::new();
        shop.set_fault(fault);
        shop
    }

    /// The directory that holds `shop.db` and nothing else.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_remove("REHEARSAL_SHOP_DB")
            .env_remove("REHEARSAL_SHOP_STOCK")
            .env_remove("REHEARSAL_SHOP_FAULT")
            .env("REHEARSAL_RUN_DIR", self.directory.path())
            .env("TERM", "dumb")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A command that ends by itself, such as the audit.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        self.command(env!("CARGO_BIN_EXE_rehearsal"))
            .arg("shop")
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The audit's text, and whether it found the database consistent.
    pub fn audit(&self, arguments: &[&str]) -> (String, bool) {
        let output = self.run(&[&["audit"], arguments].concat());
        let code = output.status.code();
        assert!(
            matches!(code, Some(0 | 1)),
            "the audit ended badly: {output:?}"
        );
        (String::from_utf8(output.stdout).unwrap(), code == Some(0))
    }

    pub fn assert_clean(&self) {
        let (text, clean) = self.audit(&[]);
        assert!(clean && text.ends_with("\n0 inconsistencies\n"), "{text}");
    }

    /// Starts a role's program.
    pub fn start(&self, role: &str) -> Program {
        match self.attached {
            Attached::Pipes => self.start_on_pipes(role),
            Attached::Terminal => self.start_on_terminal(role),
        }
    }

    /// `setsid` takes away the terminal that the tests may have been started from.
    fn role_command(&self, options: &[&str], role: &str) -> Command {
        let mut command = self.command("setsid");
        command.args(options);
        command.args([env!("CARGO_BIN_EXE_rehearsal"), "shop", role]);
        command
    }

    fn start_on_pipes(&self, role: &str) -> Program {
        let mut child = self
            .role_command(&[], role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("setsid (util-linux) is needed");
        let input = OwnedFd::from(child.stdin.take().unwrap());
        let output = OwnedFd::from(child.stdout.take().unwrap());
        Program::new(child, Some(input.into()), output.into(), Attached::Pipes)
    }

    fn start_on_terminal(&self, role: &str) -> Program {
        let terminal = Terminal::new(80);
        let child = self
            .role_command(&["--ctty"], role)
            .stdin(terminal.theirs())
            .stdout(terminal.theirs())
            .stderr(terminal.theirs())
            .spawn()
            .expect("setsid (util-linux) is needed");
        let input = terminal.ours.try_clone().unwrap();
        Program::new(child, Some(input), terminal.ours, Attached::Terminal)
    }
}

/// A running program.
pub struct Program {
    child: Child,
    input: Option<File>,
    output: Option<File>,
    attached: Attached,
    /// All its output.
    all: String,
    /// The position in `all` at which the output after our last answer begins.
    answered: usize,
    /// Bytes read that do not make a whole character yet.
    rest: Vec<u8>,
}

impl Program {
    fn new(child: Child, input: Option<File>, output: File, attached: Attached) -> Self {
        Self {
            child,
            input,
            output: Some(output),
            attached,
            all: String::new(),
            answered: 0,
            rest: Vec::new(),
        }
    }

    /// All that came since our last answer.
    pub fn screen(&self) -> &str {
        &self.all[self.answered..]
    }

    pub fn all(&self) -> &str {
        &self.all
    }

    /// Waits for this text in the output since our last answer.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        while !self.screen().contains(text) {
            assert!(
                self.read(),
                "ended before `{text}`; it printed:\n{}",
                self.all
            );
        }
        self
    }

    /// The rest of the line that follows this text, once the line is whole.
    #[track_caller]
    pub fn read_after(&mut self, text: &str) -> String {
        self.expect(text);
        loop {
            let (_, after) = self.screen().split_once(text).unwrap();
            if let Some((line, _)) = after.split_once('\n') {
                return line.trim_end().to_owned();
            }
            assert!(self.read(), "ended in the line of `{text}`");
        }
    }

    /// Waits for a question and answers it.
    #[track_caller]
    pub fn answer(&mut self, prompt: &str, line: &str) -> &mut Self {
        self.expect(prompt);
        self.say(line)
    }

    /// Waits for the question after a menu and chooses the row with this label.
    #[track_caller]
    pub fn choose(&mut self, prompt: &str, label: &str) -> &mut Self {
        self.expect(prompt);
        let rows = self.screen().lines().filter_map(|line| {
            let (key, text) = line.trim_start().split_once(". ")?;
            // Not the echo of the input, nor a prompt.
            (text.contains(label) && key.len() <= 2).then(|| key.to_owned())
        });
        let keys: Vec<String> = rows.collect();
        let [key] = keys.as_slice() else {
            panic!("rows {keys:?} for {label} in:\n{}", self.screen());
        };
        let number = key.clone();
        self.say(&number)
    }

    /// Types a line.
    pub fn say(&mut self, line: &str) -> &mut Self {
        self.say_raw(format!("{line}\n").as_bytes())
    }

    /// Types just this.
    pub fn say_raw(&mut self, keys: &[u8]) -> &mut Self {
        self.answered = self.all.len();
        let input = self.input.as_mut().expect("the input was closed");
        input.write_all(keys).unwrap();
        self
    }

    /// Answers the password prompt; on a terminal, once it has stopped echoing.
    #[track_caller]
    pub fn say_password(&mut self, password: &str) -> &mut Self {
        self.expect("Password: ");
        if self.attached == Attached::Terminal {
            wait::until("the echo is off", || !self.echoes());
        }
        self.say(password)
    }

    fn echoes(&self) -> bool {
        let terminal = self.output.as_ref().unwrap();
        let modes = tcgetattr(terminal).unwrap().local_modes;
        modes.contains(LocalModes::ECHO)
    }

    /// Ends the program's input. Only pipes can.
    pub fn close_input(&mut self) -> &mut Self {
        self.input = None;
        self
    }

    /// Closes our end of the output.
    pub fn stop_reading(&mut self) {
        self.output = None;
    }

    /// Waits for the exit of a program on pipes, and returns its error output, too.
    pub fn wait_with_errors(&mut self) -> (ExitStatus, String) {
        let mut complaint = String::new();
        let mut errors = self.child.stderr.take().unwrap();
        errors.read_to_string(&mut complaint).unwrap();
        (self.child.wait().unwrap(), complaint)
    }

    /// Reads the rest and waits for the end.
    pub fn wait(&mut self) -> ExitStatus {
        while self.read() {}
        self.child.wait().unwrap()
    }

    #[track_caller]
    pub fn assert_exits(&mut self, code: i32) {
        let status = self.wait();
        assert_eq!(status.code(), Some(code), "it printed:\n{}", self.all);
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Reads what there is, waiting for it. False is the end.
    fn read(&mut self) -> bool {
        let output = self.output.as_mut().expect("we stopped reading");
        let mut wanted = [PollFd::from_borrowed_fd(output.as_fd(), PollFlags::IN)];
        let timeout = Timespec::try_from(LONG).unwrap();
        let ready = poll(&mut wanted, Some(&timeout)).unwrap();
        assert!(ready > 0, "stuck; it printed:\n{}", self.all);
        let mut buffer = [0; 65536];
        // A terminal that its program has left gives an error.
        let read = output.read(&mut buffer).unwrap_or(0);
        self.rest.extend(&buffer[..read]);
        let whole = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text: Vec<u8> = self.rest.drain(..whole).collect();
        self.all.push_str(std::str::from_utf8(&text).unwrap());
        read > 0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it has ended and was waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
