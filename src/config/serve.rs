//! `[serve]`: where the server listens, who may write, and under which names it is known.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;
use toml::Spanned;

use super::secret::Secrets;
use crate::model::fault::{Fault, Place};
use crate::model::secret::Secret;
use crate::net::http::parse_url;
use crate::net::loopback::is_loopback;
use crate::text::check::Check;

/// Where it listens unless something else is written: this machine alone.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// A token that is shorter can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// `[serve]` as written.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    listen: Option<Spanned<String>>,
    token: Option<Spanned<String>>,
    public_url: Option<Spanned<String>>,
    public_reads: Option<bool>,
    cors_origins: Vec<Spanned<String>>,
}

/// What the command line of `serve` says. Its presence means that this process serves: of all secrets it is given the
/// token alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serving {
    /// `--listen`
    pub listen: Option<SocketAddr>,
}

/// How the server behaves towards the world.
#[derive(Clone, PartialEq, Debug)]
pub struct Serve {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whoever names it may write; without one nobody may. Known in the process that serves, nowhere else.
    pub token: Option<Secret>,
    /// Scheme, name and port under which it is known outside, where it is.
    pub public: Option<Public>,
    /// Origins whose pages may read the answers.
    pub cors_origins: Vec<String>,
}

/// The address under which a proxy makes the server known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Public {
    /// `https://monitor.example.org`
    pub origin: String,
    /// Its host alone.
    pub host: String,
}

/// What `[serve]` and the command line come to; what is wrong goes to `check`.
pub fn build(
    written: Option<&Spanned<Settings>>,
    serving: Option<&Serving>,
    secrets: &Secrets<'_>,
    check: &mut Check<'_>,
) -> Serve {
    let default = Settings::default();
    let settings = written.map_or(&default, |written| written.get_ref());
    let Settings { listen, token, public_url, public_reads, cors_origins } = settings;
    let place = |key: &Option<Spanned<String>>| key.as_ref().map_or(Place::Nowhere, |key| Place::File(key.span()));
    let by_flag = serving.and_then(|serving| serving.listen);
    let written = listen.as_ref().and_then(|text| kept(parse_listen(text.get_ref()), text, check));
    let address = by_flag.or(written).unwrap_or(LISTEN);
    let place = if by_flag.is_some() { Place::Nowhere } else { place(listen) };
    let is_open = !address.ip().to_canonical().is_loopback();
    if is_open && (token.is_none() || *public_reads != Some(true)) {
        let what = format!("listening on {address} lets other machines read all that is measured");
        let help = "set a `token` (for writes) and `public_reads = true` in [serve] if that is meant; else listen on \
                    127.0.0.1 and put a proxy with TLS and passwords before it";
        check.fault(Fault::error(what, place).help(help));
    }
    Serve {
        listen: address,
        token: token.as_ref().and_then(|token| self::token(token, serving.is_some(), secrets, check)),
        public: public_url.as_ref().and_then(|url| kept(public(url.get_ref()), url, check)),
        cors_origins: cors_origins
            .iter()
            .filter_map(|origin| kept(self::origin(origin.get_ref()), origin, check))
            .collect(),
    }
}

/// The variables that may hold the token, where it is one of the environment.
pub fn variables(written: Option<&Spanned<Settings>>) -> Vec<String> {
    let token = written.and_then(|written| written.get_ref().token.as_ref());
    let name = token.and_then(|token| token.get_ref().strip_prefix("env:"));
    name.map_or_else(Vec::new, |name| vec![name.trim().to_owned(), format!("{}_FILE", name.trim())])
}

/// Reads an address to listen on: an IP address or localhost, and a port.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let of_name = || {
        let port = text.strip_prefix("localhost:")?.parse().ok()?;
        Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
    };
    text.parse().ok().or_else(of_name).ok_or_else(|| {
        format!("`{}` is no address to listen on; write it like 127.0.0.1:8787 or [::1]:8787", text.escape_debug())
    })
}

/// The token. A reference is followed only where it is needed: the environment of cron has no business with it.
fn token(written: &Spanned<String>, serves: bool, secrets: &Secrets<'_>, check: &mut Check<'_>) -> Option<Secret> {
    let text = written.get_ref();
    let is_reference = text.starts_with("env:") || text.starts_with("file:");
    if text.is_empty() || (is_reference && !serves) {
        return None;
    }
    // a literal stands in the line that would be shown
    let place = || if is_reference { Place::File(written.span()) } else { Place::Nowhere };
    match secrets.resolve(text) {
        Ok(token)
            if token.expose().len() < SHORTEST_TOKEN || !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            let what = format!("`token` of [serve] must be at least {SHORTEST_TOKEN} visible ASCII characters");
            check.fault(Fault::error(what, place()).help("make one with: openssl rand -hex 32"));
            None
        }
        Ok(token) => Some(token),
        Err(what) => {
            check.fault(Fault::error(what, place()));
            None
        }
    }
}

fn kept<T>(read: Result<T, String>, text: &Spanned<String>, check: &mut Check<'_>) -> Option<T> {
    read.map_err(|what| check.fault(Fault::error(what, Place::File(text.span())))).ok()
}

/// The address that a proxy makes known. It has no path: pages link to each other from the root.
fn public(text: &str) -> Result<Public, String> {
    let url = parse_url(text).map_err(|why| format!("`public_url` is {why}"))?;
    if url.path() != "/" || url.query().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("`public_url` is a scheme, a name and perhaps a port, like https://monitor.example.org".to_owned());
    }
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    Ok(Public { origin: url.origin().ascii_serialization(), host })
}

/// An origin as browsers send it.
fn origin(text: &str) -> Result<String, String> {
    let url = parse_url(text).map_err(|why| format!("the origin is {why}"))?;
    let origin = url.origin().ascii_serialization();
    if origin != text.trim_end_matches('/') {
        return Err(format!("an origin is scheme, name and port alone: {origin}"));
    }
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "http" && !is_loopback(host) {
        return Err(
            "a page that came over plain http may have been changed on its way; use its https origin".to_owned()
        );
    }
    Ok(origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Env;

    fn build_text(text: &str, serving: Option<Serving>) -> (Serve, Vec<String>) {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct File {
            serve: Option<Spanned<Settings>>,
        }
        let file: File = toml::from_str(text).unwrap();
        let env = Env::from([("TOKEN", "0123456789abcdef"), ("SHORT", "0123456789abcde")]);
        let secrets = Secrets::new(&env);
        let resolve = |_: &str| Err("not asked".to_owned());
        let mut check = Check::new(std::time::Duration::from_mins(1), &resolve);
        let serve = build(file.serve.as_ref(), serving.as_ref(), &secrets, &mut check);
        (serve, check.faults.into_iter().map(|located| located.fault.what).collect())
    }

    #[test]
    fn nothing_written_is_this_machine_and_no_writes() {
        let expected = Serve { listen: LISTEN, token: None, public: None, cors_origins: Vec::new() };
        assert_eq!(build_text("", None), (expected.clone(), Vec::new()));
        assert_eq!(
            build_text("[serve]\nlisten = 'localhost:8787'\ntoken = ''", Some(Serving::default())),
            (expected, Vec::new())
        );
    }

    #[test]
    fn other_machines_need_a_token_and_a_yes() {
        let fault = ["listening on 0.0.0.0:80 lets other machines read all that is measured"];
        let token = "token = 'env:TOKEN'\n";
        for (more, faults) in [
            ("", &fault[..]),
            (token, &fault[..]),
            ("public_reads = true\n", &fault[..]),
            ("token = 'env:TOKEN'\npublic_reads = true\n", &[]),
        ] {
            assert_eq!(build_text(&format!("[serve]\nlisten = '0.0.0.0:80'\n{more}"), None).1, faults, "{more}");
        }
        let flag = Serving { listen: Some("192.0.2.1:80".parse().unwrap()) };
        let (serve, faults) = build_text(&format!("[serve]\n{token}"), Some(flag));
        assert_eq!(serve.listen, flag.listen.unwrap());
        assert_eq!(faults, ["listening on 192.0.2.1:80 lets other machines read all that is measured"]);
    }

    #[test]
    fn the_token_is_known_to_the_process_that_serves_alone() {
        let of = |text: &str, serving| {
            let (serve, faults) = build_text(&format!("[serve]\ntoken = '{text}'"), serving);
            (serve.token.map(|token| token.expose().to_owned()), faults)
        };
        assert_eq!(of("env:TOKEN", None), (None, vec![]));
        assert_eq!(of("env:NOPE", None), (None, vec![]));
        assert_eq!(of("env:TOKEN", Some(Serving::default())), (Some("0123456789abcdef".to_owned()), vec![]));
        let short = "`token` of [serve] must be at least 16 visible ASCII characters".to_owned();
        for text in ["env:SHORT", "0123456789 abcdef", "0123456789abcdé"] {
            assert_eq!(of(text, Some(Serving::default())), (None, vec![short.clone()]), "{text}");
        }
        assert_eq!(of("env:NOPE", Some(Serving::default())).1.len(), 1);
    }

    #[test]
    fn names_are_origins() {
        let (serve, faults) = build_text(
            "[serve]\npublic_url = 'https://Monitor.example.org/'\ncors_origins = ['https://nuru.network', 'http://localhost:5173']",
            None,
        );
        let public =
            Public { origin: "https://monitor.example.org".to_owned(), host: "monitor.example.org".to_owned() };
        assert_eq!((serve.public, faults), (Some(public), vec![]));
        assert_eq!(serve.cors_origins, ["https://nuru.network", "http://localhost:5173"]);
        for bad in [
            "public_url = 'https://a.example/x'",
            "public_url = 'ftp://a.example'",
            "cors_origins = ['*']",
            "cors_origins = ['https://a.example/x']",
            "cors_origins = ['http://a.example']",
        ] {
            assert_eq!(build_text(&format!("[serve]\n{bad}"), None).1.len(), 1, "{bad}");
        }
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(parse_listen("localhost:9"), Ok("127.0.0.1:9".parse().unwrap()));
        assert_eq!(parse_listen("[::1]:9"), Ok("[::1]:9".parse().unwrap()));
        for bad in ["", "8787", ":8787", "example.org:80", "localhost", "localhost:x", "127.0.0.1"] {
            assert!(parse_listen(bad).is_err(), "{bad}");
        }
    }
}
