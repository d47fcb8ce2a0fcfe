//! GnuTLS and OpenSSH see the container's key and certificate through OpenSC's PKCS#11 module.

use cardmod_interop::{Home, pkcs11_module, run, tool};

#[test]
fn gnutls_lists_key_and_certificate() {
    let home = Home::provisioned();
    let list = format!("p11tool --provider {} --list-all", pkcs11_module().display());
    let listed = run(&mut home.stranger("demo", &list)).success();
    for kind in ["Type: Public key (RSA-2048)", "Type: X.509 Certificate (RSA-2048)"] {
        assert!(listed.stdout.contains(kind), "no {kind} in\n{listed}");
    }
}

#[test]
fn openssh_prints_the_public_key_of_the_container() {
    let home = Home::provisioned();
    let list = format!("ssh-keygen -D {}", pkcs11_module().display());
    let listed = run(&mut home.stranger("demo", &list)).success();
    let own = tool("ssh-keygen -i -m PKCS8 -f web.pub.pem").current_dir(home.folder()).output();
    let own = String::from_utf8(own.expect("ssh-keygen").stdout).expect("text");
    let key = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    assert!(own.starts_with("ssh-rsa "), "{own}");
    assert_eq!(key(listed.stdout.trim_end()), key(own.trim_end()));
}
