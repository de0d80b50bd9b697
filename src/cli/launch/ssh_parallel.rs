//! GNU parallel over ssh.
//!
//! Each task has a directory of its own on its host, into which the files are copied, and which is
//! removed when its results are back. A second script ends the tasks there by their process ids: if
//! GNU parallel itself were ended, so were the connections, and the results would stay there.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::cli::error::CliError;

use super::job::{End, Engine, Job, SEGMENTS, Submission, quoted};

/// The name of the script.
const SCRIPT: &str = "job.sh";

/// The name of the script that ends the tasks.
const STOP: &str = "stop.sh";

/// The name of the table that GNU parallel writes of the tasks.
const TASKS: &str = "tasks.log";

/// The signals to tasks here whose script is ended, and the times between them in ms: they can end
/// their programs, and report.
const SIGNALS_HERE: &str = "--termseq=TERM,60000,KILL,1000";

/// The signals to tasks whose connection is lost. GNU parallel's program there always takes as long.
const SIGNALS_THERE: &str = "--termseq=TERM,15000,KILL,1000";

/// The shell commands that end a task whose connection was lost before GNU parallel's program there,
/// which ends tasks when its parent is gone, has looked who that is.
const CONNECTED: &str = r#"up() ( grep PPid "/proc/$1/status" | tr -dc 0-9 ); it=$PPID; until grep -qs perl "/proc/$it/comm" || [ "$it" -le 1 ]; do it=$(up "$it"); done; [ "$(up "$it")" = 1 ] && exit 130"#;

/// The options of GNU parallel.
pub(super) struct SshParallel<'a> {
    pub hosts: &'a [String],
    pub files: &'a [PathBuf],
    pub ssh: Option<&'a str>,
}

impl SshParallel<'_> {
    /// Returns `true` if all tasks are on this machine.
    fn is_here(&self) -> Result<bool, CliError> {
        let here = self.hosts.iter().filter(|host| *host == ":").count();
        if here > 0 && here < self.hosts.len() {
            return Err(CliError::usage(
                "--hosts: results of `:` do not come back beside those of other hosts",
                "name this machine as ssh knows it, such as localhost, or `:` alone",
            ));
        }
        Ok(here > 0)
    }

    /// Returns the words that begin each command of GNU parallel.
    fn parallel(&self) -> Vec<String> {
        let mut parallel = vec![
            "parallel".to_owned(),
            "--will-cite".to_owned(),
            format!("--sshlogin={}", self.hosts.join(",")),
        ];
        parallel.extend(self.ssh.map(|ssh| format!("--ssh={ssh}")));
        parallel
    }
}

impl Engine for SshParallel<'_> {
    fn name(&self) -> &'static str {
        "ssh-parallel"
    }

    fn shares_directory(&self) -> bool {
        self.hosts.iter().all(|host| host == ":")
    }

    fn files(&self, job: &Job) -> Result<Vec<(&'static str, String)>, CliError> {
        let is_here = self.is_here()?;
        let program = match (&job.program, is_here) {
            (Some(program), _) => program.display().to_string(),
            (None, true) => job.own_program.display().to_string(),
            (None, false) => "rehearsal".to_owned(),
        };
        let mut arguments = job.arguments.clone();
        let copied = match is_here {
            true => Vec::new(),
            false => copied(job, self.files)?,
        };
        if let (Some(file), Some(copy)) = (&job.file, copied.first()) {
            let named = file.display().to_string();
            let there = copy.there.display().to_string();
            for argument in arguments.iter_mut().filter(|it| **it == named) {
                argument.clone_from(&there);
            }
        }
        let arguments = arguments.iter().map(String::as_str);
        let command = quoted([program.as_str(), "run"].into_iter().chain(arguments));
        // GNU parallel replaces `{}` by the segment's number, everywhere.
        let sources: String = copied.iter().map(ToString::to_string).collect();
        if command.contains('{') || sources.contains('{') {
            return Err(CliError::usage(
                "GNU parallel takes braces in the command for its own",
                "give such values in the scenario, and files other names",
            ));
        }
        // Other hosts do not see the job's directory.
        let directory = job.directory.display().to_string();
        let publishing = job.publishing(is_here.then_some(directory.as_str()));
        let publishing = quoted(publishing.iter().map(String::as_str));
        // Where results are copied, each task is in a directory of its own.
        let (place, results) = match is_here {
            true => (&job.home, quoted([job.path(SEGMENTS).as_str()])),
            false => (&job.directory, SEGMENTS.to_owned()),
        };
        let token = format!("rehearsal-{:016x}", fastrand::u64(..));
        let task = format!(
            "{command} --segment {{}}/{} --progress none --report none {publishing} \
             --save={results}/{{}}",
            job.segments
        );
        // The shell becomes the run, which keeps its process id.
        let with_id = format!("{CONNECTED}; echo $$ > {token}-{{}}.pid; exec {task}");
        let task = match is_here {
            true => task,
            false => quoted(["sh", "-c", with_id.as_str()]),
        };
        let mut parallel = self.parallel();
        parallel.extend([
            "--line-buffer".to_owned(),
            "--tag".to_owned(),
            match is_here {
                true => SIGNALS_HERE.to_owned(),
                false => SIGNALS_THERE.to_owned(),
            },
            // All segments at once: together they are the load.
            format!("--jobs={}", job.segments.div_ceil(self.hosts.len() as u64)),
            format!("--joblog={}", job.path(TASKS)),
        ]);
        if !is_here {
            parallel.extend([
                "--workdir=...".to_owned(),
                format!("--return={SEGMENTS}/{{}}"),
                "--cleanup".to_owned(),
            ]);
            parallel.extend(copied.iter().map(|copy| format!("--transferfile={copy}")));
        }
        let script = format!(
            "#!/bin/sh\ncd {place} || exit\nexec {parallel} {task} ::: $(seq {segments})\n",
            place = quoted([place.display().to_string().as_str()]),
            parallel = quoted(parallel.iter().map(String::as_str)),
            task = quoted([task.as_str()]),
            segments = job.segments,
        );
        let stop = (!is_here).then(|| (STOP, self.stop(&token)));
        Ok([(SCRIPT, script)].into_iter().chain(stop).collect())
    }

    fn submission(&self, job: &Job) -> String {
        quoted(["sh", job.path(SCRIPT).as_str()])
    }

    fn submit(&self, job: &Job, submission: &mut Submission<'_>) -> Result<End, CliError> {
        let stop = job.path(STOP);
        let stop: &[&str] = match self.is_here()? {
            true => &[],
            false => &["sh", &stop],
        };
        let ended = submission.run_until_stopped(&["sh", &job.path(SCRIPT)], stop)?;
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

impl SshParallel<'_> {
    /// Returns the script that ends the tasks on other hosts.
    fn stop(&self, token: &str) -> String {
        let end = format!(
            r#"for it in .parallel/tmp/*/{token}-*.pid; do [ -e "$it" ] && kill -TERM "$(cat "$it")" 2>/dev/null; done; :"#
        );
        let mut parallel = self.parallel();
        parallel.extend(["--nonall", "--jobs=0", "--timeout=20"].map(str::to_owned));
        parallel.push(quoted(["sh", "-c", end.as_str()]));
        let parallel = quoted(parallel.iter().map(String::as_str));
        format!("#!/bin/sh\n# Ends the tasks of {SCRIPT}, which report then.\nexec {parallel}\n")
    }
}

/// A file that is copied to the hosts.
struct Copied {
    /// The directory to which paths are relative here.
    base: PathBuf,
    /// The path below it, here and there.
    there: PathBuf,
}

impl fmt::Display for Copied {
    /// Formats the path as GNU parallel and rsync take it, with a mark where the relative part
    /// begins.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/./{}", self.base.display(), self.there.display())
    }
}

/// Returns the files for the hosts, first the scenario: paths below this directory stay as they are;
/// if the scenario is elsewhere, those below its directory.
fn copied(job: &Job, files: &[PathBuf]) -> Result<Vec<Copied>, CliError> {
    let find = |file: &Path| -> Result<PathBuf, CliError> {
        let failed = |error: io::Error| {
            let what = format_args!("cannot copy {}: {error}", file.display()).to_string();
            CliError::usage(what, "name files that are there")
        };
        let path = job.home.join(file);
        fs::metadata(&path).map_err(failed)?;
        let name = path.file_name().map(ToOwned::to_owned);
        let directory = path.parent().map_or(Path::new("/"), |it| it);
        let directory = directory.canonicalize().map_err(failed)?;
        Ok(name.map_or_else(|| directory.clone(), |name| directory.join(name)))
    };
    let home = job.home.canonicalize().unwrap_or_else(|_| job.home.clone());
    let all = job.file.iter().chain(files);
    let all: Vec<PathBuf> = all.map(|it| find(it)).collect::<Result<_, _>>()?;
    let base = match &job.file {
        Some(_) if !all[0].starts_with(&home) => {
            all[0].parent().unwrap_or(Path::new("/")).to_owned()
        }
        _ => home,
    };
    let below = |path: PathBuf| match path.strip_prefix(&base) {
        Ok(there)
            if there
                .components()
                .all(|it| matches!(it, Component::Normal(_))) =>
        {
            Ok(Copied {
                base: base.clone(),
                there: there.to_owned(),
            })
        }
        _ => Err(CliError::usage(
            format_args!("{} is not below {}", path.display(), base.display()),
            "give the command in a directory above all files: hosts have them below the tasks' directories",
        )),
    };
    all.into_iter().map(below).collect()
}

/// The end of a task that GNU parallel has written down.
pub(super) struct TaskEnd {
    pub host: String,
    pub code: i32,
}

/// Finds how the task of a segment has ended.
pub(super) fn task_end(directory: &Path, segment: u64) -> Option<TaskEnd> {
    let table = fs::read_to_string(directory.join(TASKS)).ok()?;
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split('\t');
        let number: u64 = columns.next()?.parse().ok()?;
        let host = columns.next()?.to_owned();
        let code = columns.nth(4)?.parse().ok()?;
        (number == segment).then_some(TaskEnd { host, code })
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// GNU parallel's program on the host is written in Perl; the connection is its parent.
    #[test]
    fn a_task_does_not_begin_without_its_connection() {
        if Command::new("perl").arg("-v").output().is_err() {
            eprintln!("skipped: there is no perl");
            return;
        }
        let task = format!("{CONNECTED}; echo begun");
        let directory = tempfile::tempdir().unwrap();
        let run = |perl: &str, shell: &str| {
            // The pipe closes once the last process has ended.
            let mut command = Command::new("sh");
            command.args(["-c", shell, "sh", perl, &task]);
            let output = command.current_dir(&directory).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let perl = r#"system("sh", "-c", $ARGV[0]); exit $? >> 8"#;
        let begun = run(perl, r#"perl -e "$1" "$2"; echo "code $?""#);
        assert_eq!(begun, "begun\ncode 0\n");
        let orphan = format!("select(undef, undef, undef, 0.01) until getppid == 1; {perl}");
        let alone = run(&orphan, r#"perl -e "$1" "$2" & kill -KILL $$"#);
        assert_eq!(alone, "");
    }
}
