//! The floor of a flow's cost: a bare loop over one `epoll` in one thread, which searches for fixed
//! texts at the end of the output and keeps nothing. Pipes only.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::event::epoll;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

#[derive(Parser)]
struct Options {
    #[arg(long)]
    role: String,
    /// Arguments that come first on the role's command line.
    #[arg(long, allow_hyphen_values = true)]
    word: Vec<String>,
    #[arg(long)]
    par: u64,
    #[arg(long)]
    flows: u64,
    #[arg(long)]
    rounds: u64,
    #[arg(long)]
    roles: u64,
    #[arg(long, default_value_t = 0)]
    delay_us: u64,
}

/// A running program and the state of its dialogue.
struct Session {
    flow: u64,
    role: u64,
    child: Child,
    input: ChildStdin,
    output: File,
    heard: Vec<u8>,
    /// The index of the next prompt.
    turn: usize,
}

/// Runs the flows and prints figures as a line of JSON.
pub fn perform(arguments: impl Iterator<Item = String>) {
    let options = Options::parse_from(["floor".to_owned()].into_iter().chain(arguments));
    let script = script(options.rounds);
    let reactor = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
    let (began, cpu) = (Instant::now(), own_cpu());
    let mut sessions: Vec<Option<Session>> = Vec::new();
    let mut next_flow = options.par.min(options.flows);
    for flow in 0..next_flow {
        let place = sessions.len();
        sessions.push(Some(start(&options, &reactor, place, flow, 0)));
    }
    let mut live = sessions.len();
    let mut ids = 0;
    while live > 0 {
        let mut events = [MaybeUninit::uninit(); 256];
        let (ready, _) = epoll::wait(&reactor, &mut events, None).expect("an event");
        for event in ready {
            let place = usize::try_from(event.data.u64()).expect("a place");
            let Some(session) = &mut sessions[place] else {
                continue;
            };
            if session.advance(&script, &mut ids) {
                continue;
            }
            epoll::delete(&reactor, &session.output).expect("what was added");
            let (flow, role) = (session.flow, session.role + 1);
            let status = session.child.wait().expect("our child");
            assert!(status.success());
            let next = if role < options.roles {
                Some((flow, role))
            } else if next_flow < options.flows {
                next_flow += 1;
                Some((next_flow - 1, 0))
            } else {
                None
            };
            sessions[place] = next.map(|(flow, role)| start(&options, &reactor, place, flow, role));
            live -= usize::from(next.is_none());
        }
    }
    let wall = began.elapsed().as_secs_f64();
    let cpu = (own_cpu() - cpu).as_secs_f64() * 1e6;
    let figures = json!({
        "driver": "floor",
        "par": options.par,
        "flows": options.flows,
        "ids": ids,
        "fails": 0,
        "wall_s": wall,
        "flows_s": options.flows as f64 / wall,
        "cpu_us_flow": cpu / options.flows as f64,
    });
    println!("{figures}");
}

/// Returns the end of each prompt and its answer.
fn script(rounds: u64) -> Vec<(&'static [u8], String)> {
    let mut turns: Vec<(&[u8], String)> = vec![
        (b"User: ", "alice\n".into()),
        (b"Password: ", "secret\n".into()),
    ];
    for round in 0..rounds {
        turns.push((b"(0-6): ", format!("{}\n", 1 + round % 6)));
        turns.push((b"continue...", "\n".into()));
    }
    turns.push((b"(0-6): ", "0\n".into()));
    turns
}

fn start(options: &Options, reactor: &OwnedFd, place: usize, flow: u64, role: u64) -> Session {
    let mut command = Command::new(&options.role);
    command.args(&options.word);
    if options.delay_us > 0 {
        command.args(["--delay-us", &options.delay_us.to_string()]);
    }
    command
        .args(["--seed", &format!("{}{role}", flow + 1)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("the role's program");
    let input = child.stdin.take().expect("a pipe");
    let output: OwnedFd = child.stdout.take().expect("a pipe").into();
    rustix::fs::fcntl_setfl(&output, rustix::fs::OFlags::NONBLOCK).expect("a pipe of ours");
    let data = epoll::EventData::new_u64(place as u64);
    epoll::add(reactor, output.as_fd(), data, epoll::EventFlags::IN).expect("room");
    Session {
        flow,
        role,
        child,
        input,
        output: output.into(),
        heard: Vec::new(),
        turn: 0,
    }
}

impl Session {
    /// Reads output and answers it; returns `false` once the dialogue is complete.
    fn advance(&mut self, script: &[(&[u8], String)], ids: &mut u64) -> bool {
        let mut buffer = [0; 16 << 10];
        match self.output.read(&mut buffer) {
            Ok(0) => return false,
            Ok(count) => self.heard.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            Err(error) => panic!("cannot read: {error}"),
        }
        let Some((prompt, answer)) = script.get(self.turn) else {
            return true;
        };
        if self.heard.ends_with(prompt) {
            *ids += u64::from(memchr::memmem::find(&self.heard, b"Order ID: ORD-").is_some());
            self.heard.clear();
            self.turn += 1;
            self.input.write_all(answer.as_bytes()).expect("a reader");
        }
        true
    }
}

fn own_cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.try_into().expect("a clock that began at zero")
}
