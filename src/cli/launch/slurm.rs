//! Array jobs of Slurm.

use std::time::Duration;

use crate::cli::error::CliError;

use super::job::{End, Engine, Job, SEGMENTS, Submission, quoted};

/// The name of the batch script.
const SCRIPT: &str = "job.sbatch";

/// The time between two questions whether a cancelled job has ended.
const PAUSE: Duration = Duration::from_secs(1);

/// Questions before a cancelled job is given up: more than Slurm's KillWait of 30 seconds.
const QUESTIONS: usize = 90;

/// The options of Slurm.
pub(super) struct Slurm<'a> {
    pub cpus_per_task: Option<u64>,
    pub options: &'a [String],
}

impl Engine for Slurm<'_> {
    fn name(&self) -> &'static str {
        "slurm"
    }

    fn files(&self, job: &Job) -> Result<Vec<(&'static str, String)>, CliError> {
        let mut options = vec![
            format!("--job-name=rehearsal-{}", word(&job.scenario)),
            format!("--array=1-{}", job.segments),
            format!("--output={}", job.path("task-%a.log")),
            // A task that was requeued goes on in the same log.
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
            "--ntasks=1".to_owned(),
        ];
        options.extend(self.cpus_per_task.map(|it| format!("--cpus-per-task={it}")));
        options.extend(self.options.iter().cloned());
        if let Some(option) = options.iter().find(|it| it.contains('\n')) {
            return Err(CliError::usage(
                format_args!("{option:?} has a line break, which sbatch does not take"),
                "choose another directory or option",
            ));
        }
        let options: String = options.iter().map(|it| format!("#SBATCH {it}\n")).collect();
        let program = job.program.as_ref().unwrap_or(&job.own_program);
        let program = program.display().to_string();
        let words = [program.as_str(), "run"].into_iter();
        let words = words.chain(job.arguments.iter().map(String::as_str));
        let publishing = job.publishing(Some(&job.directory.display().to_string()));
        let script = format!(
            "#!/bin/sh\n{options}cd {home}\nexec {command} --segment auto --quiet {publishing} \
             --save={segments}/\"$SLURM_ARRAY_TASK_ID\"\n",
            home = quoted([job.home.display().to_string().as_str()]),
            command = quoted(words),
            publishing = quoted(publishing.iter().map(String::as_str)),
            segments = quoted([job.path(SEGMENTS).as_str()]),
        );
        Ok(vec![(SCRIPT, script)])
    }

    fn submission(&self, job: &Job) -> String {
        quoted(["sbatch", "--wait", job.path(SCRIPT).as_str()])
    }

    fn submit(&self, job: &Job, submission: &mut Submission<'_>) -> Result<End, CliError> {
        // With --wait its exit code is the highest of the tasks'.
        let ended = submission.run(&["sbatch", "--wait", "--parsable", &job.path(SCRIPT)])?;
        let output = ended.text();
        let id = output.lines().next().unwrap_or_default();
        let id = id.split(';').next().unwrap_or_default().trim().to_owned();
        if id.is_empty() {
            return Err(CliError::usage(
                "sbatch has not accepted the job",
                "its message is above; options for it: --sbatch=--partition=NAME",
            ));
        }
        if !ended.is_interrupted {
            return Ok(End::Ended);
        }
        submission.run(&["scancel", &id])?;
        for _ in 0..QUESTIONS {
            let left = submission.run(&["squeue", "--noheader", "--format=%i", "--jobs", &id])?;
            if left.code != 0 || left.text().trim().is_empty() || submission.pause(PAUSE) {
                break;
            }
        }
        Ok(End::Interrupted)
    }
}

/// Returns a name for Slurm and Kubernetes.
pub(super) fn word(name: &str) -> String {
    let kept = name.chars().map(|it| match it.to_ascii_lowercase() {
        it if it.is_ascii_alphanumeric() => it,
        _ => '-',
    });
    let word: String = kept.take(40).collect();
    word.trim_matches('-').to_owned()
}
