//! `cardmod container names`: what the drivers of this world call the containers of a PIV card.

use std::collections::BTreeMap;

use cardmod_default::piv::edge::{
    NameRule, NameSource, PivCard, PivError, Slot, SlotContent, container_name,
};
use clap::Args;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, table};
use crate::session::Desk;
use crate::verbs::piv::PivDesk;

/// `container names`.
#[derive(Args, Debug)]
pub(crate) struct NamesArgs {
    /// The driver whose names are wanted: inbox-piv (the one in Windows), yubico, opensc, cardmod
    /// [default: all of them]
    #[arg(long, value_name = "RULE")]
    rule: Option<NameRule>,
    /// Show the places without key and certificate too
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct NamesDocument {
    rules: Vec<RuleView>,
    containers: Vec<NamesRow>,
}

#[derive(Serialize)]
struct RuleView {
    rule: &'static str,
    /// `documented` by the driver's maker, or `observed` by others.
    evidence: String,
    text: &'static str,
    source: &'static str,
}

#[derive(Serialize)]
struct NamesRow {
    slot: String,
    /// By rule; a rule that names nothing is not there.
    names: BTreeMap<&'static str, String>,
}

/// Runs the verb.
pub(super) fn run(args: &NamesArgs, desk: Desk, out: Output) -> Result<(), Failure> {
    let mut desk = PivDesk::at(desk)?;
    let rules: Vec<NameRule> = args.rule.map_or_else(|| NameRule::ALL.to_vec(), |rule| vec![rule]);
    let atr = desk.atr();
    let all = args.all;
    let containers = desk.work(|card| names(card, &atr, &rules, all))?;
    let document = NamesDocument { rules: rules.iter().map(RuleView::new).collect(), containers };
    out.show(&document, || text(&document, &rules))
}

fn names(
    card: &mut PivCard<'_>,
    atr: &[u8],
    rules: &[NameRule],
    all: bool,
) -> Result<Vec<NamesRow>, PivError> {
    let (card_id, chuid) = (card.card_id(atr)?, card.chuid()?.unwrap_or_default());
    let map = card.container_map()?.map(|stored| stored.map);
    let source = NameSource { card_id, guid: chuid.guid, fasc_n: chuid.fascn, map: map.as_ref() };
    let slots: Vec<Slot> = Slot::all().collect();
    let views = card.slots_of(&slots)?;
    let named = |slot| map.as_ref().is_some_and(|map| map.by_slot(slot).is_some());
    let used = views.iter().filter(|view| all || view.content != SlotContent::Empty || named(view.slot));
    let row = |slot: Slot| {
        let name = |rule: &NameRule| Some((rule.label(), container_name(*rule, &source, slot)?));
        NamesRow { slot: slot.label(), names: rules.iter().filter_map(name).collect() }
    };
    Ok(used.map(|view| row(view.slot)).collect())
}

impl RuleView {
    fn new(rule: &NameRule) -> Self {
        let (text, source) = (rule.text(), rule.source());
        Self { rule: rule.label(), evidence: rule.evidence().to_string(), text, source }
    }
}

fn text(document: &NamesDocument, rules: &[NameRule]) -> String {
    let cell = |row: &NamesRow, rule: &NameRule| row.names.get(rule.label()).cloned().unwrap_or_default();
    let mut shown = match (document.containers.is_empty(), rules) {
        (true, _) => "no keys and certificates; --all names every place\n".to_owned(),
        (false, [rule]) => {
            let rows = document.containers.iter().map(|row| [row.slot.clone(), cell(row, rule)]);
            table(["place", "name"], rows.collect())
        }
        // One line a name: four of them do not fit beside each other.
        (false, _) => {
            let rows = document.containers.iter().flat_map(|row| {
                rules.iter().map(move |rule| [row.slot.clone(), rule.label().to_owned(), cell(row, rule)])
            });
            table(["place", "rule", "name"], rows.collect())
        }
    };
    for rule in &document.rules {
        shown += &format!("\n{} ({}): {}\n  source: {}\n", rule.rule, rule.evidence, rule.text, rule.source);
    }
    shown
}
