//! The front: finds out which application a card has, and passes everything on to the module for it.

use cardmod_sdk::{
    APPLICATION_PROPERTY, AdminAuthentication, CardContext, CardModule, ContainerCreation, FileWriting,
    KeyAgreement, KeyInjection, KeyRef, OwnProperties, PinAdministration, PropertyWriting, Result,
    RsaDecryption, SecurePinEntry, SignatureInput, Status,
};
use cardmod_types::{
    CacheMode, Capabilities, CardApplication, CardId, ContainerIndex, ContainerKeys, DirectoryName, FileInfo,
    FileName, FilePath, FreeSpace, KeySizes, KeySpec, Pin, PinId, PinInfo, PinSet,
};

use crate::gids::GidsModule;
use crate::piv::PivModule;

/// The class module's state for one card: the module of the application found.
#[derive(Debug)]
pub struct ClassModule(Application);

#[derive(Debug)]
enum Application {
    Gids(Box<GidsModule>),
    Piv(Box<PivModule>),
}

impl ClassModule {
    /// The application that the card's name asks for; else the first of Windows' order that the card has: PIV,
    /// then GIDS. Whatever a card answers that has none of PIV, the next one is asked for.
    fn discover(cx: &mut CardContext<'_>) -> Result<Application> {
        let gids = |cx: &mut CardContext<'_>| GidsModule::acquire(cx).map(Box::new).map(Application::Gids);
        let piv = |cx: &mut CardContext<'_>| PivModule::acquire(cx).map(Box::new).map(Application::Piv);
        match CardApplication::of_card_name(cx.card_name()) {
            Some(CardApplication::Piv) => piv(cx),
            Some(CardApplication::Gids) => gids(cx),
            None => match piv(cx) {
                Err(Status::UnknownCard) => gids(cx),
                found => found,
            },
        }
    }
}

/// `on!(self, module => expression)`: the expression with the module of whichever application it is.
macro_rules! on {
    ($class:expr, $module:ident => $body:expr) => {
        match &mut $class.0 {
            Application::Gids($module) => $body,
            Application::Piv($module) => $body,
        }
    };
}

impl CardModule for ClassModule {
    fn acquire(cx: &mut CardContext<'_>) -> Result<Self> {
        Self::discover(cx).map(Self)
    }

    fn connection_lost(&mut self) {
        on!(self, module => module.connection_lost());
    }

    fn forget_content(&mut self) {
        on!(self, module => module.forget_content());
    }

    fn card_id(&mut self, cx: &mut CardContext<'_>) -> Result<CardId> {
        on!(self, module => module.card_id(cx))
    }

    fn serial_number(&mut self, cx: &mut CardContext<'_>) -> Result<Option<Vec<u8>>> {
        on!(self, module => module.serial_number(cx))
    }

    fn capabilities(&mut self, cx: &mut CardContext<'_>) -> Result<Capabilities> {
        on!(self, module => module.capabilities(cx))
    }

    fn free_space(&mut self, cx: &mut CardContext<'_>) -> Result<FreeSpace> {
        on!(self, module => module.free_space(cx))
    }

    fn key_sizes(&mut self, cx: &mut CardContext<'_>, spec: KeySpec) -> Result<KeySizes> {
        on!(self, module => module.key_sizes(cx, spec))
    }

    fn read_only(&mut self, cx: &mut CardContext<'_>) -> Result<bool> {
        on!(self, module => module.read_only(cx))
    }

    fn supports_enrollment(&mut self, cx: &mut CardContext<'_>) -> Result<bool> {
        on!(self, module => module.supports_enrollment(cx))
    }

    fn cache_mode(&mut self, cx: &mut CardContext<'_>) -> Result<CacheMode> {
        on!(self, module => module.cache_mode(cx))
    }

    fn pin_list(&mut self, cx: &mut CardContext<'_>) -> Result<PinSet> {
        on!(self, module => module.pin_list(cx))
    }

    fn has_role(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<bool> {
        on!(self, module => module.has_role(cx, id))
    }

    fn pin_info(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<PinInfo> {
        on!(self, module => module.pin_info(cx, id))
    }

    fn authenticated(&mut self, cx: &mut CardContext<'_>) -> Result<Option<PinSet>> {
        on!(self, module => module.authenticated(cx))
    }

    fn tries_left(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<Option<u32>> {
        on!(self, module => module.tries_left(cx, id))
    }

    fn container_keys(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<ContainerKeys> {
        on!(self, module => module.container_keys(cx, index))
    }

    fn container_pin(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<PinId> {
        on!(self, module => module.container_pin(cx, index))
    }

    fn associated_ecdh(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
    ) -> Result<Option<ContainerIndex>> {
        on!(self, module => module.associated_ecdh(cx, index))
    }

    fn read_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>> {
        on!(self, module => module.read_file(cx, path))
    }

    fn file_info(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<FileInfo> {
        on!(self, module => module.file_info(cx, path))
    }

    fn list_files(
        &mut self,
        cx: &mut CardContext<'_>,
        directory: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>> {
        on!(self, module => module.list_files(cx, directory))
    }

    fn verify_pin(&mut self, cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Result<()> {
        on!(self, module => module.verify_pin(cx, id, pin))
    }

    fn deauthenticate(&mut self, cx: &mut CardContext<'_>, roles: PinSet) -> Result<()> {
        on!(self, module => module.deauthenticate(cx, roles))
    }

    fn sign(&mut self, cx: &mut CardContext<'_>, key: KeyRef, input: &SignatureInput<'_>) -> Result<Vec<u8>> {
        on!(self, module => module.sign(cx, key, input))
    }

    fn rsa_decryption(&mut self) -> Option<&mut dyn RsaDecryption> {
        on!(self, module => module.rsa_decryption())
    }

    fn key_agreement(&mut self) -> Option<&mut dyn KeyAgreement> {
        on!(self, module => module.key_agreement())
    }

    fn container_creation(&mut self) -> Option<&mut dyn ContainerCreation> {
        on!(self, module => module.container_creation())
    }

    fn file_writing(&mut self) -> Option<&mut dyn FileWriting> {
        on!(self, module => module.file_writing())
    }

    fn pin_administration(&mut self) -> Option<&mut dyn PinAdministration> {
        on!(self, module => module.pin_administration())
    }

    fn admin_authentication(&mut self) -> Option<&mut dyn AdminAuthentication> {
        on!(self, module => module.admin_authentication())
    }

    fn secure_pin_entry(&mut self) -> Option<&mut dyn SecurePinEntry> {
        on!(self, module => module.secure_pin_entry())
    }

    fn property_writing(&mut self) -> Option<&mut dyn PropertyWriting> {
        on!(self, module => module.property_writing())
    }

    fn key_injection(&mut self) -> Option<&mut dyn KeyInjection> {
        on!(self, module => module.key_injection())
    }

    fn own_properties(&mut self) -> Option<&mut dyn OwnProperties> {
        Some(self)
    }
}

/// Which application was opened, and what the module of the application has.
impl OwnProperties for ClassModule {
    fn has(&self, name: &str) -> bool {
        name == APPLICATION_PROPERTY
            || match &self.0 {
                Application::Gids(_) => false,
                Application::Piv(piv) => piv.has(name),
            }
    }

    fn get(&mut self, cx: &mut CardContext<'_>, name: &str, flags: u32) -> Result<Vec<u8>> {
        if name == APPLICATION_PROPERTY {
            return if flags == 0 {
                Ok(self.opened().card_name().into())
            } else {
                Err(Status::InvalidParameter)
            };
        }
        self.inner()?.get(cx, name, flags)
    }

    fn set(&mut self, cx: &mut CardContext<'_>, name: &str, value: &[u8], flags: u32) -> Result<()> {
        if name == APPLICATION_PROPERTY {
            return Err(Status::UnsupportedFeature);
        }
        self.inner()?.set(cx, name, value, flags)
    }
}

impl ClassModule {
    /// The application that was opened.
    fn opened(&self) -> CardApplication {
        match &self.0 {
            Application::Gids(_) => CardApplication::Gids,
            Application::Piv(_) => CardApplication::Piv,
        }
    }

    /// The properties of the application's module, of which only PIV has any.
    fn inner(&mut self) -> Result<&mut dyn OwnProperties> {
        on!(self, module => module.own_properties()).ok_or(Status::UnsupportedFeature)
    }
}
