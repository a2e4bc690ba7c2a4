//! Which bands of a source show, and as what. It knows bands, but no file and no picture format.

/// Channels of the picture for sources with these numbers of bands: three as soon as one source has colour, else one.
pub fn channels(source_bands: impl IntoIterator<Item = usize>) -> usize {
    if source_bands.into_iter().any(|bands| bands >= 3) { 3 } else { 1 }
}

/// The bands that fill the channels, in order: the first three are red, green, blue; a single one is grey.
pub fn visible_bands(source_bands: usize, channels: usize) -> Vec<usize> {
    match (source_bands, channels) {
        (3.., 3) => vec![0, 1, 2],
        (_, channels) => vec![0; channels],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_source_beside_a_coloured_one_shows_as_grey() {
        let channels = channels([1, 4]);
        assert_eq!(visible_bands(1, channels), [0, 0, 0]);
        assert_eq!(visible_bands(4, channels), [0, 1, 2]);
    }
}
