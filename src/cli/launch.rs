//! `rehearsal launch`: the segments of a run as tasks of an engine, and their results as one run.

mod collect;
mod job;
mod kubernetes;
mod slurm;
mod ssh_parallel;

use std::path::Path;

use crate::report::{Output, WatchedPlace};

use super::args::{LaunchArgs, LaunchCommand};
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;

use job::{Description, Engine, Job};

/// Writes the job's files; submits it, waits, and reports, if that was asked for.
pub(super) fn launch(args: &LaunchArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    match &args.engine {
        LaunchCommand::Slurm {
            job,
            cpus_per_task,
            options,
        } => {
            let engine = slurm::Slurm {
                cpus_per_task: *cpus_per_task,
                options,
            };
            perform(&engine, &Job::new(job, environment)?, environment)
        }
        LaunchCommand::Kubernetes {
            job,
            image,
            volume_claim,
            namespace,
        } => {
            let engine = kubernetes::Kubernetes {
                image,
                volume_claim,
                namespace: namespace.as_deref(),
            };
            perform(&engine, &Job::new(job, environment)?, environment)
        }
        LaunchCommand::SshParallel { job, hosts, files } => {
            let engine = ssh_parallel::SshParallel { hosts, files };
            perform(&engine, &Job::new(job, environment)?, environment)
        }
        LaunchCommand::Collect { directory } => collect::collect(directory, environment),
    }
}

/// Returns the places at which the job in this directory is watched; `None` if it has no job.
pub(super) fn published_at(directory: &Path) -> Result<Option<WatchedPlace>, CliError> {
    match Description::is_in(directory) {
        true => Description::read(directory).map(|it| Some(it.watched(directory))),
        false => Ok(None),
    }
}

fn perform(engine: &dyn Engine, job: &Job, environment: &CliEnvironment) -> Result<Exit, CliError> {
    job.write(engine)?;
    let mut out = Output::new(anstream::stdout());
    if !job.submit {
        out.line(&format!("Files:   {}", job.shown()));
        out.line(&format!("Submit:  {}", engine.submission(job)));
        out.line(&format!(
            "Then:    rehearsal launch collect {}",
            job.shown()
        ));
        let printed = out.finish();
        printed.map_err(|error| CliError::standard_output("the commands", error))?;
        return Ok(Exit::Completed);
    }
    let ended = engine.submit(job, environment)?;
    let collected = collect::collect(&job.directory, environment);
    match ended {
        // What was interrupted is reported first.
        job::End::Interrupted => collected.map(|_| Exit::Interrupted),
        job::End::Ended => collected,
    }
}
