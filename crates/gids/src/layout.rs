//! The fixed places of a GIDS card: application identifier, EFs, data object tags (GIDS; MSP, electrical
//! profile).

use cardmod_types::FileAccess;

/// The application identifier without its two version bytes: `A0 00 00 03 97 42 54 46 59`. Cards are
/// selected by this right-truncated form.
pub const AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59];

/// File identifiers.
pub mod ef {
    /// File table and keymap; UserCreateDeleteDirAc.
    pub const TABLE: u16 = 0xA000;
    /// EveryoneReadUserWriteAc: cardcf, cardapps, cmapfile, certificates.
    pub const EVERYONE_READ_USER_WRITE: u16 = 0xA010;
    /// UserWriteExecuteAc.
    pub const USER_WRITE_EXECUTE: u16 = 0xA011;
    /// EveryoneReadAdminWriteAc: cardid.
    pub const EVERYONE_READ_ADMIN_WRITE: u16 = 0xA012;
    /// UserReadWriteAc.
    pub const USER_READ_WRITE: u16 = 0xA013;
    /// AdminReadWriteAc.
    pub const ADMIN_READ_WRITE: u16 = 0xA014;
    /// The admin key.
    pub const ADMIN_KEY: u16 = 0xB080;
    /// The key of container 0; container `i` has this plus `i`.
    pub const FIRST_KEY: u16 = 0xB081;
    /// The application itself, in P1 P2 and in SELECT.
    pub const APPLICATION: u16 = 0x3FFF;
}

/// Tags of data objects.
pub mod object {
    /// The file table, in [`super::ef::TABLE`].
    pub const FILE_TABLE: u32 = 0xDF1F;
    /// The keymap in [`super::ef::TABLE`]; cardid in [`super::ef::EVERYONE_READ_ADMIN_WRITE`].
    pub const KEYMAP_OR_CARDID: u32 = 0xDF20;
    /// cardapps, in [`super::ef::EVERYONE_READ_USER_WRITE`].
    pub const CARDAPPS: u32 = 0xDF21;
    /// cardcf, in [`super::ef::EVERYONE_READ_USER_WRITE`].
    pub const CARDCF: u32 = 0xDF22;
    /// mscp\cmapfile, in [`super::ef::EVERYONE_READ_USER_WRITE`].
    pub const CMAPFILE: u32 = 0xDF23;
    /// The first tag given to a new file.
    pub const FIRST_FREE: u32 = 0xDF21;
    /// The last two-byte tag of the series.
    pub const LAST_FREE: u32 = 0xDF7F;
    /// Status of the global PIN.
    pub const GLOBAL_PIN: u32 = 0x7F71;
    /// Status of the application's PIN.
    pub const LOCAL_PIN: u32 = 0x7F72;
    /// Status of the PUK; missing where the admin key unblocks.
    pub const LOCAL_PUK: u32 = 0x7F73;
    /// A public key.
    pub const PUBLIC_KEY: u32 = 0x7F49;
}

/// The EF whose access rules are those of the access condition (MSP, access control EFs).
pub(crate) const fn ef_for(access: FileAccess) -> u16 {
    match access {
        FileAccess::EveryoneReadUserWrite => ef::EVERYONE_READ_USER_WRITE,
        FileAccess::UserWriteExecute => ef::USER_WRITE_EXECUTE,
        FileAccess::EveryoneReadAdminWrite => ef::EVERYONE_READ_ADMIN_WRITE,
        FileAccess::UserReadWrite => ef::USER_READ_WRITE,
        FileAccess::AdminReadWrite => ef::ADMIN_READ_WRITE,
    }
}

/// The access condition an EF of the profile stands for; `None` for an EF the profile does not name.
pub(crate) const fn access_of(ef: u16) -> Option<FileAccess> {
    match ef {
        ef::EVERYONE_READ_USER_WRITE => Some(FileAccess::EveryoneReadUserWrite),
        ef::USER_WRITE_EXECUTE => Some(FileAccess::UserWriteExecute),
        ef::EVERYONE_READ_ADMIN_WRITE => Some(FileAccess::EveryoneReadAdminWrite),
        ef::USER_READ_WRITE => Some(FileAccess::UserReadWrite),
        ef::ADMIN_READ_WRITE => Some(FileAccess::AdminReadWrite),
        _ => None,
    }
}

/// Whether everyone may read the EF, so that its content may be kept in memory.
pub(crate) const fn is_public(ef: u16) -> bool {
    matches!(ef, ef::TABLE | ef::EVERYONE_READ_USER_WRITE | ef::EVERYONE_READ_ADMIN_WRITE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_conditions_and_efs_are_one_to_one() {
        for access in FileAccess::ALL {
            assert_eq!(access_of(ef_for(access)), Some(access));
        }
        assert_eq!(access_of(ef::TABLE), None);
        assert!(!is_public(ef::USER_READ_WRITE));
    }
}
