//! What a virtual reader answers to `SCardGetAttrib`, and what its control codes are.

use cardmod_pcsc::{
    CM_IOCTL_GET_FEATURE_REQUEST, DWORD, FEATURE_GET_TLV_PROPERTIES, FEATURE_IFD_PIN_PROPERTIES,
    FEATURE_MODIFY_PIN_DIRECT, FEATURE_VERIFY_PIN_DIRECT, MAX_APDU_DATA_SIZE,
    SCARD_ATTR_ASYNC_PROTOCOL_TYPES, SCARD_ATTR_ATR_STRING, SCARD_ATTR_CHANNEL_ID,
    SCARD_ATTR_CHARACTERISTICS, SCARD_ATTR_CURRENT_PROTOCOL_TYPE, SCARD_ATTR_DEFAULT_CLK,
    SCARD_ATTR_DEVICE_FRIENDLY_NAME_A, SCARD_ATTR_DEVICE_FRIENDLY_NAME_W, SCARD_ATTR_DEVICE_IN_USE,
    SCARD_ATTR_DEVICE_SYSTEM_NAME_A, SCARD_ATTR_DEVICE_SYSTEM_NAME_W, SCARD_ATTR_DEVICE_UNIT,
    SCARD_ATTR_ICC_INTERFACE_STATUS, SCARD_ATTR_ICC_PRESENCE, SCARD_ATTR_ICC_TYPE_PER_ATR,
    SCARD_ATTR_MAX_CLK, SCARD_ATTR_MAX_IFSD, SCARD_ATTR_MAXINPUT, SCARD_ATTR_POWER_MGMT_SUPPORT,
    SCARD_ATTR_VENDOR_IFD_SERIAL_NO, SCARD_ATTR_VENDOR_IFD_TYPE, SCARD_ATTR_VENDOR_IFD_VERSION,
    SCARD_ATTR_VENDOR_NAME, SCARD_E_UNSUPPORTED_FEATURE, VALIDATION_KEY, control_code,
};

use crate::equipment::Equipment;

/// Longest command data: extended length (ISO 7816-4 5.1).
const MAX_DATA: u32 = 65_535;
/// Longest command of extended length: header, Lc, data, Le.
const MAX_INPUT: u32 = 4 + 3 + MAX_DATA + 2;
/// Vendor-defined channel (PC/SC 2 part 3, 3.1.1), number 0.
const CHANNEL: u32 = 0x00F0_0000;
/// The clock that a contact reader would have, in kHz.
const CLOCK_KHZ: u32 = 4_000;

/// What the attributes depend on.
pub(crate) struct Facts<'a> {
    pub(crate) reader: &'a str,
    pub(crate) card: &'a str,
    pub(crate) atr: &'a [u8],
    pub(crate) present: bool,
    pub(crate) protocol: u32,
}

/// The value of an attribute; `SCARD_E_UNSUPPORTED_FEATURE` for one this reader does not have.
pub(crate) fn attribute(id: u32, facts: &Facts<'_>) -> Result<Vec<u8>, u32> {
    let number = |value: u32| Ok(value.to_le_bytes().to_vec());
    match id {
        SCARD_ATTR_VENDOR_NAME => Ok(text("Cardmod")),
        SCARD_ATTR_VENDOR_IFD_TYPE => Ok(text("Virtual Reader")),
        SCARD_ATTR_VENDOR_IFD_VERSION => number(version()),
        SCARD_ATTR_VENDOR_IFD_SERIAL_NO => Ok(text(facts.card)),
        SCARD_ATTR_CHANNEL_ID => number(CHANNEL),
        SCARD_ATTR_ASYNC_PROTOCOL_TYPES => {
            number(cardmod_pcsc::SCARD_PROTOCOL_T0 | cardmod_pcsc::SCARD_PROTOCOL_T1)
        }
        SCARD_ATTR_DEFAULT_CLK | SCARD_ATTR_MAX_CLK => number(CLOCK_KHZ),
        SCARD_ATTR_MAX_IFSD => number(254),
        SCARD_ATTR_POWER_MGMT_SUPPORT => number(1),
        SCARD_ATTR_CHARACTERISTICS | SCARD_ATTR_DEVICE_UNIT | SCARD_ATTR_DEVICE_IN_USE => number(0),
        SCARD_ATTR_CURRENT_PROTOCOL_TYPE => number(facts.protocol),
        SCARD_ATTR_MAXINPUT => number(MAX_INPUT),
        SCARD_ATTR_ICC_PRESENCE => Ok(vec![if facts.present { 2 } else { 0 }]),
        SCARD_ATTR_ICC_INTERFACE_STATUS => Ok(vec![u8::from(facts.present)]),
        SCARD_ATTR_ICC_TYPE_PER_ATR => Ok(vec![if facts.present { 1 } else { 0 }]),
        SCARD_ATTR_ATR_STRING if facts.present => Ok(facts.atr.to_vec()),
        SCARD_ATTR_DEVICE_FRIENDLY_NAME_A | SCARD_ATTR_DEVICE_SYSTEM_NAME_A => Ok(text(facts.reader)),
        SCARD_ATTR_DEVICE_FRIENDLY_NAME_W | SCARD_ATTR_DEVICE_SYSTEM_NAME_W => Ok(wide(facts.reader)),
        _ => Err(SCARD_E_UNSUPPORTED_FEATURE),
    }
}

/// What a control code of this reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// The list of the others.
    Features,
    TlvProperties,
    PinProperties,
    VerifyPin,
    ModifyPin,
}

/// The functions behind features, with the numbers of their control codes.
const FUNCTIONS: [(Function, u32, u32); 4] = [
    (Function::VerifyPin, FEATURE_VERIFY_PIN_DIRECT, 3501),
    (Function::ModifyPin, FEATURE_MODIFY_PIN_DIRECT, 3502),
    (Function::PinProperties, FEATURE_IFD_PIN_PROPERTIES, 3503),
    (Function::TlvProperties, FEATURE_GET_TLV_PROPERTIES, 3500),
];

/// The function behind a control code; `SCARD_E_UNSUPPORTED_FEATURE` for one that this reader does not have.
pub(crate) fn function(code: DWORD, equipment: &Equipment) -> Result<Function, u32> {
    if code == control_code(CM_IOCTL_GET_FEATURE_REQUEST) {
        return Ok(Function::Features);
    }
    let known = FUNCTIONS.iter().find(|(_, _, number)| code == control_code(*number));
    let function = known.map(|(function, ..)| *function).filter(|function| has(equipment, *function));
    function.ok_or(SCARD_E_UNSUPPORTED_FEATURE)
}

fn has(equipment: &Equipment, function: Function) -> bool {
    match function {
        Function::Features | Function::TlvProperties => true,
        Function::PinProperties | Function::VerifyPin => equipment.keypad.is_some(),
        Function::ModifyPin => equipment.keypad.as_ref().is_some_and(|keypad| keypad.modifies),
    }
}

/// The list of features (PC/SC 2 part 10, 2.2).
pub(crate) fn features(equipment: &Equipment) -> Vec<u8> {
    let mut list = Vec::new();
    for (_, feature, number) in FUNCTIONS.iter().filter(|(function, ..)| has(equipment, *function)) {
        list.extend([*feature as u8, 4]);
        list.extend((control_code(*number) as u32).to_be_bytes());
    }
    list
}

/// The properties (2.6).
pub(crate) fn properties(equipment: &Equipment) -> Vec<u8> {
    let mut properties = Vec::new();
    if let Some(size) = equipment.max_apdu_data {
        properties.extend([MAX_APDU_DATA_SIZE, 4]);
        properties.extend(size.to_le_bytes());
    }
    properties
}

/// `PIN_PROPERTIES_STRUCTURE` (2.5.4): no display, an entry ends by the confirmation key or its time.
pub(crate) const PIN_PROPERTIES: [u8; 4] = [0, 0, VALIDATION_KEY | 0x04, 0];

fn text(value: &str) -> Vec<u8> {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

fn wide(value: &str) -> Vec<u8> {
    value.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// This crate's version as 0xMMmmbbbb.
fn version() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or(0);
    part(env!("CARGO_PKG_VERSION_MAJOR")) << 24
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 16
        | part(env!("CARGO_PKG_VERSION_PATCH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_lead_to_properties() {
        let usual = Equipment::default();
        let [feature] = cardmod_pcsc::parse_features(&features(&usual))[..] else { panic!("one feature") };
        assert_eq!(function(feature.code as DWORD, &usual), Ok(Function::TlvProperties));
        assert_eq!(cardmod_pcsc::parse_property(&properties(&usual), MAX_APDU_DATA_SIZE), Some(65_536));
        assert_eq!(function(control_code(1), &usual), Err(SCARD_E_UNSUPPORTED_FEATURE));
        assert_eq!(function(control_code(3501), &usual), Err(SCARD_E_UNSUPPORTED_FEATURE), "no keypad");
        let silent = Equipment { max_apdu_data: None, ..Equipment::default() };
        assert!(properties(&silent).is_empty());
    }

    #[test]
    fn attributes_follow_the_card() {
        let mut facts = Facts { reader: "R 00 00", card: "c", atr: &[0x3B, 0], present: true, protocol: 2 };
        assert_eq!(attribute(SCARD_ATTR_ATR_STRING, &facts), Ok(vec![0x3B, 0]));
        assert_eq!(attribute(SCARD_ATTR_DEVICE_FRIENDLY_NAME_A, &facts), Ok(b"R 00 00\0".to_vec()));
        assert_eq!(attribute(SCARD_ATTR_CURRENT_PROTOCOL_TYPE, &facts), Ok(vec![2, 0, 0, 0]));
        facts.present = false;
        assert_eq!(attribute(SCARD_ATTR_ATR_STRING, &facts), Err(SCARD_E_UNSUPPORTED_FEATURE));
        assert_eq!(attribute(0x1234, &facts), Err(SCARD_E_UNSUPPORTED_FEATURE));
    }
}
