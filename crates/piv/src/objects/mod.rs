//! What is inside of the data objects: parsers, one per object, lenient where cards differ and bounded by
//! the object's length (SP 800-73 part 1, appendix A).

pub(crate) mod ccc;
pub(crate) mod certificate;
pub(crate) mod chuid;
pub(crate) mod discovery;
pub(crate) mod fascn;
pub(crate) mod fields;
pub(crate) mod history;
pub(crate) mod placeholder;
pub(crate) mod printed;
pub(crate) mod security;

#[cfg(test)]
pub(crate) mod tests {
    /// Bytes of hexadecimal text with spaces.
    pub(crate) fn bytes(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    }
}
