//! `CardAcquireContext` and `CardDeleteContext`: checks, versions, published entries (5.1, 5.2, 4.3).

mod common;

use cardmod_sdk::Status;
use cardmod_sdk::sys::version::{SetBy, members, size_of_card_data};
use cardmod_sdk::sys::{CARD_DATA, Zeroed};

use common::module::{Bare, Full, reset_script, script};
use common::{Host, call, ledger, refused};

#[test]
fn arguments_are_checked_before_the_card() {
    reset_script();
    // SAFETY:
    // - NULL is allowed.
    refused!(unsafe { cardmod_sdk::acquire::<Full>(std::ptr::null_mut(), 0) }, Status::InvalidParameter);
    type Break = fn(&mut CARD_DATA);
    let broken: [(Break, Status); 14] = [
        (|data| data.pbAtr = std::ptr::null_mut(), Status::InvalidParameter),
        (|data| data.pwszCardName = std::ptr::null_mut(), Status::InvalidParameter),
        (|data| data.pfnCspAlloc = None, Status::InvalidParameter),
        (|data| data.pfnCspReAlloc = None, Status::InvalidParameter),
        (|data| data.pfnCspFree = None, Status::InvalidParameter),
        (|data| data.cbAtr = 0, Status::InvalidParameter),
        (|data| data.cbAtr = 2, Status::InvalidParameter),
        (|data| data.cbAtr = 0x22, Status::InvalidParameter),
        (|data| data.cbAtr = u32::MAX, Status::InvalidParameter),
        (|data| data.hScard = 0, Status::InvalidHandle),
        (|data| data.hSCardCtx = 0, Status::InvalidHandle),
        (|data| data.dwVersion = 0, Status::RevisionMismatch),
        (|data| data.dwVersion = 3, Status::RevisionMismatch),
        (
            |data| {
                data.pbAtr = [0u8; 9].as_mut_slice().as_mut_ptr();
                data.cbAtr = 0;
            },
            Status::InvalidParameter,
        ),
    ];
    for (number, (change, status)) in broken.into_iter().enumerate() {
        let mut host = Host::prepared(7);
        change(host.data());
        let version = host.data().dwVersion;
        let code = host.acquire::<Full>(0);
        assert_eq!(Status::from_code(code), status, "case {number}");
        assert_eq!(host.data().dwVersion, version);
        assert!(host.data().pvVendorSpecific.is_null());
        assert!(host.data().pfnCardReadFile.is_none(), "nothing is published on failure");
    }
    assert!(script(|script| script.calls.is_empty()), "the module was never asked");
    for flags in [2, 3, 255, u32::MAX] {
        refused!(Host::prepared(7).acquire::<Full>(flags), Status::InvalidParameter);
    }
    refused!(Host::prepared(7).acquire::<Full>(1), Status::UnsupportedFeature);
    refused!(Host::prepared(6).acquire::<Full>(1), Status::InvalidParameter);
}

#[test]
fn other_atrs_are_unknown_cards() {
    for atr in [[0u8; 9], [0xFF; 9], *b"\x3B\x85\x80\x01WORLD"] {
        let mut atr = atr;
        let mut host = Host::prepared(7);
        host.data().pbAtr = atr.as_mut_ptr();
        refused!(host.acquire::<Full>(0), Status::UnknownCard);
    }
}

#[test]
fn versions_are_negotiated() {
    for (requested, answered) in [(4, 4), (5, 5), (6, 6), (7, 7), (8, 7), (u32::MAX, 7)] {
        let mut host = Host::prepared(requested);
        assert_eq!(host.acquire::<Full>(0), 0);
        assert_eq!(host.data().dwVersion, answered);
    }
    refused!(Host::prepared(4).acquire::<Bare>(0), Status::RevisionMismatch);
    let mut host = Host::prepared(7);
    assert_eq!(host.acquire::<Bare>(0), 0);
    assert_eq!(host.data().dwVersion, 6);
    assert!(host.data().pfnCardCreateContainerEx.is_none(), "beyond the answered version");
}

/// Which members of the answered version are NULL, by their bytes.
fn null_entries(data: &CARD_DATA, version: u32) -> Vec<&'static str> {
    let base = std::ptr::from_ref(data).cast::<u8>();
    members(version)
        .filter(|member| member.set_by == SetBy::Module)
        .filter(|member| {
            // SAFETY:
            // - a pointer-sized member of the structure.
            unsafe { base.wrapping_add(member.offset).cast::<usize>().read() == 0 }
        })
        .map(|member| member.name)
        .collect()
}

#[test]
fn every_entry_is_filled() {
    for version in 4..=7 {
        let mut host = Host::of_version::<Full>(version);
        assert_eq!(null_entries(host.data(), version), Vec::<&str>::new(), "version {version}");
    }
    let mut host = Host::of_version::<Bare>(6);
    let allowed =
        ["pfnCardRSADecrypt", "pfnCardConstructDHAgreement", "pfnCardDeriveKey", "pfnCardDestroyDHAgreement"];
    assert_eq!(null_entries(host.data(), 6), allowed);
}

/// A block of exactly the version's size; Miri sees any access beyond it, and below a canary sees writes.
#[test]
fn nothing_beyond_the_version_is_touched() {
    for version in 4..=7 {
        let mut source = Host::prepared(version);
        let size = size_of_card_data(version).unwrap();
        let mut block = vec![0u64; size / 8];
        // SAFETY:
        // - both are at least `size` bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(source.pointer().cast::<u8>(), block.as_mut_ptr().cast(), size);
        };
        let data: *mut CARD_DATA = block.as_mut_ptr().cast();
        // SAFETY:
        // - a structure of this version.
        assert_eq!(unsafe { cardmod_sdk::acquire::<Full>(data, 0) }, 0);
        let mut copy = CARD_DATA::ZEROED;
        // SAFETY:
        // - as above, the other way.
        unsafe { std::ptr::copy_nonoverlapping(data.cast::<u8>(), (&raw mut copy).cast(), size) };
        let read = copy.pfnCardReadFile.unwrap();
        let (mut name, mut out) = (common::name("cardid"), common::Out::garbage());
        // SAFETY:
        // - the entry and structure of this context, live arguments.
        let code = unsafe {
            read(data, std::ptr::null_mut(), name.as_mut_ptr(), 0, &raw mut out.pointer, &raw mut out.length)
        };
        assert_eq!(code, 0);
        assert_eq!(out.take(), b"0123456789abcdef");
        let delete = copy.pfnCardDeleteContext.unwrap();
        // SAFETY:
        // - the structure of this context.
        assert_eq!(unsafe { delete(data) }, 0);
    }
}

#[cfg(all(unix, not(miri)))]
#[test]
fn a_structure_may_end_at_an_inaccessible_page() {
    for version in 4..=7 {
        let size = size_of_card_data(version).unwrap();
        let page = GuardedPage::new();
        let data: *mut CARD_DATA = page.ending_at_the_guard(size).cast();
        let mut source = Host::prepared(version);
        // SAFETY:
        // - the page has room for `size` bytes before the guard.
        unsafe { std::ptr::copy_nonoverlapping(source.pointer().cast::<u8>(), data.cast(), size) };
        // SAFETY:
        // - a structure of this version.
        assert_eq!(unsafe { cardmod_sdk::acquire::<Full>(data, 0) }, 0);
        let mut copy = CARD_DATA::ZEROED;
        // SAFETY:
        // - as above.
        unsafe { std::ptr::copy_nonoverlapping(data.cast::<u8>(), (&raw mut copy).cast(), size) };
        let delete = copy.pfnCardDeleteContext.unwrap();
        // SAFETY:
        // - the structure of this context.
        assert_eq!(unsafe { delete(data) }, 0);
    }
}

/// One page that may be used, and one behind it that may not.
#[cfg(all(unix, not(miri)))]
struct GuardedPage(*mut u8);

#[cfg(all(unix, not(miri)))]
impl GuardedPage {
    const PAGE: usize = 4096;

    fn new() -> Self {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY:
        // - a fresh anonymous mapping.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), 2 * Self::PAGE, protection, flags, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED);
        // SAFETY:
        // - the second page of that mapping.
        let result =
            unsafe { libc::mprotect(base.wrapping_byte_add(Self::PAGE), Self::PAGE, libc::PROT_NONE) };
        assert_eq!(result, 0);
        Self(base.cast())
    }

    fn ending_at_the_guard(&self, size: usize) -> *mut u8 {
        self.0.wrapping_add(Self::PAGE - size)
    }
}

#[cfg(all(unix, not(miri)))]
impl Drop for GuardedPage {
    fn drop(&mut self) {
        // SAFETY:
        // - the mapping of `new`.
        unsafe { libc::munmap(self.0.cast(), 2 * Self::PAGE) };
    }
}

#[test]
fn callbacks_that_may_be_missing_may_be_missing() {
    reset_script();
    let mut host = Host::prepared(7);
    host.data().pfnCspCacheAddFile = None;
    host.data().pfnCspCacheLookupFile = None;
    host.data().pfnCspCacheDeleteFile = None;
    host.data().pfnCspGetDHAgreement = None;
    assert_eq!(host.acquire::<Full>(0), 0);
    assert_eq!(ledger(|ledger| ledger.cache_calls), 0);
}

#[test]
fn contexts_are_independent_and_delete_is_idempotent() {
    reset_script();
    let (mut first, mut second) = (Host::new::<Full>(), Host::new::<Full>());
    assert_eq!(first.delete(), 0);
    assert!(first.data().pvVendorSpecific.is_null());
    assert_eq!(script(|script| script.dropped), 1);
    assert_eq!(first.delete(), 0);
    assert_eq!(script(|script| script.dropped), 1);
    refused!(
        call!(first, pfnCardDeleteDirectory, common::name("mscp").as_mut_ptr()),
        Status::InvalidParameter
    );
    refused!(
        call!(second, pfnCardDeleteDirectory, common::name("mscp").as_mut_ptr()),
        Status::DirectoryNotEmpty
    );
    let delete = second.data().pfnCardDeleteContext.unwrap();
    // SAFETY:
    // - NULL is allowed.
    refused!(unsafe { delete(std::ptr::null_mut()) }, Status::InvalidParameter);
}

#[test]
fn a_stale_vendor_word_finds_nothing() {
    let mut host = Host::new::<Full>();
    let word = host.data().pvVendorSpecific;
    assert_eq!(host.delete(), 0);
    host.data().pvVendorSpecific = word;
    refused!(
        call!(host, pfnCardDeleteDirectory, common::name("mscp").as_mut_ptr()),
        Status::InvalidParameter
    );
    host.data().pvVendorSpecific = std::ptr::without_provenance_mut(0x1234_5678);
    refused!(
        call!(host, pfnCardDeleteDirectory, common::name("mscp").as_mut_ptr()),
        Status::InvalidParameter
    );
}
