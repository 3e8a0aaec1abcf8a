//! Which hosts are this very machine: the only ones that are spoken to without TLS unless a person insists.

use std::net::IpAddr;

/// Whether `host` (a name, an address, an IPv6 address with or without brackets) never leaves this machine.
/// Names are those that RFC 6761 6.3 reserves for loopback; other names are not looked up, since an answer can change.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Ok(IpAddr::V6(address)) => address.to_canonical().is_loopback(),
        Err(_) => {
            let name = bare.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_leave_the_machine_counts() {
        for host in ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.9.8.7", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        assert!(is_loopback("::ffff:127.0.0.1"), "an IPv4 loopback address in IPv6 notation");
        for host in ["localhost.example.org", "notlocalhost", "128.0.0.1", "0.0.0.0", "::", "192.168.1.1", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
