//! OpenSC and `cardmod` take turns on one virtual card, with the cache on: each sees at once what the other
//! wrote. The ways to the card differ, the turns do not.

use crate::authority::Authority;
use crate::command::{Outcome, run, tool};
use crate::home::Home;

/// A way of both to one card with the standard profile and the PIN `123456`.
pub struct Table<'a> {
    /// The home of the card, and of the files.
    pub home: &'a Home,
    /// `cardmod` with these words, on the card.
    pub ours: &'a dyn Fn(&str) -> Outcome,
    /// A program of OpenSC with these words, on the card.
    pub theirs: &'a dyn Fn(&str) -> Outcome,
}

impl Table<'_> {
    /// Keys, certificates and deletions of both in turn, on a card without containers.
    ///
    /// # Panics
    /// When one does not see what the other wrote.
    pub fn take_turns(&self) {
        std::fs::write(self.home.file("data"), b"the data to be signed").expect("a file");
        assert_eq!(self.containers().len(), 0);
        let theirs = self.both_make_keys();
        self.both_store_certificates(&theirs);
        self.both_delete(&theirs);
        assert!(self.home.file("cache").is_dir(), "all that with the cache on");
    }

    /// A key of each; the name of OpenSC's container.
    fn both_make_keys(&self) -> String {
        (self.ours)("key generate --container ours --algorithm rsa2048 --pin-env PIN").success();
        self.login("--list-objects --type privkey").success().says("ours");
        assert_eq!(self.containers(), ["ours"]);

        self.login("--keypairgen --key-type rsa:2048 --id 05 --label theirs").success();
        let both = self.containers();
        assert_eq!(both.len(), 2, "we see OpenSC's key: {both:?}");
        let theirs = both.iter().find(|name| *name != "ours").expect("its container").clone();

        (self.ours)(&format!("sign --container {theirs} --in data --out sig --pin-env PIN")).success();
        (self.ours)(&format!("key public --container {theirs} --out theirs.pem")).success();
        self.tool("openssl dgst -sha256 -verify theirs.pem -signature sig data").says("Verified OK");
        theirs
    }

    /// OpenSC certifies its key, and puts another certificate in its place; we certify ours.
    fn both_store_certificates(&self, theirs: &str) {
        let authority = Authority::new(self.home);
        let export = format!("cert export --container {theirs} --out back.pem");
        for subject in ["by-opensc", "again-by-opensc"] {
            (self.ours)(&export).exits_with(1).says("has no certificate");
            authority.certify("theirs.pem", subject, "cert.pem");
            self.login("--write-object cert.der --type cert --id 01").success();
            (self.ours)(&export).success();
            self.tool("openssl x509 -in back.pem -noout -subject").says(&format!("= {subject}"));
            self.login("--delete-object --type cert --id 01").success();
        }
        self.login("--write-object cert.der --type cert --id 01").success();
        (self.ours)("cert self-sign --container ours --subject CN=ours --store --pin-env PIN").success();
        assert_eq!(self.objects("cert"), 2, "OpenSC sees both certificates");
    }

    fn both_delete(&self, theirs: &str) {
        self.login("--delete-object --type cert --id 01").success();
        let gone = (self.ours)(&format!("cert export --container {theirs} --out back.pem"));
        gone.exits_with(1).says("has no certificate");
        self.login("--delete-object --type privkey --id 01").success();
        assert_eq!(self.containers(), ["ours"], "and its key");

        (self.ours)("container delete ours --pin-env PIN").success();
        assert_eq!(self.objects("cert"), 0, "OpenSC sees that ours is");
        // OpenSC shows the zeroed record of a deleted container as a key without name and use, its own too
        let left = self.login("--list-objects --type privkey").success().stdout;
        assert!(!left.contains("ours") && left.matches("Usage:      none").count() == 2, "{left}");
        assert_eq!(self.containers().len(), 0);
    }

    fn login(&self, words: &str) -> Outcome {
        (self.theirs)(&format!("pkcs11-tool --login --pin 123456 {words}"))
    }

    /// The names of the containers `cardmod` lists.
    fn containers(&self) -> Vec<String> {
        let listed = (self.ours)("container list --json").success();
        let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
        let containers = listed["containers"].as_array().expect("containers");
        containers.iter().map(|container| container["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// How many objects of a kind OpenSC lists.
    fn objects(&self, kind: &str) -> usize {
        let listed = self.login(&format!("--list-objects --type {kind}")).success();
        listed.stdout.matches(" Object; ").count()
    }

    /// A program that needs no card.
    fn tool(&self, line: &str) -> Outcome {
        run(tool(line).current_dir(self.home.folder())).success()
    }
}
