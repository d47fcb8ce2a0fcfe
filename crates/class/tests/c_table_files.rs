//! Access conditions and causes of the file entries through the table a host gets, on virtual cards.

mod table;

use cardmod_sdk::Status;
use cardmod_types::KeySpec;
use cardmod_virtual::{Behaviour, CardOptions};

use table::{ADMIN_KEY, Host};

const NO: Status = Status::SecurityViolation;

impl Host {
    /// Nobody, the user or the administrator, and nobody else.
    fn become_role(&mut self, role: usize) {
        self.deauthenticate().expect("deauthenticated");
        match role {
            1 => self.as_user(),
            2 => self.as_admin(&ADMIN_KEY).expect("admin"),
            _ => {}
        }
    }
}

fn cards(name: &str) -> [Host; 2] {
    let applet =
        CardOptions { behaviour: Behaviour::Applet, extended_length: false, ..CardOptions::default() };
    [Host::new(name), Host::with_options(&format!("{name}-applet"), 7, applet)]
}

#[test]
fn the_matrix_of_files_and_roles_holds() {
    // Access condition; who may read; who may write and delete: nobody, the user, the administrator.
    let matrix = [
        (1, [true, true, true], [false, true, true]),
        (2, [false, false, false], [false, true, true]),
        (3, [true, true, true], [false, false, true]),
        (5, [false, true, true], [false, true, true]),
        (6, [false, false, true], [false, false, true]),
    ];
    for mut host in cards("matrix") {
        for (access, readers, writers) in matrix {
            for role in 0..3 {
                let may = |table: [bool; 3]| if table[role] { Ok(()) } else { Err(NO) };
                let what = format!("condition {access}, role {role}");
                host.become_role(2);
                host.create_file("mscp", "file", access).expect("created");
                host.write("mscp", "file", b"first").expect("written");
                assert_eq!(host.create_file("mscp", "FILE", access), Err(Status::FileExists));
                host.become_role(role);
                let told = host.info("mscp", "file");
                assert_eq!(told, may(readers).map(|()| (5, access)), "{what}");
                let read = host.read(Some("mscp"), "file");
                assert_eq!(read, may(readers).map(|()| b"first".to_vec()), "{what}");
                assert_eq!(host.write("mscp", "file", b"second one"), may(writers), "{what}");
                assert_eq!(host.delete_file("mscp", "file"), may(writers), "{what}");
                if !writers[role] {
                    host.become_role(2);
                    if access != 2 {
                        assert_eq!(host.read(Some("mscp"), "file"), Ok(b"first".to_vec()), "{what}");
                    }
                    host.delete_file("mscp", "file").expect("deleted");
                }
                assert_eq!(host.read(Some("mscp"), "file"), Err(Status::FileNotFound), "{what}");
            }
        }
    }
}

#[test]
fn directories_and_their_causes() {
    for mut host in cards("directories") {
        for access in [0, 3, 255] {
            assert_eq!(host.create_directory("own", access), Err(Status::InvalidParameter));
        }
        assert_eq!(host.create_directory("own", 1), Err(NO));
        host.become_role(1);
        assert_eq!(host.create_directory("own", 1), Ok(()));
        assert_eq!(host.create_directory("OWN", 1), Err(Status::FileExists));
        assert_eq!(host.create_directory("cardid", 1), Err(Status::FileExists), "a file of that name");
        assert_eq!(host.create_directory("ninechars", 1), Err(Status::InvalidParameter));
        assert_eq!(host.list(Some("own")), Err(Status::FileNotFound), "empty");
        assert_eq!(host.list(Some("none")), Err(Status::DirectoryNotFound));
        let root = host.list(None).expect("names");
        for file in ["cardid", "cardcf", "cardapps"] {
            assert!(root.split('\0').any(|name| name == file), "{file} in {root:?}");
        }
        assert!(root.ends_with("\0\0") && !root.contains("mscp") && !root.contains("own"), "{root:?}");
        for access in [0, 4, 7] {
            assert_eq!(host.create_file("own", "file", access), Err(Status::InvalidParameter));
        }
        assert_eq!(host.create_file("none", "file", 1), Err(Status::DirectoryNotFound));
        assert_eq!(host.create_file("own", "", 1), Err(Status::InvalidParameter));
        assert_eq!(host.create_file("own", "file", 1), Ok(()));
        assert_eq!(host.read(Some("own"), "file"), Ok(Vec::new()), "empty is not missing");
        assert_eq!(host.write("own", "file", b"text"), Ok(()));
        assert_eq!(host.write("own", "file", b""), Ok(()));
        assert_eq!(host.read(Some("own"), "file"), Ok(Vec::new()));
        assert_eq!(host.write("own", "other", b"text"), Err(Status::FileNotFound));
        assert_eq!(host.list(Some("own")).as_deref(), Ok("file\0\0"));
        assert_eq!(host.delete_directory("own"), Err(Status::DirectoryNotEmpty));
        assert_eq!(host.delete_directory("none"), Err(Status::DirectoryNotFound));
        assert_eq!(host.delete_file("own", "file"), Ok(()));
        assert_eq!(host.delete_file("own", "file"), Err(Status::FileNotFound));
        host.become_role(0);
        assert_eq!(host.delete_directory("own"), Err(NO));
        host.become_role(2);
        assert_eq!(host.delete_directory("own"), Ok(()));

        // A directory of the administrator's.
        assert_eq!(host.create_directory("adm", 2), Ok(()));
        host.become_role(1);
        assert_eq!(host.create_file("adm", "file", 1), Err(NO));
        assert_eq!(host.delete_directory("adm"), Err(NO));
        host.become_role(2);
        assert_eq!(host.create_file("adm", "file", 1), Ok(()));
        host.become_role(1);
        assert_eq!(host.write("adm", "file", b"the file's own condition"), Ok(()));
        host.become_role(2);
        assert_eq!(host.delete_file("adm", "file"), Ok(()));
        assert_eq!(host.delete_directory("adm"), Ok(()));
    }
}

#[test]
fn a_full_card_says_so_and_stays_usable() {
    let small = CardOptions { capacity: 8192, ..CardOptions::default() };
    let mut host = Host::with_options("full", 7, small);
    host.become_role(1);
    host.generate(0, KeySpec::KeyExchange, 1024).expect("a key");
    let key = host.key(0);
    host.create_file("mscp", "fill", 1).expect("created");
    let mut size = 8192;
    let mut step = 4096;
    while step > 0 {
        match host.write("mscp", "fill", &vec![7; size]) {
            Ok(()) => size += step,
            Err(Status::WriteTooMany) => size -= step,
            Err(other) => panic!("{other:?}"),
        }
        step /= 2;
    }
    // Keys of one size differ by some bytes in their encoding.
    host.write("mscp", "fill", &vec![7; size - 64]).expect("less than before");
    assert_eq!(host.generate(1, KeySpec::KeyExchange, 4096), Err(Status::NoMemory));
    assert_eq!(host.keys(1).err(), Some(Status::NoKeyContainer), "nothing half made");
    assert_eq!(host.key(0), key, "the others are untouched");
    // A key of another size cannot stand beside the old one under its reference: the old one goes first.
    assert_eq!(host.generate(0, KeySpec::KeyExchange, 4096), Err(Status::NoMemory));
    assert_eq!(host.keys(0).err(), Some(Status::NoKeyContainer), "what is told is what is there");
    host.generate(0, KeySpec::KeyExchange, 1024).expect("the room of the old key");
    assert_ne!(host.key(0), key);
    assert_eq!(host.read(Some("mscp"), "fill").map(|content| content.len() > 1024), Ok(true));
}
