//! What fuzzing calls in this room: archives of backups, as they are and before they are packed.

use super::archive::{Manifest, Writer, unpack};

/// Unpacks an archive behind a first byte of 1, and any other bytes as what was packed.
pub(crate) fn archive(input: &[u8]) {
    let Some((how, bytes)) = input.split_first() else {
        return;
    };
    let folder = tempfile::tempdir().expect("there is a place for files");
    if *how == 1 {
        drop(unpack(bytes, folder.path()));
    } else {
        let packed = zstd::encode_all(bytes, 1).expect("a vector takes any number of bytes");
        drop(unpack(packed.as_slice(), folder.path()));
    }
}

/// A whole archive, packed and not.
pub(crate) fn archives() -> Vec<Vec<u8>> {
    let whole = || {
        let manifest = Manifest::new(2, 7, "2026-01-31T12:00:00Z".into(), "0.1.0".into());
        let mut writer = Writer::new(Vec::new(), manifest)?;
        writer.begin("CURRENT", 3)?;
        writer.data(b"abc")?;
        // The sum of those three bytes.
        writer.end(&[
            0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
            0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61,
            0xf2, 0x00, 0x15, 0xad,
        ])?;
        writer.finish()
    };
    let (packed, _) = whole().expect("a vector takes an archive");
    let plain = zstd::decode_all(packed.as_slice()).expect("it was packed just now");
    vec![[vec![1], packed].concat(), [vec![0], plain].concat()]
}
