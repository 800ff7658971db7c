//! Packs: objects go to one file as they come, which becomes part of the object store in one step.
//!
//! Takes objects that are deflated already, on whatever thread, and writes pack and index itself.
//! `git_odb_packwriter` would inflate and hash every object once more, on one thread, which costs more than all the
//! rest of a publish; that the bytes are what `git index-pack` would write is a test.
//! Objects are stored whole: deltas would make packs smaller and publishing slower, and `git gc` makes them anyway.

mod temporary;

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use git2::{ObjectType, Oid};
use sha1::{Digest as _, Sha1};

use temporary::{TemporaryFile, remove_stale};

/// Deflate level. Level 1 takes a third of the time of Git's default, for a tenth more space.
const LEVEL: u32 = 1;
/// Length of the pack's header in bytes: `PACK`, version, number of objects.
const HEADER: u64 = 12;
/// Offsets from here on take eight bytes in an index.
const LARGE_OFFSET: u64 = 1 << 31;

/// One object as it stands in a pack.
pub(super) struct Record {
    bytes: Vec<u8>,
    crc: u32,
}

/// A pack that is being written.
#[derive(Debug)]
pub(super) struct Pack {
    directory: PathBuf,
    file: BufWriter<TemporaryFile>,
    end: u64,
    objects: Vec<Packed>,
}

#[derive(Debug)]
struct Packed {
    id: Oid,
    crc: u32,
    offset: u64,
}

impl Record {
    /// Deflates an object.
    pub(super) fn new(kind: ObjectType, data: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(data.len() / 2 + 64);
        write_header(kind, data.len(), &mut bytes);
        deflate(data, &mut bytes);
        let mut crc = Crc::new();
        crc.update(&bytes);
        Record {
            crc: crc.sum(),
            bytes,
        }
    }
}

impl Pack {
    /// Begins a pack below an object directory, after removing what killed processes have left there.
    pub(super) fn create(objects: &Path) -> anyhow::Result<Self> {
        let directory = objects.join("pack");
        let create = || {
            std::fs::create_dir_all(&directory)?;
            remove_stale(&directory);
            let mut file = BufWriter::with_capacity(1 << 16, TemporaryFile::create(&directory)?);
            // The number of objects is filled in at the end.
            file.write_all(&[0; HEADER as usize])?;
            Ok::<_, std::io::Error>(file)
        };
        let file =
            create().with_context(|| format!("writing a pack to `{}`", directory.display()))?;
        Ok(Pack {
            directory,
            file,
            end: HEADER,
            objects: Vec::new(),
        })
    }

    /// Adds an object; the caller sees to it that none is added twice.
    pub(super) fn append(&mut self, id: Oid, record: &Record) -> anyhow::Result<()> {
        let written = self.file.write_all(&record.bytes);
        written.with_context(|| format!("writing a pack to `{}`", self.directory.display()))?;
        self.objects.push(Packed {
            id,
            crc: record.crc,
            offset: self.end,
        });
        self.end += record.bytes.len() as u64;
        Ok(())
    }

    /// Syncs the pack and makes it part of the object store; until then, nobody sees it.
    pub(super) fn install(self) -> anyhow::Result<()> {
        let directory = self.directory.clone();
        self.finish()
            .with_context(|| format!("writing a pack to `{}`", directory.display()))
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let count = u32::try_from(self.objects.len())
            .map_err(|_| anyhow!("it has more than 2^32 objects"))?;
        let mut pack = self.file.into_inner().map_err(|error| error.into_error())?;
        let name = seal(&mut pack.file, count)?;
        self.objects.sort_unstable_by_key(|object| object.id);
        let mut index = TemporaryFile::create(&self.directory)?;
        index.file.write_all(&encode_index(&self.objects, &name))?;
        pack.file.sync_all()?;
        index.file.sync_all()?;
        // Git looks for indexes, and takes a pack without one for none: the index comes last.
        let stem = self.directory.join(format!("pack-{}", hex(&name)));
        pack.move_to(&stem.with_extension("pack"))?;
        index.move_to(&stem.with_extension("idx"))?;
        File::open(&self.directory)?.sync_all()?;
        Ok(())
    }
}

/// Writes the header of a pack and the hash at its end, which is returned.
fn seal(file: &mut File, count: u32) -> std::io::Result<[u8; 20]> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(b"PACK\0\0\0\x02")?;
    file.write_all(&count.to_be_bytes())?;
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha1::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hasher.update(&buffer[..length]),
        }
    }
    let name: [u8; 20] = hasher.finalize().into();
    file.write_all(&name)?;
    Ok(name)
}

/// Writes type and size of an object.
///
/// Source: gitformat-pack, "Pack file entry": four bits of the size with the type, then seven bits a byte.
fn write_header(kind: ObjectType, size: usize, out: &mut Vec<u8>) {
    let kind: u8 = match kind {
        ObjectType::Commit => 1,
        ObjectType::Tree => 2,
        ObjectType::Blob => 3,
        other => unreachable!("a publish makes no {other}"),
    };
    let mut byte = kind << 4 | (size & 0x0f) as u8;
    let mut rest = size >> 4;
    while rest > 0 {
        out.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    out.push(byte);
}

/// Appends the zlib stream of some data.
fn deflate(data: &[u8], out: &mut Vec<u8>) {
    thread_local! {
        /// A compressor is a quarter of a megabyte, more than most files.
        static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(LEVEL), true));
    }
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        loop {
            let read =
                usize::try_from(compressor.total_in()).expect("no more is read than there is");
            let status = compressor.compress_vec(&data[read..], out, FlushCompress::Finish);
            match status.expect("deflating refuses no bytes") {
                Status::StreamEnd => return,
                Status::Ok | Status::BufError => out.reserve(out.capacity().max(256)),
            }
        }
    });
}

/// Returns the index of a pack; `objects` are sorted by id.
///
/// Source: gitformat-pack, "Version 2 pack-*.idx files".
fn encode_index(objects: &[Packed], pack: &[u8; 20]) -> Vec<u8> {
    let mut index = Vec::with_capacity(1100 + objects.len() * 28);
    index.extend_from_slice(b"\xfftOc\0\0\0\x02");
    for first in 0..=255 {
        let count = objects.partition_point(|object| object.id.as_bytes()[0] <= first);
        index.extend_from_slice(&(count as u32).to_be_bytes());
    }
    for object in objects {
        index.extend_from_slice(object.id.as_bytes());
    }
    for object in objects {
        index.extend_from_slice(&object.crc.to_be_bytes());
    }
    let mut large = Vec::new();
    for object in objects {
        let word = match u32::try_from(object.offset) {
            Ok(offset) if object.offset < LARGE_OFFSET => offset,
            _ => {
                let at = LARGE_OFFSET as u32 | (large.len() / 8) as u32;
                large.extend_from_slice(&object.offset.to_be_bytes());
                at
            }
        };
        index.extend_from_slice(&word.to_be_bytes());
    }
    index.extend_from_slice(&large);
    index.extend_from_slice(pack);
    let checksum = Sha1::digest(&index);
    index.extend_from_slice(&checksum);
    index
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl std::io::Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
