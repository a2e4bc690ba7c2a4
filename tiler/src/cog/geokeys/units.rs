//! EPSG codes of units and prime meridians, as GeoKeys use them.

use crate::tiff::GeoTags;

const ANGULAR_UNITS: u16 = 2054;
const ANGULAR_UNIT_SIZE: u16 = 2055;
const LINEAR_UNITS: u16 = 3076;
const LINEAR_UNIT_SIZE: u16 = 3077;
const PRIME_MERIDIAN: u16 = 2051;
const PRIME_MERIDIAN_LONGITUDE: u16 = 2061;
const USER_DEFINED: u16 = 32_767;

/// Degrees in a unit; degrees themselves, also as degrees-minutes-seconds, are not listed.
const ANGULAR: [(u16, f64); 9] = [
    (9101, 180.0 / std::f64::consts::PI),
    (9103, 1.0 / 60.0),
    (9104, 1.0 / 3600.0),
    (9105, 0.9),
    (9106, 0.9),
    (9109, 180e-6 / std::f64::consts::PI),
    (9112, 0.009),
    (9113, 0.000_09),
    (9114, 360.0 / 6400.0),
];

/// Metres in a unit; the metre is not listed.
const LINEAR: [(u16, f64); 20] = [
    (9002, 0.3048),
    (9003, 1200.0 / 3937.0),
    (9005, 0.304_797_265_4),
    (9014, 1.8288),
    (9030, 1852.0),
    (9031, 1.000_013_596_5),
    (9033, 20.116_840_233_680_47),
    (9034, 0.201_168_402_336_804_7),
    (9035, 1_609.347_218_694_437_3),
    (9036, 1000.0),
    (9037, 0.914_391_796_2),
    (9038, 20.116_619_516_4),
    (9039, 0.201_166_195_164),
    (9040, 0.914_398_414_616_029),
    (9041, 0.304_799_471_538_676),
    (9042, 20.116_765_121_552_63),
    (9093, 1_609.344),
    (9094, 0.304_799_710_181_508_8),
    (9095, 0.304_800_749_1),
    (9096, 0.9144),
];

/// Prime meridians in degrees from Greenwich; Greenwich is not listed.
const MERIDIANS: [(u16, f64); 13] = [
    (8902, -9.131_906_111_111_112),
    (8903, 2.337_229_17),
    (8904, -74.080_916_666_666_67),
    (8905, -3.687_938_888_888_889),
    (8906, 12.452_333_333_333_334),
    (8907, 7.439_583_333_333_333),
    (8908, 106.807_719_444_444_44),
    (8909, -17.666_666_666_666_668),
    (8910, 4.367_975),
    (8911, 18.058_277_777_777_78),
    (8912, 23.716_337_5),
    (8913, 10.722_916_666_666_667),
    (8914, 2.337_208_333_333_333),
];

fn of(table: &[(u16, f64)], code: u16) -> Option<f64> {
    table.iter().find(|(known, _)| *known == code).map(|(_, size)| *size)
}

/// Degrees in the unit of angles.
pub(super) fn degrees_per_unit(geo: &GeoTags) -> f64 {
    match geo.short_key(ANGULAR_UNITS) {
        Some(USER_DEFINED) => geo.double_key(ANGULAR_UNIT_SIZE).map_or(1.0, f64::to_degrees),
        Some(code) => of(&ANGULAR, code).unwrap_or(1.0),
        None => 1.0,
    }
}

/// Metres in the unit of lengths, `None` where the file says nothing of it.
pub(super) fn metres_per_unit(geo: &GeoTags) -> Option<f64> {
    match geo.short_key(LINEAR_UNITS)? {
        USER_DEFINED => geo.double_key(LINEAR_UNIT_SIZE),
        9001 => Some(1.0),
        code => of(&LINEAR, code),
    }
}

/// The prime meridian, degrees from Greenwich.
pub(super) fn prime_meridian(geo: &GeoTags) -> f64 {
    let by_code = geo.short_key(PRIME_MERIDIAN).and_then(|code| of(&MERIDIANS, code));
    let own = || geo.double_key(PRIME_MERIDIAN_LONGITUDE).map(|angle| angle * degrees_per_unit(geo));
    by_code.or_else(own).unwrap_or(0.0)
}
