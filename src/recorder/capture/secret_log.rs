//! Recorded chunks with their secrets: what may go to the disk, and what has to be replaced there.

use std::collections::HashMap;
use std::ops::Range;

use crate::recorder::recording::{Chunk, ChunkEvent, TypedMode};
use crate::scenario::Masker;

use super::edited_line::EditedLine;
use super::keys::{self, Piece};
use super::masking::{MaskedStream, has_secret};

/// The length from which a secret is looked for in other texts. A shorter one is everywhere.
const MIN_MASKED: usize = 3;

fn is_maskable(text: &str) -> bool {
    text.chars().count() >= MIN_MASKED
}

/// Chunks for the disk.
#[derive(Debug, PartialEq)]
pub enum Captured {
    /// They follow the earlier ones.
    More(Vec<Chunk>),
    /// They replace all earlier ones, which have a secret that was not known as one.
    All(Vec<Chunk>),
}

/// A text that is treated as a secret, and may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubtfulSecret {
    pub number: usize,
    /// The text before the cursor when it was typed.
    pub prompt: String,
    /// The person could see it.
    pub was_shown: bool,
}

/// The texts of secrets by their numbers.
pub type SecretTexts = HashMap<usize, String>;

/// All that is classified, with the secrets that were found.
#[derive(Default)]
pub(super) struct SecretLog {
    /// Unmasked.
    entries: Vec<LogEntry>,
    secrets: Vec<KnownSecret>,
    masked: MaskedStream,
    /// The part that is not taken yet.
    safe: Vec<Chunk>,
    /// It replaces what was taken.
    replaces: bool,
}

struct LogEntry {
    chunk: Chunk,
    /// The keys of a typed secret.
    typed: Option<(Vec<u8>, TypedMode)>,
}

fn is_typed(entry: &LogEntry) -> bool {
    let event = &entry.chunk.event;
    matches!(
        event,
        ChunkEvent::Typed { .. } | ChunkEvent::TypedSecret { .. }
    )
}

fn ends_answer(entry: &LogEntry) -> bool {
    match &entry.chunk.event {
        ChunkEvent::Typed { bytes, .. } => bytes.iter().any(|it| matches!(it, b'\r' | b'\n')),
        ChunkEvent::TypedSecret { .. } => true,
        _ => false,
    }
}

struct KnownSecret {
    text: String,
    /// Other texts that the terminal has shown for it, with what was corrected.
    echoed: Vec<String>,
    state: SecretState,
}

impl KnownSecret {
    /// Returns the texts to mask.
    fn forms(&self) -> impl Iterator<Item = &str> {
        let forms = std::iter::once(&self.text).chain(&self.echoed);
        forms.map(String::as_str).filter(|it| is_maskable(it))
    }
}

/// The certainty that a text is a secret.
pub(super) enum SecretState {
    Sure,
    Doubtful {
        prompt: String,
        was_shown: bool,
    },
    /// The person has denied it, after this prompt.
    Denied {
        prompt: String,
    },
}

impl SecretLog {
    /// Adds a chunk; for a typed secret with the keys that were typed.
    pub(super) fn push(&mut self, chunk: Chunk, typed: Option<(Vec<u8>, TypedMode)>) {
        self.safe.extend(self.masked.push(chunk.clone()));
        self.entries.push(LogEntry { chunk, typed });
    }

    /// Takes in that nothing follows.
    pub(super) fn close(&mut self) {
        self.safe.extend(self.masked.finish());
    }

    /// Returns whether a text is known to be a secret.
    pub(super) fn is_sure(&self, text: &str) -> bool {
        let found = self.secrets.iter().find(|it| it.text == text);
        found.is_some_and(|it| matches!(it.state, SecretState::Sure))
    }

    /// Returns whether a secret begins with a text.
    pub(super) fn has_begun(&self, text: &str) -> bool {
        let mut secrets = self.secrets.iter();
        let is_secret = |it: &KnownSecret| !matches!(it.state, SecretState::Denied { .. });
        !text.is_empty() && secrets.any(|it| is_secret(it) && it.text.starts_with(text))
    }

    /// Returns the number of a secret, which is masked from here on.
    pub(super) fn learn(&mut self, line: &EditedLine, state: SecretState) -> usize {
        let text = line.text();
        let echoed = line.echoed().map(str::to_owned);
        if let Some(number) = self.secrets.iter().position(|it| it.text == text) {
            let known = &mut self.secrets[number].state;
            let mut is_new = matches!(known, SecretState::Denied { .. });
            if !matches!(known, SecretState::Sure) {
                *known = state;
            }
            let forms = &mut self.secrets[number].echoed;
            if let Some(echoed) = echoed.filter(|it| !forms.contains(it)) {
                forms.push(echoed);
                is_new = true;
            }
            if is_new {
                self.mask_again();
            }
            return number + 1;
        }
        self.secrets.push(KnownSecret {
            text: text.to_owned(),
            echoed: echoed.into_iter().collect(),
            state,
        });
        let masker = self.masker();
        let of_new = self.secrets.last().into_iter().flat_map(KnownSecret::forms);
        let of_new = Masker::new(of_new);
        if has_secret(&of_new, self.entries.iter().map(|it| &it.chunk)) {
            self.mask_again();
        } else {
            self.masked.set_masker(masker);
        }
        self.secrets.len()
    }

    fn masker(&self) -> Masker {
        let known = self.secrets.iter();
        let known = known.filter(|it| !matches!(it.state, SecretState::Denied { .. }));
        Masker::new(known.flat_map(KnownSecret::forms))
    }

    /// Masks everything again with the secrets that are known by now.
    fn mask_again(&mut self) {
        self.masked = MaskedStream::new(self.masker());
        self.safe.clear();
        for entry in &self.entries {
            self.safe.extend(self.masked.push(entry.chunk.clone()));
        }
        self.replaces = true;
    }

    /// Takes the last typed bytes out of what is recorded.
    pub(super) fn retract(&mut self, mut count: usize) {
        for entry in self.entries.iter_mut().rev() {
            if count == 0 {
                break;
            }
            if let ChunkEvent::Typed { bytes, .. } = &mut entry.chunk.event {
                let kept = bytes.len().saturating_sub(count);
                count = count.saturating_sub(bytes.len());
                bytes.truncate(kept);
            }
        }
        let is_empty = |event: &ChunkEvent| matches!(event, ChunkEvent::Typed { bytes, .. } if bytes.is_empty());
        self.entries.retain(|it| !is_empty(&it.chunk.event));
        self.mask_again();
    }

    /// Takes the last answer for a secret. Returns whether there is one.
    pub(super) fn declare_last(&mut self) -> bool {
        let mut end = self.entries.len();
        while let Some(last) = self.entries[..end].iter().rposition(is_typed) {
            if let ChunkEvent::TypedSecret { number } = self.entries[last].chunk.event {
                if let Some(secret) = self.secrets.get_mut(number - 1) {
                    secret.state = SecretState::Sure;
                }
                return true;
            }
            let before = self.entries[..last].iter().rposition(ends_answer);
            let first = before.map_or(0, |it| it + 1);
            let answer = self.typed_text(first..last + 1);
            if let Some(text) = answer.filter(|it| !it.is_empty()) {
                self.replace_answer(first..last + 1, &text);
                return true;
            }
            // Only Enter.
            end = first;
        }
        false
    }

    /// Returns what these entries have typed, or nothing if keys had other effects.
    fn typed_text(&self, entries: Range<usize>) -> Option<EditedLine> {
        let mut line = EditedLine::default();
        for entry in &self.entries[entries] {
            let ChunkEvent::Typed { bytes, .. } = &entry.chunk.event else {
                continue;
            };
            for piece in keys::pieces(bytes) {
                match piece {
                    Piece::Text { text, .. } => text.iter().for_each(|byte| line.push(*byte)),
                    Piece::Control(b"\r" | b"\n" | b"\t") => {}
                    Piece::Control(_) => return None,
                }
            }
        }
        Some(line)
    }

    /// Puts a secret in the place of the keys that were typed.
    fn replace_answer(&mut self, entries: Range<usize>, text: &EditedLine) {
        let mut typed = Vec::new();
        let mut place = None;
        for (entry, index) in self.entries[entries.clone()].iter().zip(entries.clone()) {
            if let ChunkEvent::Typed { bytes, mode } = &entry.chunk.event {
                typed.extend_from_slice(bytes);
                place.get_or_insert((index, *mode));
            }
        }
        let Some((first, mode)) = place else { return };
        let number = self.learn(text, SecretState::Sure);
        let secret = LogEntry {
            chunk: Chunk {
                at: self.entries[first].chunk.at,
                event: ChunkEvent::TypedSecret { number },
            },
            typed: Some((typed, mode)),
        };
        let rest = self.entries.split_off(first + 1);
        let (answer, later) = (rest, entries.end - first - 1);
        self.entries[first] = secret;
        let kept = answer.into_iter().zip(0..);
        let kept = kept.filter(|(entry, index)| *index >= later || !is_typed(entry));
        self.entries.extend(kept.map(|(entry, _)| entry));
        self.mask_again();
    }

    /// Takes what may go to the disk.
    pub(super) fn take(&mut self) -> Captured {
        let safe = std::mem::take(&mut self.safe);
        match std::mem::take(&mut self.replaces) {
            true => Captured::All(safe),
            false => Captured::More(safe),
        }
    }

    /// Returns the texts about which the person is to be asked.
    pub(super) fn doubtful(&self) -> Vec<DoubtfulSecret> {
        let all = self.secrets.iter().zip(1..);
        let doubtful = all.filter_map(|(secret, number)| match &secret.state {
            SecretState::Doubtful { prompt, was_shown } => Some(DoubtfulSecret {
                number,
                prompt: prompt.clone(),
                was_shown: *was_shown,
            }),
            SecretState::Sure | SecretState::Denied { .. } => None,
        });
        doubtful.collect()
    }

    /// Returns the prompts after which the person typed something that seemed a secret and is none.
    pub(super) fn plain_prompts(&self) -> Vec<String> {
        let prompts = self.secrets.iter().filter_map(|it| match &it.state {
            SecretState::Denied { prompt } => Some(prompt.clone()),
            SecretState::Sure | SecretState::Doubtful { .. } => None,
        });
        prompts.collect()
    }

    /// Takes in the person's answer about a doubtful secret.
    pub(super) fn answer(&mut self, number: usize, is_secret: bool) {
        let Some(secret) = number
            .checked_sub(1)
            .and_then(|it| self.secrets.get_mut(it))
        else {
            return;
        };
        if is_secret {
            secret.state = SecretState::Sure;
            return;
        }
        let prompt = match &secret.state {
            SecretState::Doubtful { prompt, .. } | SecretState::Denied { prompt } => prompt.clone(),
            SecretState::Sure => return,
        };
        secret.state = SecretState::Denied { prompt };
        for entry in &mut self.entries {
            if entry.chunk.event == (ChunkEvent::TypedSecret { number })
                && let Some((bytes, mode)) = entry.typed.take()
            {
                entry.chunk.event = ChunkEvent::Typed { bytes, mode };
            }
        }
        let is_over = matches!(
            self.entries.last().map(|it| &it.chunk.event),
            Some(ChunkEvent::Exited(_))
        );
        self.mask_again();
        if is_over {
            self.close();
        }
    }

    /// Returns all chunks, masked, and the texts of the secrets.
    pub(super) fn finish(mut self) -> (Vec<Chunk>, SecretTexts) {
        self.mask_again();
        self.close();
        let texts = self.secrets.into_iter().zip(1..);
        let texts = texts.filter(|(it, _)| !matches!(it.state, SecretState::Denied { .. }));
        let texts = texts.map(|(it, number)| (number, it.text));
        (self.safe, texts.collect())
    }
}
