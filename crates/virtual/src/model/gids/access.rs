//! Access rules in compact form, tag 8C (GIDS 2.0, "Access rules"; ISO 7816-4, 7.4.3.2).

/// What has been proved to the card since the last reset or deauthentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SecurityStatus {
    /// The application PIN was verified.
    pub(crate) user: bool,
    /// The administrator authenticated with the admin key.
    pub(crate) admin: bool,
}

/// A right that an access rule grants; the number is its bit in the access mode byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Right(u8);

impl Right {
    /// EF of data objects: GET DATA.
    pub(crate) const GET_DATA: Right = Right(0x01);
    /// EF of data objects: PUT DATA.
    pub(crate) const PUT_DATA: Right = Right(0x02);
    /// Key EF: GET PUBLIC KEY.
    pub(crate) const GET_PUBLIC_KEY: Right = Right(0x01);
    /// Key EF: PUT KEY.
    pub(crate) const PUT_KEY: Right = Right(0x02);
    /// Key EF: MANAGE SECURITY ENVIRONMENT, that is, the use of the key.
    pub(crate) const USE_KEY: Right = Right(0x04);
    /// Key EF: GENERATE ASYMMETRIC KEY PAIR.
    pub(crate) const GENERATE: Right = Right(0x08);
    /// Application: DELETE FILE.
    pub(crate) const DELETE_FILE: Right = Right(0x01);
    /// Application: CREATE FILE.
    pub(crate) const CREATE_FILE: Right = Right(0x02);
    /// Application: TERMINATE DF.
    pub(crate) const TERMINATE: Right = Right(0x20);
}

/// The value of tag 8C, known to be well formed: one to four rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessRules(Vec<u8>);

impl AccessRules {
    /// Takes the value of tag 8C; `None` if it is malformed.
    pub(crate) fn parse(value: &[u8]) -> Option<AccessRules> {
        let rules = AccessRules(value.to_vec());
        let mut rest = value;
        let mut count = 0;
        while let Some((mode, conditions)) = take_rule(rest)? {
            rest = &rest[1 + conditions.len()..];
            count += usize::from(mode != 0);
        }
        (1..=4).contains(&count).then_some(rules)
    }

    /// The value of tag 8C.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether any rule grants `right` under `status`. A right that no rule names is never granted.
    pub(crate) fn allow(&self, right: Right, status: SecurityStatus) -> bool {
        let mut rest = self.0.as_slice();
        while let Some(Some((mode, conditions))) = take_rule(rest) {
            if mode & right.0 != 0 {
                // Conditions stand from the highest bit down.
                let index = (mode & 0x7F & !(right.0 | (right.0 - 1))).count_ones() as usize;
                if conditions.get(index).is_some_and(|condition| satisfied(*condition, status)) {
                    return true;
                }
            }
            rest = &rest[1 + conditions.len()..];
        }
        false
    }
}

/// The first rule: its access mode byte and its conditions, one for each of the bits b7 to b1.
/// `None` if it is cut off, `Some(None)` at the end.
#[expect(clippy::option_option, reason = "end and malformed are two answers")]
fn take_rule(bytes: &[u8]) -> Option<Option<(u8, &[u8])>> {
    let Some((mode, rest)) = bytes.split_first() else { return Some(None) };
    let conditions = rest.get(..(mode & 0x7F).count_ones() as usize)?;
    if conditions.is_empty() { None } else { Some(Some((*mode, conditions))) }
}

/// One security condition byte. A virtual card is a contact card, so "contactless only" never holds.
fn satisfied(condition: u8, status: SecurityStatus) -> bool {
    const ALL: u8 = 0x80;
    const USER: u8 = 0x10;
    const ADMIN: u8 = 0x20;
    const UNKNOWN: u8 = 0x40;
    if condition == 0xFF || condition & 0x0F > 1 {
        return false;
    }
    let wants = condition & (USER | ADMIN | UNKNOWN);
    let has = if status.user { USER } else { 0 } | if status.admin { ADMIN } else { 0 };
    if wants == 0 {
        return condition & ALL == 0;
    }
    if condition & ALL != 0 { wants & !has == 0 } else { wants & has != 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: SecurityStatus = SecurityStatus { user: false, admin: false };
    const USER: SecurityStatus = SecurityStatus { user: true, admin: false };
    const ADMIN: SecurityStatus = SecurityStatus { user: false, admin: true };
    const BOTH: SecurityStatus = SecurityStatus { user: true, admin: true };

    fn rules(value: &[u8]) -> AccessRules {
        AccessRules::parse(value).expect("well-formed rules")
    }

    #[test]
    fn the_generic_profile() {
        let everyone_read_user_write = rules(&[0x03, 0x30, 0x00]);
        for (status, write) in [(NOBODY, false), (USER, true), (ADMIN, true)] {
            assert_eq!(everyone_read_user_write.allow(Right::PUT_DATA, status), write);
            assert!(everyone_read_user_write.allow(Right::GET_DATA, status));
        }
        let never_read = rules(&[0x03, 0x30, 0xFF]);
        assert!(!never_read.allow(Right::GET_DATA, BOTH));
        let admin_key = rules(&[0x87, 0x00, 0x20, 0xFF]);
        assert!(admin_key.allow(Right::USE_KEY, NOBODY));
        assert!(admin_key.allow(Right::PUT_KEY, ADMIN) && !admin_key.allow(Right::PUT_KEY, USER));
        assert!(!admin_key.allow(Right::GENERATE, BOTH));
        let container = rules(&[0x8F, 0x10, 0x10, 0x10, 0x00]);
        assert!(container.allow(Right::GENERATE, USER) && !container.allow(Right::GENERATE, ADMIN));
        assert!(container.allow(Right::GET_PUBLIC_KEY, NOBODY));
    }

    #[test]
    fn all_of_several_rules_and_interfaces() {
        let both = rules(&[0x01, 0xB0]);
        assert!(!both.allow(Right::GET_DATA, USER) && both.allow(Right::GET_DATA, BOTH));
        let two = rules(&[0x01, 0x10, 0x03, 0x20, 0x20]);
        assert!(two.allow(Right::GET_DATA, USER) && two.allow(Right::GET_DATA, ADMIN));
        assert!(!two.allow(Right::PUT_DATA, USER));
        assert!(rules(&[0x01, 0x11]).allow(Right::GET_DATA, USER));
        assert!(!rules(&[0x01, 0x12]).allow(Right::GET_DATA, USER));
        assert!(!rules(&[0x01, 0x80]).allow(Right::GET_DATA, BOTH));
    }

    #[test]
    fn malformed_rules() {
        for bad in [&[][..], &[0x03, 0x30], &[0x00], &[0x80], &[1, 0, 1, 0, 1, 0, 1, 0, 1, 0]] {
            assert_eq!(AccessRules::parse(bad), None, "{bad:02X?}");
        }
    }
}
