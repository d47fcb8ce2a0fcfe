//! OpenSC and `cardmod` take turns on one virtual card, with the cache on: each sees at once what the other
//! wrote.

use cardmod_interop::{Home, Outcome, run, tool};

const CARD: &str = "both";

fn opensc(home: &Home, words: &str) -> Outcome {
    run(&mut home.stranger(CARD, words))
}

fn login(home: &Home, words: &str) -> Outcome {
    opensc(home, &format!("pkcs11-tool --login --pin 123456 {words}"))
}

/// The names of the containers `cardmod` lists.
fn containers(home: &Home) -> Vec<String> {
    let listed = home.run(&format!("--card {CARD} container list --json")).success();
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let containers = listed["containers"].as_array().expect("containers");
    containers.iter().map(|container| container["name"].as_str().expect("a name").to_owned()).collect()
}

/// How many objects of a kind OpenSC lists.
fn objects(home: &Home, kind: &str) -> usize {
    let listed = login(home, &format!("--list-objects --type {kind}")).success();
    listed.stdout.matches(" Object; ").count()
}

/// A certificate for a public key, by an authority made here.
fn certify(home: &Home, public: &str, subject: &str) {
    for line in [
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem -days 9",
        &format!("openssl req -new -newkey rsa:2048 -nodes -keyout tmp.key -subj /CN={subject} -out tmp.csr"),
        &format!(
            "openssl x509 -req -in tmp.csr -CA ca.pem -CAkey ca.key -CAcreateserial -force_pubkey {public} \
             -outform DER -out cert.der"
        ),
    ] {
        run(tool(line).current_dir(home.folder())).success();
    }
}

#[test]
fn each_side_sees_at_once_what_the_other_wrote() {
    let home = Home::new();
    std::fs::write(home.file("data"), b"the data to be signed").expect("a file");
    home.run(&format!("card new {CARD}")).success();
    assert_eq!(containers(&home).len(), 0);

    home.run(&format!("--card {CARD} key generate --container ours --algorithm rsa2048 --pin-env PIN"))
        .success();
    login(&home, "--list-objects --type privkey").success().says("ours");
    assert_eq!(containers(&home), ["ours"]);

    login(&home, "--keypairgen --key-type rsa:2048 --id 05 --label theirs").success();
    let both = containers(&home);
    assert_eq!(both.len(), 2, "we see OpenSC's key: {both:?}");
    let theirs = both.iter().find(|name| *name != "ours").expect("its container").clone();

    let sign = format!("--card {CARD} sign --container {theirs} --in data --out sig --pin-env PIN");
    home.run(&sign).success();
    let public = format!("--card {CARD} key public --container {theirs} --out theirs.pem");
    home.run(&public).success();
    run(tool("openssl dgst -sha256 -verify theirs.pem -signature sig data").current_dir(home.folder()))
        .success()
        .says("Verified OK");

    certify(&home, "theirs.pem", "by-opensc");
    login(&home, "--write-object cert.der --type cert --id 01").success();
    let export = format!("--card {CARD} cert export --container {theirs} --out back.pem");
    home.run(&export).success();
    run(tool("openssl x509 -in back.pem -noout -subject").current_dir(home.folder()))
        .success()
        .says("by-opensc");

    let own =
        format!("--card {CARD} cert self-sign --container ours --subject CN=ours --store --pin-env PIN");
    home.run(&own).success();
    assert_eq!(objects(&home, "cert"), 2, "OpenSC sees both certificates");

    login(&home, "--delete-object --type cert --id 01").success();
    assert_eq!(home.run(&export).status, Some(1), "we see that it is gone");
    login(&home, "--delete-object --type privkey --id 01").success();
    assert_eq!(containers(&home), ["ours"], "and its key");

    home.run(&format!("--card {CARD} container delete ours --pin-env PIN")).success();
    assert_eq!(objects(&home, "cert"), 0, "OpenSC sees that ours is");
    // OpenSC shows the zeroed record of a deleted container as a key without name and use, its own too
    let left = login(&home, "--list-objects --type privkey").success().stdout;
    assert!(!left.contains("ours") && left.matches("Usage:      none").count() == 2, "{left}");
    assert!(home.file("cache").is_dir(), "all that with the cache on");
}
