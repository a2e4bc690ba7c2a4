//! Samples a raster at positions between its pixels. It knows kernels and weights, but no CRS and no tile.

mod float;
mod kernel;
mod sample;
mod simd;
mod two_pass;

pub use float::FloatSampler;
pub use kernel::Kernel;
pub use sample::{Row, Sampler, patch_planes};
pub use two_pass::{Line, Passes, Patch};

/// The kernel that a layer is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resampling {
    /// The pixel under the position: for classes, never for photographs.
    Nearest,
    /// Linear between neighbours.
    #[default]
    Bilinear,
    /// Cubic convolution with a = -0.5 (Keys 1981), as GDAL's `cubic`.
    Cubic,
    /// Windowed sinc over three pixels on each side, as GDAL's `lanczos`.
    Lanczos,
}

impl Resampling {
    /// How far the kernel reaches from its centre, in pixels, when the image is not shrunk.
    pub const fn radius(self) -> f64 {
        match self {
            Self::Nearest => 0.5,
            Self::Bilinear => 1.0,
            Self::Cubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    /// The name in configuration and fingerprints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
            Self::Cubic => "cubic",
            Self::Lanczos => "lanczos",
        }
    }
}
