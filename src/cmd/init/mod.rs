//! `init`: a configuration for this machine; with `--install` all that makes it watch itself.

mod carry;
mod install;
mod look;
mod steps;

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Context, Ended, block_on, print_json};
use crate::cli;
use crate::config::{self, Flags};
use crate::model::fault::Weight;
use crate::model::trouble::{Kind, Trouble};
use crate::output::{diagnostics, terminal};
use crate::text::{safe, units};
use crate::view::init;

/// `init --json`.
#[derive(Serialize)]
struct Written {
    file: String,
    rules: usize,
    sources: usize,
    channels: usize,
}

/// What to do when it is there.
const NEXT: &str = "\
next:
  sippar-mon alert test   does each channel arrive?
  sippar-mon status       what it looks like now
  sippar-mon doctor       what is still missing
";

/// Writes a configuration, or installs.
pub fn run(context: &Context, args: &cli::Init) -> Ended {
    if args.install {
        return block_on(install::run(context, args));
    }
    let found = block_on(look::found(context, args, None))?;
    let text = init::config(&found);
    if args.print {
        terminal::print(&text)?;
        return Ok(0);
    }
    let target = target(context, args)?;
    write(&target, &text, 0o600)?;
    let examined = works(context, &target)?;
    let shown = safe::one_line(&target.display().to_string());
    let written = Written {
        file: shown.clone(),
        rules: examined.rules.len(),
        sources: examined.sources.len(),
        channels: examined.channels.len(),
    };
    if context.global.json {
        print_json(&written)?;
    } else {
        let Written { rules, sources, channels, .. } = written;
        let [rules, sources, channels] = [(rules, "rule"), (sources, "source"), (channels, "channel")]
            .map(|(count, noun)| units::counted(count, noun));
        let what = format!("wrote {shown}: {rules}, {sources}, {channels}\n");
        terminal::print(&context.terminal.fit(&format!("{what}{NEXT}")))?;
    }
    Ok(0)
}

/// Where it goes.
fn target(context: &Context, args: &cli::Init) -> Result<PathBuf, Trouble> {
    if let Some(file) = args.file.as_ref().or(context.global.config.as_ref()) {
        return Ok(file.clone());
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/etc/sippar-mon/config.toml"));
    }
    let folder = |name: &str| context.env.get(name).filter(|path| Path::new(path).is_absolute()).map(PathBuf::from);
    let folder = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    folder.map(|folder| folder.join("sippar-mon/config.toml")).ok_or_else(|| {
        let help = "name a file: sippar-mon init FILE";
        Trouble::new(Kind::Config, "there is no place for it: neither HOME nor XDG_CONFIG_HOME is set").help(help)
    })
}

/// Writes a file that is not there yet, whole or not at all as far as others see.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Trouble> {
    let shown = path.display();
    let denied = |error: &std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Trouble::new(Kind::CannotCreate, format!("{shown} is there already; it was left as it is"))
                .help("name another file: sippar-mon init FILE; or compare: sippar-mon init --print")
        }
        ErrorKind::PermissionDenied => Trouble::new(Kind::Permission, format!("no permission to write {shown}"))
            .help("try sudo, or name another file"),
        _ => Trouble::new(Kind::CannotCreate, format!("cannot create {shown}: {error}")),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(|error| denied(&error))?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let put = |mut file: std::fs::File| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    file.and_then(put).map_err(|error| denied(&error))
}

/// The configuration at `path`, read as any command would.
fn works(context: &Context, path: &Path) -> Result<config::Config, Trouble> {
    let flags = Flags { config: Some(path.to_owned()), unseen: true, ..context.flags(None) };
    let examined = config::examine(&flags, &context.env)?;
    let mut errors = examined.faults;
    errors.retain(|located| located.fault.weight == Weight::Error);
    if errors.is_empty() {
        return Ok(examined.config);
    }
    terminal::say(diagnostics::render(&errors, context.terminal.color_err).trim_end());
    Err(Trouble::new(
        Kind::Config,
        format!("{} was written, and has errors together with this environment", path.display()),
    ))
}
