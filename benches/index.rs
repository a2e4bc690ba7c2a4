//! A tile index of 150,000 dalles: how long it takes to write and to read, and how large it is.
//!
//! `cargo bench -p pavage-benches --bench index`

use std::{hint::black_box, time::Instant};

use tiler::{
    catalog::index::{self, Notes, Record},
    geom::{GeoTransform, Size},
    raster::SampleType,
};

const RECORDS: u32 = 150_000;
const ACROSS: u32 = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("pavage-bench-{}.fgb", std::process::id()));
    let start = Instant::now();
    index::write(&path, &Notes::new(), (0..RECORDS).map(dalle))?;
    println!("written in {:.2} s", start.elapsed().as_secs_f64());
    let bytes = std::fs::metadata(&path)?.len();
    println!("{:.1} MB, {} bytes per record", bytes as f64 / 1e6, bytes / u64::from(RECORDS));
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        let mut records = Vec::with_capacity(RECORDS as usize);
        index::read(&path, &mut |record| records.push(record))?;
        times.push(start.elapsed().as_secs_f64());
        black_box(records);
    }
    std::fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    println!("read in {:.3} s (median of {})", times[times.len() / 2], times.len());
    Ok(())
}

fn dalle(number: u32) -> Record {
    let (col, row) = (number % ACROSS, number / ACROSS);
    let size = Size::new(4000, 4000);
    let origin = (600_000.0 + f64::from(col) * 200.0, 6_250_000.0 - f64::from(row) * 200.0);
    let transform = GeoTransform::north_up(origin.0, origin.1, 0.05, 0.05);
    let state = u128::from(number) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    Record {
        location: format!(
            "/nas/pcrs-aude/2024/secteur-{:02}/PCRS-11-{col:04}-{row:04}-LA93-0M05.tif",
            col / 40
        )
        .into(),
        crs: Some("EPSG:2154".to_owned()),
        geotransform: Some(transform),
        bounds: Some(transform.bounds(size)),
        size: Some(size),
        overviews: (1..5).map(|level| Size::new(4000 >> level, 4000 >> level)).collect(),
        bands: Some(3),
        sample: Some(SampleType::U8),
        compression: Some("JPEG".to_owned()),
        is_lossy: Some(true),
        has_transparency: Some(false),
        bytes: Some(9_000_000 + u64::from(number)),
        mtime_ns: Some(1_718_000_000_123_456_789 + i64::from(number)),
        inode: Some(u64::from(number)),
        generation: Some(state),
        beside: Some(0),
        year: Some(2024),
        ..Record::default()
    }
}
