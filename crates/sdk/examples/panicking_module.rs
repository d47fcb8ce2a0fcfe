//! A card module that panics whenever its card is read: what the SDK makes of that, in a library that a
//! host loads and unloads. Used by the tests; nothing to learn from.

#![forbid(unsafe_code)]

use cardmod_sdk::types::{
    Capabilities, CardId, ContainerIndex, ContainerKeys, DirectoryName, FileInfo, FileName, FilePath,
    FreeSpace, KeySizes, KeySpec, Pin, PinId, PinInfo, PinSet,
};
use cardmod_sdk::{CardContext, CardModule, KeyRef, Result, SignatureInput, Status};

cardmod_sdk::export!(PanickingModule);

struct PanickingModule;

impl CardModule for PanickingModule {
    fn acquire(_cx: &mut CardContext<'_>) -> Result<Self> {
        Ok(Self)
    }
    fn connection_lost(&mut self) {}
    fn card_id(&mut self, _cx: &mut CardContext<'_>) -> Result<CardId> {
        panic!("no identity")
    }
    fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Result<Capabilities> {
        Ok(Capabilities::default())
    }
    fn free_space(&mut self, _cx: &mut CardContext<'_>) -> Result<FreeSpace> {
        Ok(FreeSpace::default())
    }
    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, _spec: KeySpec) -> Result<KeySizes> {
        Err(Status::UnsupportedFeature)
    }
    fn pin_list(&mut self, _cx: &mut CardContext<'_>) -> Result<PinSet> {
        Ok(PinSet::NONE)
    }
    fn pin_info(&mut self, _cx: &mut CardContext<'_>, _id: PinId) -> Result<PinInfo> {
        Err(Status::InvalidParameter)
    }
    fn container_keys(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<ContainerKeys> {
        Err(Status::NoKeyContainer)
    }
    fn container_pin(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<PinId> {
        Err(Status::NoKeyContainer)
    }
    fn read_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>> {
        panic!("cannot read {path}")
    }
    fn file_info(&mut self, _cx: &mut CardContext<'_>, _path: &FilePath) -> Result<FileInfo> {
        Err(Status::FileNotFound)
    }
    fn list_files(
        &mut self,
        _cx: &mut CardContext<'_>,
        _dir: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>> {
        Ok(Vec::new())
    }
    fn verify_pin(&mut self, _cx: &mut CardContext<'_>, _id: PinId, _pin: &Pin) -> Result<()> {
        Err(Status::InvalidParameter)
    }
    fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, _roles: PinSet) -> Result<()> {
        Ok(())
    }
    fn sign(&mut self, _cx: &mut CardContext<'_>, _key: KeyRef, _in: &SignatureInput<'_>) -> Result<Vec<u8>> {
        Err(Status::NoKeyContainer)
    }
}
