//! Where a module is on the Windows machine that a file is made for, from a path on the machine where it is made.

use super::InstallError;
use crate::registry::{self, ModuleName, module_name};

/// Below a drive: the folder of modules that an entry names without a folder.
const SYSTEM_FOLDER: &str = r":\windows\system32\";

/// The last part of a path of Windows or of another system.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

/// Whether it is a path of Windows from a drive or a share on.
#[must_use]
pub fn is_absolute(path: &str) -> bool {
    registry::is_absolute(path)
}

/// What the registry is told of the module at this path. An absolute path of Windows stays; one of its system
/// folder, which need not be on drive C elsewhere, is the file's name; and so is any other path, which means
/// something on the machine where the file is written alone.
///
/// # Errors
/// [`InstallError::Module`]: by the rules of those who read the registry, it names no module.
pub fn registered_as(path: &str) -> Result<String, InstallError> {
    let name = file_name(path);
    let folder = path[..path.len() - name.len()].replace('/', "\\");
    let below_drive = folder.get(1..).filter(|_| folder.starts_with(|c: char| c.is_ascii_alphabetic()));
    let in_system = below_drive.is_some_and(|folder| folder.eq_ignore_ascii_case(SYSTEM_FOLDER));
    let value = if is_absolute(path) && !in_system { path } else { name };
    check_value(value)?;
    Ok(value.to_owned())
}

/// The value is one that the registry's readers take.
pub(super) fn check_value(module: &str) -> Result<(), InstallError> {
    module_name(module).map(|_| ()).map_err(InstallError::Module)
}

/// The file may be in a driver package: it is none of Windows' own.
///
/// # Errors
/// [`InstallError::OfWindows`].
pub fn check_own(name: &str) -> Result<(), InstallError> {
    match module_name(name) {
        Ok(ModuleName::WindowsClassDriver) => Err(InstallError::OfWindows(file_name(name).to_owned())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_registry_is_told() {
        let told = |path: &str| registered_as(path).unwrap();
        for stays in [r"C:\cards\a.dll", "d:/cards/a.dll", r"\\server\share\a.dll", "a.dll", "msclmd.dll"] {
            assert_eq!(told(stays), stays);
        }
        for name in [
            r".\a.dll",
            r"..\..\a.dll",
            r"build\a.dll",
            r"\build\a.dll",
            "/build/a.dll",
            "build/a.dll",
            r"C:\Windows\System32\a.dll",
            "e:/WINDOWS/system32/a.dll",
        ] {
            assert_eq!(told(name), "a.dll", "{name}");
        }
        assert_eq!(told(r"C:\Windows\System32\msclmd.dll"), "msclmd.dll");
        assert_eq!(told(r"C:\elsewhere\msclmd.dll"), r"C:\elsewhere\msclmd.dll");
        assert_eq!(told(r"C:\Windows\System32\cards\a.dll"), r"C:\Windows\System32\cards\a.dll");
        for none in ["", "C:a.dll", r"C:\", r"x\..", "..", r".\a.dll:b", " "] {
            assert!(matches!(registered_as(none), Err(InstallError::Module(_))), "{none:?}");
        }
    }

    #[test]
    fn what_is_of_windows_is_in_no_package() {
        for name in ["msclmd.dll", "MSCLMD64.DLL"] {
            assert!(check_own(name).is_err(), "{name}");
        }
        assert!(check_own("cardmod_class.dll").is_ok());
    }
}
