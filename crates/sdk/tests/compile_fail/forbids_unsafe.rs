//! A crate that forbids unsafe code may export a module.
#![forbid(unsafe_code)]

use cardmod_sdk::types::*;
use cardmod_sdk::*;

struct Module;

impl CardModule for Module {
    fn acquire(_: &mut CardContext<'_>) -> Result<Self> {
        Ok(Self)
    }
    fn connection_lost(&mut self) {}
    fn card_id(&mut self, _: &mut CardContext<'_>) -> Result<CardId> {
        Ok(CardId([0; 16]))
    }
    fn capabilities(&mut self, _: &mut CardContext<'_>) -> Result<Capabilities> {
        Ok(Capabilities::default())
    }
    fn free_space(&mut self, _: &mut CardContext<'_>) -> Result<FreeSpace> {
        Ok(FreeSpace::default())
    }
    fn key_sizes(&mut self, _: &mut CardContext<'_>, _: KeySpec) -> Result<KeySizes> {
        Err(Status::UnsupportedFeature)
    }
    fn pin_list(&mut self, _: &mut CardContext<'_>) -> Result<PinSet> {
        Ok(PinSet::NONE)
    }
    fn pin_info(&mut self, _: &mut CardContext<'_>, _: PinId) -> Result<PinInfo> {
        Err(Status::InvalidParameter)
    }
    fn container_keys(&mut self, _: &mut CardContext<'_>, _: ContainerIndex) -> Result<ContainerKeys> {
        Err(Status::NoKeyContainer)
    }
    fn container_pin(&mut self, _: &mut CardContext<'_>, _: ContainerIndex) -> Result<PinId> {
        Err(Status::NoKeyContainer)
    }
    fn read_file(&mut self, _: &mut CardContext<'_>, _: &FilePath) -> Result<Vec<u8>> {
        Err(Status::FileNotFound)
    }
    fn file_info(&mut self, _: &mut CardContext<'_>, _: &FilePath) -> Result<FileInfo> {
        Err(Status::FileNotFound)
    }
    fn list_files(&mut self, _: &mut CardContext<'_>, _: Option<&DirectoryName>) -> Result<Vec<FileName>> {
        Ok(Vec::new())
    }
    fn verify_pin(&mut self, _: &mut CardContext<'_>, _: PinId, _: &Pin) -> Result<()> {
        Err(Status::InvalidParameter)
    }
    fn deauthenticate(&mut self, _: &mut CardContext<'_>, _: PinSet) -> Result<()> {
        Ok(())
    }
    fn sign(&mut self, _: &mut CardContext<'_>, _: KeyRef, _: &SignatureInput<'_>) -> Result<Vec<u8>> {
        Err(Status::NoKeyContainer)
    }
}

cardmod_sdk::export!(Module);

fn main() {}
