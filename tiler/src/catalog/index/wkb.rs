//! Polygons as well-known binary, of ISO and of the older extended form; heights and measures are skipped.
//!
//! Source: OGC 06-103r4, section 8.

use geo_types::{Coord, LineString, MultiPolygon, Polygon};

use super::error::Problem;

const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;
const COLLECTION: u32 = 7;
/// Geometries within geometries.
const MAX_DEPTH: u32 = 4;

/// The bytes of polygons, little-endian.
pub(super) fn encode(polygons: &MultiPolygon) -> Vec<u8> {
    let mut bytes = Vec::new();
    begin(&mut bytes, MULTI_POLYGON, polygons.0.len());
    for polygon in &polygons.0 {
        begin(&mut bytes, POLYGON, 1 + polygon.interiors().len());
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            bytes.extend_from_slice(&(ring.0.len() as u32).to_le_bytes());
            for point in &ring.0 {
                bytes.extend_from_slice(&point.x.to_le_bytes());
                bytes.extend_from_slice(&point.y.to_le_bytes());
            }
        }
    }
    bytes
}

fn begin(bytes: &mut Vec<u8>, kind: u32, count: usize) {
    bytes.push(1);
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&(count as u32).to_le_bytes());
}

/// The polygons of a geometry; `None` where it has none.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<MultiPolygon>, Problem> {
    let mut polygons = Vec::new();
    geometry(&mut { bytes }, MAX_DEPTH, &mut polygons)?;
    Ok((!polygons.is_empty()).then_some(MultiPolygon(polygons)))
}

/// Returns whether the geometry was understood, that is, whether what follows it can be found.
fn geometry(rest: &mut &[u8], depth: u32, polygons: &mut Vec<Polygon>) -> Result<bool, Problem> {
    let little = array::<1>(rest)? == [1];
    let code = integer(rest, little)?;
    if code & 0x2000_0000 != 0 {
        integer(rest, little)?;
    }
    let iso = code & 0xffff;
    let extra = match iso / 1000 {
        3 => 2,
        1 | 2 => 1,
        _ => (code >> 31) + (code >> 30 & 1),
    };
    match iso % 1000 {
        POLYGON => {
            let mut rings = Vec::new();
            for _ in 0..integer(rest, little)? {
                rings.push(ring(rest, little, extra as usize)?);
            }
            let mut rings = rings.into_iter();
            if let Some(exterior) = rings.next().filter(|ring| !ring.0.is_empty()) {
                polygons.push(Polygon::new(exterior, rings.collect()));
            }
        }
        MULTI_POLYGON | COLLECTION if depth > 0 => {
            for _ in 0..integer(rest, little)? {
                if !geometry(rest, depth - 1, polygons)? {
                    return Ok(false);
                }
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn ring(rest: &mut &[u8], little: bool, extra: usize) -> Result<LineString, Problem> {
    let count = integer(rest, little)? as usize;
    let bytes_each = 8 * (2 + extra);
    // Checked before there is room for so many.
    let (points, after) = count
        .checked_mul(bytes_each)
        .and_then(|bytes| rest.split_at_checked(bytes))
        .ok_or(Problem::damaged("a ring ends after its polygon"))?;
    *rest = after;
    let points = points.chunks_exact(bytes_each).map(|point| {
        let mut point = point;
        Ok::<_, Problem>(Coord { x: number(&mut point, little)?, y: number(&mut point, little)? })
    });
    Ok(LineString(points.collect::<Result<_, _>>()?))
}

fn integer(rest: &mut &[u8], little: bool) -> Result<u32, Problem> {
    let bytes = array(rest)?;
    Ok(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
}

fn number(rest: &mut &[u8], little: bool) -> Result<f64, Problem> {
    let bytes = array(rest)?;
    let number = if little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) };
    if number.is_finite() { Ok(number) } else { Err(Problem::damaged("a coordinate is not a number")) }
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Problem> {
    let (bytes, after) = rest.split_first_chunk().ok_or(Problem::damaged("a geometry ends too early"))?;
    *rest = after;
    Ok(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::polygon;

    #[test]
    fn polygons_come_back_as_they_were() {
        let hole = polygon![
            exterior: [(x: 0.1, y: 0.0), (x: 9.0, y: 0.0), (x: 9.0, y: 9.0)],
            interiors: [[(x: 5.0, y: 1.0), (x: 6.0, y: 1.0), (x: 6.0, y: 2.0)]],
        ];
        let polygons = MultiPolygon(vec![hole.clone(), hole]);
        let bytes = encode(&polygons);
        assert_eq!(decode(&bytes).unwrap(), Some(polygons));
        assert!((0..bytes.len()).all(|end| decode(&bytes[..end]).is_err()));
    }

    #[test]
    fn heights_are_skipped_in_both_forms() {
        for code in [1003_u32, 0x8000_0003] {
            let mut bytes = vec![1];
            bytes.extend([code, 1, 3].iter().flat_map(|number| number.to_le_bytes()));
            for number in [0.0, 0.0, 99.0, 1.0, 0.0, 99.0, 1.0, 1.0, 99.0_f64] {
                bytes.extend(number.to_le_bytes());
            }
            let expected = polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 0.0), (x: 1.0, y: 1.0)];
            assert_eq!(decode(&bytes).unwrap(), Some(MultiPolygon(vec![expected])), "{code:x}");
        }
    }

    #[test]
    fn a_ring_of_four_billion_points_is_refused_before_there_is_room_for_it() {
        let mut bytes = vec![1];
        bytes.extend([3, 1, u32::MAX].iter().flat_map(|number| number.to_le_bytes()));
        assert!(decode(&bytes).is_err());
    }
}
