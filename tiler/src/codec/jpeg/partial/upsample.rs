//! Twice the columns, by libjpeg's triangle filter: three parts of the nearest sample and one of the next nearest, along
//! rows and, where rows are doubled too, along columns.

/// The room for sums of a row, a neighbour on each side included.
pub(super) type Sums = Vec<u16>;

/// A row of twice the columns of two rows, of which `near` counts three times.
///
/// Beyond both ends the samples go on as they end.
#[inline(always)]
pub(super) fn both(near: &[u8], far: &[u8], sums: &mut Sums, out: &mut [u8]) {
    let columns = near.iter().zip(far).map(|(&near, &far)| 3 * u16::from(near) + u16::from(far));
    widened(columns, sums);
    triangle::<4>(sums, [8, 7], out);
}

/// A row of twice the columns.
#[inline(always)]
pub(super) fn columns(row: &[u8], sums: &mut Sums, out: &mut [u8]) {
    widened(row.iter().map(|&sample| u16::from(sample)), sums);
    triangle::<2>(sums, [1, 2], out);
}

#[inline(always)]
fn widened(row: impl ExactSizeIterator<Item = u16>, sums: &mut Sums) {
    let len = row.len();
    sums.resize(len + 2, 0);
    if len == 0 {
        return;
    }
    for (to, sum) in sums[1..].iter_mut().zip(row) {
        *to = sum;
    }
    sums[0] = sums[1];
    sums[len + 1] = sums[len];
}

/// Two samples for each sum but the first and the last; of what is added before the last bits go, the first is for the
/// left one.
#[inline(always)]
fn triangle<const SHIFT: u32>(sums: &[u16], round: [u16; 2], out: &mut [u8]) {
    let (pairs, _) = out.as_chunks_mut::<2>();
    let middle = sums.get(1..).unwrap_or_default();
    let after = sums.get(2..).unwrap_or_default();
    for (((pair, &before), &this), &after) in pairs.iter_mut().zip(sums).zip(middle).zip(after) {
        let left = (3 * this + before + round[0]) >> SHIFT;
        let right = (3 * this + after + round[1]) >> SHIFT;
        // Both at once, so that the compiler does many.
        *pair = (left | right << 8).to_le_bytes();
    }
}
