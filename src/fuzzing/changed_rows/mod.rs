//! Owns the target on stores whose rows were changed while they were closed, by somebody who has none of their keys.
//!
//! The tests of the engine make edits of the same store that are written down one by one. Read next: [`scene`], [`answers`].
#![allow(dead_code, reason = "the tests of the engine use more of it than the target")]

pub(crate) mod answers;
pub(crate) mod rows;
pub(crate) mod scene;

use std::sync::LazyLock;

use answers::judge;
use rows::{KINDS, Rows};
use scene::{REMOVED, Scene};

use crate::storage::batch::ROW_BYTES_MAX;

/// Edits of one input, at most.
const EDITS_MAX: usize = 16;

/// Bytes that say one edit.
const EDIT_BYTES: usize = 6;

static SCENE: LazyLock<Scene> = LazyLock::new(Scene::new);

/// A store whose rows were changed is refused, or answers as before, or refuses an answer. A way in that was removed stays
/// closed. Six bytes say an edit: what is done, the kind of row, which row, another row or kind, the place in it, and bits.
pub fn changed_rows(bytes: &[u8]) {
    let scene = &*SCENE;
    let rows = scene.rows.fork();
    for edit in bytes.chunks_exact(EDIT_BYTES).take(EDITS_MAX) {
        apply(scene, &rows, [edit[0], edit[1], edit[2], edit[3], edit[4], edit[5]]);
    }
    for unlock in [Some(REMOVED), None] {
        if let Err(why) = judge(scene, &rows, unlock) {
            panic!("{why}");
        }
    }
}

/// Finds a row by a number, from the front for even ones and from the back for odd ones: all of few rows, and both ends of many.
fn one_of(rows: &[(Vec<u8>, Vec<u8>)], which: u8) -> Option<(Vec<u8>, Vec<u8>)> {
    let (last, at) = (rows.len().checked_sub(1)?, usize::from(which / 2) % rows.len());
    rows.get(if which.is_multiple_of(2) { at } else { last - at }).cloned()
}

fn kind_of(number: u8) -> u8 {
    KINDS[usize::from(number) % KINDS.len()].0
}

fn apply(scene: &Scene, rows: &Rows, edit: [u8; EDIT_BYTES]) {
    let [how, kind, which, ..] = edit;
    let kind = kind_of(kind);
    match how % 12 {
        0 => rows.put_all(&scene.earlier, kind),
        1 => rows.put_all(&scene.other, kind),
        2 => rows.under(kind).iter().for_each(|(row_key, _)| rows.remove(row_key)),
        3 => {
            // Also one that is not there any more.
            let earlier = one_of(&scene.earlier.under(kind), which);
            earlier.iter().for_each(|(row_key, row)| rows.put(row_key, row));
        }
        _ => apply_to_one(scene, rows, kind, edit),
    }
}

/// Changes one row of a kind.
fn apply_to_one(scene: &Scene, rows: &Rows, kind: u8, [how, _, which, other, place, bits]: [u8; EDIT_BYTES]) {
    let Some((mut row_key, mut row)) = one_of(&rows.under(kind), which) else { return };
    let at = usize::from(place) * row.len() / 256;
    match how % 12 {
        4 => return rows.remove(&row_key),
        5 => row.truncate(at),
        6 => row.push(bits),
        7 => {
            if bits.is_multiple_of(2) {
                rows.remove(&row_key);
            }
            let at = usize::from(place) % row_key.len();
            row_key[at] ^= other.max(1);
        }
        8 => match one_of(&scene.other.under(kind), other) {
            Some((_, strange)) => row = strange,
            None => return,
        },
        9 | 10 => {
            let kind = if how % 12 == 9 { kind } else { kind_of(other) };
            let Some((other_key, other_row)) = one_of(&rows.under(kind), bits) else { return };
            rows.put(&other_key, &row);
            row = other_row;
        }
        _ => row.get_mut(at + usize::from(other) % 16).into_iter().for_each(|byte| *byte ^= bits.max(1)),
    }
    // A full row takes no byte more, whoever writes it.
    if row.len() <= ROW_BYTES_MAX {
        rows.put(&row_key, &row);
    }
}
