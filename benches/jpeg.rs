//! Windows of a JPEG block of 512 x 512 px, about 84 kB in 4:2:0: what a tile that shows a part of it pays.

use std::hint::black_box;

use bench_support::jpeg_block;
use criterion::{Criterion, criterion_group, criterion_main};
use tiler::{
    codec::{PartialJpeg, decode},
    geom::Window,
};

fn jpeg(criterion: &mut Criterion) {
    let (stored, layout) = jpeg_block(512);
    let mut group = criterion.benchmark_group("jpeg");
    group.bench_function("the other decoder, whole", |b| {
        b.iter(|| decode(black_box(&stored), &layout).expect("it is sound"));
    });
    let window = Window::new;
    for (name, windows) in [
        ("whole", &[window(0, 0, 512, 512)][..]),
        ("top left quarter", &[window(0, 0, 256, 256)]),
        ("middle", &[window(128, 128, 256, 256)]),
        ("bottom right quarter", &[window(256, 256, 256, 256)]),
        ("64 rows", &[window(0, 0, 512, 64)]),
        ("two halves", &[window(0, 0, 512, 256), window(0, 256, 512, 256)]),
        (
            "four tiles",
            &[
                window(0, 0, 280, 280),
                window(232, 0, 280, 280),
                window(0, 232, 280, 280),
                window(232, 232, 280, 280),
            ],
        ),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let block = PartialJpeg::open(black_box(&stored), &layout).expect("its markers are right");
                let mut block = block.expect("it is baseline");
                for window in windows {
                    block.decode(&stored, window).expect("it is sound");
                }
                block
            });
        });
    }
}

criterion_group!(benches, jpeg);
criterion_main!(benches);
