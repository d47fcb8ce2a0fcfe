//! A card in a reader of pcscd, and the programs that work on it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use cardmod_interop::{Authority, Home, Outcome, Plug, World, cardmod_program, fixture, run, tool};

/// One card, in the first reader of a world of its own.
pub(crate) struct Desk {
    // the card is pulled before its reader goes
    _plug: Plug,
    pub(crate) world: World,
    pub(crate) home: Home,
}

impl Desk {
    /// The PIV application of a security key's firmware, as it is delivered: PIN `123456`, PUK `12345678`, the
    /// default management key.
    pub(crate) fn with_firmware() -> Self {
        let program = fixture("piv-authenticator-vpcd");
        let program = program.to_str().expect("a path of text");
        Self::around(Home::new(), World::new(), |world, home| world.plug_program(home, &[program]))
    }

    /// A virtual PIV card with the options of `card new`, PUK `12345678`.
    pub(crate) fn with_card(options: &str) -> Self {
        Self::with_card_in(World::new(), options)
    }

    /// The same in a reader that Yubico's PKCS#11 module talks to: one whose name tells of its maker.
    pub(crate) fn with_card_in_yubico_s_reader(options: &str) -> Self {
        Self::with_card_in(World::with_readers("Yubico YubiKey CCID"), options)
    }

    /// A card of a home, as it is.
    pub(crate) fn at(home: Home, card: &str) -> Self {
        Self::around(home, World::new(), |world, home| world.plug(home, card))
    }

    /// The same, speaking T=0.
    pub(crate) fn with_t0_card() -> Self {
        let home = Home::new();
        home.run("card new mypiv --type piv").success();
        let program = cardmod_program();
        let program = program.to_str().expect("a path of text");
        let words = ["env", "CARDMOD_READER_PROTOCOL=t0", program, "card", "plug", "mypiv"];
        Self::around(home, World::new(), |world, home| world.plug_program(home, &words))
    }

    fn with_card_in(world: World, options: &str) -> Self {
        let home = Home::new();
        std::fs::write(home.file("puk"), "12345678").expect("a file");
        home.run(&format!("card new mypiv --type piv --puk-file puk {options}")).success();
        Self::around(home, world, |world, home| world.plug(home, "mypiv"))
    }

    fn around(home: Home, world: World, plug: impl FnOnce(&World, &Home) -> Plug) -> Self {
        for (file, text) in [("data", "the data to be signed"), ("wrong", "000000")] {
            std::fs::write(home.file(file), text).expect("a file");
        }
        let plug = plug(&world, &home);
        Self { home, world, _plug: plug }
    }

    /// A program with its words, on the card.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Outcome {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.world.run_at(&self.home, &words)
    }

    /// yubico-piv-tool with these words.
    #[track_caller]
    pub(crate) fn piv_tool(&self, line: &str) -> Outcome {
        let (maker, _) = self.world.reader().split_once(' ').expect("a name of several words");
        self.run(&format!("yubico-piv-tool --reader {maker} {line}"))
    }

    /// A program whose first words are the arguments that no blank may part, with the words of a line.
    #[track_caller]
    pub(crate) fn run_with(&self, first: &[&str], line: &str) -> Outcome {
        let words: Vec<&str> = first.iter().copied().chain(line.split_whitespace()).collect();
        self.world.run_at(&self.home, &words)
    }

    /// `cardmod` with these words, through the system's PC/SC service.
    #[track_caller]
    pub(crate) fn cardmod(&self, line: &str) -> Outcome {
        self.run_with(&["cardmod", "--reader", self.world.reader()], line)
    }

    /// A program that needs no card.
    #[track_caller]
    pub(crate) fn beside(&self, line: &str) -> Outcome {
        run(tool(line).current_dir(self.home.folder()))
    }

    /// `data` is what `signature` signs, under a public key (PEM).
    #[track_caller]
    pub(crate) fn verify(&self, public: &str, signature: &str) {
        let line = format!("openssl dgst -sha256 -verify {public} -signature {signature} data");
        self.beside(&line).success().says("Verified OK");
    }

    /// Seals `data` for a public key (PEM) into `sealed`, with PKCS #1's older padding.
    #[track_caller]
    pub(crate) fn seal(&self, public: &str) {
        let line = format!("openssl pkeyutl -encrypt -pubin -inkey {public} -in data -out sealed");
        self.beside(&line).success();
    }

    /// Writes a file that can be run.
    pub(crate) fn script(&self, name: &str, text: &str) {
        let path = self.home.file(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("a mode");
    }

    /// Two files are the same.
    #[track_caller]
    pub(crate) fn same(&self, one: &str, other: &str) {
        let read = |name: &str| std::fs::read(self.home.file(name)).expect(name);
        assert_eq!(read(one), read(other), "{one} and {other}");
    }

    /// A key made by yubico-piv-tool in a place, with a certificate of an authority: the key's public half is in
    /// `PLACE.pub`, the certificate in `PLACE.pem`.
    pub(crate) fn enrol_by_yubico(&self, place: &str, algorithm: &str) {
        self.piv_tool(&format!("-s {place} -A {algorithm} -a generate -o {place}.pub")).success();
        let (public, certificate) = (format!("{place}.pub"), format!("{place}.pem"));
        Authority::new(&self.home).certify(&public, &format!("key-{place}"), &certificate);
        self.piv_tool(&format!("-s {place} -a import-certificate -i {certificate}")).success();
    }

    /// yubico-piv-tool signs `data` with a key whose public half is in `PLACE.pub`.
    #[track_caller]
    pub(crate) fn signs_by_yubico(&self, place: &str, algorithm: &str) {
        let sign = format!("-a verify-pin -P 123456 --sign -s {place} -A {algorithm} -H SHA256");
        self.piv_tool(&format!("{sign} -i data -o signature")).success();
        self.verify(&format!("{place}.pub"), "signature");
    }

    /// `cardmod` makes a key in a place, asks for a certificate, and stores what an authority made of it: the
    /// key's public half is in `PLACE.pub`, the certificate in `PLACE.pem`.
    #[track_caller]
    pub(crate) fn enrol_by_cardmod(&self, place: &str, algorithm: &str) {
        let key = format!("--container {place} --pin-env PIN");
        let write = format!("{key} --management-key default");
        self.cardmod(&format!("key generate --algorithm {algorithm} {write}")).success();
        self.cardmod(&format!("key public --container {place} --out {place}.pub")).success();
        self.cardmod(&format!("cert request --subject CN=key-{place} --out {place}.csr {key}")).success();
        self.beside(&format!("openssl req -in {place}.csr -noout -verify")).success();
        self.beside(&format!("openssl req -in {place}.csr -noout -pubkey -out asked.pub")).success();
        self.same(&format!("{place}.pub"), "asked.pub");
        let (public, certificate) = (format!("{place}.pub"), format!("{place}.pem"));
        Authority::new(&self.home).certify(&public, &format!("key-{place}"), &certificate);
        self.cardmod(&format!("cert import {certificate} {write}")).success();
    }

    /// `cardmod` signs `data` with the key of a place, whose public half is in `PLACE.pub`.
    #[track_caller]
    pub(crate) fn cardmod_signs(&self, place: &str) {
        let line = format!("sign --container {place} --in data --out signature --pin-env PIN");
        self.cardmod(&line).success();
        self.verify(&format!("{place}.pub"), "signature");
    }

    /// `cardmod` opens what was sealed for the key of a place.
    #[track_caller]
    pub(crate) fn cardmod_decrypts(&self, place: &str) {
        self.seal(&format!("{place}.pub"));
        let line = format!("decrypt --container {place} --in sealed --out opened --pin-env PIN");
        self.cardmod(&line).success();
        self.same("data", "opened");
    }

    /// The names of the containers that `cardmod` lists.
    #[track_caller]
    pub(crate) fn containers(&self) -> Vec<String> {
        let listed = self.cardmod("container list --json").success();
        let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
        let containers = listed["containers"].as_array().expect("containers");
        containers.iter().map(|container| container["name"].as_str().expect("a name").to_owned()).collect()
    }
}
