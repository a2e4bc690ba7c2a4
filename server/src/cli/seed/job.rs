//! From the arguments to the tiles that are meant. What is wrong is named, with what there is instead.

use std::sync::Arc;

use tiler::{
    encode::OutputFormat,
    tms::{TileLimits, TileMatrixSet},
};

use super::{Arguments, Failure, area};
use crate::{
    layers::{Layer, LayerSet, Snapshot},
    seed::Job,
};

/// Formats by the names of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum AskedFormat {
    /// JPEG.
    Jpg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// JPEG, and PNG or WebP where imagery ends.
    Auto,
}

pub(super) fn job(arguments: &Arguments, snapshot: &Snapshot) -> Result<Job, Failure> {
    let layer = layer(arguments.layer.as_deref(), snapshot)?;
    let layer_set = snapshot.find_set(layer, &arguments.tms).ok_or_else(|| {
        let sets = listed(layer.sets.iter().map(|offer| offer.set.id.as_str()));
        format!("{} is not offered in {:?}; it is in {sets}", layer.id, arguments.tms)
    })?;
    let set = Arc::clone(&layer_set.set);
    is_fit_for_paths(&set)?;
    let name = arguments.style.as_deref().unwrap_or_default();
    let style = layer.style(name).ok_or_else(|| {
        let styles = listed(layer.styles.iter().map(tiler::style::Style::name));
        format!("{} has no style {name:?}; it has {styles}", layer.id)
    })?;
    let format = match arguments.format {
        Some(AskedFormat::Jpg) => OutputFormat::Jpeg,
        Some(AskedFormat::Png) => OutputFormat::Png,
        Some(AskedFormat::Webp) => OutputFormat::WebP,
        Some(AskedFormat::Auto) => OutputFormat::Auto,
        None => {
            let mut first = layer.formats.iter().map(|&format| OutputFormat::from(format));
            first.find(|&format| layer.offers(format, style)).ok_or("the layer offers no format")?
        }
    };
    if !layer.offers(format, style) {
        let formats = listed(layer.formats.iter().map(|format| format.extension()));
        return Err(format!("{} is not offered as {}; it is as {formats}", layer.id, format.name()).into());
    }
    let area = area::area((arguments.bbox.as_deref(), arguments.within.as_deref()), layer, &set)?;
    let matrices = matrices(&arguments.zoom, layer_set, &layer.id)?;
    Ok(Job {
        imagery: layer.imagery.clone(),
        layer: Arc::clone(layer),
        set,
        matrices,
        area,
        format,
        style: style.clone(),
    })
}

fn layer<'a>(name: Option<&str>, snapshot: &'a Snapshot) -> Result<&'a Arc<Layer>, Failure> {
    let all = || listed(snapshot.layers.keys().take(20).map(String::as_str));
    let layer = if let Some(name) = name {
        let layer = snapshot.layers.get(name);
        layer.ok_or_else(|| format!("there is no layer {name:?}; there is {}", all()))?
    } else {
        let mut layers = snapshot.layers.values();
        match (layers.next(), layers.next()) {
            (Some(only), None) => only,
            _ => return Err(format!("name one of the layers with --layer: {}", all()).into()),
        }
    };
    match &layer.unavailable {
        Some(reason) => Err(format!("{} cannot be read at the moment: {reason}", layer.id).into()),
        None => Ok(layer),
    }
}

/// The matrices from one to another, with the tiles that touch the layer.
fn matrices(zoom: &str, layer_set: &LayerSet, layer: &str) -> Result<Vec<(usize, TileLimits)>, Failure> {
    let set = &layer_set.set;
    let (first, last) = zoom.split_once("..").unwrap_or((zoom, zoom));
    let last = last.trim_start_matches('=');
    let find = |id: &str| {
        set.matrix_index(id).ok_or_else(|| {
            let ids = (set.matrices.first(), set.matrices.last());
            let (from, to) = (ids.0.map_or("", |m| &m.id), ids.1.map_or("", |m| &m.id));
            format!("{} has no zoom {id:?}; it has {from} to {to}", set.id)
        })
    };
    let (first, last) = (find(first)?, find(last)?);
    if first > last {
        return Err(format!("--zoom {zoom}: the first is finer than the last").into());
    }
    let offered = |matrix: usize| layer_set.limits.get(matrix).copied().flatten();
    if let Some(missing) = (first..=last).find(|&matrix| offered(matrix).is_none()) {
        let finest = (0..layer_set.limits.len()).rev().find(|&matrix| offered(matrix).is_some());
        let (missing, finest) =
            (&set.matrices[missing].id, finest.map_or("", |finest| &set.matrices[finest].id));
        return Err(format!(
            "{layer} is not offered at zoom {missing} of {}; its finest is {finest}",
            set.id
        )
        .into());
    }
    Ok((first..=last).filter_map(|matrix| Some((matrix, offered(matrix)?))).collect())
}

/// Names of matrices become folders.
fn is_fit_for_paths(set: &TileMatrixSet) -> Result<(), Failure> {
    let is_fit = |id: &str| {
        !id.is_empty()
            && !id.starts_with('.')
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte))
    };
    match set.matrices.iter().find(|matrix| !is_fit(&matrix.id)) {
        Some(matrix) => {
            Err(format!("{} has a matrix {:?}, whose name is none for a folder", set.id, matrix.id).into())
        }
        None => Ok(()),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
