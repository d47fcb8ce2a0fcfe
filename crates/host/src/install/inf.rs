//! The INF of a driver package: class SmartCard, a section for each processor, and sections for
//! installation without a card.
//!
//! Its form is that of Microsoft's sample: models for Windows Vista (`NTamd64`) and for Windows 7 and later
//! (`NTamd64.6.1`, over the driver `umpass`, which every smart card of plug and play has), and `DefaultInstall`
//! sections, which the certification kit demands. ARM64 came with Windows 10, so it has the later ones alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{
    CardKind, InstallError, Providers, SMART_CARDS, SMART_CARDS_32, check_hardware_id, check_kinds,
    check_own, listed, platform,
};
use crate::module::Processor;

/// The class SmartCard of devices.
const CLASS_GUID: &str = "{990A2BD7-E738-46c7-B26F-1CF8FB9F1391}";

/// A driver package for a card module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Who made it, as Windows shows it.
    pub maker: String,
    /// The kinds of cards.
    pub kinds: Vec<CardKind>,
    /// The plug and play ids of the cards.
    pub hardware_ids: Vec<String>,
    /// The module's file in the system folder (`System32`, `SysWOW64`), and the registered module.
    pub installed_as: String,
    /// The module's files in the package, one for each processor.
    pub files: Vec<PackageFile>,
    /// The catalogue with the package's signature.
    pub catalog: String,
    /// The providers to be registered.
    pub providers: Providers,
    /// The date of the driver.
    pub date: DriverDate,
    /// Its version.
    pub version: DriverVersion,
}

/// The module for one processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageFile {
    /// The processor.
    pub processor: Processor,
    /// The file's name in the package.
    pub name: String,
}

/// A date of `DriverVer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverDate {
    /// The year.
    pub year: u16,
    /// The month, counted from 1.
    pub month: u8,
    /// The day of the month, counted from 1.
    pub day: u8,
}

/// A version of `DriverVer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverVersion(pub [u16; 4]);

impl std::str::FromStr for DriverVersion {
    type Err = &'static str;

    /// Up to four numbers to 65535 with points between them; those left out are 0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut version = [0; 4];
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() > version.len() {
            return Err("a version has at most four numbers");
        }
        for (part, number) in parts.into_iter().zip(&mut version) {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *number = part
                .parse()
                .ok()
                .filter(|_| digits)
                .ok_or("a version is numbers up to 65535 with points between them")?;
        }
        Ok(Self(version))
    }
}

/// One processor's names within the INF.
struct Target<'a> {
    /// `amd64`
    platform: &'static str,
    file: &'a str,
    /// The module for 32-bit programs of a 64-bit Windows.
    file_32: Option<&'a str>,
}

impl Package {
    /// The INF's text, with lines ended as Windows ends them.
    ///
    /// # Errors
    /// [`InstallError`].
    pub fn inf(&self) -> Result<String, InstallError> {
        self.check()?;
        let targets = self.targets()?;
        let mut inf = String::new();
        self.head(&targets, &mut inf);
        for target in &targets {
            self.models(target, &mut inf);
            sections(target, &mut inf);
        }
        self.files(&targets, &mut inf);
        self.values(&targets, &mut inf);
        self.strings(&targets, &mut inf);
        Ok(inf.replace('\n', "\r\n"))
    }

    fn check(&self) -> Result<(), InstallError> {
        check_kinds(&self.kinds)?;
        check_own(&self.installed_as)?;
        let texts = [&self.maker, &self.installed_as, &self.catalog]
            .into_iter()
            .chain(self.kinds.iter().map(|kind| &kind.name))
            .chain(self.files.iter().map(|file| &file.name))
            .chain(self.providers.crypto.iter())
            .chain(self.providers.key_storage.iter());
        for text in texts {
            let bad = text.trim().is_empty() || text.contains(['"', '%']) || text.contains(char::is_control);
            if bad {
                return Err(InstallError::Text { text: text.clone() });
            }
        }
        for name in [&self.installed_as, &self.catalog].into_iter().chain(self.files.iter().map(|f| &f.name))
        {
            if name.contains(['\\', '/', ':', ',', ';', '=', '*', '?', '<', '>', '|']) {
                let reason = "it has characters that paths, INF files or Windows have a use for";
                return Err(InstallError::File { name: name.clone(), reason });
            }
        }
        if self.hardware_ids.is_empty() {
            return Err(InstallError::Nothing("a plug and play id"));
        }
        self.hardware_ids.iter().try_for_each(|id| check_hardware_id(id))
    }

    fn targets(&self) -> Result<Vec<Target<'_>>, InstallError> {
        let mut names = BTreeSet::new();
        let mut processors = Vec::new();
        for file in &self.files {
            let twice = |reason| InstallError::File { name: file.name.clone(), reason };
            if !names.insert(file.name.to_lowercase()) {
                return Err(twice("two processors have a file of this name; give one of them another"));
            }
            if processors.contains(&file.processor) {
                return Err(twice("its processor has a file already"));
            }
            processors.push(file.processor);
        }
        let of = |processor| self.files.iter().find(|file| file.processor == processor);
        let file_32 = of(Processor::X86).map(|file| file.name.as_str());
        let target = |processor| {
            let file_32 = file_32.filter(|_| processor != Processor::X86);
            Some(Target { platform: platform(processor)?, file: &of(processor)?.name, file_32 })
        };
        let order = [Processor::X86_64, Processor::X86, Processor::Arm64];
        let targets: Vec<_> = order.into_iter().filter_map(target).collect();
        if targets.is_empty() { Err(InstallError::Nothing("a file of the module")) } else { Ok(targets) }
    }

    fn head(&self, targets: &[Target<'_>], inf: &mut String) {
        let DriverDate { year, month, day } = self.date;
        let DriverVersion([a, b, c, d]) = self.version;
        let models: Vec<String> = targets.iter().flat_map(Target::models).collect();
        let catalog = quoted(&self.catalog);
        let _ = write!(
            inf,
            "; A card module for smart cards.\n\n[Version]\nSignature=\"$Windows NT$\"\nClass=SmartCard\n\
             ClassGuid={CLASS_GUID}\nProvider=%Maker%\nCatalogFile={catalog}\n\
             DriverVer={month:02}/{day:02}/{year:04},{a}.{b}.{c}.{d}\nPnpLockdown=1\n\n\
             [Manufacturer]\n%Maker%=Module,{}\n\n",
            models.join(",")
        );
    }

    fn models(&self, target: &Target<'_>, inf: &mut String) {
        for model in target.models() {
            let section = target.install_section(&model);
            let _ = writeln!(inf, "[Module.{model}]");
            for id in &self.hardware_ids {
                let _ = writeln!(inf, "%Device%={section},{id}");
            }
            inf.push('\n');
        }
    }

    fn files(&self, targets: &[Target<'_>], inf: &mut String) {
        inf.push_str("[SourceDisksNames]\n1=%Disk%\n\n[SourceDisksFiles]\n");
        for file in &self.files {
            let _ = writeln!(inf, "{}=1", quoted(&file.name));
        }
        inf.push('\n');
        let mut places = String::from("[DestinationDirs]\n");
        for target in targets {
            let platform = target.platform;
            self.copied(&format!("{platform}_CopyFiles"), target.file, inf);
            let _ = writeln!(places, "{platform}_CopyFiles=10,system32");
        }
        // One section, for every 64-bit Windows.
        if let Some(file) = targets.iter().find_map(|target| target.file_32) {
            self.copied("wow64_CopyFiles", file, inf);
            places.push_str("wow64_CopyFiles=10,syswow64\n");
        }
        inf.push_str(&places);
        inf.push('\n');
    }

    fn copied(&self, section: &str, file: &str, inf: &mut String) {
        let (target, source) = (quoted(&self.installed_as), quoted(file));
        let renamed = if self.installed_as.eq_ignore_ascii_case(file) { String::new() } else { source };
        let comma = if renamed.is_empty() { "" } else { "," };
        let _ = write!(inf, "[{section}]\n{target}{comma}{renamed}\n\n");
    }

    fn values(&self, targets: &[Target<'_>], inf: &mut String) {
        let with_32 = targets.iter().any(|target| target.file_32.is_some());
        for (section, suffix) in [("", ""), ("WOW64", "WOW64")].into_iter().take(1 + usize::from(with_32)) {
            let _ = writeln!(inf, "[AddReg{section}]");
            for (number, kind) in (1..).zip(&self.kinds) {
                let key = format!("%Card{number}{suffix}%");
                let _ = writeln!(inf, "HKLM,{key},\"ATR\",0x00000001,{}", listed(&kind.atr));
                let _ = writeln!(inf, "HKLM,{key},\"ATRMask\",0x00000001,{}", listed(&kind.mask));
                for (name, provider) in [
                    ("Crypto Provider", &self.providers.crypto),
                    ("Smart Card Key Storage Provider", &self.providers.key_storage),
                ] {
                    if let Some(provider) = provider {
                        let _ = writeln!(inf, "HKLM,{key},\"{name}\",0x00000000,\"{provider}\"");
                    }
                }
                let _ = writeln!(inf, "HKLM,{key},\"80000001\",0x00000000,%Module%");
            }
            let _ = write!(inf, "\n[DelReg{section}]\n");
            for number in 1..=self.kinds.len() {
                let _ = writeln!(inf, "HKLM,%Card{number}{suffix}%");
            }
            inf.push('\n');
        }
    }

    fn strings(&self, targets: &[Target<'_>], inf: &mut String) {
        let (maker, module) = (&self.maker, &self.installed_as);
        let device = &self.kinds[0].name;
        let _ = write!(
            inf,
            "[Strings]\nMaker=\"{maker}\"\nDisk=\"{maker} card module\"\nDevice=\"{device}\"\n\
             Module=\"{module}\"\n"
        );
        let with_32 = targets.iter().any(|target| target.file_32.is_some());
        for (number, kind) in (1..).zip(&self.kinds) {
            let name = &kind.name;
            let _ = writeln!(inf, "Card{number}=\"{SMART_CARDS}\\{name}\"");
            if with_32 {
                let _ = writeln!(inf, "Card{number}WOW64=\"{SMART_CARDS_32}\\{name}\"");
            }
        }
    }
}

impl Target<'_> {
    /// `NTamd64`, `NTamd64.6.1`
    fn models(&self) -> Vec<String> {
        let plain = format!("NT{}", self.platform);
        if self.platform == "arm64" { vec![plain] } else { vec![plain.clone(), format!("{plain}.6.1")] }
    }

    fn install_section(&self, model: &str) -> String {
        let later = if self.over_umpass(model) { "_61" } else { "" };
        format!("{}{later}_Install", self.platform)
    }

    fn over_umpass(&self, model: &str) -> bool {
        model.ends_with(".6.1") || self.platform == "arm64"
    }
}

/// What is done to install, with a card and without, and to remove.
fn sections(target: &Target<'_>, inf: &mut String) {
    let platform = target.platform;
    let (copied, added, deleted) = match target.file_32 {
        Some(_) => {
            (format!("{platform}_CopyFiles,wow64_CopyFiles"), "AddReg,AddRegWOW64", "DelReg,DelRegWOW64")
        }
        None => (format!("{platform}_CopyFiles"), "AddReg", "DelReg"),
    };
    for model in target.models() {
        let section = target.install_section(&model);
        let _ = write!(inf, "[{section}.NT]\nCopyFiles={copied}\nAddReg={added}\n");
        if !target.over_umpass(&model) {
            inf.push('\n');
            continue;
        }
        inf.push_str("Include=umpass.inf\nNeeds=UmPass\n\n");
        for part in ["Services", "HW", "CoInstallers", "Interfaces"] {
            let _ = write!(inf, "[{section}.NT.{part}]\nInclude=umpass.inf\nNeeds=UmPass.{part}\n\n");
        }
    }
    let _ = write!(
        inf,
        "[DefaultInstall.NT{platform}]\nCopyFiles={copied}\nAddReg={added}\n\n\
         [DefaultUninstall.NT{platform}]\nLegacyUninstall=1\nDelFiles={copied}\nDelReg={deleted}\n\n"
    );
}

/// A file's name; one with a blank or a letter of its own meaning in quotation marks.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.chars().all(plain) { name.to_owned() } else { format!("\"{name}\"") }
}

#[cfg(test)]
mod tests;
