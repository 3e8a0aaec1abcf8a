//! What an error of `ic-agent` means: nobody answered, somebody refused, or somebody cannot be believed.

use ic_agent::AgentError;
use ic_agent::agent::{RejectCode, RejectResponse};

use crate::bridge::supply::{Health, SupplyFault};
use crate::text::safe;

/// The fault that `error` is.
pub fn of(error: &AgentError) -> SupplyFault {
    use AgentError as E;
    let untrusted = |why: &str| SupplyFault::Untrusted(why.to_owned());
    match error {
        E::TransportError(error) => SupplyFault::Unreachable(safe::answer(&error.to_string())),
        E::HttpError(answer) => {
            let words = safe::answer(&String::from_utf8_lossy(&answer.content));
            let words = safe::clip(&words, 100);
            SupplyFault::Unreachable(format!("HTTP {} {words}", answer.status).trim_end().to_owned())
        }
        E::TimeoutWaitingForResponse() => SupplyFault::Timeout,
        E::CertifiedReject { reject, .. } | E::UncertifiedReject { reject, .. } => rejected(reject),
        E::CertificateVerificationFailed() => untrusted("the certificate is not signed by the network"),
        E::CertificateNotAuthorized() => {
            untrusted("it is signed by a subnet or node that does not speak for this canister")
        }
        E::CertificateOutdated(limit) => {
            let limit = limit.as_secs();
            untrusted(&format!("it was signed more than {limit} s ago: is this machine's clock right?"))
        }
        E::CertificateHasTooManyDelegations => untrusted("the certificate was delegated more than once"),
        E::QuerySignatureVerificationFailed => untrusted("the node's signature does not hold"),
        E::MissingSignature => untrusted("no node has signed it"),
        E::TooManySignatures { .. } => untrusted("more have signed it than the subnet has nodes"),
        E::MalformedSignature
        | E::MalformedPublicKey
        | E::DerKeyLengthMismatch { .. }
        | E::DerPrefixMismatch { .. } => untrusted("a signature or key in it is malformed"),
        E::LookupPathAbsent(_) | E::LookupPathUnknown(_) | E::LookupPathError(_) | E::InvalidRequestStatus(..) => {
            untrusted("the certificate leaves out what was asked for")
        }
        E::InvalidCborData(_) | E::InvalidHttpResponse(_) | E::Leb128ReadError(_) | E::Utf8ReadError(_) => {
            SupplyFault::Unreachable("the answer is none of the Internet Computer's".to_owned())
        }
        other => SupplyFault::Unreachable(safe::answer(&other.to_string())),
    }
}

/// A refusal: what its code says of the canister.
fn rejected(reject: &RejectResponse) -> SupplyFault {
    let message = safe::clip(&safe::answer(&reject.reject_message), 160);
    let code = reject.error_code.as_deref();
    let health = code.and_then(health).unwrap_or_else(|| by_class(reject.reject_code));
    SupplyFault::Rejected {
        health,
        text: format!("{} {message}", safe::clip(&safe::answer(code.unwrap_or("rejected:")), 20)),
    }
}

/// The same for the reply to a call that the host gave by itself, without a certificate: it proves nothing.
pub fn of_call(error: &AgentError) -> SupplyFault {
    match (error, of(error)) {
        (AgentError::UncertifiedReject { .. }, SupplyFault::Rejected { text, .. }) => {
            SupplyFault::Rejected { health: Health::Unknown, text: format!("{text} (nobody signed this)") }
        }
        (_, fault) => fault,
    }
}

/// What an error code of a replica says.
fn health(code: &str) -> Option<Health> {
    Some(match code {
        "IC0207" => Health::Frozen,
        "IC0508" | "IC0509" => Health::Stopped,
        "IC0301" | "IC0537" => Health::Gone,
        "IC0201" | "IC0502" | "IC0503" => Health::Degraded,
        "IC0536" => Health::InterfaceChanged,
        "IC0512" => Health::NotPermitted,
        "IC0208" | "IC0405" => Health::Unknown,
        _ => return None,
    })
}

/// What the class of a refusal says where its code is not known.
const fn by_class(class: RejectCode) -> Health {
    match class {
        RejectCode::DestinationInvalid => Health::Gone,
        RejectCode::CanisterError => Health::Degraded,
        RejectCode::CanisterReject => Health::NotPermitted,
        RejectCode::SysFatal | RejectCode::SysTransient => Health::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject(class: RejectCode, code: Option<&str>) -> RejectResponse {
        let (reject_message, error_code) = ("no\u{202e}thing".to_owned(), code.map(str::to_owned));
        RejectResponse { reject_code: class, reject_message, error_code }
    }

    #[test]
    fn a_refusal_tells_of_the_canister_what_its_code_says() {
        use Health::{Degraded, Frozen, Gone, InterfaceChanged, NotPermitted, Stopped, Unknown};
        for (class, code, health) in [
            (RejectCode::SysTransient, Some("IC0207"), Frozen),
            (RejectCode::SysTransient, Some("IC0208"), Unknown),
            (RejectCode::SysTransient, Some("IC0201"), Degraded),
            (RejectCode::DestinationInvalid, Some("IC0301"), Gone),
            (RejectCode::CanisterReject, Some("IC0405"), Unknown),
            (RejectCode::CanisterError, Some("IC0502"), Degraded),
            (RejectCode::CanisterError, Some("IC0503"), Degraded),
            (RejectCode::CanisterError, Some("IC0508"), Stopped),
            (RejectCode::CanisterError, Some("IC0509"), Stopped),
            (RejectCode::CanisterError, Some("IC0512"), NotPermitted),
            (RejectCode::CanisterError, Some("IC0536"), InterfaceChanged),
            (RejectCode::CanisterError, Some("IC0537"), Gone),
            (RejectCode::DestinationInvalid, None, Gone),
            (RejectCode::SysTransient, None, Unknown),
            (RejectCode::CanisterError, Some("IC9999"), Degraded),
        ] {
            let text = format!("{} no\\u{{202e}}thing", code.unwrap_or("rejected:"));
            let error = AgentError::CertifiedReject { reject: reject(class, code), operation: None };
            assert_eq!(of(&error), SupplyFault::Rejected { health, text });
        }
    }

    #[test]
    fn a_refusal_of_a_call_that_nobody_signed_proves_nothing() {
        let reject = reject(RejectCode::SysTransient, Some("IC0207"));
        let error = AgentError::UncertifiedReject { reject, operation: None };
        let SupplyFault::Rejected { health, text } = of_call(&error) else { panic!("{error}") };
        assert_eq!((health, text.as_str()), (Health::Unknown, "IC0207 no\\u{202e}thing (nobody signed this)"));
    }
}
