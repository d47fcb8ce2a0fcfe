//! Files and directories (5.20 to 5.27), and the conventions of outputs.

mod common;

use cardmod_sdk::Status;
use cardmod_sdk::sys::CARD_FILE_INFO;

use common::module::{Bare, Full, reset_script, script};
use common::{Host, Out, call, ledger, name, refused};

fn read(host: &mut Host, directory: Option<&str>, file: &str) -> Result<Vec<u8>, Status> {
    let (mut directory, mut file, mut out) = (directory.map(name), name(file), Out::garbage());
    let directory = directory.as_mut().map_or(std::ptr::null_mut(), |name| name.as_mut_ptr());
    let code = call!(
        host,
        pfnCardReadFile,
        directory,
        file.as_mut_ptr(),
        0,
        &raw mut out.pointer,
        &raw mut out.length
    );
    if code != 0 {
        out.assert_cleared();
        return Err(Status::from_code(code));
    }
    Ok(out.take())
}

#[test]
fn files_are_read_whatever_the_case() {
    reset_script();
    let mut host = Host::new::<Full>();
    assert_eq!(read(&mut host, None, "cardcf"), Ok(vec![0; 6]));
    assert_eq!(
        read(&mut host, Some("mScp"), "CmApfiLE"),
        Ok(Vec::new()),
        "an empty file is a block of length 0"
    );
    assert_eq!(common::live_blocks(), 0);
}

#[test]
fn reading_is_refused_with_the_right_code() {
    reset_script();
    let mut host = Host::new::<Full>();
    for (directory, file, status) in [
        (None, "", Status::InvalidParameter),
        (None, "ninechars", Status::InvalidParameter),
        (Some("ninechars"), "cardid", Status::InvalidParameter),
        (None, "a/b", Status::InvalidParameter),
        (Some("nodir"), "cardid", Status::DirectoryNotFound),
        (Some("cardid"), "cardid", Status::DirectoryNotFound),
        (None, "nofile", Status::FileNotFound),
        (None, "mscp", Status::FileNotFound),
        (Some("mscp"), "nofile", Status::FileNotFound),
    ] {
        assert_eq!(read(&mut host, directory, file), Err(status), "{directory:?}/{file}");
    }
    script(|script| script.fail_read = Some(Status::Transport(0x8010_002F)));
    assert_eq!(read(&mut host, None, "cardid"), Err(Status::CommunicationDataLost), "never FILE_NOT_FOUND");
}

#[test]
fn nulls_and_flags_are_refused() {
    let mut host = Host::new::<Full>();
    let (mut file, mut out) = (name("cardid"), Out::garbage());
    let null = std::ptr::null_mut();
    let (file, pointer, length) = (file.as_mut_ptr(), &raw mut out.pointer, &raw mut out.length);
    refused!(call!(host, pfnCardReadFile, null, null, 0, pointer, length), Status::InvalidParameter);
    refused!(
        call!(host, pfnCardReadFile, null, file, 0, std::ptr::null_mut(), length),
        Status::InvalidParameter
    );
    refused!(
        call!(host, pfnCardReadFile, null, file, 0, pointer, std::ptr::null_mut()),
        Status::InvalidParameter
    );
    refused!(call!(host, pfnCardReadFile, null, file, 0xFF, pointer, length), Status::InvalidParameter);
    out.assert_cleared();
    let entry = host.data().pfnCardReadFile.unwrap();
    let mut out = Out::garbage();
    // SAFETY:
    // - a NULL context is allowed; the rest is live.
    let code =
        unsafe { entry(std::ptr::null_mut(), null, file, 0, &raw mut out.pointer, &raw mut out.length) };
    refused!(code, Status::InvalidParameter);
    out.assert_cleared();
}

#[test]
fn directories_are_listed() {
    let mut host = Host::new::<Full>();
    let list = |host: &mut Host, directory: Option<&str>, flags: u32| {
        let (mut directory, mut out) = (directory.map(name), Out::garbage());
        let directory = directory.as_mut().map_or(std::ptr::null_mut(), |name| name.as_mut_ptr());
        let code = call!(
            host,
            pfnCardEnumFiles,
            directory,
            (&raw mut out.pointer).cast(),
            &raw mut out.length,
            flags
        );
        if code == 0 { Ok(out.take()) } else { Err(Status::from_code(code)) }
    };
    assert_eq!(list(&mut host, None, 0), Ok(b"cardapps\0cardcf\0cardid\0\0".to_vec()));
    assert_eq!(list(&mut host, Some("mscp"), 0), Ok(b"cmapfile\0\0".to_vec()));
    assert_eq!(list(&mut host, Some("empty"), 0), Err(Status::FileNotFound));
    assert_eq!(list(&mut host, Some("nodir"), 0), Err(Status::DirectoryNotFound));
    assert_eq!(list(&mut host, None, 0xFF), Err(Status::InvalidParameter));
    assert_eq!(list(&mut host, Some("ninechars"), 0), Err(Status::InvalidParameter));
}

#[test]
fn file_info_speaks_one_version() {
    let mut host = Host::new::<Full>();
    let info = |host: &mut Host, file: &str, version: u32| {
        let mut info = CARD_FILE_INFO { dwVersion: version, cbFileSize: 77, AccessCondition: 77 };
        let code =
            call!(host, pfnCardGetFileInfo, std::ptr::null_mut(), name(file).as_mut_ptr(), &raw mut info);
        if code == 0 {
            Ok((info.dwVersion, info.cbFileSize, info.AccessCondition))
        } else {
            Err(Status::from_code(code))
        }
    };
    assert_eq!(info(&mut host, "cardapps", 0), Ok((1, 8, 4)));
    assert_eq!(info(&mut host, "cardapps", 1), Ok((1, 8, 4)));
    assert_eq!(info(&mut host, "cardapps", 2), Err(Status::RevisionMismatch));
    assert_eq!(info(&mut host, "nofile", 1), Err(Status::FileNotFound));
    let null = std::ptr::null_mut();
    refused!(
        call!(host, pfnCardGetFileInfo, null, name("cardid").as_mut_ptr(), std::ptr::null_mut()),
        Status::InvalidParameter
    );
}

#[test]
fn files_are_written_made_and_deleted() {
    reset_script();
    let mut host = Host::new::<Full>();
    let null = std::ptr::null_mut();
    let (mut mscp, mut file) = (name("mscp"), name("kxc00"));
    let (mscp, file) = (mscp.as_mut_ptr(), file.as_mut_ptr());
    let mut data = *b"certificate";
    let data = data.as_mut_ptr();
    refused!(call!(host, pfnCardWriteFile, mscp, file, 0, data, 11), Status::FileNotFound);
    refused!(call!(host, pfnCardCreateFile, mscp, file, 1001, 1), Status::InvalidParameter);
    for access in [0, 4, 7] {
        refused!(call!(host, pfnCardCreateFile, mscp, file, 11, access), Status::InvalidParameter);
    }
    assert_eq!(call!(host, pfnCardCreateFile, mscp, file, 11, 1), 0);
    refused!(call!(host, pfnCardCreateFile, mscp, file, 11, 1), Status::FileExists);
    assert_eq!(call!(host, pfnCardWriteFile, mscp, file, 0, data, 11), 0);
    refused!(
        call!(host, pfnCardWriteFile, mscp, file, 0, std::ptr::null_mut(), 11),
        Status::InvalidParameter
    );
    refused!(call!(host, pfnCardWriteFile, mscp, file, 1, data, 11), Status::InvalidParameter);
    assert_eq!(read(&mut host, Some("mscp"), "kxc00"), Ok(b"certificate".to_vec()));
    assert_eq!(call!(host, pfnCardWriteFile, mscp, file, 0, data, 0), 0);
    assert_eq!(read(&mut host, Some("mscp"), "kxc00"), Ok(Vec::new()));
    assert_eq!(call!(host, pfnCardDeleteFile, mscp, file, 0), 0);
    refused!(call!(host, pfnCardDeleteFile, mscp, file, 0), Status::FileNotFound);
    refused!(call!(host, pfnCardDeleteFile, null, null, 0), Status::InvalidParameter);
}

#[test]
fn directories_are_made_and_deleted() {
    reset_script();
    let mut host = Host::new::<Full>();
    let mut new = name("new");
    let new = new.as_mut_ptr();
    refused!(call!(host, pfnCardCreateDirectory, std::ptr::null_mut(), 1), Status::InvalidParameter);
    refused!(call!(host, pfnCardCreateDirectory, name("").as_mut_ptr(), 1), Status::InvalidParameter);
    refused!(call!(host, pfnCardCreateDirectory, new, 0), Status::InvalidParameter);
    refused!(call!(host, pfnCardCreateDirectory, new, 3), Status::InvalidParameter);
    assert_eq!(call!(host, pfnCardCreateDirectory, new, 2), 0);
    refused!(call!(host, pfnCardCreateDirectory, new, 1), Status::FileExists);
    assert_eq!(call!(host, pfnCardDeleteDirectory, new), 0);
    refused!(call!(host, pfnCardDeleteDirectory, new), Status::DirectoryNotFound);
    refused!(call!(host, pfnCardDeleteDirectory, name("mscp").as_mut_ptr()), Status::DirectoryNotEmpty);
}

#[test]
fn a_read_only_card_is_not_written() {
    reset_script();
    let mut host = Host::new::<Full>();
    script(|script| script.read_only = true);
    let (mut file, mut data) = (name("cardid"), [0u8; 1]);
    let (file, data, null) = (file.as_mut_ptr(), data.as_mut_ptr(), std::ptr::null_mut());
    refused!(call!(host, pfnCardWriteFile, null, file, 0, data, 1), Status::UnsupportedFeature);
    refused!(call!(host, pfnCardDeleteFile, null, file, 0), Status::UnsupportedFeature);
    refused!(call!(host, pfnCardCreateFile, null, file, 0, 1), Status::UnsupportedFeature);
    refused!(call!(host, pfnCardCreateDirectory, file, 1), Status::UnsupportedFeature);
    refused!(call!(host, pfnCardDeleteContainer, 0, 0), Status::UnsupportedFeature);
    let mut bare = Host::of_version::<Bare>(6);
    refused!(call!(bare, pfnCardDeleteFile, null, file, 0), Status::UnsupportedFeature);
    refused!(call!(bare, pfnCardWriteFile, null, null, 9, null, 0), Status::UnsupportedFeature);
}

#[test]
fn the_cache_is_closed_where_the_host_needs_the_answer() {
    reset_script();
    let mut host = Host::new::<Full>();
    ledger(|ledger| ledger.cache_calls = 0);
    assert!(read(&mut host, None, "cardid").is_ok());
    assert_eq!(ledger(|ledger| ledger.cache_calls), 0);
    assert_eq!(read(&mut host, None, "cached"), Ok(b"p".to_vec()));
    assert_eq!(ledger(|ledger| ledger.cache.len()), 2);
    assert_eq!(call!(host, pfnCardDeauthenticateEx, 0xFF, 0), 0);
    assert_eq!(ledger(|ledger| ledger.cache.keys().cloned().collect::<Vec<_>>()), ["public"]);
    assert_eq!(common::live_blocks(), 0, "what the lookup gave was given back");
    host.data().pfnCspCacheLookupFile = None;
    assert_eq!(read(&mut host, None, "cached"), Err(Status::Unexpected), "no cache, no hit");
}
