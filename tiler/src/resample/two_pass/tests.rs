use super::*;
use crate::{raster::PlanePart, resample::Resampling};

/// A texture with steps in it, and some noise.
fn image(size: Size, bands: usize) -> Vec<u8> {
    let mut state = 1u32;
    (0..size.pixels() as usize * bands)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 29 {
                0 => 0,
                1 => 255,
                _ => (at / 7 % 200) as u8 + (state >> 27) as u8,
            }
        })
        .collect()
}

fn smooth(size: Size) -> Vec<u8> {
    let wave = |col: f64, row: f64| 127.0 + 60.0 * (col / 9.0).sin() + 50.0 * (row / 7.0 + col / 31.0).cos();
    (0..size.pixels())
        .map(|at| wave((at % u64::from(size.width)) as f64, (at / u64::from(size.width)) as f64) as u8)
        .collect()
}

/// A map of so many source pixels a target pixel, turned by a part of them.
fn patch(columns: usize, rows: usize, shrink: (f64, f64), turn: f64, start: (f64, f64)) -> Patch {
    let step = (-turn * shrink.0, shrink.1);
    let right = (start.0 + shrink.0 * columns as f64, start.1 + turn * shrink.1 * columns as f64);
    Patch {
        columns,
        rows,
        left: Line { start, step },
        right: Line { start: right, step: (step.0, step.1 * 1.0001) },
    }
}

fn run<const BANDS: usize, M: Machine>(
    machine: M,
    passes: &Passes<'_>,
    image: &[u8],
    width: usize,
    patch: &Patch,
) -> Vec<u8> {
    let mut target = vec![7; patch.columns * patch.rows * BANDS];
    let mut place = InterleavedMut { pixels: &mut target, stride: patch.columns };
    passes.run_with::<BANDS>(machine, &Interleaved { pixels: image, width }, &mut place);
    target
}

/// The same with each band in a plane of its own; returned beside each other.
fn run_apart<const BANDS: usize, M: Machine>(
    machine: M,
    passes: &Passes<'_>,
    image: &[u8],
    width: usize,
    patch: &Patch,
) -> Vec<u8> {
    let planes: [Vec<u8>; BANDS] =
        std::array::from_fn(|band| image.iter().skip(band).step_by(BANDS).copied().collect());
    let mut targets: [Vec<u8>; BANDS] = std::array::from_fn(|_| vec![7; patch.columns * patch.rows]);
    let mut place = ApartMut { planes: targets.each_mut().map(Vec::as_mut_slice), stride: patch.columns };
    // In four parts, some of which are not needed.
    let rows = planes[0].len() / width;
    let (col, row) = (width / 3, rows / 2);
    let mut parts = Vec::new();
    for rows in [0..row, row..rows] {
        for columns in [0..col, col..width] {
            let start = rows.start * width + columns.start;
            let planes = planes.each_ref().map(|plane| &plane[start..]);
            parts.push(PlanePart { columns, rows: rows.clone(), planes, stride: width });
        }
    }
    passes.run_with::<BANDS>(machine, &Apart { parts: &parts, width }, &mut place);
    (0..patch.columns * patch.rows).flat_map(|at| targets.each_ref().map(|target| target[at])).collect()
}

const SHRINKS: [(f64, f64); 8] =
    [(1.0, 1.0), (1.094, 1.094), (0.4, 1.7), (2.0, 1.2), (2.19, 2.19), (2.9, 1.0), (3.3, 3.2), (1.5, 1.5)];

#[test]
fn nothing_is_written_beside_the_patch() {
    let (size, stride) = (Size::new(241, 183), 40);
    let (image, kernel) = (image(size, 3), Kernel::new(Resampling::Bilinear, 1.094));
    let patch = patch(33, 20, (1.094, 1.094), 0.008, (25.3, 30.7));
    let passes = Passes::plan(&patch, (&kernel, &kernel), size).expect("it is upright");
    // The last row ends with the patch.
    let mut target = vec![7; (19 * stride + 33) * 3];
    let mut place = InterleavedMut { pixels: &mut target, stride };
    passes.run::<3>(&Interleaved { pixels: &image, width: 241 }, &mut place);
    let alone = run::<3, _>(plain::Plain, &passes, &image, 241, &patch);
    for (row, wanted) in target.chunks(stride * 3).zip(alone.chunks(33 * 3)) {
        assert_eq!(row[..33 * 3], *wanted);
        assert!(row[33 * 3..].iter().all(|&sample| sample == 7));
    }
}

/// Every patch that is planned, by each kernel, shrink and turn.
fn each_plan(size: Size, mut each: impl FnMut(&Patch, Resampling, (Kernel, Kernel))) -> usize {
    let mut count = 0;
    for resampling in [Resampling::Bilinear, Resampling::Cubic, Resampling::Lanczos] {
        for shrink in SHRINKS {
            for turn in [0.0, 0.008, -0.008, 0.1, -0.1] {
                for (columns, rows) in [(1, 1), (15, 9), (16, 16), (33, 20), (64, 40)] {
                    let kernels = || (Kernel::new(resampling, shrink.0), Kernel::new(resampling, shrink.1));
                    // In the middle, and where the last kernel ends about the last column and the last row.
                    let (right, bottom) = (shrink.0 * columns as f64, shrink.1 * rows as f64);
                    let corner = (f64::from(size.width) - right, f64::from(size.height) - bottom);
                    for start in
                        [(25.3, 30.7), (corner.0 - 2.0, corner.1 - 2.0), (corner.0 - 0.6, corner.1 - 0.6)]
                    {
                        let patch = patch(columns, rows, shrink, turn, start);
                        let (across, down) = kernels();
                        count += usize::from(Passes::plan(&patch, (&across, &down), size).is_some());
                        each(&patch, resampling, kernels());
                    }
                }
            }
        }
    }
    count
}

/// Vectors against the plain loops, on each plan.
#[cfg(target_arch = "x86_64")]
fn assert_equal<M: Machine>(detected: impl Fn() -> Option<M>) {
    if detected().is_none() {
        eprintln!("skipped: the processor has no such vectors");
        return;
    }
    let vectors = || detected().expect("it is there");
    let size = Size::new(241, 183);
    let (grey, two, colours) = (image(size, 1), image(size, 2), image(size, 3));
    let planned = each_plan(size, |patch, resampling, kernels| {
        let Some(passes) = Passes::plan(patch, (&kernels.0, &kernels.1), size) else { return };
        let told = format!("{resampling:?} {patch:?}");
        let width = size.width as usize;
        let plain = run::<3, _>(plain::Plain, &passes, &colours, width, patch);
        assert!(run::<3, _>(vectors(), &passes, &colours, width, patch) == plain, "{told}");
        assert!(run_apart::<3, _>(plain::Plain, &passes, &colours, width, patch) == plain, "{told}");
        assert!(run_apart::<3, _>(vectors(), &passes, &colours, width, patch) == plain, "{told}");
        let plain = run_apart::<2, _>(plain::Plain, &passes, &two, width, patch);
        assert!(run_apart::<2, _>(vectors(), &passes, &two, width, patch) == plain, "{told}");
        let plain = run_apart::<1, _>(plain::Plain, &passes, &grey, width, patch);
        assert!(run_apart::<1, _>(vectors(), &passes, &grey, width, patch) == plain, "{told}");
        let plain = run::<1, _>(plain::Plain, &passes, &grey, width, patch);
        assert!(run::<1, _>(vectors(), &passes, &grey, width, patch) == plain, "{told}");
    });
    assert!(planned > 250, "{planned}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn vectors_give_the_very_bytes_of_the_plain_loops() {
    assert_equal(avx2::Avx2::detected);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn vectors_of_512_bits_give_the_very_bytes_of_the_plain_loops() {
    assert_equal(avx512::Avx512::detected);
}

/// The weights of each pixel by themselves, in floating point numbers.
fn exact(
    image: &[u8],
    width: usize,
    patch: &Patch,
    kernels: (&Kernel, &Kernel),
    col: usize,
    row: usize,
) -> f64 {
    let (start, step) = patch.row(row);
    let at = |start: f64, step: f64| (start * ONE).round() as i64 + (step * ONE).round() as i64 * col as i64;
    let ((left, across), (top, down)) =
        (kernels.0.at(at(start.0, step.0)), kernels.1.at(at(start.1, step.1)));
    let mut sum = 0.0;
    for (row, &down) in (top..).zip(down) {
        for (col, &across) in (left..).zip(across) {
            sum +=
                f64::from(image[row as usize * width + col as usize]) * f64::from(across) * f64::from(down);
        }
    }
    (sum / f64::from(1 << 28)).clamp(0.0, 255.0)
}

#[test]
fn an_upright_map_gives_what_each_pixel_weighs_by_itself() {
    let size = Size::new(241, 183);
    let (image, width) = (image(size, 1), size.width as usize);
    each_plan(size, |patch, resampling, kernels| {
        let kernels = (&kernels.0, &kernels.1);
        if patch.left.step.0 != 0.0 {
            return;
        }
        let Some(passes) = Passes::plan(patch, kernels, size) else { return };
        let target = run::<1, _>(plain::Plain, &passes, &image, width, patch);
        for (at, &pixel) in target.iter().enumerate() {
            let wanted = exact(&image, width, patch, kernels, at % patch.columns, at / patch.columns);
            assert!(
                (f64::from(pixel) - wanted).abs() < 0.7,
                "{resampling:?} {patch:?} {at}: {pixel} {wanted}"
            );
        }
    });
}

#[test]
fn a_map_that_turns_keeps_every_pixel_in_its_place() {
    let size = Size::new(241, 183);
    let (image, width) = (smooth(size), size.width as usize);
    let planned = each_plan(size, |patch, resampling, kernels| {
        let kernels = (&kernels.0, &kernels.1);
        let Some(passes) = Passes::plan(patch, kernels, size) else { return };
        let target = run::<1, _>(plain::Plain, &passes, &image, width, patch);
        for (at, &pixel) in target.iter().enumerate() {
            let wanted = exact(&image, width, patch, kernels, at % patch.columns, at / patch.columns);
            // A twentieth of a pixel would be a level.
            assert!(
                (f64::from(pixel) - wanted).abs() < 1.1,
                "{resampling:?} {patch:?} {at}: {pixel} {wanted}"
            );
        }
    });
    assert!(planned > 250, "{planned}");
}

#[test]
fn what_leads_out_of_the_image_or_is_no_upright_map_is_not_planned() {
    let kernel = Kernel::new(Resampling::Bilinear, 1.0);
    let planned = |patch: &Patch| Passes::plan(patch, (&kernel, &kernel), Size::new(40, 40)).is_some();
    let upright = |start| patch(20, 20, (1.0, 1.0), 0.0, start);
    assert!(planned(&upright((0.5, 0.5))));
    assert!(!planned(&upright((0.4, 0.5))));
    assert!(!planned(&upright((0.5, 0.4))));
    assert!(planned(&upright((19.5, 19.5))));
    assert!(!planned(&upright((20.6, 10.0))));
    assert!(!planned(&upright((10.0, 20.6))));
    assert!(!planned(&patch(20, 20, (1.0, 1.0), 0.2, (10.0, 10.0))), "it turns too much");
    assert!(!planned(&patch(4, 4, (5.0, 1.0), 0.0, (10.0, 10.0))), "it shrinks too much");
    assert!(!planned(&patch(4, 4, (1.0, -1.0), 0.0, (10.0, 10.0))), "it is upside down");
    assert!(!planned(&patch(4, 4, (f64::NAN, 1.0), 0.0, (10.0, 10.0))));
    assert!(!planned(&patch(4, 4, (1.0, 1.0), 0.0, (1e300, 10.0))));
    assert!(!planned(&patch(4, 4, (1.0, 1e-300), 0.0, (10.0, 10.0))));
    let nearest = Kernel::new(Resampling::Nearest, 1.0);
    assert!(Passes::plan(&upright((10.0, 10.0)), (&nearest, &nearest), Size::new(40, 40)).is_none());
}
