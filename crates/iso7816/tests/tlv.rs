//! The BER-TLV reader and writer: forms of tags and lengths, malformed input, round trips.

use cardmod_iso7816::tlv::{Reader, Tag, TlvError, Writer, length_field, read_length, single};
use proptest::prelude::*;

#[test]
fn reads_the_application_template() {
    let fci = [0x61, 0x09, 0x4F, 0x02, 0xA0, 0x00, 0x73, 0x03, 0x40, 0x01, 0xC0];
    let template = single(&fci).expect("one template");
    assert_eq!(template.tag, Tag::new(0x61));
    assert!(template.tag.is_constructed());
    let discretionary = template.children().find(Tag::new(0x73)).expect("well-formed").expect("present");
    assert_eq!(Reader::new(discretionary).find(Tag::new(0x40)), Ok(Some(&[0xC0][..])));
    assert_eq!(template.children().find(Tag::new(0x50)), Ok(None));
}

#[test]
fn tags_of_one_to_three_bytes() {
    for (bytes, value) in [
        (&[0x5C][..], 0x5C),
        (&[0xDF, 0x20][..], 0xDF20),
        (&[0x7F, 0x49][..], 0x7F49),
        (&[0x5F, 0x81, 0x01][..], 0x5F_8101),
    ] {
        let (tag, rest) = Tag::read(bytes).expect("well-formed");
        assert_eq!((tag, rest), (Tag::new(value), &[][..]));
        assert_eq!(tag.bytes(), bytes);
        assert_eq!(tag.to_string(), format!("{value:02X}"));
    }
    for bytes in [&[][..], &[0x5F][..], &[0x5F, 0x81][..], &[0x5F, 0x81, 0x82, 0x03][..]] {
        assert_eq!(Tag::read(bytes), None, "{bytes:02X?}");
    }
}

#[test]
fn lengths() {
    assert_eq!(read_length(&[0x7F, 1]), Some((127, &[1][..])));
    assert_eq!(read_length(&[0x81, 0x80]), Some((128, &[][..])));
    assert_eq!(read_length(&[0x82, 0x01, 0x00, 9]), Some((256, &[9][..])));
    assert_eq!(read_length(&[0x83, 0x01, 0x00, 0x00]), Some((65_536, &[][..])));
    for bad in [&[][..], &[0x80][..], &[0x82, 1][..], &[0x84, 0, 0, 0, 1][..], &[0xFF][..]] {
        assert_eq!(read_length(bad), None, "{bad:02X?}");
    }
    assert_eq!(length_field(0x7F), [0x7F]);
    assert_eq!(length_field(0x80), [0x81, 0x80]);
    assert_eq!(length_field(0x100), [0x82, 1, 0]);
    assert_eq!(length_field(0x1_0000), [0x83, 1, 0, 0]);
}

#[test]
fn malformed_objects_say_where() {
    let mut reader = Reader::new(&[0x80, 0x01, 0xAA, 0x81, 0x05, 0x00]);
    assert_eq!(reader.read().map(|tlv| tlv.map(|t| t.value.to_vec())), Ok(Some(vec![0xAA])));
    assert_eq!(reader.read(), Err(TlvError { offset: 3 }));
    assert_eq!(reader.read(), Ok(None), "nothing is read after an error");
    assert_eq!(single(&[0x80, 0x00, 0x00]), Err(TlvError { offset: 2 }));
    assert_eq!(single(&[]), Err(TlvError { offset: 0 }));
}

#[test]
fn writes_templates() {
    let written = Writer::new()
        .template(Tag::new(0x70), |key| {
            key.object(Tag::new(0x84), &[0x81])
                .template(Tag::new(0xA5), |data| data.object(Tag::new(0x7F49), &[0x80, 0]))
        })
        .encoded(&[0x5C, 0])
        .finish();
    assert_eq!(*written, [0x70, 0x0A, 0x84, 1, 0x81, 0xA5, 5, 0x7F, 0x49, 2, 0x80, 0, 0x5C, 0]);
}

proptest! {
    #[test]
    fn round_trip(objects in proptest::collection::vec((prop_oneof![0_u32..0x1F, 0xDF20_u32..0xDF7F], proptest::collection::vec(any::<u8>(), 0..400)), 0..8)) {
        let mut writer = Writer::new();
        for (tag, value) in &objects {
            writer = writer.object(Tag::new(*tag), value);
        }
        let bytes = writer.finish();
        let read: Vec<(u32, Vec<u8>)> =
            Reader::new(&bytes).map(|tlv| tlv.map(|t| (t.tag.get(), t.value.to_vec()))).collect::<Result<_, _>>().expect("well-formed");
        prop_assert_eq!(read, objects);
        let whole: Vec<u8> = Reader::new(&bytes).flatten().flat_map(|t| t.raw.to_vec()).collect();
        prop_assert_eq!(whole, bytes.to_vec());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut seen = 0;
        for tlv in Reader::new(&bytes).flatten() {
            seen += tlv.raw.len();
            prop_assert!(tlv.value.len() < tlv.raw.len());
        }
        prop_assert!(seen <= bytes.len());
    }
}
