//! What a portable executable says of itself, in numbers and names. Microsoft, "PE Format".

use std::collections::{BTreeMap, BTreeSet};

use object::LittleEndian as LE;
use object::pe;
use object::read::pe::{
    ExportTarget, ImageNtHeaders, ImageOptionalHeader, PeFile, PeFile32, PeFile64, ResourceDirectoryEntryData,
};

use super::version::Version;

type Result<T> = std::result::Result<T, String>;

/// A portable executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// IMAGE_FILE_MACHINE_….
    pub(crate) machine: pe::Machine,
    /// Seconds since 1970 that the linker wrote, 0 for none.
    pub(crate) timestamp: u32,
    /// IMAGE_FILE_….
    pub(crate) characteristics: pe::FileFlags,
    /// IMAGE_DLLCHARACTERISTICS_….
    pub(crate) dll_characteristics: pe::DllFlags,
    /// IMAGE_SUBSYSTEM_….
    pub(crate) subsystem: pe::Subsystem,
    /// The names that GetProcAddress finds, `#` and the ordinal for what has none.
    pub(crate) exports: BTreeSet<String>,
    /// The functions of each library needed at the start, the library in small letters.
    pub(crate) imports: BTreeMap<String, BTreeSet<String>>,
    /// Libraries that are loaded at the first call.
    pub(crate) delayed: BTreeSet<String>,
    /// Each section and its IMAGE_SCN_….
    pub(crate) sections: Vec<(String, pe::SectionFlags)>,
    /// Addresses that are adjusted where it is loaded somewhere else.
    pub(crate) relocations: usize,
    pub(crate) version: Option<Version>,
}

impl Facts {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        match object::read::pe::optional_header_magic(bytes).map_err(text)? {
            pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC => of(&PeFile32::parse(bytes).map_err(text)?),
            pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC => of(&PeFile64::parse(bytes).map_err(text)?),
            magic => Err(format!("neither PE32 nor PE32+: {magic:#06x}")),
        }
    }
}

fn of<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Result<Facts> {
    let (header, optional) = (file.nt_headers().file_header(), file.nt_headers().optional_header());
    let sections = file.section_table().iter().map(|section| {
        let name = section.name.iter().copied().take_while(|byte| *byte != 0).collect::<Vec<u8>>();
        (lossy(&name), section.characteristics.get(LE))
    });
    Ok(Facts {
        machine: header.machine.get(LE),
        timestamp: header.time_date_stamp.get(LE),
        characteristics: header.characteristics.get(LE),
        dll_characteristics: optional.dll_characteristics(),
        subsystem: optional.subsystem(),
        exports: exports(file)?,
        imports: imports(file)?,
        delayed: delayed(file)?,
        sections: sections.collect(),
        relocations: relocations(file)?,
        version: version(file)?,
    })
}

fn exports<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Result<BTreeSet<String>> {
    let Some(table) = file.export_table().map_err(text)? else { return Ok(BTreeSet::new()) };
    let exports = table.exports().map_err(text)?;
    // an ordinal that was left out has no address
    let there = exports.iter().filter(|export| !matches!(export.target, ExportTarget::Address(0)));
    Ok(there
        .map(|export| export.name.map_or_else(|| format!("#{}", export.ordinal), |name| plain(&lossy(name))))
        .collect())
}

fn imports<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let Some(table) = file.import_table().map_err(text)? else { return Ok(imports) };
    let mut descriptors = table.descriptors().map_err(text)?;
    while let Some(descriptor) = descriptors.next().map_err(text)? {
        let library = lossy(table.name(descriptor.name.get(LE)).map_err(text)?).to_lowercase();
        let functions = imports.entry(library).or_default();
        let lookup = Some(descriptor.original_first_thunk.get(LE)).filter(|address| *address != 0);
        let address = lookup.unwrap_or_else(|| descriptor.first_thunk.get(LE));
        let mut thunks = table.thunks(address).map_err(text)?;
        while let Some(thunk) = thunks.next::<Pe>().map_err(text)? {
            functions.insert(match table.import::<Pe>(thunk).map_err(text)? {
                object::read::pe::Import::Ordinal(number) => format!("#{number}"),
                object::read::pe::Import::Name(_, name) => lossy(name),
            });
        }
    }
    Ok(imports)
}

fn delayed<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Result<BTreeSet<String>> {
    let mut libraries = BTreeSet::new();
    let Some(table) = file.delay_load_import_table().map_err(text)? else { return Ok(libraries) };
    let mut descriptors = table.descriptors().map_err(text)?;
    while let Some(descriptor) = descriptors.next().map_err(text)? {
        libraries.insert(lossy(table.name(descriptor.dll_name_rva.get(LE)).map_err(text)?).to_lowercase());
    }
    Ok(libraries)
}

fn relocations<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Result<usize> {
    let sections = file.section_table();
    let blocks = file.data_directories().relocation_blocks(file.data(), &sections).map_err(text)?;
    let Some(mut blocks) = blocks else { return Ok(0) };
    let mut count = 0;
    while let Some(block) = blocks.next().map_err(text)? {
        // a block is padded with entries that adjust nothing
        count += block.filter(|entry| entry.typ != pe::IMAGE_REL_BASED_ABSOLUTE).count();
    }
    Ok(count)
}

/// The first version resource; a file has one.
fn version<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>) -> Result<Option<Version>> {
    let sections = file.section_table();
    let directory = file.data_directories().resource_directory(file.data(), &sections).map_err(text)?;
    let Some(directory) = directory else { return Ok(None) };
    let types = directory.root().map_err(text)?;
    let Some(entry) = types.entries.iter().find(|entry| entry.name_or_id().id() == Some(pe::RT_VERSION))
    else {
        return Ok(None);
    };
    let mut content = entry.data(directory).map_err(text)?;
    // below the type are the resource's name and then its language
    let place = loop {
        match content {
            ResourceDirectoryEntryData::Table(table) => {
                let entry = table.entries.first().ok_or("a folder of the resources is empty")?;
                content = entry.data(directory).map_err(text)?;
            }
            ResourceDirectoryEntryData::Data(place) => break place,
        }
    };
    let bytes = sections.pe_data_at(file.data(), place.offset_to_data.get(LE));
    let length = usize::try_from(place.size.get(LE)).map_err(text)?;
    let bytes = bytes.and_then(|bytes| bytes.get(..length)).ok_or("the version resource is cut off")?;
    Version::read(bytes).map(Some)
}

/// A name without the version that aws-lc has in all of its names.
fn plain(name: &str) -> String {
    let Some(versioned) = name.strip_prefix("aws_lc_") else { return name.to_owned() };
    let rest = versioned.trim_start_matches(|character: char| character.is_ascii_digit() || character == '_');
    format!("aws_lc_*_{rest}")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn text(cause: impl std::fmt::Display) -> String {
    cause.to_string()
}
