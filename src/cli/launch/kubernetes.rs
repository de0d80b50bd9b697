//! Indexed Jobs of Kubernetes.
//!
//! A pod that ends with an exit code of Rehearsal has performed its segment, well or not, and is not
//! started again; one that was evicted, or whose node was lost, is.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::exit::Exit;

use super::job::{End, Engine, Job, SEGMENTS, Submission, quoted};
use super::slurm::word;

/// The name of the manifest, a list of a ConfigMap and a Job.
const MANIFEST: &str = "job.json";

/// The time between two questions for the job's state.
const PAUSE: Duration = Duration::from_secs(5);

/// The directories in a container.
const RESULTS: &str = "/results";
const SCENARIO: &str = "/scenario";

/// The options of Kubernetes.
pub(super) struct Kubernetes<'a> {
    pub image: &'a str,
    pub volume_claim: &'a str,
    pub namespace: Option<&'a str>,
}

impl Kubernetes<'_> {
    /// Returns the job's name, which the directory makes unique.
    fn job_name(job: &Job) -> String {
        let directory = job.directory.file_name().unwrap_or_default();
        let name = word(&format!("rehearsal-{}", directory.to_string_lossy()));
        name.to_lowercase()
    }

    fn manifest(&self, job: &Job) -> Result<Value, CliError> {
        let name = Self::job_name(job);
        let mut arguments = job.arguments.clone();
        let mut data = serde_json::Map::new();
        if let Some(file) = &job.file {
            let text = fs::read_to_string(file).map_err(|error| {
                CliError::system(format_args!("cannot read {}", file.display()), error)
            })?;
            data.insert("scenario.yaml".into(), text.into());
            let named = file.display().to_string();
            for argument in arguments.iter_mut().filter(|it| **it == named) {
                *argument = format!("{SCENARIO}/scenario.yaml");
            }
        }
        let program = job.program.as_ref();
        let program = program.map_or("rehearsal".into(), |it| it.display().to_string());
        let mut command = vec![program, "run".into()];
        command.extend(arguments);
        command.extend([
            "--segment".into(),
            format!("auto/{}", job.segments),
            "--quiet".into(),
        ]);
        command.extend(job.publishing(Some(RESULTS)));
        // Kubernetes itself replaces $(NAME) in arguments; segments count from 1 here, indices from 0
        // there, which only names the directory.
        command.push(format!(
            "--save={RESULTS}/{SEGMENTS}/$(JOB_COMPLETION_INDEX)"
        ));
        let codes: Vec<u8> = [
            Exit::SomeFailed,
            Exit::Usage,
            Exit::Internal,
            Exit::IntegrityViolated,
            Exit::ThresholdsCrossed,
        ]
        .map(Exit::code)
        .to_vec();
        let directory = job.directory.file_name().unwrap_or_default();
        let metadata = |name: &str| {
            let mut metadata =
                json!({"name": name, "labels": {"app.kubernetes.io/name": "rehearsal"}});
            if let Some(namespace) = self.namespace {
                metadata["namespace"] = namespace.into();
            }
            metadata
        };
        Ok(json!({
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": metadata(&name),
                    "data": data,
                },
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "metadata": metadata(&name),
                    "spec": {
                        "completionMode": "Indexed",
                        "completions": job.segments,
                        "parallelism": job.segments,
                        "backoffLimitPerIndex": 2,
                        "podFailurePolicy": {"rules": [{
                            "action": "FailIndex",
                            "onExitCodes": {"operator": "In", "values": codes},
                        }]},
                        "template": {
                            "metadata": {"labels": {"app.kubernetes.io/name": "rehearsal"}},
                            "spec": {
                                "restartPolicy": "Never",
                                "containers": [{
                                    "name": "rehearsal",
                                    "image": self.image,
                                    "command": command,
                                    "volumeMounts": [
                                        {
                                            "name": "results",
                                            "mountPath": RESULTS,
                                            "subPath": directory.to_string_lossy(),
                                        },
                                        {"name": "scenario", "mountPath": SCENARIO},
                                    ],
                                }],
                                "volumes": [
                                    {
                                        "name": "results",
                                        "persistentVolumeClaim": {"claimName": self.volume_claim},
                                    },
                                    {"name": "scenario", "configMap": {"name": name}},
                                ],
                            },
                        },
                    },
                },
            ],
        }))
    }

    /// Returns the words of a command of kubectl.
    fn kubectl<'w>(&'w self, words: &[&'w str]) -> Vec<&'w str> {
        let mut all = vec!["kubectl"];
        if let Some(namespace) = self.namespace {
            all.extend(["--namespace", namespace]);
        }
        all.extend(words);
        all
    }
}

impl Engine for Kubernetes<'_> {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn files(&self, job: &Job) -> Result<Vec<(&'static str, String)>, CliError> {
        let manifest = self.manifest(job)?;
        let text = serde_json::to_string_pretty(&manifest);
        let text =
            text.map_err(|error| CliError::system("cannot write the manifest", error.into()))?;
        Ok(vec![(MANIFEST, text + "\n")])
    }

    fn submission(&self, job: &Job) -> String {
        quoted(self.kubectl(&["apply", "--filename", job.path(MANIFEST).as_str()]))
    }

    fn submit(&self, job: &Job, submission: &mut Submission<'_>) -> Result<End, CliError> {
        let manifest = job.path(MANIFEST);
        let applied = submission.run(&self.kubectl(&["apply", "--filename", &manifest]))?;
        if applied.code != 0 {
            return Err(CliError::usage(
                "kubectl has not accepted the job",
                "its message is above",
            ));
        }
        let name = Self::job_name(job);
        let conditions = "jsonpath={.status.conditions[?(@.status==\"True\")].type}";
        let mut is_interrupted = applied.is_interrupted;
        while !is_interrupted {
            let state =
                submission.run(&self.kubectl(&["get", "job", &name, "--output", conditions]))?;
            let text = state.text();
            let is_over = text
                .split_whitespace()
                .any(|it| it == "Complete" || it == "Failed");
            if is_over {
                return Ok(End::Ended);
            }
            is_interrupted = state.is_interrupted || submission.pause(PAUSE);
        }
        submission.run(&self.kubectl(&["delete", "job", &name, "--wait=true"]))?;
        Ok(End::Interrupted)
    }
}
