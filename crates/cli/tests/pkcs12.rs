//! PKCS#12 files of openssl, NSS and Java, imported through the program.

mod common;

use common::Home;

/// A key and certificate below a small authority.
fn made(home: &Home, key: &str) {
    let script = format!(
        "set -e; \
         openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem -days 9; \
         openssl req {key} -nodes -keyout web.key -subj /CN=web -out web.csr; \
         openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -out web.pem"
    );
    home.shell(&script).succeeds();
}

const RSA: &str = "-newkey rsa:2048";
const EC: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
const EXPORT: &str =
    "openssl pkcs12 -export -inkey web.key -in web.pem -certfile ca.pem -name web -out web.p12";

/// The key in the container signs as the file's own key does.
fn signs(home: &Home, container: &str) {
    home.write("data", b"to be signed");
    home.run(&format!("--card demo sign --container {container} --in data --out sig --pin-env PIN"))
        .succeeds();
    home.tool("openssl x509 -in web.pem -noout -pubkey -out web.pub").succeeds();
    home.tool("openssl dgst -sha256 -verify web.pub -signature sig data").succeeds().says("Verified OK");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn files_of_openssl_are_read_modern_and_old() {
    let home = Home::with_card();
    made(&home, RSA);
    for (at, options) in [
        "",
        "-legacy",
        "-keypbe AES-128-CBC -certpbe AES-192-CBC -macalg sha512",
        "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1",
        "-keypbe PBE-SHA1-2DES -certpbe PBE-SHA1-RC2-128 -legacy",
        "-keypbe NONE -certpbe NONE",
        "-nomac",
    ]
    .into_iter()
    .enumerate()
    {
        home.tool(&format!("{EXPORT} {options} -passout pass:secret-ä")).succeeds();
        home.write("secret", "secret-ä\n".as_bytes());
        let import = format!(
            "--card demo --json key import --container c{at} --in web.p12 --p12-password-file secret --roots \
             --pin-env PIN"
        );
        let answer = home.run(&import).succeeds().json();
        let certificate = &answer["container"]["keys"][0]["certificate"];
        assert_eq!((&certificate["subject"], &certificate["matches_key"]), (&"CN=web".into(), &true.into()));
        assert_eq!(answer["roots_added"], if at == 0 { 1 } else { 0 }, "{options}");
        signs(&home, &format!("c{at}"));
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn an_elliptic_key_goes_to_the_signature_half_and_no_password_needs_no_question() {
    let home = Home::with_card();
    made(&home, EC);
    home.tool(&format!("{EXPORT} -passout pass:")).succeeds();
    home.run("--card demo key import --container web --in web.p12 --pin-env PIN")
        .succeeds()
        .says("a new p256 key for sign with its certificate");
    signs(&home, "web");
    home.tool("openssl pkcs12 -export -inkey web.key -nocerts -out bare.p12 -passout pass:").succeeds();
    home.run("--card demo key import --container bare --in bare.p12 --pin-env PIN")
        .succeeds()
        .says("without a certificate");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_wrong_password_writes_nothing() {
    let home = Home::with_card();
    made(&home, RSA);
    for options in ["", "-legacy", "-nomac"] {
        home.tool(&format!("{EXPORT} {options} -passout pass:secret")).succeeds();
        let import = "--card demo key import --container web --in web.p12 --pin-env PIN";
        let answer = home.run(&format!("{import} --p12-password-env WRONG"));
        answer.exits(1).says("the password is wrong");
        let answer = home.run(&format!("--json {import} --p12-password-env WRONG")).exits(1).json();
        assert_eq!(answer["error"]["code"], "wrong-password");
        home.run(import).exits(1).says("--p12-password-file");
        home.run("--card demo container list").succeeds().says("no containers");
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn what_cannot_be_read_is_said() {
    let home = Home::with_card();
    made(&home, RSA);
    let import = "--card demo key import --container web --pin-env PIN --p12-password-env PIN";
    home.tool("openssl pkcs12 -export -nokeys -in web.pem -out web.p12 -passout env:PIN").succeeds();
    home.run(&format!("{import} --in web.p12")).exits(1).says("has no private key");
    home.tool(&format!("{EXPORT} -legacy -keypbe PBE-SHA1-RC4-128 -passout env:PIN")).succeeds();
    home.run(&format!("{import} --in web.p12")).exits(1).says("RC4");
    home.run(&format!("{import} --in web.key")).exits(1).says("is no PKCS#12 file");
    home.shell("openssl genpkey -algorithm ed25519 -out ed.key").succeeds();
    home.tool("openssl pkcs12 -export -inkey ed.key -nocerts -out ed.p12 -passout env:PIN").succeeds();
    home.run(&format!("{import} --in ed.p12")).exits(1).says("of no kind that cards have");
    home.tool(&format!("{EXPORT} -passout env:PIN")).succeeds();
    let mut broken = home.read("web.p12");
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    home.write("broken.p12", &broken);
    home.run(&format!("{import} --in broken.p12")).exits(1);
    home.run("--card demo container list").succeeds().says("no containers");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn files_of_nss_are_read() {
    let home = Home::with_card();
    made(&home, RSA);
    home.tool(&format!("{EXPORT} -passout env:PIN")).succeeds();
    home.write("pw", b"123456\n");
    home.shell(
        "mkdir nss && certutil -N -d sql:nss --empty-password && pk12util -i web.p12 -d sql:nss -w pw -K ''",
    )
    .succeeds();
    for (at, options) in
        ["", "-c AES-256-CBC -C AES-128-CBC", "-c DES-EDE3-CBC -C DES-EDE3-CBC"].into_iter().enumerate()
    {
        home.shell(&format!("pk12util -o nss.p12 -n web -d sql:nss -w pw -K '' {options}")).succeeds();
        home.run(&format!(
            "--card demo key import --container n{at} --in nss.p12 --p12-password-file pw --pin-env PIN"
        ))
        .succeeds()
        .says("with its certificate");
        signs(&home, &format!("n{at}"));
    }
}

/// Java makes files with several keys. It is too large for the tests to install: where there is none,
/// this says so.
#[test]
fn one_of_several_keys_is_chosen_by_name() {
    if std::process::Command::new("keytool").arg("-help").output().is_err() {
        eprintln!("no keytool: files of Java are not tried");
        return;
    }
    let home = Home::with_card();
    for (name, algorithm) in
        [("first", "-keyalg RSA -keysize 2048"), ("web", "-keyalg EC -groupname secp256r1")]
    {
        home.tool(&format!(
            "keytool -genkeypair -keystore web.p12 -storetype PKCS12 -storepass:env PIN -alias {name} \
             -dname CN={name} -validity 9 {algorithm}"
        ))
        .succeeds();
    }
    home.tool("keytool -exportcert -rfc -keystore web.p12 -storepass:env PIN -alias web -file web.pem")
        .succeeds();
    let import = "--card demo key import --container web --in web.p12 --p12-password-env PIN --pin-env PIN";
    home.run(import).exits(1).says("has 2 private keys").says("first").says("web");
    home.run(&format!("{import} --p12-key nobody")).exits(1).says("no key \"nobody\"");
    home.run(&format!("{import} --p12-key web")).succeeds().says("p256");
    signs(&home, "web");
}
