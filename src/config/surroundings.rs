//! The environment that settings may refer to: that of the process, and the variables of a file.

use std::path::PathBuf;
use std::sync::Arc;

use super::file::File;
use super::{Flags, secret, serve};
use crate::model::fault::{Fault, Located, Place, SourceText};
use crate::world::Env;

/// The environment that settings may refer to. Of the variables in the file a process that serves takes those of its token
/// alone, and looks for no other.
pub fn environment(
    file: &File,
    flags: &Flags,
    env: &Env,
    main: Option<&Arc<SourceText>>,
    found: &mut Vec<Located>,
) -> Env {
    if flags.serving.is_none() {
        return with_env_file(file, flags, env, main, found);
    }
    let names = serve::variables(file.serve.as_ref());
    if names.is_empty() || names.iter().any(|name| env.get(name).is_some()) {
        return env.clone();
    }
    let all = with_env_file(file, flags, &Env::default(), main, found);
    let ours = names.into_iter().filter_map(|name| Some((all.get(&name)?.to_owned(), name)));
    env.clone().or(ours.map(|(value, name)| (name, value)))
}

fn with_env_file(
    file: &File,
    flags: &Flags,
    env: &Env,
    main: Option<&Arc<SourceText>>,
    found: &mut Vec<Located>,
) -> Env {
    let named = file.monitor.env_file.as_ref().filter(|path| !path.get_ref().is_empty());
    let (path, place) = match (&flags.env_file, named) {
        (Some(path), _) => (path.clone(), Place::Nowhere),
        (None, Some(path)) => (PathBuf::from(path.get_ref()), Place::File(path.span())),
        (None, None) => return env.clone(),
    };
    match secret::env_file(&path) {
        Ok(pairs) => env.clone().or(pairs),
        Err(what) => {
            let source = if place == Place::Nowhere { None } else { main.cloned() };
            found.push(Located { source, fault: Fault::error(what, place) });
            env.clone()
        }
    }
}
