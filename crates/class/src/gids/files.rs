//! Files and directories written, and the properties a GIDS card can store or confirm.

use cardmod_sdk::{CardContext, FileWriting, PropertyWriting, Result, Status};
use cardmod_types::{CardId, ContainerIndex, DirectoryAccess, DirectoryName, FileAccess, FilePath, PinId};

use super::answer;
use super::module::GidsModule;

impl FileWriting for GidsModule {
    fn create_file(
        &mut self,
        cx: &mut CardContext<'_>,
        path: &FilePath,
        _size: u32,
        access: FileAccess,
    ) -> Result<()> {
        // GIDS objects grow when they are written; nothing can be reserved.
        self.forget_kept(cx, None);
        self.card(cx).create_file(path, access).map_err(answer::filing)
    }

    fn write_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath, data: &[u8]) -> Result<()> {
        self.card(cx).write_file(path, data).map_err(answer::writing)
    }

    fn delete_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<()> {
        self.forget_kept(cx, None);
        self.card(cx).delete_file(path).map_err(answer::filing)
    }

    fn create_directory(
        &mut self,
        cx: &mut CardContext<'_>,
        name: &DirectoryName,
        access: DirectoryAccess,
    ) -> Result<()> {
        self.forget_kept(cx, None);
        self.card(cx).create_directory(name, access).map_err(answer::filing)
    }

    fn delete_directory(&mut self, cx: &mut CardContext<'_>, name: &DirectoryName) -> Result<()> {
        self.forget_kept(cx, None);
        self.card(cx).delete_directory(name).map_err(answer::filing)
    }
}

impl PropertyWriting for GidsModule {
    fn set_card_id(&mut self, cx: &mut CardContext<'_>, id: &CardId) -> Result<()> {
        self.card(cx).write_file(&FilePath::cardid(), id.as_bytes()).map_err(answer::writing)
    }

    fn set_container_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        _index: ContainerIndex,
        id: PinId,
    ) -> Result<()> {
        if !self.card(cx).administrator_is_verified() {
            self.require_user(cx)?;
        }
        // Every key of the profile is the user's: that can be confirmed, and not changed.
        if id == PinId::USER { Ok(()) } else { Err(Status::UnsupportedFeature) }
    }
}
