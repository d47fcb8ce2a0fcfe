//! Certificates through the program, with openssl as the other side: requests, self-signed ones, bundles,
//! chains and the root store.

mod common;

use common::Home;

const USES: &str = "--subject CN=web,O=Example --san DNS:web.example --san email:who@web.example \
    --san IP:192.0.2.7 --san URI:https://web.example/ --san UPN:who@corp.example \
    --key-usage digitalSignature,nonRepudiation --extended-key-usage clientAuth,smartcardLogon \
    --extended-key-usage 1.2.3.4";

/// What openssl prints of those.
const PRINTED: [&str; 10] = [
    "DNS:web.example",
    "email:who@web.example",
    "IP Address:192.0.2.7",
    "URI:https://web.example/",
    "othername: UPN::who@corp.example",
    "X509v3 Key Usage: critical",
    "Digital Signature, Non Repudiation",
    "TLS Web Client Authentication, Microsoft Smartcard Login, 1.2.3.4",
    "CN = web",
    "O = Example",
];

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn what_the_user_wants_is_in_the_request_and_the_certificate() {
    for algorithm in ["rsa2048", "p256"] {
        let home = Home::with_key(algorithm);
        let to = "--card demo cert request --container web --out web.csr --pin-env PIN";
        home.run(&format!("{to} {USES}")).succeeds();
        let text = home.tool("openssl req -in web.csr -noout -verify -text").succeeds().says("verify OK");
        let to = "--card demo cert self-sign --container web --days 3 --store --out web.pem --pin-env PIN";
        home.run(&format!("{to} {USES}")).succeeds();
        let certificate = home.tool("openssl x509 -in web.pem -noout -text").succeeds().says("CA:FALSE");
        for printed in PRINTED {
            for text in [&text, &certificate] {
                assert!(text.text().contains(printed), "no {printed:?} in\n{text}");
            }
        }
        home.run("--card demo container list").succeeds().says("(expires in ");
        let list = home.run("--card demo --json container list").succeeds().json();
        let validity = &list["containers"][0]["keys"][0]["certificate"]["validity"];
        // The clock goes on between the two.
        assert!(validity == "expires in 3 days" || validity == "expires in 2 days", "{validity}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn an_authority_of_the_card_is_one() {
    let home = Home::with_key("p384");
    home.run("--card demo cert self-sign --container web --subject CN=ca --ca --out ca.pem --pin-env PIN")
        .succeeds();
    let text = home.tool("openssl x509 -in ca.pem -noout -text").succeeds();
    text.says("CA:TRUE").says("Digital Signature, Certificate Sign, CRL Sign");
    home.tool("openssl verify -CAfile ca.pem ca.pem").succeeds();
    let refused = "--card demo cert self-sign --container web --subject CN=x --pin-env PIN";
    home.run(&format!("{refused} --key-usage keyCertSign")).exits(1).says("authorities alone");
    home.run(&format!("{refused} --key-usage sign")).exits(2).says("is no key usage: known are");
    home.run(&format!("{refused} --extended-key-usage sign")).exits(2).says("smartcardLogon");
    home.run(&format!("{refused} --san UPN:who")).exits(1).says("looks like who@domain");
    home.run(&format!("{refused} --days 0")).exits(1).says("1 to 36500 days");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn an_expired_certificate_is_shown_as_one() {
    let home = Home::with_key("rsa2048");
    home.run("--card demo cert request --container web --subject CN=old --out web.csr --pin-env PIN")
        .succeeds();
    home.tool("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem").succeeds();
    home.tool("openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days -1 -out web.pem")
        .succeeds();
    home.run("--card demo cert import --container web web.pem --pin-env PIN").succeeds();
    home.run("--card demo container list").succeeds().says("expired 1 day ago");
    home.run("--card demo info").succeeds().says("CN=old, until ").says("(expired 1 day ago)");
    let info = home.run("--card demo --json info").succeeds().json();
    let certificate = &info["containers"][0]["keys"][0]["certificate"];
    assert_eq!(
        (&certificate["validity"], &certificate["matches_key"]),
        (&"expired 1 day ago".into(), &true.into())
    );
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_certificate_of_another_key_is_shown_as_one() {
    let home = Home::with_key("p256");
    let shown = ["--card demo info", "--card demo container list"];
    home.run(
        "--card demo cert self-sign --container web --subject CN=own --store --out own.pem --pin-env PIN",
    )
    .succeeds();
    for line in shown {
        let text = home.run(line).succeeds().says("CN=own");
        assert!(!text.text().contains("of another key"), "{text}");
    }
    // Such a certificate is never imported: another program put it there.
    home.tool(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout o.key -subj /CN=other -outform DER -out o.der",
    )
    .succeeds();
    home.run("--card demo file write mscp/ksc00 --in o.der --pin-env PIN").succeeds();
    for line in shown {
        home.run(line).succeeds().says("CN=other (of another key!)");
    }
    let info = home.run("--card demo --json info").succeeds().json();
    assert_eq!(info["containers"][0]["keys"][0]["certificate"]["matches_key"], false, "{info:#}");
}

/// A root `root.pem`, an authority `mid.pem` below it and `web.pem` for the card's key below that; all in
/// `bundle.pem`, the last one first, and in `bundle.p7b`.
fn issued(home: &Home) {
    home.run("--card demo cert request --container web --subject CN=web --out web.csr --pin-env PIN")
        .succeeds();
    home.write("ca.cnf", b"basicConstraints=critical,CA:TRUE\n");
    let made = home.shell(
        "set -e; \
         openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -subj /CN=root -out root.pem -days 99; \
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout mid.key -subj /CN=mid -out mid.csr; \
         openssl x509 -req -in mid.csr -CA root.pem -CAkey root.key -CAcreateserial -extfile ca.cnf -days 98 \
             -out mid.pem; \
         openssl x509 -req -in web.csr -CA mid.pem -CAkey mid.key -CAcreateserial -days 97 -out web.pem; \
         cat root.pem mid.pem web.pem > bundle.pem; \
         openssl crl2pkcs7 -nocrl -certfile bundle.pem -out bundle.p7b; \
         openssl crl2pkcs7 -nocrl -certfile bundle.pem -outform DER -out bundle.der",
    );
    made.succeeds();
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_bundle_is_taken_apart_and_comes_back_as_a_chain() {
    for bundle in ["bundle.pem", "bundle.p7b", "bundle.der"] {
        let home = Home::with_key("rsa2048");
        issued(&home);
        home.run(&format!("--card demo cert import --container web {bundle} --roots --pin-env PIN"))
            .succeeds()
            .says("2 root certificates added");
        home.run("--card demo cert export --container web --chain --out chain.pem").succeeds();
        let expected = [home.read("web.pem"), home.read("mid.pem"), home.read("root.pem")].concat();
        assert_eq!(String::from_utf8_lossy(&home.read("chain.pem")), String::from_utf8_lossy(&expected));
        home.tool("openssl verify -CAfile root.pem -untrusted chain.pem web.pem").succeeds();
        home.run("--card demo cert export --container web --chain --der --out chain.p7b").succeeds();
        home.tool("openssl pkcs7 -inform DER -in chain.p7b -print_certs -noout").succeeds().says("CN = mid");
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_chain_is_built_from_files_and_says_when_it_ends_early() {
    let home = Home::with_key("rsa2048");
    issued(&home);
    home.run("--card demo cert import --container web bundle.pem --pin-env PIN").succeeds();
    home.run("--card demo cert export --container web --chain --out chain.pem")
        .succeeds()
        .says("the chain is not complete");
    assert_eq!(home.read("chain.pem"), home.read("web.pem"));
    let whole = "--card demo --json cert export --container web --chain --with mid.pem --with bundle.p7b";
    assert_eq!(home.run(whole).succeeds().json()["certificates"], 3);
    // One of the same name that did not sign is no link of the chain.
    home.tool("openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=mid -out other.pem")
        .succeeds();
    let wrong = "--card demo --json cert export --container web --chain --with other.pem";
    assert_eq!(home.run(wrong).succeeds().json()["certificates"], 1);
    // A bundle without the key's certificate is refused, and nothing is written.
    home.run("--card demo cert import --container web other.pem --roots --pin-env PIN")
        .exits(1)
        .says("does not match the key");
    home.run("--card demo cert roots list").succeeds().says("no root certificates");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn roots_are_kept_listed_and_deleted() {
    let home = Home::with_key("rsa2048");
    issued(&home);
    let roots = |line: &str| home.run(&format!("--card demo cert roots {line}"));
    roots("import root.pem --pin-env WRONG").exits(5);
    roots("import data --pin-env PIN").exits(1).says("this is no certificate");
    roots("import root.pem --pin-env PIN").succeeds().says("1 root certificate added");
    roots("import bundle.pem --pin-env PIN").succeeds().says("2 root certificates added");
    // Nothing new needs no PIN.
    roots("import bundle.p7b").succeeds().says("were there already");
    let text = roots("list").succeeds().says("CN=root").says("CN=mid").text();
    // What is on the card is what Windows would put there.
    home.run("--card demo file read mscp/msroots --out msroots").succeeds();
    home.tool("openssl pkcs7 -inform DER -in msroots -print_certs -noout").succeeds().says("CN = root");
    home.write("empty", b"");
    let line = text.lines().find(|line| line.contains("CN=mid")).expect("the list has it");
    let fingerprint = line.split_whitespace().last().expect("a fingerprint").to_owned();
    roots("delete 1234 --pin-env PIN").exits(2);
    roots("delete 12345678 --pin-env PIN").exits(1).says("no root certificate has fingerprint");
    roots(&format!("delete {fingerprint} --pin-env PIN")).succeeds();
    roots("list").succeeds().never_says("CN=mid");
    roots("export --out roots.pem").succeeds();
    home.tool("openssl crl2pkcs7 -nocrl -certfile roots.pem -out roots.p7b").succeeds();
    roots("import mid.pem --replace --pin-env PIN").succeeds();
    roots("list").succeeds().says("CN=mid").never_says("CN=root");
    roots("delete --all --pin-env PIN").succeeds().says("1 root certificates deleted");
    roots("list").succeeds().says("no root certificates");
    // A store that is broken is said to be, and not written over by an addition.
    home.write("broken", b"what is this");
    home.run("--card demo file write mscp/msroots --in broken --pin-env PIN").succeeds();
    roots("list").exits(1).says("file mscp/msroots");
    roots("import root.pem --pin-env PIN").exits(1);
    home.run("--card demo file read mscp/msroots --out same").succeeds();
    assert_eq!(home.read("same"), b"what is this");
    roots("import root.pem --replace --pin-env PIN").succeeds();
}
