//! `serve`: the JSON API and the dashboard, until it is asked to stop.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{Context, Ended, block_on};
use crate::cli;
use crate::config::serve::{Serving, parse_listen};
use crate::config::{self, Config, Flags};
use crate::cycle::repeat;
use crate::cycle::stop::Stop;
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::serve;
use crate::serve::site::{Own, Reread, Site};
use crate::world::Clock;

/// How long a loop of cycles may take to end what it is sending.
const FAREWELL: Duration = Duration::from_secs(15);

/// Serves until SIGTERM or SIGINT, which is its proper end.
pub fn run(context: &Context, args: &cli::Serve) -> Ended {
    let listen = args.listen.as_deref().map(parse_listen).transpose();
    let listen = listen.map_err(|why| Trouble::new(Kind::Usage, format!("--listen: {why}")))?;
    let config = context.load_or_last(Some(Serving { listen }))?;
    context.remarks(&config);
    // the address is taken once
    let flags =
        Flags { serving: Some(Serving { listen: Some(config.serve.listen) }), unseen: true, ..context.flags(None) };
    let env = context.env.clone();
    let reread: Reread = Box::new(move |config| config::reread(config, &flags, &env));
    block_on(work(context, config, reread, args.repeat))?;
    Ok(0)
}

async fn work(context: &Context, config: Config, reread: Reread, repeats: bool) -> Result<(), Trouble> {
    let mut stop = Stop::listen()?;
    let listener = serve::bind(config.serve.listen).await?;
    if let Ok(address) = listener.local_addr()
        && (context.terminal.err || context.global.verbose > 0)
        && context.global.quiet == 0
    {
        terminal::say(&format!("sippar-mon: http://{address}/ (Ctrl-C ends it)"));
    }
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        stop.asked().await;
        // nobody listens any more when the server has ended
        let _ = sender.send(true);
    });
    let site = Site::new(config, reread, context.clock, own(context)?, receiver);
    let site = Arc::new(site);
    let (own, clock, asked) = (site.own.clone(), site.clock, site.stop.clone());
    let cycles = async move || cycles(&own, clock, asked).await;
    let cycles = repeats.then(|| tokio::spawn(cycles()));
    serve::run(site, listener).await;
    if let Some(cycles) = cycles {
        // what is being sent is sent; a cycle that has not decided anything yet ends at once
        let _ = cycles.await;
    }
    Ok(())
}

/// Does what cron would: a loop of cycles for each minute, as a process of its own. It has the secrets that this one has
/// not, reads the configuration anew, and nothing that happens to it happens to the server.
async fn cycles(own: &Own, clock: Clock, mut asked: watch::Receiver<bool>) {
    let mut running: Vec<Child> = Vec::new();
    loop {
        let started = Command::new(&own.program)
            .args(own.flags.iter().map(String::as_str).chain(["check", "--repeat"]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        match started {
            Ok(child) => running.push(child),
            Err(error) => terminal::say(&format!("sippar-mon: cannot start {}: {error}", own.program.display())),
        }
        let next = repeat::minute_end(clock.now());
        tokio::select! {
            () = tokio::time::sleep(clock.until(next)) => {}
            _ = asked.wait_for(|asked| *asked) => break,
        }
        // those of earlier minutes have ended, but for what is still being sent
        running.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
    for child in &mut running {
        if let Some(id) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            let _ = kill_process(id, Signal::TERM);
        }
        let _ = tokio::time::timeout(FAREWELL, child.wait()).await;
    }
}

/// How this program is started again: the same file, with the same configuration and database.
fn own(context: &Context) -> Result<Own, Trouble> {
    let program = std::env::current_exe()
        .map_err(|error| Trouble::new(Kind::Io, format!("cannot find this program's own file: {error}")))?;
    let named =
        [("--config", &context.global.config), ("--db", &context.global.db), ("--env-file", &context.global.env_file)];
    let flag = |(name, path): (&str, &Option<PathBuf>)| Some(format!("{name}={}", path.as_ref()?.display()));
    let flags = named.into_iter().filter_map(flag).collect();
    Ok(Own { program, flags, env: context.env.pairs() })
}
