//! GNU parallel over ssh.

use std::path::PathBuf;

use crate::cli::error::CliError;

use super::job::{End, Engine, Job, SEGMENTS, Submission, quoted};

/// The name of the script.
const SCRIPT: &str = "job.sh";

/// The options of GNU parallel.
pub(super) struct SshParallel<'a> {
    pub hosts: &'a [String],
    pub files: &'a [PathBuf],
}

impl Engine for SshParallel<'_> {
    fn name(&self) -> &'static str {
        "ssh-parallel"
    }

    fn shares_directory(&self) -> bool {
        self.hosts.iter().all(|host| host == ":")
    }

    fn files(&self, job: &Job) -> Result<Vec<(&'static str, String)>, CliError> {
        let is_here = self.shares_directory();
        let program = match (&job.program, is_here) {
            (Some(program), _) => program.display().to_string(),
            (None, true) => job.own_program.display().to_string(),
            (None, false) => "rehearsal".to_owned(),
        };
        let arguments = job.arguments.iter().map(String::as_str);
        let words = [program.as_str(), "run"].into_iter().chain(arguments);
        // GNU parallel replaces `{}` by the segment's number, everywhere.
        let command = quoted(words);
        if command.contains('{') {
            return Err(CliError::usage(
                "GNU parallel takes braces in the command for its own",
                "give such values in the scenario",
            ));
        }
        // Other hosts do not see the job's directory.
        let directory = job.directory.display().to_string();
        let publishing = job.publishing(is_here.then_some(directory.as_str()));
        let publishing = quoted(publishing.iter().map(String::as_str));
        let command = format!(
            "{command} --segment {{}}/{} --progress none --report none {publishing} \
             --save={SEGMENTS}/{{}}",
            job.segments
        );
        let mut parallel = vec![
            "parallel".to_owned(),
            "--will-cite".to_owned(),
            "--line-buffer".to_owned(),
            "--tag".to_owned(),
            // All segments at once: together they are the load.
            format!("--jobs={}", job.segments.div_ceil(self.hosts.len() as u64)),
            format!("--sshlogin={}", self.hosts.join(",")),
            format!("--joblog={}", job.path("tasks.log")),
        ];
        if !is_here {
            parallel.push("--workdir=...".into());
            parallel.push(format!("--return={SEGMENTS}/{{}}"));
            parallel.push("--cleanup".into());
            let files = job.file.iter().chain(self.files);
            parallel.extend(files.map(|file| format!("--basefile={}", file.display())));
        }
        let numbers = format!("$(seq {})", job.segments);
        // Here the scenario is found from where the command was given.
        let (place, command) = match is_here {
            false => (job.home.display().to_string(), command),
            true => (
                job.home.display().to_string(),
                command.replace(
                    &format!("--save={SEGMENTS}/"),
                    &format!("--save={}/", quoted([job.path(SEGMENTS).as_str()])),
                ),
            ),
        };
        let words = parallel.iter().map(String::as_str);
        let script = format!(
            "#!/bin/sh\ncd {place} || exit\nexec {parallel} {command} ::: {numbers}\n",
            place = quoted([place.as_str()]),
            parallel = quoted(words),
            command = quoted([command.as_str()]),
        );
        Ok(vec![(SCRIPT, script)])
    }

    fn submission(&self, job: &Job) -> String {
        quoted(["sh", job.path(SCRIPT).as_str()])
    }

    fn submit(&self, job: &Job, submission: &mut Submission<'_>) -> Result<End, CliError> {
        let ended = submission.run(&["sh", &job.path(SCRIPT)])?;
        // Its exit code is the number of tasks that failed; 127: there is no such program.
        if ended.code == 127 {
            return Err(CliError::usage(
                "GNU parallel is not installed",
                "install the package `parallel`",
            ));
        }
        Ok(match ended.is_interrupted {
            true => End::Interrupted,
            false => End::Ended,
        })
    }
}
