//! Indexed Jobs of Kubernetes.
//!
//! A pod that ends with an exit code of Rehearsal has performed its segment, well or not, and is not
//! started again; one that was evicted, or whose node was lost, is.
//!
//! Rules of Kubernetes that can be checked here are: a server refuses the others only when the job is
//! submitted, and some of them never, with pods that wait for ever.

mod names;

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::exit::Exit;

use super::job::{End, Engine, Job, SEGMENTS, Submission, quoted};
/// The name of the manifest, a list of a ConfigMap and a Job.
const MANIFEST: &str = "job.json";

/// The time between two questions for the job's state.
const PAUSE: Duration = Duration::from_secs(5);

/// Questions in a row that may fail.
const MAX_FAILURES: usize = 12;

/// The directories in a container.
const RESULTS: &str = "/results";
const SCENARIO: &str = "/scenario";

/// The name of the scenario's file there.
const SCENARIO_FILE: &str = "scenario.yaml";

/// The bytes that a ConfigMap can have.
const MAX_CONFIG_MAP: usize = 1 << 20;

/// The time after which the server removes a job that has ended, with the logs of its pods: a week.
const KEPT_SECONDS: u32 = 7 * 24 * 3600;

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
        names::job_name(&directory.to_string_lossy())
    }

    /// Refuses what a server would refuse, or what would let pods wait for ever.
    fn check(&self) -> Result<(), CliError> {
        if let Some(namespace) = self.namespace
            && !names::is_label(namespace)
        {
            return Err(CliError::usage(
                format_args!("--namespace {namespace:?} is no name of a namespace"),
                "they have up to 63 lower-case letters, digits and `-`, with a letter or digit at both ends",
            ));
        }
        if !names::is_subdomain(self.volume_claim) {
            return Err(CliError::usage(
                format_args!(
                    "--volume-claim {:?} is no name of a claim",
                    self.volume_claim
                ),
                "they have lower-case letters, digits, `-` and `.`, with a letter or digit at both ends",
            ));
        }
        if !names::is_image(self.image) {
            return Err(CliError::usage(
                format_args!("--image {:?} is no name of an image", self.image),
                "such a name is registry/path:tag, with a path in lower case",
            ));
        }
        Ok(())
    }

    fn manifest(&self, job: &Job) -> Result<Value, CliError> {
        self.check()?;
        let name = Self::job_name(job);
        let mut arguments = job.arguments.clone();
        let mut data = serde_json::Map::new();
        if let Some(file) = &job.file {
            let text = fs::read_to_string(file).map_err(|error| {
                CliError::system(format_args!("cannot read {}", file.display()), error)
            })?;
            if text.len() > MAX_CONFIG_MAP {
                return Err(CliError::usage(
                    format_args!(
                        "{} has {} bytes, and a ConfigMap takes {MAX_CONFIG_MAP}",
                        file.display(),
                        text.len()
                    ),
                    "move tables of data to files in the image",
                ));
            }
            data.insert(SCENARIO_FILE.into(), text.into());
            let named = file.display().to_string();
            for argument in arguments.iter_mut().filter(|it| **it == named) {
                *argument = format!("{SCENARIO}/{SCENARIO_FILE}");
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
        // Kubernetes itself replaces $(NAME) in arguments, and takes $$ for one $.
        for word in &mut command {
            *word = word.replace('$', "$$");
        }
        // Segments count from 1 here, indices from 0 there, which only names the directory.
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
                        "ttlSecondsAfterFinished": KEPT_SECONDS,
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
                                        // Alone, so that the image can have other files beside it.
                                        {
                                            "name": "scenario",
                                            "mountPath": format!("{SCENARIO}/{SCENARIO_FILE}"),
                                            "subPath": SCENARIO_FILE,
                                        },
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
        quoted(self.kubectl(&["create", "--filename", job.path(MANIFEST).as_str()]))
    }

    fn submit(&self, job: &Job, submission: &mut Submission<'_>) -> Result<End, CliError> {
        let manifest = job.path(MANIFEST);
        // `apply` would take a job of the same name for this one, and a scenario only up to 256 KiB.
        let created = submission.run(&self.kubectl(&["create", "--filename", &manifest]))?;
        if created.code != 0 {
            return Err(CliError::usage(
                "kubectl has not accepted the job",
                "its message is above",
            ));
        }
        let name = Self::job_name(job);
        let question = [
            "get",
            "job",
            name.as_str(),
            "--ignore-not-found",
            "--output",
            "jsonpath={.metadata.name} {.status.conditions[?(@.status==\"True\")].type}",
        ];
        let mut failures = 0;
        let mut is_interrupted = created.is_interrupted;
        while !is_interrupted {
            let state = submission.run(&self.kubectl(&question))?;
            failures = if state.code == 0 { 0 } else { failures + 1 };
            if failures == MAX_FAILURES {
                return Err(CliError::usage(
                    "kubectl cannot tell the state of the job",
                    format_args!(
                        "its message is above; once the job has ended: rehearsal launch collect {}",
                        job.shown()
                    ),
                ));
            }
            let text = state.text();
            // Someone may have deleted it.
            let is_gone = state.code == 0 && text.trim().is_empty();
            let is_over = text
                .split_whitespace()
                .any(|it| it == "Complete" || it == "Failed");
            if is_over || is_gone {
                // The job stays for the logs of its pods, until the server removes it.
                submission.run(&self.kubectl(&["delete", "configmap", &name]))?;
                return Ok(End::Ended);
            }
            is_interrupted = state.is_interrupted || submission.pause(PAUSE);
        }
        submission.run(&self.kubectl(&["delete", "--filename", &manifest, "--wait=true"]))?;
        Ok(End::Interrupted)
    }
}
