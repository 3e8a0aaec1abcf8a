//! `rules test --update`: what happens becomes what is to happen.

use std::sync::Arc;
use std::{fs, io};

use super::{End, Outcome, Tested};
use crate::config::trial::Ground;
use crate::model::fault::SourceText;
use crate::model::trouble::{Kind, Trouble};
use crate::rules::testing::{Slot, rewritten};

/// Writes the timelines of the tests that failed into their file.
pub fn update(ground: &Ground, tested: &mut Tested) -> Result<(), Trouble> {
    let failed = tested.results.iter().filter(|outcome| outcome.ended == End::Failed);
    let changes: Vec<(Slot, String)> =
        failed.map(|outcome| (outcome.test.slot.clone(), outcome.found.clone())).collect();
    if changes.is_empty() {
        return Ok(());
    }
    let text = rewritten(&tested.file.text, &changes);
    let file = Arc::new(SourceText { path: tested.file.path.clone(), text });
    if !says(ground, &file, &tested.results) {
        let what = format!("a timeline cannot be put into {} without harm to it", file.path.display());
        let help = "write timeline = \"\" on a line of its own into each [[test]] that has none";
        return Err(Trouble::new(Kind::Data, what).help(help));
    }
    write(&tested.file, &file.text)?;
    for outcome in tested.results.iter_mut().filter(|outcome| outcome.ended == End::Failed) {
        outcome.ended = End::Written;
    }
    Ok(())
}

/// Whether the file, read again, says of each test what happened, or what it said before.
fn says(ground: &Ground, file: &Arc<SourceText>, results: &[Outcome]) -> bool {
    let Ok(trial) = ground.trial(file) else { return false };
    results.iter().all(|outcome| {
        let again = trial.tests.iter().find(|test| test.name == outcome.test.name);
        let timeline = again.and_then(|test| test.timeline.as_ref());
        match outcome.ended {
            End::Passed | End::Written => timeline == outcome.test.timeline.as_ref(),
            End::Failed => timeline == Some(&outcome.found),
        }
    })
}

/// Puts `text` in place of what was read, unless somebody else has changed the file since. It is written in place: it
/// keeps its owner and mode, and a link stays a link. A copy stands beside it meanwhile: a full disk is met before the file
/// is touched, and whoever is interrupted finds the whole text there.
fn write(file: &SourceText, text: &str) -> Result<(), Trouble> {
    let path = file.path.display();
    let trouble = |error: io::Error| {
        let denied = error.kind() == io::ErrorKind::PermissionDenied;
        let kind = if denied { Kind::Permission } else { Kind::Io };
        Trouble::new(kind, format!("cannot write {path}: {error}"))
    };
    let bytes = fs::read(&file.path).map_err(trouble)?;
    // a byte order mark before the text is no part of what was read
    let Some(mark) = bytes.strip_suffix(file.text.as_bytes()) else {
        return Err(Trouble::new(Kind::Busy, format!("{path} was changed while its tests ran")).help("run it again"));
    };
    let new = [mark, text.as_bytes()].concat();
    let copy = file.path.with_added_extension("new");
    if let Err(error) = fs::write(&copy, &new) {
        // what there is of it is of no use, and whether it goes does not matter
        let _ = fs::remove_file(&copy);
        return Err(trouble(error));
    }
    let help = || format!("the whole new text is in {}", copy.display());
    fs::write(&file.path, &new).map_err(|error| trouble(error).help(help()))?;
    fs::remove_file(&copy).map_err(trouble)
}
