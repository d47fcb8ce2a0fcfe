//! Access conditions of files and directories (minidriver specification, section 5.6).

use crate::code::UnknownCode;

/// `CARD_DIRECTORY_ACCESS_CONDITION`: who creates files in a directory and deletes it. Everyone lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DirectoryAccess {
    /// `UserCreateDeleteDirAc`: user and administrator.
    UserCreateDelete = 1,
    /// `AdminCreateDeleteDirAc`: the administrator alone.
    AdminCreateDelete = 2,
}

impl DirectoryAccess {
    /// The number of Cardmod.h.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }
}

impl TryFrom<u32> for DirectoryAccess {
    type Error = UnknownCode;

    fn try_from(code: u32) -> Result<Self, UnknownCode> {
        match code {
            1 => Ok(Self::UserCreateDelete),
            2 => Ok(Self::AdminCreateDelete),
            _ => Err(UnknownCode::new("directory access condition", code)),
        }
    }
}

/// `CARD_FILE_ACCESS_CONDITION` that a file can be created with. The right to write is the right to
/// delete; the right to read covers size and condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileAccess {
    /// `EveryoneReadUserWriteAc`: all read, user and administrator write.
    EveryoneReadUserWrite = 1,
    /// `UserWriteExecuteAc`: nobody reads, user and administrator write, the user executes.
    UserWriteExecute = 2,
    /// `EveryoneReadAdminWriteAc`: all read, the administrator writes.
    EveryoneReadAdminWrite = 3,
    /// `UserReadWriteAc`: user and administrator read and write.
    UserReadWrite = 5,
    /// `AdminReadWriteAc`: the administrator alone.
    AdminReadWrite = 6,
}

impl FileAccess {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::EveryoneReadUserWrite,
        Self::UserWriteExecute,
        Self::EveryoneReadAdminWrite,
        Self::UserReadWrite,
        Self::AdminReadWrite,
    ];

    /// The number of Cardmod.h.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }
}

impl TryFrom<u32> for FileAccess {
    type Error = UnknownCode;

    /// `InvalidAc` (0) and `UnknownAc` (4) are no conditions a file can have, and errors here.
    fn try_from(code: u32) -> Result<Self, UnknownCode> {
        Self::ALL
            .into_iter()
            .find(|access| access.code() == code)
            .ok_or(UnknownCode::new("file access condition", code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settable_conditions_are_accepted() {
        let accepted: Vec<u32> = (0..=8).filter(|code| FileAccess::try_from(*code).is_ok()).collect();
        assert_eq!(accepted, [1, 2, 3, 5, 6]);
        let accepted: Vec<u32> = (0..=8).filter(|code| DirectoryAccess::try_from(*code).is_ok()).collect();
        assert_eq!(accepted, [1, 2]);
        for access in FileAccess::ALL {
            assert_eq!(FileAccess::try_from(access.code()), Ok(access));
        }
    }
}
