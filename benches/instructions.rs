//! Instructions of every stage, counted by callgrind: the same number at each run, whatever else the machine does.
//!
//! A stage that takes over 5 % more than its baseline fails. A baseline is a fact about one compiler, one C library and the
//! vectors that valgrind knows (AVX2); after a change that is meant, the new count is written here in the same commit.

#![expect(missing_docs, reason = "modules that a macro makes")]

use std::{hint::black_box, sync::Arc};

use bench_support::{Kept, Scene, cog_of};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use tiler::{
    encode::{EncodeOptions, EncodedTile, OutputFormat, Picture, encode},
    geom::Window,
    raster::{Depth, Raster, Samples, YCbCr, YCbCrBlock, YCbCrWindow},
    render::{NoCache, Plan, Rendered},
    resample::{Kernel, Resampling},
    source::{Block, BlockAddress, Plane, Source},
    warp::{self, Grid},
};

/// Fails beyond 5 % over the baseline.
fn baseline(instructions: u64) -> LibraryBenchmarkConfig {
    let limit = instructions / 100 * 105;
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, limit)]));
    config
}

/// Four blocks of 512 px.
fn source() -> Arc<Source> {
    cog_of(1024)
}

fn cold() -> (Scene, Plan) {
    let scene = Scene::new(&source());
    let plan = scene.plan(OutputFormat::Jpeg);
    // Kernels and memory are there, as in a server that runs.
    scene.render(&plan, &NoCache);
    (scene, plan)
}

fn warm() -> (Scene, Plan, Kept) {
    let (scene, plan) = cold();
    let kept = Kept::default();
    scene.render(&plan, &kept);
    (scene, plan, kept)
}

const FIRST: BlockAddress = BlockAddress { level: 0, plane: Plane::Image, col: 0, row: 0 };

fn pixels(side: u32) -> Raster {
    source().window(0, Window::new(100, 100, side, side), Depth::Byte).expect("it is there")
}

type Warp = (Raster, Grid, (Arc<Kernel>, Arc<Kernel>));

/// As a web tile lies over Lambert-93: a shrink of 1.094, turned a little.
fn grid(start: f64) -> Grid {
    let map = |col: f64, row: f64| (start + 1.094 * col - 0.008 * row, start + 0.008 * col + 1.094 * row);
    Grid::fit(Window::new(0, 0, 256, 256), |col, row| Some(map(col, row))).expect("it is defined everywhere")
}

fn window() -> Warp {
    let kernel = Kernel::shared(Resampling::Bilinear, 1.094);
    (pixels(300), grid(4.0), (Arc::clone(&kernel), kernel))
}

fn picture() -> Picture {
    Picture::new(pixels(256))
}

#[library_benchmark]
#[bench::one_dalle(args = (), setup = cold, config = baseline(50_600))]
fn plan((scene, _): (Scene, Plan)) -> Plan {
    black_box(scene.plan(OutputFormat::Jpeg))
}

#[library_benchmark]
#[bench::jpeg(args = (), setup = source, config = baseline(8_320_000))]
fn decode_block(source: Arc<Source>) -> Raster {
    let stored = source.fetch(&[FIRST]).expect("it is there");
    black_box(source.decode(FIRST, &stored[0]).expect("it is sound"))
}

#[library_benchmark]
#[bench::jpeg(args = (), setup = source, config = baseline(3_120_000))]
fn decode_quarter(source: Arc<Source>) -> Block {
    let stored = source.fetch(&[FIRST]).expect("it is there");
    let block = source.open_block(FIRST, &stored[0]).expect("a JPEG is decoded in parts");
    source.decode_more(&block, &stored[0], &Window::new(0, 0, 256, 256)).expect("it is sound");
    black_box(block)
}

#[library_benchmark]
#[bench::bilinear(args = (), setup = window, config = baseline(2_050_000))]
fn warp_tile((source, grid, kernels): Warp) -> Raster {
    black_box(warp::run(&source, &Window::new(0, 0, 300, 300), &grid, &kernels))
}

/// Luma and halved chroma of as many pixels.
fn planes() -> (Vec<u8>, Grid) {
    let Samples::U8(samples) = pixels(320).into_parts().0 else { unreachable!("a photograph is bytes") };
    // Kernels and memory are there, as in a server that runs.
    warped(&samples, &grid(12.0));
    (samples, grid(12.0))
}

#[library_benchmark]
#[bench::bilinear(args = (), setup = planes, config = baseline(1_860_000))]
fn warp_ycbcr((samples, grid): (Vec<u8>, Grid)) -> YCbCr {
    black_box(warped(&samples, &grid))
}

fn warped(samples: &[u8], grid: &Grid) -> YCbCr {
    let shown = Window::new(0, 0, 320, 320);
    let (luma, chroma) = samples.split_at(320 * 320);
    let planes = [(luma, 320), (chroma, 160), (chroma, 160)];
    let block = YCbCrBlock { planes, offset: (0, 0), shown };
    let source = YCbCrWindow::new(shown, vec![block]).expect("all is even");
    warp::run_ycbcr(&source, grid, (Resampling::Bilinear, (1.094, 1.094))).expect("it is inside")
}

#[library_benchmark]
#[bench::jpeg(args = (OutputFormat::Jpeg), setup = with_picture, config = baseline(2_064_000))]
#[bench::png(args = (OutputFormat::Png), setup = with_picture, config = baseline(4_320_000))]
#[bench::webp(args = (OutputFormat::WebP), setup = with_picture, config = baseline(15_020_000))]
fn encode_tile((picture, format): (Picture, OutputFormat)) -> EncodedTile {
    black_box(encode(&picture, format, EncodeOptions::default()).expect("it can be encoded"))
}

fn with_picture(format: OutputFormat) -> (Picture, OutputFormat) {
    (picture(), format)
}

#[library_benchmark]
#[bench::jpeg(args = (), setup = cold, config = baseline(13_440_000))]
fn tile_cold((scene, plan): (Scene, Plan)) -> Rendered {
    black_box(scene.render(&plan, &NoCache))
}

#[library_benchmark]
#[bench::jpeg(args = (), setup = warm, config = baseline(3_186_000))]
fn tile_warm((scene, plan, kept): (Scene, Plan, Kept)) -> Rendered {
    black_box(scene.render(&plan, &kept))
}

library_benchmark_group!(
    name = stages,
    benchmarks =
        [plan, decode_block, decode_quarter, warp_tile, warp_ycbcr, encode_tile, tile_cold, tile_warm]
);
main!(library_benchmark_groups = stages);
