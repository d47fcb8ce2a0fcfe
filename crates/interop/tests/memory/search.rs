//! Searches the whole memory of another process for a secret, in every form it travels in.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

/// A place where a form of the secret was found.
#[derive(Debug)]
#[expect(dead_code, reason = "what a failure shows")]
pub(crate) struct Found {
    /// What was found.
    pub(crate) form: String,
    pub(crate) address: usize,
    /// The mapping it is in: a file, `[heap]`, `[stack]`, or nothing.
    pub(crate) mapping: String,
    /// The system keeps these pages in memory (`lo` of `VmFlags`).
    pub(crate) locked: bool,
    /// What stands around it, to find out who left it there.
    pub(crate) around: String,
}

/// A mapping of a process.
struct Mapping {
    from: usize,
    to: usize,
    name: String,
    used: bool,
    locked: bool,
}

/// How much of the secret counts as the secret: what is freed loses its first bytes to the allocator.
const WINDOW: usize = 6;
/// How much is read at a time; the parts overlap.
const PART: usize = 1 << 20;
/// Longer than any form.
const OVERLAP: usize = 64;

/// The places in a process's memory where the secret is.
pub(crate) fn search(pid: u32, secret: &str) -> Vec<Found> {
    let memory = File::open(format!("/proc/{pid}/mem")).expect("the memory; the test runs as root");
    let forms = forms(secret);
    let mut found = Vec::new();
    let mut searched = 0;
    for mapping in mappings(pid) {
        let mut at = mapping.from;
        while at < mapping.to {
            let mut part = vec![0; PART.min(mapping.to - at)];
            // Pages nobody may read ([vvar], guards) have nothing.
            let Ok(read) = memory.read_at(&mut part, at as u64) else { break };
            searched += read;
            collect(&part[..read], at, &mapping, &forms, &mut found);
            if read <= OVERLAP || at + read >= mapping.to {
                break;
            }
            at += read - OVERLAP;
        }
    }
    assert!(searched > 1 << 20, "only {searched} bytes were readable");
    found
}

fn collect(part: &[u8], at: usize, mapping: &Mapping, forms: &Forms, found: &mut Vec<Found>) {
    for (offset, _) in part.iter().enumerate().filter(|(_, byte)| forms.begins[usize::from(**byte)]) {
        let Some((form, _)) = forms.list.iter().find(|(_, bytes)| part[offset..].starts_with(bytes)) else {
            continue;
        };
        let around = &part[offset.saturating_sub(48)..(offset + 64).min(part.len())];
        found.push(Found {
            form: form.clone(),
            address: at + offset,
            mapping: mapping.name.clone(),
            locked: mapping.locked,
            around: around.escape_ascii().to_string(),
        });
    }
}

/// What is looked for.
struct Forms {
    list: Vec<(String, Vec<u8>)>,
    /// The bytes that begin one of them.
    begins: [bool; 256],
}

/// The beginning, the middle and the end of the secret as text, as UTF-16, and in hexadecimal.
fn forms(secret: &str) -> Forms {
    let bytes = secret.as_bytes();
    let middle = (bytes.len() - WINDOW) / 2;
    let mut list = Vec::new();
    for start in [0, middle, bytes.len() - WINDOW] {
        let part = &bytes[start..start + WINDOW];
        let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let wide: Vec<u8> = part.iter().flat_map(|byte| [*byte, 0]).collect();
        list.push((format!("text from {start}"), part.to_vec()));
        list.push((format!("UTF-16 from {start}"), wide));
        list.push((format!("hexadecimal from {start}"), hex.to_uppercase().into_bytes()));
        list.push((format!("hexadecimal from {start}"), hex.into_bytes()));
    }
    let mut begins = [false; 256];
    for (_, bytes) in &list {
        begins[usize::from(bytes[0])] = true;
    }
    Forms { list, begins }
}

/// The mappings that have anything: what is only reserved is neither in memory nor swapped out.
fn mappings(pid: u32) -> Vec<Mapping> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps")).expect("the mappings");
    let mut mappings: Vec<Mapping> = Vec::new();
    for line in text.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            if let Some(last) = mappings.last_mut() {
                last.locked = flags.split_whitespace().any(|flag| flag == "lo");
            }
            continue;
        }
        if let Some(size) = line.strip_prefix("Rss:").or_else(|| line.strip_prefix("Swap:")) {
            if let Some(last) = mappings.last_mut() {
                last.used |= !size.trim_start().starts_with("0 ");
            }
            continue;
        }
        let mut words = line.split_whitespace();
        let range = words.next().and_then(|range| range.split_once('-'));
        let number = |text| usize::from_str_radix(text, 16).ok();
        let Some((Some(from), Some(to))) = range.map(|(from, to)| (number(from), number(to))) else {
            continue;
        };
        let name = words.nth(4).unwrap_or_default().to_owned();
        mappings.push(Mapping { from, to, name, used: false, locked: false });
    }
    mappings.retain(|mapping| mapping.used);
    mappings
}
