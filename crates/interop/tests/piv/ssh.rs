//! OpenSSH with a key of the card, over a PKCS#11 module: its public key, the agent, and a login to a server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use cardmod_interop::Outcome;

use crate::desk::Desk;

/// The user at the server: the one who runs the test, under another name and with another home.
const USER: &str = "holder";

/// Signs a file with the authentication key of an agent that holds the module's keys, and verifies the signature.
const AGENT: &str = r#"set -e
ssh-add -s "$1"
ssh-add -L | grep -i 'PIV AUTH' > key.pub
ssh-keygen -Y sign -n file -f key.pub data
echo "holder $(cat key.pub)" > signers
ssh-keygen -Y verify -n file -f signers -I holder -s data.sig < data
ssh-add -e "$1"
"#;

/// The keys of a module as lines for `authorized_keys`.
#[track_caller]
pub(crate) fn keys(desk: &Desk, module: &Path) -> String {
    desk.run(&format!("ssh-keygen -D {}", module.display())).success().stdout
}

/// An agent with the module signs a file, and ssh-keygen verifies it.
#[track_caller]
pub(crate) fn sign_by_agent(desk: &Desk, module: &Path) {
    let mut words = vec!["ssh-agent", "sh", "-c", AGENT, "sh"];
    words.push(module.to_str().expect("a path of text"));
    ask_for_pin(desk, &words).success().says("Good \"file\" signature for holder");
}

/// A login to a server that knows the authentication key alone.
#[track_caller]
pub(crate) fn log_in(desk: &Desk, module: &Path) {
    let keys = keys(desk, module);
    let key = keys.lines().find(|key| key.to_uppercase().contains("PIV AUTH")).expect("the key of 9A");
    let _server = Server::start(desk, key);
    let line = format!(
        "ssh -F none -p 2222 -o PKCS11Provider={} -o StrictHostKeyChecking=accept-new \
         -o UserKnownHostsFile={} -o IdentityFile=none -o PreferredAuthentications=publickey \
         {USER}@127.0.0.1 id -un",
        module.display(),
        desk.home.file("known").display()
    );
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(ask_for_pin(desk, &words).success().stdout.trim(), "root");
}

/// Runs a program that asks for the PIN by `SSH_ASKPASS`.
#[track_caller]
fn ask_for_pin(desk: &Desk, words: &[&str]) -> Outcome {
    desk.script("ask", "#!/bin/sh\necho 123456\n");
    let mut command = desk.world.command_at(&desk.home, words);
    command.env("SSH_ASKPASS", desk.home.file("ask")).env("SSH_ASKPASS_REQUIRE", "force");
    command.env_remove("SSH_AUTH_SOCK");
    cardmod_interop::run(&mut command)
}

/// dropbear, in the world's name spaces alone; ended when dropped.
struct Server(Child);

impl Server {
    #[track_caller]
    fn start(desk: &Desk, key: &str) -> Self {
        let home = desk.home.file("holder");
        std::fs::create_dir_all(home.join(".ssh")).expect("a folder");
        std::fs::write(home.join(".ssh/authorized_keys"), format!("{key}\n")).expect("a file");
        let mut users = std::fs::read_to_string("/etc/passwd").expect("the users");
        users.push_str(&format!("{USER}:x:0:0::{}:/bin/sh\n", home.display()));
        std::fs::write(desk.home.file("passwd"), users).expect("a file");
        desk.run("mount --bind passwd /etc/passwd").success();
        desk.run("dropbearkey -t ecdsa -f host").success();

        let words = ["dropbear", "-F", "-E", "-s", "-p", "127.0.0.1:2222", "-r", "host", "-P", "server.pid"];
        let mut command = desk.world.command_at(&desk.home, &words);
        let mut server = Self(command.stderr(Stdio::piped()).spawn().expect("nsenter"));
        let log = server.0.stderr.take().expect("it is piped");
        // it says so once it listens
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("Not backgrounding")), "dropbear, of dropbear-bin");
        std::thread::spawn(move || lines.for_each(drop)); // what else it says has a reader
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}
