//! The file that a backup is: a tar of the store's files, packed with zstd, with the manifest as its last entry.
//!
//! Invariants: an archive without its manifest is cut short; a file is taken only under a plain name, once, and with the
//! size and the SHA-256 that the manifest gives. Memory is bounded, whatever the archive says.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The name of the manifest in the archive.
const MANIFEST: &str = "backup.json";
/// The version of this layout.
const LAYOUT: u32 = 1;
/// Files of the store are packed already: the quickest level gains what there is.
const LEVEL: i32 = 1;
/// The unit of tar.
const BLOCK: u64 = 512;
/// Most bytes of a manifest: 100,000 files.
const MANIFEST_BYTES: u64 = 16 << 20;
/// Most memory that unpacking may take, as a power of two; archives of ours ask for less.
const WINDOW_LOG: u32 = 23;

/// What a backup is of, and what files it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this layout.
    pub layout: u32,
    /// Format of the store.
    pub format: u32,
    /// Every write up to this position is in it.
    pub position: u64,
    /// When it was taken.
    pub time: String,
    /// Version of the server that it is from.
    pub server_version: String,
    /// The files, in the order in which they stand.
    pub files: Vec<Entry>,
}

impl Manifest {
    /// A manifest without files.
    pub fn new(format: u32, position: u64, time: String, server_version: String) -> Self {
        Self {
            layout: LAYOUT,
            format,
            position,
            time,
            server_version,
            files: Vec::new(),
        }
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|entry| entry.bytes).sum()
    }
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive cannot be read to its end.
    #[error("it is no whole backup: {0}")]
    Broken(io::Error),
    /// The manifest is missing: the backup was cut short.
    #[error("it is cut short: its manifest is not there")]
    NoManifest,
    /// A newer program made it.
    #[error("it has layout {0}, and this program reads layout {LAYOUT}: use a newer conveyor")]
    NewerLayout(u32),
    /// What it holds is not what a backup holds.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The disk does not take the files.
    #[error("cannot write {name}: {source}")]
    Write {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// Writes an archive.
pub struct Writer<W: Write> {
    out: zstd::Encoder<'static, W>,
    manifest: Manifest,
    hash: Sha256,
    left: u64,
}

impl<W: Write> Writer<W> {
    /// An archive of the files that follow.
    pub fn new(out: W, manifest: Manifest) -> io::Result<Self> {
        let mut out = zstd::Encoder::new(out, LEVEL)?;
        out.include_checksum(true)?;
        Ok(Self {
            out,
            manifest,
            hash: Sha256::new(),
            left: 0,
        })
    }

    /// Begins a file.
    pub fn begin(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        self.left = bytes;
        self.hash = Sha256::new();
        self.manifest.files.push(Entry {
            name: name.to_owned(),
            bytes,
            sha256: String::new(),
        });
        self.header(name, bytes)
    }

    /// Writes the next bytes of the file.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| wrong("a file is longer than was said"))?;
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }

    /// Ends the file; its bytes must have this hash.
    pub fn end(&mut self, sha256: &[u8]) -> io::Result<()> {
        let entry = self.manifest.files.last_mut();
        let entry = entry.ok_or_else(|| wrong("a file ends that never began"))?;
        let hash = std::mem::take(&mut self.hash).finalize();
        if self.left > 0 || hash.as_slice() != sha256 {
            return Err(wrong("a file did not arrive as it was sent"));
        }
        entry.sha256 = hex(&hash);
        let bytes = entry.bytes;
        self.pad(bytes)
    }

    /// Writes the manifest and the end of the archive.
    pub fn finish(mut self) -> io::Result<(W, Manifest)> {
        let manifest = serde_json::to_vec_pretty(&self.manifest)?;
        self.header(MANIFEST, manifest.len() as u64)?;
        self.out.write_all(&manifest)?;
        self.pad(manifest.len() as u64)?;
        self.out.write_all(&[0; 2 * BLOCK as usize])?;
        Ok((self.out.finish()?, self.manifest))
    }

    fn header(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        if !is_plain(name) {
            return Err(wrong("a file has no plain name"));
        }
        let mut header = tar::Header::new_gnu();
        header.set_path(name)?;
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(0);
        header.set_cksum();
        self.out.write_all(header.as_bytes())
    }

    fn pad(&mut self, bytes: u64) -> io::Result<()> {
        let rest =
            usize::try_from(bytes.next_multiple_of(BLOCK) - bytes).expect("less than a block");
        self.out.write_all(&[0; BLOCK as usize][..rest])
    }
}

/// Unpacks an archive into an empty folder, each file synced, and checks all of it.
pub fn unpack(input: impl Read, folder: &Path) -> Result<Manifest, Error> {
    let mut input = zstd::Decoder::new(input).map_err(Error::Broken)?;
    input.window_log_max(WINDOW_LOG).map_err(Error::Broken)?;
    let mut archive = tar::Archive::new(input);
    let mut found: Vec<Entry> = Vec::new();
    let mut manifest = None;
    // Raw: a long name would be read whole, however long it says to be. Ours are short.
    for entry in archive.entries().map_err(Error::Broken)?.raw(true) {
        let mut entry = entry.map_err(Error::Broken)?;
        let name = name_of(&entry)?;
        if manifest.is_some() {
            return Err(Error::Damaged(format!("{name} stands after the manifest")));
        } else if name == MANIFEST {
            manifest = Some(read_manifest(entry)?);
        } else {
            found.push(unpack_file(&mut entry, name, folder)?);
        }
    }
    // Reading on to the end checks the sum that zstd keeps of the whole.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(Error::Broken)?;
    let manifest = manifest.ok_or(Error::NoManifest)?;
    compare(&manifest.files, &found)?;
    Ok(manifest)
}

/// The name of an entry, where it is a plain file under a plain name.
fn name_of(entry: &tar::Entry<'_, impl Read>) -> Result<String, Error> {
    let path = entry.path_bytes();
    let name = String::from_utf8_lossy(&path).into_owned();
    if entry.header().entry_type().is_file() && is_plain(&name) {
        Ok(name)
    } else {
        Err(Error::Damaged(format!("{name:?} is no plain file")))
    }
}

fn is_plain(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(letters)
}

fn read_manifest(entry: impl Read) -> Result<Manifest, Error> {
    #[derive(Deserialize)]
    struct Layout {
        layout: u32,
    }
    let damaged = |error: serde_json::Error| Error::Damaged(format!("its manifest: {error}"));
    let mut text = Vec::new();
    entry
        .take(MANIFEST_BYTES)
        .read_to_end(&mut text)
        .map_err(Error::Broken)?;
    let Layout { layout } = serde_json::from_slice(&text).map_err(damaged)?;
    if layout > LAYOUT {
        return Err(Error::NewerLayout(layout));
    }
    serde_json::from_slice(&text).map_err(damaged)
}

fn unpack_file(entry: &mut impl Read, name: String, folder: &Path) -> Result<Entry, Error> {
    let refused = |source| Error::Write {
        name: name.clone(),
        source,
    };
    // An entry that comes twice fails here.
    let mut file = File::create_new(folder.join(&name)).map_err(refused)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = entry.read(&mut piece).map_err(Error::Broken)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        file.write_all(&piece[..read]).map_err(refused)?;
        bytes += read as u64;
    }
    file.sync_all().map_err(refused)?;
    let sha256 = hex(&hash.finalize());
    Ok(Entry {
        name,
        bytes,
        sha256,
    })
}

fn compare(wanted: &[Entry], found: &[Entry]) -> Result<(), Error> {
    for (wanted, found) in wanted.iter().zip(found) {
        if wanted != found {
            let text = format!("{} is not as it was when it was saved", found.name);
            return Err(Error::Damaged(text));
        }
    }
    if wanted.len() == found.len() && !wanted.is_empty() {
        Ok(())
    } else {
        let text = format!(
            "it has {} files, its manifest {}",
            found.len(),
            wanted.len()
        );
        Err(Error::Damaged(text))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Makes the names in a folder last.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
