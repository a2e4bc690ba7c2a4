//! End-to-end tests: a server on loopback, asked as its clients ask it. A file a feature.

mod collar;
mod conditional;
mod connections;
mod delivered;
mod disk_cache;
mod encrypted;
mod faults;
mod gate;
mod kept_alive;
mod mosaic;
mod originals;
mod passthrough;
mod pictures;
mod protocols;
mod rows;
mod seeding;
mod styles;
mod vintages;
