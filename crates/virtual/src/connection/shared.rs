//! A card's files as one connection has them open, and the card in memory.

use std::fs::{File, TryLockError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::CardStatus;
use super::ports::{Disk, DiskPorts, open_session, random_id, seal_session, write_run};
use crate::card::Card;
use crate::disk::clients::{self, ClientFile};
use crate::disk::image::ImageFile;
use crate::disk::run::{self, ClientRecord, Found, LeaseRecord, Run, Share};
use crate::disk::{files, lock};
use crate::fault::CardFault;
use crate::model::codec::{Decoder, Encoder};
use crate::store::CardPlace;

/// See the module's page.
pub(super) struct Shared {
    place: CardPlace,
    process: u32,
    lock: File,
    run_file: File,
    client: ClientFile,
    disk: Disk,
    card: Card,
    run: Run,
    /// The run as it was last read or written, to see what changed.
    written: Run,
    /// The session as it was last read or written, plain.
    session: Zeroizing<Vec<u8>>,
}

impl Shared {
    pub(super) fn open(place: CardPlace) -> Result<Shared, CardFault> {
        let paths = &place.paths;
        let erased = || CardFault::Erased { card: place.name.clone() };
        if !paths.image().exists() {
            return Err(erased());
        }
        let lock = files::open_or_create(&paths.lock())?;
        lock::lock(&lock, &paths.lock(), place.patience)?;
        // It may have been erased while this process waited, and another one made in its place, whose
        // lock is another file.
        if !paths.image().exists() || !files::is_at(&lock, &paths.lock()) {
            return Err(erased());
        }
        let (image, loaded) = ImageFile::open(paths.image(), &place.secret)?;
        let mut run_file = files::open_or_create(&paths.run())?;
        let found =
            run::read(&mut run_file, None).map_err(|cause| files::fault("read", &paths.run(), cause))?;
        let run = match found {
            // Marked, and its image is there under the lock: whoever erased it was killed before it was gone.
            Found::Run(run) => Run { erased: false, ..*run },
            Found::Unchanged | Found::Unusable => fresh_run(Run::default())?,
        };
        let client = ClientFile::create(&paths.clients(), random_id()?)?;
        let mut shared = Shared {
            process: std::process::id(),
            lock,
            run_file,
            client,
            disk: Disk { image, stamp: loaded.header.stamp },
            card: Card::load_format(loaded.header.format, &loaded.state)?,
            written: Run::default(),
            run,
            session: Zeroizing::default(),
            place,
        };
        shared.join()?;
        shared.unlock()?;
        Ok(shared)
    }

    pub(super) fn name(&self) -> &str {
        &self.place.name
    }

    pub(super) fn place(&self) -> &CardPlace {
        &self.place
    }

    pub(super) fn card(&self) -> &Card {
        &self.card
    }

    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    pub(super) fn client_id(&self) -> u64 {
        self.client.id
    }

    pub(super) fn is_of_this_process(&self) -> bool {
        self.process == std::process::id()
    }

    /// Works under the card's lock, on a card that is up to date, and writes what changed, also when the
    /// work failed.
    pub(super) fn locked<T>(
        &mut self,
        work: impl FnOnce(&mut Shared) -> Result<T, CardFault>,
    ) -> Result<T, CardFault> {
        lock::lock(&self.lock, &self.place.paths.lock(), self.place.patience)?;
        let result = match self.update() {
            Ok(()) => {
                let worked = work(self);
                let written = self.write_changes();
                worked.and_then(|value| written.map(|()| value))
            }
            Err(fault) => Err(fault),
        };
        self.unlock()?;
        result
    }

    /// Runs one command.
    pub(super) fn process(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardFault> {
        let mut ports = DiskPorts {
            disk: &mut self.disk,
            run_file: &mut self.run_file,
            run_path: &self.place.paths.run(),
            run: &mut self.run,
            written: &mut self.written,
        };
        self.card.process(&mut ports, command)
    }

    /// Powers the card off and on.
    pub(super) fn reset(&mut self) {
        self.card.reset();
        self.run.resets = self.run.resets.wrapping_add(1);
    }

    pub(super) fn eject(&mut self) {
        if !self.run.ejected {
            self.run.ejected = true;
            self.run.lease = None;
            self.card.reset();
        }
    }

    pub(super) fn insert(&mut self) {
        if self.run.ejected {
            self.run.ejected = false;
            self.run.insertions = self.run.insertions.wrapping_add(1);
            self.reset();
        }
    }

    pub(super) fn set_lease(&mut self, lease: Option<LeaseRecord>) {
        self.run.lease = lease;
    }

    pub(super) fn set_waiter(&mut self, waiter: Option<(u64, u64)>) {
        self.run.waiter = waiter;
    }

    /// Notes that the lease's owner is at work, now and then.
    pub(super) fn note_activity(&mut self, now_ms: u64, step: Duration) {
        let id = self.client.id;
        if let Some(lease) = self.run.lease.as_mut().filter(|lease| lease.owner == id) {
            let passed = now_ms.abs_diff(lease.last_ms);
            if u128::from(passed) >= step.as_millis() {
                lease.last_ms = now_ms;
            }
        }
    }

    /// Refuses while a living connection has a transaction or a claim that stands against this one.
    pub(super) fn check_free(&mut self) -> Result<(), CardFault> {
        if self.obstacle(Share::Observer).is_some() {
            self.remove_dead();
        }
        match self.obstacle(Share::Observer) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// Changes this connection's claim.
    pub(super) fn claim(&mut self, share: Share) -> Result<(), CardFault> {
        if self.obstacle(share).is_some() {
            self.remove_dead();
        }
        if let Some(fault) = self.obstacle(share) {
            return Err(fault);
        }
        let id = self.client.id;
        for client in self.run.clients.iter_mut().filter(|client| client.id == id) {
            client.share = share;
        }
        Ok(())
    }

    /// What stands against using the card, and against claiming it as `wanted`.
    fn obstacle(&self, wanted: Share) -> Option<CardFault> {
        let card = || self.place.name.clone();
        let others = || self.run.clients.iter().filter(|client| client.id != self.client.id);
        let alone = matches!(wanted, Share::Exclusive | Share::Plugged);
        for other in others() {
            match other.share {
                Share::Plugged => return Some(CardFault::PluggedIn { card: card() }),
                Share::Exclusive => return Some(CardFault::Exclusive { card: card() }),
                Share::Shared if alone => return Some(CardFault::Exclusive { card: card() }),
                Share::Shared | Share::Observer => {}
            }
        }
        let leased = self.run.lease.is_some_and(|lease| lease.owner != self.client.id);
        // A claim together with others does not disturb a transaction.
        (leased && wanted != Share::Shared).then(|| CardFault::Leased { card: card() })
    }

    /// What can be seen from outside, without waiting for the lock.
    pub(super) fn status(&mut self) -> Result<CardStatus, CardFault> {
        match self.lock.try_lock() {
            Ok(()) => {
                let updated = self.update().and_then(|()| {
                    self.remove_dead();
                    self.write_changes()
                });
                self.unlock()?;
                updated?;
                Ok(status_of(&self.run))
            }
            Err(TryLockError::WouldBlock) => {
                let read = run::read(&mut self.run_file, None);
                let read = read.map_err(|cause| files::fault("read", &self.place.paths.run(), cause))?;
                Ok(match read {
                    Found::Run(run) => status_of(&run),
                    Found::Unchanged | Found::Unusable => status_of(&self.run),
                })
            }
            Err(TryLockError::Error(cause)) => Err(files::fault("lock", &self.place.paths.lock(), cause)),
        }
    }

    /// Adds this connection. The first one finds the card freshly powered.
    fn join(&mut self) -> Result<(), CardFault> {
        self.take_session();
        self.remove_dead();
        if self.run.clients.is_empty() {
            clients::sweep(&self.place.paths.clients(), self.client.id);
            self.run.lease = None;
            self.run.waiter = None;
            self.reset();
        }
        self.run.image_stamp = self.disk.stamp;
        self.run.clients.push(ClientRecord { id: self.client.id, share: Share::Observer });
        self.write_changes()
    }

    /// Forgets connections whose processes are gone. A transaction that was theirs ends with a reset.
    fn remove_dead(&mut self) {
        let (directory, own) = (self.place.paths.clients(), self.client.id);
        self.run.clients.retain(|client| {
            let alive = client.id == own || clients::is_alive(&directory, client.id);
            if !alive {
                clients::forget(&directory, client.id);
            }
            alive
        });
        let known = |id| id == own || self.run.clients.iter().any(|client| client.id == id);
        if self.run.waiter.is_some_and(|(id, _)| !known(id)) {
            self.run.waiter = None;
        }
        if self.run.lease.is_some_and(|lease| !known(lease.owner)) {
            self.run.lease = None;
            self.reset();
        }
    }

    /// Brings memory up to date with the files.
    fn update(&mut self) -> Result<(), CardFault> {
        let found = run::read(&mut self.run_file, Some(self.written.sequence));
        match found.map_err(|cause| files::fault("read", &self.place.paths.run(), cause))? {
            Found::Unchanged => {}
            Found::Run(run) if run.erased && !self.is_still_there() => {
                return Err(CardFault::Erased { card: self.place.name.clone() });
            }
            Found::Run(run) => {
                self.written = *run;
                self.run = Run { erased: false, ..self.written.clone() };
                self.take_session();
            }
            // A kill while the file was written: the card loses power. What the file said of the image is
            // lost, so the image is read again.
            Found::Unusable => {
                self.run = fresh_run(std::mem::take(&mut self.run))?;
                self.card.reset();
                self.disk.stamp = !self.run.image_stamp;
            }
        }
        if self.run.image_stamp != self.disk.stamp {
            let loaded = self.disk.image.load()?;
            self.card.replace_persistent(Card::load_format(loaded.header.format, &loaded.state)?);
            self.disk.stamp = loaded.header.stamp;
            self.run.image_stamp = loaded.header.stamp;
        }
        Ok(())
    }

    /// The image is there under this connection's own lock, so that nobody is erasing it now.
    fn is_still_there(&self) -> bool {
        let paths = &self.place.paths;
        paths.image().exists() && files::is_at(&self.lock, &paths.lock())
    }

    /// Opens the session of the run file. One that cannot be opened is that of a card without power.
    fn take_session(&mut self) {
        self.card.reset();
        self.session = open_session(self.disk.image.key(), &self.run.session).unwrap_or_default();
        if !self.session.is_empty() && self.card.decode_session(&mut Decoder::new(&self.session)).is_err() {
            self.card.reset();
        }
    }

    /// Writes the run file if it says something else than the state in memory.
    fn write_changes(&mut self) -> Result<(), CardFault> {
        let mut session = Encoder::default();
        self.card.encode_session(&mut session);
        let session = session.finish();
        if *session != *self.session || self.run.session.is_empty() {
            self.run.session = seal_session(self.disk.image.key(), &session)?;
            self.session = session;
        }
        if self.run != self.written {
            write_run(&mut self.run_file, &self.place.paths.run(), &mut self.run)?;
            self.written = self.run.clone();
        }
        Ok(())
    }

    fn unlock(&self) -> Result<(), CardFault> {
        lock::unlock(&self.lock, &self.place.paths.lock())
    }
}

/// What tests do to a connection from inside.
#[cfg(test)]
impl Shared {
    pub(super) fn pretend_to_be_forked(&mut self) {
        self.process = 0;
    }

    /// Takes the client file out, as the parent of a forked child holds it.
    pub(super) fn keep_client_locked(&mut self) -> ClientFile {
        let stranger = ClientFile::create(&self.place.paths.clients(), self.client.id ^ 1).unwrap();
        std::mem::replace(&mut self.client, stranger)
    }

    /// Announces an erasure that never comes.
    pub(super) fn mark_erased_only(&mut self) {
        self.locked(|shared| {
            shared.run.erased = true;
            Ok(())
        })
        .unwrap();
    }

    /// Announces an image that is never written.
    pub(super) fn announce_only(&mut self) {
        self.locked(|shared| {
            shared.run.image_stamp ^= 1;
            Ok(())
        })
        .unwrap();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A forked child holds its parent's locks as well and must not undo them.
        if !self.is_of_this_process() {
            return;
        }
        let id = self.client.id;
        self.place.patience = self.place.patience.min(LAST_PATIENCE);
        // Whoever looks next finds the file unlocked and cleans up, should this fail.
        let _ = self.locked(|shared| {
            shared.run.clients.retain(|client| client.id != id);
            if shared.run.lease.is_some_and(|lease| lease.owner == id) {
                shared.run.lease = None;
                shared.reset();
            }
            Ok(())
        });
        self.client.remove();
    }
}

/// Reads the status of a card without connecting to it, and so without its lock.
pub(crate) fn snapshot(place: &CardPlace) -> Result<CardStatus, CardFault> {
    let path = place.paths.run();
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(status_of(&Run::default())),
        Err(cause) => return Err(files::fault("open", &path, cause)),
    };
    for _ in 0..SNAPSHOT_TRIES {
        match run::read(&mut file, None).map_err(|cause| files::fault("read", &path, cause))? {
            Found::Run(run) if run.erased && !place.paths.image().exists() => {
                return Err(CardFault::Erased { card: place.name.clone() });
            }
            Found::Run(mut run) => {
                run.clients.retain(|client| clients::is_alive(&place.paths.clients(), client.id));
                run.lease =
                    run.lease.filter(|lease| run.clients.iter().any(|client| client.id == lease.owner));
                return Ok(status_of(&run));
            }
            // Somebody is writing it.
            Found::Unchanged | Found::Unusable => std::thread::sleep(SNAPSHOT_PAUSE),
        }
    }
    Ok(status_of(&Run::default()))
}

/// How long a connection that ends waits at most for the card's lock.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// How often, and how far apart, a run file is read that makes no sense before it is given up.
const SNAPSHOT_TRIES: u32 = 20;
const SNAPSHOT_PAUSE: Duration = Duration::from_micros(100);

fn status_of(run: &Run) -> CardStatus {
    let count = |share| run.clients.iter().filter(|client| client.share == share).count();
    CardStatus {
        present: !run.ejected,
        insertions: run.insertions,
        resets: run.resets,
        connections: u32::try_from(run.clients.len()).unwrap_or(u32::MAX),
        shared: u32::try_from(count(Share::Shared)).unwrap_or(u32::MAX),
        exclusive: count(Share::Exclusive) > 0,
        plugged: count(Share::Plugged) > 0,
        leased: run.lease.is_some(),
    }
}

/// A run to begin with where the file is lost: its counters are unlike those anybody saw before.
fn fresh_run(before: Run) -> Result<Run, CardFault> {
    let random = random_id()?;
    Ok(Run {
        sequence: random,
        insertions: before.insertions,
        resets: (random >> 40) as u32,
        clients: before.clients,
        ejected: before.ejected,
        image_stamp: before.image_stamp,
        ..Run::default()
    })
}
