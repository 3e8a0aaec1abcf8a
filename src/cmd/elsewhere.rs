//! `status --from`: other machines, by their dashboards.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Context, Ended, block_on, print_json};
use crate::cli::{self, Format};
use crate::model::secret::Secret;
use crate::model::trouble::{Kind, Trouble};
use crate::net::http::{Request, parse_url};
use crate::net::loopback::is_loopback;
use crate::net::{Net, together};
use crate::output::{elsewhere, terminal};
use crate::text::safe;
use crate::view::elsewhere::{Document, Row, worst};

/// What is asked of each machine.
const PATH: &str = "/monitoring/dashboard";

/// All of them together.
const LIMIT: Duration = Duration::from_secs(10);

/// How many are asked at the same time.
const AT_ONCE: usize = 32;

/// Bytes of an answer that are read.
const MAX_BODY: usize = 8 << 20;

/// The variable with a token that is shown to each of them.
const TOKEN: &str = "SIPPAR_MON_TOKEN";

/// Asks them all and ends with the worst of their states.
pub fn run(context: &Context, args: &cli::Status) -> Ended {
    let urls = args.from.iter().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
    let rows = block_on(async { Ok::<_, Trouble>(ask(context, urls, args.ignore_acked).await) })?;
    let format = if context.global.json { Format::Json } else { args.format };
    match format {
        Format::Json => print_json(&rows.iter().map(Document::new).collect::<Vec<_>>())?,
        Format::Nagios => terminal::print(&elsewhere::nagios(&rows))?,
        Format::Table if context.terminal.out => terminal::print(&elsewhere::screen(&rows, &context.terminal))?,
        Format::Table => terminal::print(&elsewhere::lines(&rows))?,
    }
    Ok(worst(&rows).exit())
}

/// The address of a machine, without the path of the dashboard: https, or http to this machine.
fn address(text: &str) -> Result<String, Trouble> {
    let wrong = |what: String| Trouble::new(Kind::Usage, format!("--from: {what}"));
    let url = parse_url(text).map_err(|why| wrong(format!("{}: {why}", safe::one_line(text))))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            wrong("an address with a name or password in it".to_owned()).help(format!("a token goes into {TOKEN}"))
        );
    }
    if url.scheme() != "https" && !url.host_str().is_some_and(is_loopback) {
        let what =
            format!("{}: plain http to another machine can be read and changed on the way", safe::one_line(text));
        let help = "use https, or a tunnel: ssh -L 3080:127.0.0.1:3080 HOST, then http://127.0.0.1:3080";
        return Err(wrong(what).help(help));
    }
    let base = text.trim().trim_end_matches('/');
    Ok(base.strip_suffix(PATH).unwrap_or(base).to_owned())
}

async fn ask(context: &Context, urls: Vec<String>, ignore_acked: bool) -> Vec<Row> {
    // a configuration gives certificate authorities; that of this machine need not work to look at others
    let net = match context.load(None) {
        Ok(config) => context.net(&config),
        Err(_) => Arc::new(Net::new(None, context.env.get("SSL_CERT_FILE").map(PathBuf::from))),
    };
    let token = context.env.get(TOKEN).map(|token| Secret::new(&format!("Bearer {token}")));
    let end = Instant::now() + LIMIT;
    let one = |url: String| one(url, &net, token.clone(), end, ignore_acked);
    together::bounded(AT_ONCE, urls.into_iter().map(one).collect::<Vec<_>>()).await
}

async fn one(url: String, net: &Net, token: Option<Secret>, end: Instant, ignore_acked: bool) -> Row {
    let request = Request {
        timeout: end.saturating_duration_since(Instant::now()),
        max_body: MAX_BODY,
        headers: token.into_iter().map(|token| ("Authorization".to_owned(), token)).collect(),
        ..Request::get(Secret::new(&format!("{url}{PATH}")))
    };
    match net.http(request).await {
        Err(failure) => Row::unread(&url, failure.to_string()),
        Ok(answer) => {
            let row = Row::read(&url, &answer.body, ignore_acked);
            // a refusal says why in its body, where it is one of ours
            let is_bare = row.said.as_ref().is_err_and(|why| why.starts_with("its answer"));
            if answer.status.is_success() || !is_bare {
                return row;
            }
            Row::unread(&url, format!("it answers {}", answer.status.as_u16()))
        }
    }
}
