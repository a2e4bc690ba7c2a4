//! Renders a square of a GeoTIFF to PNG: `render_bounds FILE EPSG MIN_X MAX_Y CELL_SIZE SIZE_PX KERNEL OUT.png`.

use std::{error::Error, path::Path, sync::Arc};

use tiler::{
    catalog::{Dalle, Imagery, OpenDirectly},
    crs::Crs,
    encode::OutputFormat,
    render::{self, NoCache, RenderContext, RenderSettings, TileAddress},
    resample::Resampling,
    source::{OpenOptions, Source},
    style::{Interpretation, LayerFacts, StyleSpec},
    tms::{TileId, TileMatrix, TileMatrixSet},
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, epsg, min_x, max_y, cell_size, size_px, kernel, out] = &args[..] else {
        return Err("FILE EPSG MIN_X MAX_Y CELL_SIZE SIZE_PX KERNEL OUT.png".into());
    };
    let source = Source::open(Path::new(file), &OpenOptions::default())?;
    let size: u32 = size_px.parse()?;
    let matrix = TileMatrix {
        id: "0".to_owned(),
        scale_denominator: 1.0,
        matrix_width: 1,
        matrix_height: 1,
        cell_size: cell_size.parse()?,
        point_of_origin: (min_x.parse()?, max_y.parse()?),
        tile_width: size,
        tile_height: size,
    };
    let set = TileMatrixSet {
        id: "one".to_owned(),
        title: String::new(),
        aliases: Vec::new(),
        crs: Crs::from_epsg(epsg.parse()?)?,
        well_known_scale_set: None,
        matrices: vec![matrix],
    };
    let resampling = match kernel.as_str() {
        "nearest" => Resampling::Nearest,
        "bilinear" => Resampling::Bilinear,
        "cubic" => Resampling::Cubic,
        "lanczos" => Resampling::Lanczos,
        _ => return Err("KERNEL is nearest, bilinear, cubic or lanczos".into()),
    };
    let settings = RenderSettings { resampling, ..RenderSettings::default() };
    let tile = TileId { matrix: 0, col: 0, row: 0 };
    let facts = LayerFacts::plain(source.bands(), source.sample(), Interpretation::Rgb);
    let style = &StyleSpec::default().resolve(&facts)?;
    let address = TileAddress { set: &set, tile, scale: 1, format: OutputFormat::Png, style };
    let dalle = Dalle::of(&source, &Arc::default())?;
    let plan = render::plan(&Imagery::from_iter([dalle]), &address, &settings)?;
    let context =
        RenderContext { files: &OpenDirectly, blocks: &NoCache, observer: &(), whole_blocks: false };
    std::fs::write(out, render::render(&plan, &context)?.tile.bytes)?;
    Ok(())
}
