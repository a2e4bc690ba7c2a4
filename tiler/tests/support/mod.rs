//! Hostile files for the reader: sound ones of many kinds, and changes that make them lie.

pub mod builder;
pub mod exercise;
pub mod map;
pub mod mutator;
pub mod seeds;
