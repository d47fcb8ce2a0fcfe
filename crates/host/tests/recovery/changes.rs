//! More operations of a session: files, directories, root certificates, the map, the administrator's key.

use cardmod_host::types::{DirectoryAccess, DirectoryName, FileAccess, FilePath, SecretBytes};
use cardmod_host::{AdminAuthority, CardSession, Error, FileAuthority};

use crate::common::{ADMIN_KEY, pin};
use crate::operations::{
    Operation, has_content, made_certificate, make_certificate, path, with_file, without_file,
};

/// Another key of the administrator, for a while.
const NEW_ADMIN_KEY: [u8; 24] = *b"another admin key 24 by.";
/// A record of the container map, and where its flags are (Cardmod.h, `CONTAINER_MAP_RECORD`).
const RECORD: usize = 86;
const FLAGS: usize = 80;
const DEFAULT: u8 = 2;

pub(crate) const PUT_NEW_FILE: Operation =
    Operation::new("putnew", put_file).after(without_file).leaving(has_content).once();
pub(crate) const PUT_FILE: Operation =
    Operation::new("put", put_file).after(with_file).leaving(has_content).once();
pub(crate) const LIST_FILES: Operation = Operation::new("files", |session| {
    let names = session.list_files(Some(&DirectoryName::MSCP))?;
    assert!(names.iter().any(|name| name.as_str() == "cmapfile"), "{names:?}");
    Ok(())
});
pub(crate) const CREATE_DIRECTORY: Operation = Operation::new("dircreate", create_directory)
    .after(without_directory)
    .leaving(|session| assert!(session.list_files(Some(&directory())).expect("a directory").is_empty()))
    .once();
pub(crate) const DELETE_DIRECTORY: Operation = Operation::new("dirdelete", delete_directory)
    .after(with_directory)
    .leaving(|session| {
        let found = session.list_files(Some(&directory()));
        assert!(matches!(found, Err(Error::DirectoryNotFound { .. })), "{found:?}");
    })
    .once();
pub(crate) const WRITE_ROOTS: Operation =
    Operation::new("rootswrite", |session| session.write_roots(&[made_certificate()], &mut pin()))
        .after(without_store)
        .leaving(has_root)
        .once();
pub(crate) const ADD_ROOT: Operation = Operation::new("rootadd", |session| {
    let added = session.add_roots(&[made_certificate()], &mut pin())?;
    assert_eq!(added, 1);
    Ok(())
})
.after(|session| write_roots(session, &[]))
.leaving(has_root)
.once();
pub(crate) const REMOVE_ROOT: Operation =
    Operation::new("rootremove", |session| session.remove_root(&made_certificate(), &mut pin()))
        .after(|session| {
            make_certificate(session);
            write_roots(session, &[made_certificate()]);
        })
        .leaving(|session| assert_eq!(session.roots().expect("a list"), [[0; 0]; 0]))
        .once();
pub(crate) const REBUILD: Operation = Operation::new("rebuild", |session| {
    let plan = session.rebuild_map(&mut pin())?;
    assert!(plan.changes());
    Ok(())
})
.after(without_default)
.leaving(|session| {
    assert!(session.container(Some("key")).expect("the container").default);
    assert!(!session.plan_rebuild().expect("a plan").changes());
})
.once();
pub(crate) const CHANGE_ADMIN_KEY: Operation = Operation::new("adminchange", |session| {
    session.change_admin_key(&mut key(&ADMIN_KEY), &SecretBytes::from(&NEW_ADMIN_KEY[..]))
})
.after(with_old_key)
.leaving(|session| session.admin_authenticate(&mut key(&NEW_ADMIN_KEY)).expect("the new key"))
.once();

fn put_file(session: &mut CardSession) -> Result<(), Error> {
    let access = FileAccess::EveryoneReadUserWrite;
    session.put_file(&path(), b"content", access, FileAuthority::User, &mut pin())
}

fn directory() -> DirectoryName {
    DirectoryName::parse(b"notes").expect("a name")
}

fn create_directory(session: &mut CardSession) -> Result<(), Error> {
    let access = DirectoryAccess::UserCreateDelete;
    session.create_directory(&directory(), access, FileAuthority::User, &mut pin())
}

fn delete_directory(session: &mut CardSession) -> Result<(), Error> {
    session.delete_directory(&directory(), FileAuthority::User, &mut pin())
}

fn without_directory(session: &mut CardSession) {
    match delete_directory(session) {
        Ok(()) | Err(Error::DirectoryNotFound { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn with_directory(session: &mut CardSession) {
    match create_directory(session) {
        Ok(()) | Err(Error::FileExists { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn write_roots(session: &mut CardSession, roots: &[Vec<u8>]) {
    make_certificate(session);
    session.write_roots(roots, &mut pin()).expect("the store");
}

fn without_store(session: &mut CardSession) {
    make_certificate(session);
    match session.delete_file(&FilePath::msroots(), FileAuthority::User, &mut pin()) {
        Ok(()) | Err(Error::FileNotFound { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn has_root(session: &mut CardSession) {
    assert_eq!(session.roots().expect("a list"), [made_certificate()]);
}

/// Takes the mark from the default container.
fn without_default(session: &mut CardSession) {
    let mut map = session.read_file(&FilePath::cmapfile()).expect("the map");
    for record in map.chunks_exact_mut(RECORD) {
        record[FLAGS] &= !DEFAULT;
    }
    session.write_file(&FilePath::cmapfile(), &map, FileAuthority::User, &mut pin()).expect("it is written");
}

fn key(bytes: &[u8]) -> AdminAuthority<'static> {
    AdminAuthority::Key(SecretBytes::from(bytes))
}

fn with_old_key(session: &mut CardSession) {
    match session.admin_authenticate(&mut key(&ADMIN_KEY)) {
        Ok(()) => {}
        Err(Error::WrongPin { .. }) => {
            let old = SecretBytes::from(&ADMIN_KEY[..]);
            session.change_admin_key(&mut key(&NEW_ADMIN_KEY), &old).expect("the other one");
        }
        Err(error) => panic!("{error}"),
    }
}
