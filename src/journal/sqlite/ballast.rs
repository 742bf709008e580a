//! A part of the disk that is kept for the day on which it is full. In: a file and its size. Out: room, once. It must never
//! grow into what others need: it is made once and only let go.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

/// The kept part. Without a size there is none, and there is always enough of it.
#[derive(Debug)]
pub(super) struct Ballast {
    file: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// None yet.
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, bytes: 0 }
    }

    /// From now on so many bytes are kept.
    pub(super) fn set(&mut self, bytes: u64) {
        self.bytes = bytes;
    }

    /// Makes it as large as it is to be. What could be made only in part is let go again.
    pub(super) fn fill(&self) -> io::Result<()> {
        if self.bytes == 0 || fs::metadata(&self.file).is_ok_and(|kept| kept.len() >= self.bytes) {
            return Ok(());
        }
        let made = self.write();
        if made.is_err() {
            self.let_go();
        }
        made
    }

    /// Written in full and synced: a file that is only said to be long keeps nothing.
    fn write(&self) -> io::Result<()> {
        const BLOCK: usize = 1 << 16;
        let mut options = OpenOptions::new();
        let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(&self.file)?;
        let block = vec![0; BLOCK];
        let mut left = self.bytes;
        while left > 0 {
            let some = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            file.write_all(&block[..some])?;
            left -= some as u64;
        }
        file.sync_all()
    }

    /// Gives its room back. False: there was none.
    pub(super) fn let_go(&self) -> bool {
        fs::remove_file(&self.file).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_whole_let_go_once_and_made_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("ballast");
        let mut ballast = Ballast::new(file.clone());
        ballast.fill().unwrap();
        assert!(!file.exists() && !ballast.let_go());
        ballast.set(100_000);
        for _ in 0..2 {
            ballast.fill().unwrap();
            assert_eq!(fs::metadata(&file).unwrap().len(), 100_000);
        }
        assert!(ballast.let_go() && !ballast.let_go());
        ballast.fill().unwrap();
        assert!(file.exists());
        let nowhere = Ballast { file: folder.path().join("no/such"), bytes: 1 };
        assert!(nowhere.fill().is_err());
    }
}
