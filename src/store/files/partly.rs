//! A last write that is there in parts.
//!
//! A disk writes sectors, in any order, and a file may be as long as a write makes it before all of them are written. Where
//! the power goes meanwhile, what is missing is zeros: the room was fresh. The record then does not match its checksum, just
//! as one that was damaged later.
//!
//! Only the last write can be so, since each is synced before the next begins and before anybody hears of it: so nobody
//! had an answer to it. What is taken for one, therefore, has no record behind it, and a whole sector of it is zeros; and
//! it is none that a single bit would make whole, since a write may have zeros of its own.

use super::journal::Head;

/// What a disk writes at once, or a part of it.
const SECTOR: usize = 512;
/// Fewer zeros than these at the end of a write, or before its second sector, may be its own.
const LEAST: usize = 32;

/// Whether the damage at a place of a log of writes, in the record that begins there, is of a last write that is there in
/// parts.
pub(super) fn is_there_in_parts(log: &[u8], begins: usize, at: usize) -> bool {
    lacks_a_sector(log, begins) && !is_followed(log, begins) && !is_one_bit(log, at)
}

fn lacks_a_sector(log: &[u8], begins: usize) -> bool {
    let sectors = (begins / SECTOR..).map(|it| it * SECTOR..(it + 1) * SECTOR);
    sectors
        .map(|it| it.start.max(begins)..it.end.min(log.len()))
        .map_while(|it| log.get(it))
        .any(|part| part.len() >= LEAST && part.iter().all(|byte| *byte == 0))
}

/// Whether another record begins behind it, anywhere: where it ends may be among what is missing.
fn is_followed(log: &[u8], begins: usize) -> bool {
    let heads = (begins + 1..log.len()).filter_map(|at| Head::at(log, at));
    heads.into_iter().any(|(head, rest)| head.begins_one(rest))
}

fn is_one_bit(log: &[u8], at: usize) -> bool {
    Head::at(log, at).is_some_and(|(head, rest)| head.is_whole_but_for_a_bit(rest))
}
