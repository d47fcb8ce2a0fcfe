//! ISO 7816-4 command and response APDUs, chaining, extended length, status words and BER-TLV.
