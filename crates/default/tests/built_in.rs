//! Everything wired in one process, without a library.

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::OpenOptions;
use cardmod_host::registry::RegistryPaths;
use cardmod_types::{CardId, Pin, SecretBytes};
use cardmod_virtual::GidsProfile;

// One test: a process has one provider.
#[test]
fn a_virtual_card_is_reached_through_the_built_in_module() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("apdus.jsonl");
    let options = EnvironmentOptions {
        store_dir: Some(directory.path().join("cards")),
        module: None,
        registry: Some(RegistryPaths::default()),
        apdu_log: Some(log.clone()),
        cache_dir: None,
    };
    let environment = Environment::open(options).expect("an environment");
    let key = SecretBytes::from(&[0x31; 24][..]);
    let card_id = CardId([9; 16]);
    environment.store.create("inside", &GidsProfile::new(Pin::from("123456"), key, card_id)).expect("a card");
    let reader = environment.reader_of("inside");
    assert!(environment.host.readers().expect("the readers").iter().any(|found| found.name == reader));
    let options = OpenOptions { rule: environment.module_rule(), ..OpenOptions::default() };
    let mut session = environment.host.open(&reader, &environment.module, options).expect("a session");
    let card = session.describe().expect("a description");
    assert_eq!((card.card_id, card.module.as_str()), (Some(card_id), "built-in class module"));
    assert_eq!(card.module_rule, environment.module_rule());
    assert_eq!(session.close().expect("a clean end").live_blocks, 0);
    let sent = environment.apdu_count();
    let logged = std::fs::read_to_string(&log).expect("the log").lines().count();
    assert_eq!(u64::try_from(logged).expect("a number"), sent);
    let unwritable = EnvironmentOptions {
        store_dir: Some(directory.path().join("cards")),
        module: None,
        registry: Some(RegistryPaths::default()),
        apdu_log: Some(directory.path().join("no/such/directory")),
        cache_dir: None,
    };
    let error = Environment::open(unwritable).map(drop).expect_err("no log");
    assert!(error.to_string().contains("no/such/directory"), "{error}");
}
