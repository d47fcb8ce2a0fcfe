//! The logical files of a PIV card, none of which it has: identity, counters, applications and container map
//! are made up when they are read; certificates are the slots' certificate objects, plain DER.

use cardmod_iso7816::tlv::{Tag, Writer};
use cardmod_piv::{Certificate, CertificateForm, Slot, SlotKey};
use cardmod_sdk::{CardContext, FileWriting, Result, Status};
use cardmod_types::{
    CardCf, ContainerIndex, ContainerMap, DirectoryAccess, DirectoryName, FileAccess, FileInfo, FileName,
    FilePath, KeyHalf, certificate,
};

use super::stored::Kept;
use super::{PivModule, answer, places, proof, stored, view};

/// The one application: position 0, eight bytes.
const CARDAPPS: [u8; 8] = *b"mscp\0\0\0\0";
/// Tag of the certificate in its object.
const CERTIFICATE: Tag = Tag::new(0x70);

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    CardId,
    CardCf,
    CardApps,
    ContainerMap,
    Certificate(KeyHalf, ContainerIndex),
}

impl File {
    /// # Errors
    /// [`Status::DirectoryNotFound`], [`Status::FileNotFound`].
    fn at(path: &FilePath) -> Result<Self> {
        let known = [
            (FilePath::cardid(), Self::CardId),
            (FilePath::cardcf(), Self::CardCf),
            (FilePath::cardapps(), Self::CardApps),
            (FilePath::cmapfile(), Self::ContainerMap),
        ];
        if let Some((_, file)) = known.into_iter().find(|(known, _)| known == path) {
            return Ok(file);
        }
        if path.directory.is_some() && path.directory != FilePath::cmapfile().directory {
            return Err(Status::DirectoryNotFound);
        }
        let certified = path.name.certified_key().filter(|_| path.directory.is_some());
        let (half, index) = certified.ok_or(Status::FileNotFound)?;
        if index.get() < places::COUNT {
            Ok(Self::Certificate(half, index))
        } else {
            Err(Status::FileNotFound)
        }
    }
}

/// Reading.
impl PivModule {
    pub(super) fn file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>> {
        match File::at(path)? {
            File::CardId => Ok(self.identity(cx)?.as_bytes().to_vec()),
            File::CardCf => Ok(self.counters.to_bytes()),
            File::CardApps => Ok(CARDAPPS.to_vec()),
            File::ContainerMap => {
                let id = self.identity(cx)?;
                let file = self.view(cx)?.container_map(id).map_err(|_| Status::Unexpected)?;
                Ok(file.to_bytes())
            }
            File::Certificate(half, index) => {
                let found = self.certificate(cx, half, index)?;
                found
                    .or_else(|| self.created.contains(&(half, index)).then(Vec::new))
                    .ok_or(Status::FileNotFound)
            }
        }
    }

    pub(super) fn describe_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<FileInfo> {
        let access = match File::at(path)? {
            File::CardId => FileAccess::EveryoneReadAdminWrite,
            _ => FileAccess::EveryoneReadUserWrite,
        };
        let size = self.file(cx, path)?.len();
        Ok(FileInfo { size: u32::try_from(size).unwrap_or(u32::MAX), access: Some(access) })
    }

    pub(super) fn files_of(
        &mut self,
        cx: &mut CardContext<'_>,
        directory: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>> {
        let root = [FilePath::cardid(), FilePath::cardcf(), FilePath::cardapps()];
        match directory {
            None => Ok(root.into_iter().map(|path| path.name).collect()),
            Some(name) if Some(name) == FilePath::cmapfile().directory.as_ref() => {
                let mut files: Vec<_> = self.view(cx)?.certified().collect();
                files.extend(
                    self.created.iter().filter(|file| !files.contains(file)).copied().collect::<Vec<_>>(),
                );
                let names = files.into_iter().map(|(half, index)| FileName::certificate(half, index));
                Ok([FilePath::cmapfile().name].into_iter().chain(names).collect())
            }
            Some(_) => Err(Status::DirectoryNotFound),
        }
    }

    /// The certificate of a container's key, read from the card: what is presented is never remembered.
    fn certificate(
        &mut self,
        cx: &mut CardContext<'_>,
        half: KeyHalf,
        index: ContainerIndex,
    ) -> Result<Option<Vec<u8>>> {
        let (slot, told) = self.slot_of(cx, index)?;
        let content = view::look(&mut self.card(cx), slot, None).map_err(answer::reading)?;
        let Some(key) = content.key else { return Ok(None) };
        let spec = places::spec(slot, &key, told).map(|(spec, _)| spec);
        self.seen.learn_key(slot, key);
        Ok(content.certificate.filter(|_| spec.is_some_and(|spec| spec.half() == half)))
    }
}

impl FileWriting for PivModule {
    fn create_file(
        &mut self,
        cx: &mut CardContext<'_>,
        path: &FilePath,
        _size: u32,
        _access: FileAccess,
    ) -> Result<()> {
        let (half, index) = match File::at(path) {
            Ok(File::Certificate(half, index)) => (half, index),
            Ok(_) => return Err(Status::FileExists),
            // Nothing but certificates has a place on the card.
            Err(Status::FileNotFound) => return Err(Status::UnsupportedFeature),
            Err(status) => return Err(status),
        };
        if self.created.contains(&(half, index)) || self.certificate(cx, half, index)?.is_some() {
            return Err(Status::FileExists);
        }
        self.require_user(cx)?;
        // The card has certificates, not empty files: the object is written with its content.
        self.created.insert((half, index));
        Ok(())
    }

    fn write_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath, data: &[u8]) -> Result<()> {
        match File::at(path)? {
            File::CardCf => {
                self.counters = CardCf::parse(data).map_err(|_| Status::InvalidParameter)?;
                Ok(())
            }
            File::ContainerMap => {
                let file = ContainerMap::parse(data).map_err(|_| Status::InvalidParameter)?;
                self.write_names(cx, &file)
            }
            File::Certificate(half, index) => self.write_certificate(cx, half, index, data),
            File::CardApps if data == CARDAPPS => Ok(()),
            File::CardApps | File::CardId => Err(Status::UnsupportedFeature),
        }
    }

    fn delete_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<()> {
        let File::Certificate(half, index) = File::at(path)? else { return Err(Status::UnsupportedFeature) };
        if self.certificate(cx, half, index)?.is_some() {
            self.require_user(cx)?;
            self.authorise(cx)?;
            self.remove_certificate(cx, index)?;
            self.created.remove(&(half, index));
            return Ok(());
        }
        if self.created.remove(&(half, index)) { Ok(()) } else { Err(Status::FileNotFound) }
    }

    fn create_directory(
        &mut self,
        _cx: &mut CardContext<'_>,
        name: &DirectoryName,
        _access: DirectoryAccess,
    ) -> Result<()> {
        let exists = Some(name) == FilePath::cmapfile().directory.as_ref();
        Err(if exists { Status::FileExists } else { Status::UnsupportedFeature })
    }

    fn delete_directory(&mut self, _cx: &mut CardContext<'_>, name: &DirectoryName) -> Result<()> {
        let exists = Some(name) == FilePath::cmapfile().directory.as_ref();
        Err(if exists { Status::DirectoryNotEmpty } else { Status::DirectoryNotFound })
    }
}

/// Certificates written and removed.
impl PivModule {
    fn write_certificate(
        &mut self,
        cx: &mut CardContext<'_>,
        half: KeyHalf,
        index: ContainerIndex,
        data: &[u8],
    ) -> Result<()> {
        let created = self.created.contains(&(half, index));
        if !created && self.certificate(cx, half, index)?.is_none() {
            return Err(Status::FileNotFound);
        }
        let (der, key) = parsed(data)?;
        let (slot, told) = self.slot_of(cx, index)?;
        self.check_certified(cx, slot, &key)?;
        let spec = places::spec(slot, &key, told).ok_or(Status::UnsupportedFeature)?.0;
        if spec.half() != half {
            return Err(Status::InvalidParameter);
        }
        self.require_user(cx)?;
        self.authorise(cx)?;
        self.forget_view(cx, Some(slot));
        let written = self.card(cx).write_certificate(slot, &der, CertificateForm::Fitting);
        written.map_err(answer::writing)?;
        self.created.remove(&(half, index));
        Ok(())
    }

    /// A certificate belongs to the key of its slot. The card itself is asked for it, in words or by a use of the
    /// key: the certificate that is there may be of an older key, which another program has replaced.
    fn check_certified(&mut self, cx: &mut CardContext<'_>, slot: Slot, key: &SlotKey) -> Result<()> {
        let content = view::look(&mut self.card(cx), slot, None).map_err(answer::reading)?;
        let told = view::told_by_card(&mut self.card(cx), slot).map_err(answer::reading)?;
        if told.is_some() && content.key.is_some() && told != content.key {
            tracing::warn!(%slot, "the certificate there is not the key's: another program may have replaced the key");
        }
        let is_its_own = match told.as_ref().or(content.key.as_ref()) {
            None => true,
            Some(there) if there == key => true,
            Some(_) if told.is_some() => false,
            Some(_) => proof::is_key_of(&mut self.card(cx), slot, key)?,
        };
        if is_its_own {
            return Ok(());
        }
        tracing::error!(%slot, "the certificate is not one of the slot's key");
        Err(Status::InvalidParameter)
    }

    /// Removes a certificate such that the container stays: a card that does not tell of its keys gets a note
    /// of the key instead. The key is the one the card tells of, where it does: the certificate may be of an
    /// older one, which another program has replaced.
    fn remove_certificate(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<()> {
        let id = self.identity(cx)?;
        let view = self.view(cx)?;
        let Some(visible) = view.visible(index) else { return Err(Status::FileNotFound) };
        let mut map = view.map.clone();
        let mut kept = Kept::Yes;
        let certified = SlotKey::from(visible.public.clone());
        let told = view::told_by_card(&mut self.card(cx), visible.slot).map_err(answer::reading)?;
        let key = told.unwrap_or_else(|| certified.clone());
        if key != certified || map.get(index).is_none_or(|record| record.slot() != Some(visible.slot)) {
            let (spec, public) = places::spec(visible.slot, &key, view::told(&map, visible.slot))
                .unwrap_or((visible.spec, visible.public));
            let bits = u16::try_from(public.bits()).unwrap_or(u16::MAX);
            let record = stored::record_of(&map, index, visible.slot, spec, bits, id);
            map.set(index, record).map_err(answer::writing)?;
            kept = self.store_map(cx, &map)?;
        }
        self.forget_view(cx, Some(visible.slot));
        self.note(cx, visible.slot, &key, kept)
    }
}

/// A file's certificate as DER, whichever form the host wrote it in, and its key.
fn parsed(data: &[u8]) -> Result<(Vec<u8>, SlotKey)> {
    let der = certificate::expand(data).map_err(|error| {
        tracing::error!(%error, "what is to be written is no certificate");
        Status::InvalidParameter
    })?;
    let object = Writer::new().object(CERTIFICATE, &der).finish();
    let read = Certificate::parse(&object).ok().flatten().filter(|read| !read.is_placeholder());
    let read = read.ok_or(Status::InvalidParameter)?;
    let key = read.key().cloned().ok_or(Status::UnsupportedFeature)?;
    Ok((read.into_der(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_for_files() {
        let at = |path: &str| File::at(&FilePath::parse(path).unwrap());
        assert_eq!(at("cardid"), Ok(File::CardId));
        assert_eq!(at("mscp/cmapfile"), Ok(File::ContainerMap));
        assert_eq!(at("mscp/ksc01"), Ok(File::Certificate(KeyHalf::Signature, ContainerIndex::new(1))));
        for missing in ["cmapfile", "kxc00", "mscp/msroots", "mscp/kxc24", "mscp/cardid", "other"] {
            assert_eq!(at(missing), Err(Status::FileNotFound), "{missing}");
        }
        assert_eq!(at("own/kxc00"), Err(Status::DirectoryNotFound));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for data in [&b""[..], b"text", &[0x30, 0x00], &[1, 0, 5, 0, 0x78, 0x9C], &[0x30; 100]] {
            assert_eq!(parsed(data).err(), Some(Status::InvalidParameter), "{data:02X?}");
        }
    }
}
