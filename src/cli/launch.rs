//! `rehearsal launch`: the segments of a run as tasks of an engine, and their results as one run.

mod collect;
mod job;
mod kubernetes;
mod slurm;
mod ssh_parallel;

use std::path::Path;

use crate::report::{Output, WatchedPlace};

use super::args::{JobArgs, LaunchArgs, LaunchCommand};
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::watching::{WatchOptions, Watching};

use job::{Description, Engine, Job, Submission};

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
            perform(&engine, job, environment)
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
            perform(&engine, job, environment)
        }
        LaunchCommand::SshParallel {
            job,
            hosts,
            files,
            ssh,
        } => {
            let engine = ssh_parallel::SshParallel {
                hosts,
                files,
                ssh: ssh.as_deref(),
            };
            perform(&engine, job, environment)
        }
        LaunchCommand::Collect { directory } => {
            collect::collect(directory, environment).map(|it| it.exit)
        }
    }
}

/// Returns the places at which the job in this directory is watched; `None` if it has no job.
pub(super) fn published_at(directory: &Path) -> Result<Option<WatchedPlace>, CliError> {
    match Description::is_in(directory) {
        true => Description::read(directory).map(|it| Some(it.watched(directory))),
        false => Ok(None),
    }
}

fn perform(
    engine: &dyn Engine,
    args: &JobArgs,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    if args.live.address().is_some() && !args.submit {
        return Err(CliError::usage(
            "--live is for a job that is submitted here",
            "add --submit; or submit the job, then `rehearsal watch DIR --live`",
        ));
    }
    if args.submit && !engine.shares_directory() && args.nats.is_none() {
        if args.live.address().is_some() {
            return Err(CliError::usage(
                "--live: the hosts share no directory with this machine",
                "let the tasks publish at a NATS server: --nats nats://HOST:4222",
            ));
        }
        Output::new(anstream::stderr()).line(
            "Note: the hosts share no directory with this machine, so there are no live figures; \
             --nats nats://HOST:4222 publishes them",
        );
    }
    let job = &Job::new(args, environment)?;
    let description = job.write(engine)?;
    let mut out = Output::new(anstream::stdout());
    if !job.submit {
        out.line(&format!("Files:   {}", job.shown()));
        out.line(&format!("Submit:  {}", engine.submission(job)));
        out.line(&format!("Watch:   rehearsal watch {}", job.shown()));
        out.line(&format!(
            "Then:    rehearsal launch collect {}",
            job.shown()
        ));
        let printed = out.finish();
        printed.map_err(|error| CliError::standard_output("the commands", error))?;
        return Ok(Exit::Completed);
    }
    let options = WatchOptions {
        progress: args.progress,
        page: args.live.address(),
    };
    let place = description.watched(&job.directory);
    let watching = Watching::start(&place, &options, environment)?;
    let mut submission = Submission::new(job, watching, environment)?;
    let ended = engine.submit(job, &mut submission)?;
    let watching = submission.end();
    let collected = collect::collect(&job.directory, environment);
    let exit = match (ended, collected) {
        (job::End::Ended, Err(error)) => return Err(error),
        (job::End::Interrupted, Err(error)) => {
            // It is reported as far as it has come.
            Output::new(anstream::stderr()).line(&error.render());
            return Ok(Exit::Interrupted);
        }
        (ended, Ok(collected)) => {
            let locations = format!("Results: {}", collected.merged.display());
            watching.end(Some(&collected.head), &locations);
            match ended {
                job::End::Interrupted => Exit::Interrupted,
                job::End::Ended => collected.exit,
            }
        }
    };
    Ok(exit)
}
