//! The example keys that publishers print in their documentation and that emulators ship: whoever
//! finds one has found no secret. Only their digests are kept, so that this file holds no key.

use crate::base::digest::Digest;

/// The first eight bytes of the SHA-256 of each, with where it is printed.
const EXAMPLES: &[(u64, &str)] = &[
    (0x8be5_d113_c087_1ce1, "one-time-password libraries"),
    (0x549c_9390_539e_fcfa, "RFC 6238"),
    (0xb62a_d8b3_465e_33dc, "one-time-password libraries"),
    (0x7f75_367e_7881_2551, "the JWT debugger"),
    (0xda81_6f9f_2c16_e6c5, "the JWT debugger, older"),
    (0x8d4e_f653_6dc8_895f, "RFC 7519"),
    (0x0011_cc25_eb43_2071, "the Azure storage emulator"),
    (0xaa65_4743_9583_c3a2, "the Azure Cosmos emulator"),
    (0x1a5d_44a2_dca1_9669, "AWS"),
    (0xc6ea_27c5_34f9_93d3, "AWS"),
    (0xcb20_d34a_7add_a2f5, "AWS"),
    (0x7831_4b11_be2e_5815, "AWS"),
    (0xe21b_597b_a6b9_cafa, "AWS"),
    (0x2caf_c097_0149_a84f, "Stripe"),
    (0x153a_1825_8645_1358, "Stripe"),
    (0xf2d6_ca16_5150_33e5, "Stripe, older"),
    (0x74e1_1884_b07b_1d51, "Stripe, older"),
    (0x3543_c50b_0cb9_cea8, "GitHub"),
    (0xbc3a_e723_f57c_6b9e, "GitHub"),
    (0x82e7_4299_544e_0073, "GitHub"),
    (0x7e49_8f91_828a_193c, "GitHub"),
    (0xcf4d_418e_d3de_92d7, "RFC 7617"),
    (0x73f7_1af0_93fd_f154, "RFC 7617, older"),
    (0x0e9d_2206_16f0_8345, "user:pass"),
    (0xbdfe_aef4_4475_711c, "user:password"),
    (0xe4da_07ad_2000_89ce, "username:password"),
    (0x731f_a294_d036_e54f, "Telegram"),
    (0x0b5d_d075_ccdd_03c4, "Telegram"),
    (0x511c_2249_afed_266e, "Telegram"),
    (0xde10_57ad_05eb_7511, "the captcha test key"),
    (0x9c84_6fdf_0fa8_955c, "Mailgun"),
    (0xa452_6cb8_cdbf_802f, "Mailgun"),
    (0xb8e1_4854_5b13_c78b, "RFC 6750"),
    (0x6c96_130f_130a_b0d6, "RFC 6749"),
    (0x00cf_4c78_1dc3_7003, "RFC 6749"),
    (0x53f5_da0a_aa93_d64c, "RFC 6749"),
    (0xca74_59e2_b267_76de, "RFC 6749"),
    (0x3e60_99e8_2cea_8b70, "RFC 6750, older"),
    (0xe997_4c50_7d2a_8021, "RFC 6749"),
    (0x2f32_27ec_cce1_0b91, "Slack"),
    (0xcd83_ecc2_b413_02ed, "a row of digits"),
    (0xa23d_006b_b020_a81d, "Heroku"),
];

/// Whether `secret` is an example that its publisher prints.
pub(super) fn is_example(secret: &[u8]) -> bool {
    if !(8..=400).contains(&secret.len()) {
        return false;
    }
    let digest = Digest::of(secret).bytes();
    let head = digest.first_chunk().map_or(0, |eight| u64::from_be_bytes(*eight));
    EXAMPLES.iter().any(|(known, _)| *known == head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_known_with_and_without_what_stands_before() {
        for pieces in [
            ["JBSWY3DP", "EHPK3PXP"],
            ["Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4", "I6tq/K1SZFPTOtr/KBHBeksoGMGw=="],
            ["wJalrXUtnFEMI/K7MDENG", "/bPxRfiCYEXAMPLEKEY"],
            ["sk_test_", "4eC39HqLyjWDarjtT1zdp7dc"],
        ] {
            assert!(is_example(pieces.concat().as_bytes()), "{pieces:?}");
        }
        assert!(!is_example(b"JBSWY3DPEHPK3PXQ"));
    }
}
