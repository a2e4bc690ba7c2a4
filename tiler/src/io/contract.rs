//! The exam that every [`ByteSource`] passes.

use std::io::Write;

use super::{Access, ByteSource, IoError, Memory, open};

fn exam(source: &dyn ByteSource, content: &[u8]) {
    let len = content.len() as u64;
    assert_eq!(source.len(), len);
    assert_eq!(&*source.read(0..len).expect("the whole"), content);
    assert_eq!(&*source.read(5..9).expect("a part"), &content[5..9]);
    assert!(source.read(len..len).expect("nothing").is_empty());
    assert!(matches!(source.read(0..len + 1), Err(IoError::OutOfRange { .. })));
    assert!(matches!(source.read(u64::MAX - 1..u64::MAX), Err(IoError::OutOfRange { .. })));
    #[expect(clippy::reversed_empty_ranges, reason = "that is the point")]
    let reversed = source.read(9..5);
    assert!(matches!(reversed, Err(IoError::OutOfRange { .. })));
    source.will_need(&[0..4, 4..len, len..len + 10]);
    let mut buffer = [0; 4];
    assert!(source.read_at_hand(5, &mut buffer), "it was read a moment ago");
    assert_eq!(buffer, content[5..9]);
    assert!(!source.read_at_hand(len - 3, &mut buffer));
    assert!(!source.read_at_hand(u64::MAX - 3, &mut buffer));
    source.done_with(&[0..4, 4..len, len..len + 10]);
    assert_eq!(&*source.read(0..len).expect("it is read again"), content);
    source.check().expect("it is unchanged");
}

fn content() -> Vec<u8> {
    (0..20_000u32).map(|i| (i % 251) as u8).collect()
}

#[test]
fn every_source_passes_the_exam() {
    let content = content();
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&content).expect("it can be written");
    exam(&Memory::new(content.clone()), &content);
    for access in [Access::Auto, Access::Mmap, Access::Pread] {
        exam(open(file.path(), access).expect("it opens").as_ref(), &content);
    }
}

#[test]
fn a_file_that_is_written_to_or_cut_is_found_out() {
    for access in [Access::Mmap, Access::Pread] {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&content()).expect("it can be written");
        let source = open(file.path(), access).expect("it opens");
        file.write_all(b"more").expect("it can be written");
        assert!(matches!(source.check(), Err(IoError::Changed)), "{access:?}");
        file.as_file().set_len(10).expect("it can be cut");
        let read = source.read(0..20_000);
        assert!(read.is_err() || source.check().is_err(), "{access:?}");
    }
}

#[test]
fn what_is_not_a_regular_file_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fifo = folder.path().join("fifo.tif");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("a FIFO can be made");
    assert!(matches!(open(&fifo, Access::Auto), Err(IoError::NotAFile)));
    assert!(matches!(open(folder.path(), Access::Auto), Err(IoError::NotAFile)));
    let empty = folder.path().join("empty.tif");
    std::fs::write(&empty, b"").expect("it can be written");
    assert!(matches!(open(&empty, Access::Auto), Err(IoError::Empty)));
    assert!(matches!(open(&folder.path().join("none.tif"), Access::Auto), Err(IoError::Open(_))));
}
