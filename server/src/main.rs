//! The program `pavage`.

use std::process::ExitCode;

/// Gives memory back after a first look at very many files, which the system's allocator does not.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::run()
}
