//! `cardmod container rebuild`: the container map made anew from what is on the card.

use std::path::PathBuf;

use cardmod_host::{RebuildAction, RebuildEntry, RebuildPlan};
use clap::Args;
use serde::Serialize;

use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::management::ManagementOptions;
use crate::output::{Output, table};
use crate::pins::PinAnswer;
use crate::report::purpose;
use crate::secrets::PinOptions;
use crate::session::{Desk, WithoutCard};

/// `container rebuild`.
#[derive(Args, Debug)]
pub(crate) struct RebuildArgs {
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Keep the map as it was in this file
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    pub(super) management: ManagementOptions,
}

#[derive(Serialize)]
struct PlanDocument {
    changes: bool,
    written: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    bytes_before: usize,
    bytes_after: usize,
    containers: Vec<EntryView>,
}

#[derive(Serialize)]
struct EntryView {
    index: u8,
    action: &'static str,
    name_before: Option<String>,
    name: Option<String>,
    default: bool,
    keys: Vec<KeyView>,
    certificates: Vec<&'static str>,
    remarks: Vec<String>,
}

#[derive(Serialize)]
struct KeyView {
    purpose: &'static str,
    bits: u32,
}

/// Runs the verb.
pub(super) fn run(args: &RebuildArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let mut pins = PinAnswer::new(&args.pin);
    let plan = desk.with_card(WithoutCard::Refuse, |session| {
        let plan = session.plan_rebuild()?;
        if let (Some(path), true) = (&args.backup, plan.changes() && !args.dry_run) {
            data::write(path, plan.before.as_deref().unwrap_or_default(), Sensitivity::Public)?;
        }
        if args.dry_run || !plan.changes() {
            return Ok(plan);
        }
        Ok(session.rebuild_map(&mut pins)?)
    })?;
    let document = PlanDocument::new(&plan, !args.dry_run && plan.changes());
    out.show(&document, || document.text())
}

impl PlanDocument {
    fn new(plan: &RebuildPlan, written: bool) -> Self {
        Self {
            changes: plan.changes(),
            written,
            problem: plan.problem.clone(),
            bytes_before: plan.before.as_ref().map_or(0, Vec::len),
            bytes_after: plan.after.len(),
            containers: plan.entries.iter().map(EntryView::from).collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(problem) = &self.problem {
            text.push_str(&format!("the container map cannot be read: {problem}\n"));
        }
        if !self.containers.is_empty() {
            let rows = self.containers.iter().map(EntryView::row).collect();
            text.push_str(&table(["no", "record", "container", "keys", "certificates", "why"], rows));
        }
        let sizes = format!("{} bytes, {} before", self.bytes_after, self.bytes_before);
        text.push_str(&match (self.changes, self.written) {
            (false, _) => "the container map is as it should be: nothing to write\n".to_owned(),
            (true, false) => format!("nothing was written; the new map would have {sizes}\n"),
            (true, true) => format!("the container map was written: {sizes}\n"),
        });
        text
    }
}

impl From<&RebuildEntry> for EntryView {
    fn from(entry: &RebuildEntry) -> Self {
        Self {
            index: entry.index.get(),
            action: match (entry.action, &entry.name) {
                (RebuildAction::Keep, None) => "none",
                (RebuildAction::Keep, Some(_)) => "keep",
                (RebuildAction::Repair, _) => "repair",
                (RebuildAction::Add, _) => "add",
                (RebuildAction::Clear, _) => "clear",
                _ => "other",
            },
            name_before: entry.name_before.clone(),
            name: entry.name.clone(),
            default: entry.default,
            keys: entry
                .keys
                .iter()
                .map(|(half, bits)| KeyView { purpose: purpose(*half), bits: *bits })
                .collect(),
            certificates: entry.certificates.iter().map(|half| purpose(*half)).collect(),
            remarks: entry.remarks.clone(),
        }
    }
}

impl EntryView {
    fn row(&self) -> [String; 6] {
        let list = |words: Vec<String>| if words.is_empty() { "-".to_owned() } else { words.join(", ") };
        let name = match (&self.name_before, &self.name) {
            (Some(before), Some(name)) if before != name => format!("{before} -> {name}"),
            (_, Some(name)) => name.clone(),
            (_, None) => "-".to_owned(),
        };
        [
            self.index.to_string(),
            self.action.to_owned(),
            format!("{name}{}", if self.default { " *" } else { "" }),
            list(self.keys.iter().map(|key| format!("{} {}", key.purpose, key.bits)).collect()),
            list(self.certificates.iter().map(|word| (*word).to_owned()).collect()),
            list(self.remarks.clone()),
        ]
    }
}
