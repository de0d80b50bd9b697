//! Arguments of runs that an engine shares out among machines.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Subcommand;

use super::Progress;
use super::live::LiveArgs;
use super::values::count;

pub(super) const HELP: &str = "Examples:
  rehearsal launch slurm --segments 8 --submit -- run my.yaml --flows 8000 --parallel 400
      an array job of 8 tasks; waits, merges, reports as one run
  rehearsal launch kubernetes --segments 8 --image registry/rehearsal:1 --volume-claim results \\
      -- run my.yaml --rate 100/s --duration 10m
      writes the manifest of an Indexed Job, and says how to submit it
  rehearsal launch ssh-parallel --segments 4 --hosts a,b,c,d --submit -- run my.yaml --flows 400
      GNU parallel over ssh
  rehearsal launch slurm --segments 8 --submit --live -- run my.yaml --flows 8000 --parallel 400
      with a live page of all segments together
  rehearsal watch launch-20261128-120000
      the same from elsewhere, while the job goes on
  rehearsal launch collect launch-20261128-120000
      merges what a job has left, once it has ended";

/// The options of `launch`.
#[derive(Debug, clap::Args)]
pub struct LaunchArgs {
    #[command(subcommand)]
    pub engine: LaunchCommand,
}

/// The engine that runs the segments, or the collection of their results.
#[derive(Debug, Subcommand)]
pub enum LaunchCommand {
    /// As an array job of Slurm; the directory has to be on a file system that all nodes share
    Slurm {
        #[command(flatten)]
        job: JobArgs,
        /// Processors for each task
        #[arg(long, value_name = "N", value_parser = count)]
        cpus_per_task: Option<u64>,
        /// A further option of sbatch, such as --partition=load; may be repeated
        #[arg(long = "sbatch", value_name = "OPTION", allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// As an Indexed Job of Kubernetes (1.29 or newer); results go to a volume that this machine sees
    Kubernetes {
        #[command(flatten)]
        job: JobArgs,
        /// The container image, with rehearsal and the programs of the scenario
        #[arg(long, value_name = "IMAGE")]
        image: String,
        /// The claim of the volume for results, which is mounted here as --into
        #[arg(long, value_name = "NAME")]
        volume_claim: String,
        /// The namespace [default: that of kubectl's context]
        #[arg(long, value_name = "NAME")]
        namespace: Option<String>,
    },
    /// On these hosts by GNU parallel over ssh; files are copied there and back
    SshParallel {
        #[command(flatten)]
        job: JobArgs,
        /// The hosts, as ssh knows them, or user@host:port; `:` alone is this machine
        #[arg(long, value_name = "HOST,…", value_delimiter = ',', required = true)]
        hosts: Vec<String>,
        /// A further file for the hosts, beside the scenario; may be repeated
        #[arg(long = "file", value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The ssh command with its options, such as 'ssh -i ~/.ssh/load'; paths are absolute [default: ssh]
        #[arg(long, value_name = "COMMAND")]
        ssh: Option<String>,
    },
    /// Merge the results of a job that has ended, and report them as one run
    Collect {
        /// The directory that `launch` has made
        directory: PathBuf,
    },
}

/// The options of all engines.
#[derive(Debug, Clone, clap::Args)]
pub struct JobArgs {
    /// The number of segments, each of which is one task
    #[arg(long, value_name = "N", value_parser = count)]
    pub segments: u64,
    /// The new directory for the job's files and results [default: launch-… among the results]
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Submit the job, wait for its end, merge, and report; without it the files are only written
    #[arg(long)]
    pub submit: bool,
    #[command(flatten)]
    pub live: LiveArgs,
    /// Publish the tasks' live figures at this NATS server, too: nats://HOST:4222, or with the run's
    /// name, nats://HOST:4222/NAME [default: that of the job's directory]. For hosts that share no
    /// directory, it is the only way. A name and password come from $NATS_USER and $NATS_PASSWORD
    #[arg(long, value_name = "URL")]
    pub nats: Option<String>,
    /// Display of the progress of all segments together: bars on a terminal and plain lines elsewhere
    /// (auto), bars, plain lines, or notices only
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub progress: Progress,
    /// The rehearsal program there [default: this program, or `rehearsal` where files are copied]
    #[arg(long, value_name = "PATH")]
    pub program: Option<PathBuf>,
    /// The command: `run` with its options
    #[arg(last = true, required = true, value_name = "run …")]
    pub command: Vec<OsString>,
}
