//! The replies of the bridge's canisters, in Candid. A field that is missing or of another type means that the interface
//! changed; fields that are not needed may come and go.

use candid::utils::decode_args_with_config;
use candid::{CandidType, DecoderConfig, Principal};
use serde::Deserialize;

use crate::bridge::supply::SupplyFault;
use crate::text::safe;

/// How much work a reply may be to read: a small reply can describe a very large one.
const QUOTA: usize = 1_000_000;

/// `()`, as an argument.
pub const NOTHING: &[u8] = b"DIDL\0\0";

/// `get_reserve_ratio`: both figures are of one moment.
#[derive(CandidType, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reserves {
    /// L.
    pub locked_algo_reserves: u128,
    /// S.
    pub total_ck_algo_supply: u128,
}

/// `get_swap_config`.
#[derive(CandidType, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Swap {
    /// E.
    pub cketh_backed_ckalgo: u128,
}

/// `canister_status` of the management canister.
#[derive(CandidType, Deserialize, Clone, Copy, Debug)]
pub struct Status {
    /// What it can spend.
    pub cycles: u128,
}

/// The argument of `canister_status`.
#[derive(CandidType, Clone, Copy, Debug)]
pub struct Which {
    /// Whose status.
    pub canister_id: Principal,
}

/// Reads the reply to `method`.
pub fn read<T: CandidType + for<'a> Deserialize<'a>>(method: &str, reply: &[u8]) -> Result<T, SupplyFault> {
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(QUOTA).set_skipping_quota(QUOTA);
    let read = decode_args_with_config::<(T,)>(reply, &config);
    read.map(|(value,)| value).map_err(|error| {
        let why = safe::clip(&safe::answer(&error.to_string()), 120);
        SupplyFault::InterfaceChanged(format!("{method} cannot be read: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use candid::{Encode, Nat};

    use super::*;

    /// As the canister has it, fields that we do not read included.
    #[derive(CandidType)]
    struct Whole<T> {
        locked_algo_reserves: T,
        total_ck_algo_supply: T,
        reserve_ratio: f64,
        is_healthy: bool,
        last_verification: u64,
    }

    fn whole<T: CandidType>(locked: T, supply: T) -> Vec<u8> {
        let whole = Whole {
            locked_algo_reserves: locked,
            total_ck_algo_supply: supply,
            reserve_ratio: 0.81,
            is_healthy: true,
            last_verification: 0,
        };
        Encode!(&whole).unwrap()
    }

    #[test]
    fn amounts_far_above_2_53_are_read_exactly() {
        let big = u128::from(u64::MAX) * 1_000_003;
        let read: Reserves = read("m", &whole(Nat::from(big), Nat::from(big + 1))).unwrap();
        assert_eq!(read, Reserves { locked_algo_reserves: big, total_ck_algo_supply: big + 1 });
    }

    #[test]
    fn what_does_not_read_as_it_should_is_no_number() {
        let long: Nat = Nat::parse(b"1000000000000000000000000000000000000000000000000").unwrap();
        let bomb = [b"DIDL\x01\x6d\x7f\x01\0".as_slice(), &[0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
        for reply in [
            whole(-1_i64, 5),
            whole("7".to_owned(), "8".to_owned()),
            whole(long.clone(), long),
            Encode!(&7_u128).unwrap(),
            NOTHING.to_vec(),
            b"<html>".to_vec(),
            bomb,
            Vec::new(),
        ] {
            let fault = read::<Reserves>("get_reserve_ratio", &reply).unwrap_err();
            let SupplyFault::InterfaceChanged(why) = fault else { panic!("{fault:?}") };
            assert!(why.starts_with("get_reserve_ratio cannot be read: "), "{why}");
        }
    }
}
