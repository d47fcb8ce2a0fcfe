//! The terminal, where a secret is typed without being shown.
//!
//! `rpassword` reads the line. On Unix it ends the process at Ctrl-C while the echo is still off, and a
//! shell that comes back without echo is a nasty surprise. So there the terminal's mode is kept here,
//! and put back before `rpassword` sees the key.

/// Asks, and reads a line that is not shown.
///
/// # Errors
/// There is no terminal, or nothing was typed before its end (Ctrl-D).
pub(crate) fn ask(prompt: &str) -> std::io::Result<String> {
    #[cfg(unix)]
    let config = {
        let (keys, screen) = unix::open()?;
        rpassword::ConfigBuilder::new().input_reader(keys).output_writer(screen).build()
    };
    #[cfg(not(unix))]
    let config = rpassword::ConfigBuilder::new().build();
    let answer = rpassword::prompt_password_with_config(prompt, config);
    #[cfg(unix)]
    unix::end_line();
    answer
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Read, Write as _};

    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

    /// The terminal of this process, whatever standard input and output are.
    const TERMINAL: &str = "/dev/tty";

    /// What the terminal sends for Ctrl-C while it makes no signal of it.
    const INTERRUPT: u8 = 3;

    /// The keys typed, one by one and not shown. The terminal is as before once this is dropped.
    pub(super) struct Keys {
        terminal: File,
        before: Termios,
    }

    /// The keys, and where the question is written.
    pub(super) fn open() -> io::Result<(Keys, File)> {
        let screen = OpenOptions::new().write(true).open(TERMINAL)?;
        let terminal = File::open(TERMINAL)?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Now, &silent)?;
        Ok((Keys { terminal, before }, screen))
    }

    /// The line end that was typed and not shown.
    pub(super) fn end_line() {
        // A terminal that went away has no line to end.
        let _ = OpenOptions::new().write(true).open(TERMINAL).and_then(|mut screen| screen.write_all(b"\n"));
    }

    impl Keys {
        fn restore(&self) {
            // A terminal that went away needs no mode.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }

    impl Read for Keys {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.terminal.read(buffer)?;
            if buffer[..length].contains(&INTERRUPT) {
                self.restore();
                end_line();
            }
            Ok(length)
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            self.restore();
        }
    }
}
