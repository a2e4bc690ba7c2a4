//! A tile at native zoom in WebMercatorQuad: the plan, the tile with all blocks to decode, and with none.

use std::hint::black_box;

use bench_support::{Kept, Scene, cog};
use criterion::{Criterion, criterion_group, criterion_main};
use tiler::{encode::OutputFormat, render::NoCache};

fn tile(criterion: &mut Criterion) {
    let scene = Scene::new(&cog());
    criterion.bench_function("plan", |b| b.iter(|| black_box(scene.plan(OutputFormat::Jpeg))));
    for (name, format) in
        [("JPEG", OutputFormat::Jpeg), ("PNG", OutputFormat::Png), ("WebP", OutputFormat::WebP)]
    {
        let plan = scene.plan(format);
        criterion.bench_function(&format!("{name} tile, blocks to decode"), |b| {
            b.iter(|| scene.render(&plan, &NoCache));
        });
        let kept = Kept::default();
        criterion.bench_function(&format!("{name} tile, blocks at hand"), |b| {
            b.iter(|| scene.render(&plan, &kept));
        });
    }
}

criterion_group!(benches, tile);
criterion_main!(benches);
