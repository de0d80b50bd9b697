//! A started program with its output so far, and the output of one that has exited.

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::wait::{self, LONG};

/// The exit code and the output of a program that has exited.
#[derive(Debug)]
pub struct Finished {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Finished {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Finished {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        Finished::from(command.output().expect("it starts"))
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that the standard output contains `text`.
    #[track_caller]
    pub fn assert_out(&self, text: &str) -> &Self {
        assert!(self.out.contains(text), "no {text:?} in:\n{}", self.out);
        self
    }

    /// Asserts that the standard output does not contain `text`.
    #[track_caller]
    pub fn assert_out_lacks(&self, text: &str) -> &Self {
        assert!(!self.out.contains(text), "{text:?} in:\n{}", self.out);
        self
    }

    /// Asserts that the standard error contains `text`.
    #[track_caller]
    pub fn assert_err(&self, text: &str) -> &Self {
        assert!(self.err.contains(text), "no {text:?} in:\n{}", self.err);
        self
    }

    /// Asserts that the standard error does not contain `text`.
    #[track_caller]
    pub fn assert_err_lacks(&self, text: &str) -> &Self {
        assert!(!self.err.contains(text), "{text:?} in:\n{}", self.err);
        self
    }

    /// Parses the standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A running program, with its output and its error output so far in one text.
pub struct Running {
    pub child: Child,
    heard: Arc<(Mutex<String>, Condvar)>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let heard = Arc::<(Mutex<String>, Condvar)>::default();
        let out: Box<dyn Read + Send> = Box::new(child.stdout.take().expect("a pipe"));
        let err: Box<dyn Read + Send> = Box::new(child.stderr.take().expect("a pipe"));
        let reader = |mut stream: Box<dyn Read + Send>| {
            let heard = Arc::clone(&heard);
            thread::spawn(move || {
                let mut block = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut block) {
                    let text = String::from_utf8_lossy(&block[..read]);
                    heard.0.lock().expect("no panic").push_str(&text);
                    heard.1.notify_all();
                }
            })
        };
        let readers = vec![reader(out), reader(err)];
        Running {
            child,
            heard,
            readers,
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is not reaped yet");
    }

    /// Waits until its output contains `text`.
    pub fn hear(&self, text: &str) {
        let (heard, changed) = &*self.heard;
        let heard = heard.lock().expect("no panic");
        let (heard, waited) = changed
            .wait_timeout_while(heard, LONG, |heard| !heard.contains(text))
            .expect("no panic");
        assert!(!waited.timed_out(), "never said {text:?}: {heard}");
    }

    /// Returns its output so far.
    pub fn heard(&self) -> String {
        self.heard.0.lock().expect("no panic").clone()
    }

    /// Waits for its end, and returns its exit code and all its output.
    pub fn end(mut self) -> (Option<i32>, String) {
        let status = wait::retry(Instant::now() + LONG, || {
            let status = self.child.try_wait().expect("it is ours");
            status.ok_or_else(|| format!("it hangs: {}", self.heard.0.lock().expect("no panic")))
        });
        for reader in std::mem::take(&mut self.readers) {
            reader.join().expect("a reader does not panic");
        }
        let heard = self.heard.0.lock().expect("no panic").clone();
        (status.code(), heard)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a test that succeeds it has exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
