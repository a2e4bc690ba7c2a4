//! The load for races between tile servers: lists of paths, sessions of users, or a rate. One JSON line tells what came back.
//!
//! It waits for every answer that it asked for, so that a server's CPU time divided by the answers is exact.

mod client;
mod closed;
mod open;
mod sessions;
mod tally;

use std::{error::Error, fs, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

/// Asks a tile server for many tiles.
#[derive(Debug, Parser)]
struct Arguments {
    /// `host:port`
    host: String,
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// Connections that ask for the next path as soon as they have an answer
    Closed {
        /// A path a line
        paths: PathBuf,
        #[arg(long, default_value_t = 16)]
        connections: usize,
        #[arg(long, default_value_t = 4.0)]
        seconds: f64,
        /// Goes on until there were so many
        #[arg(long, default_value_t = 0)]
        requests: usize,
    },
    /// Requests at a rate, whether or not earlier ones were answered
    Open {
        /// A path a line
        paths: PathBuf,
        #[arg(long, default_value_t = 1024)]
        connections: usize,
        /// `RATE:SECONDS`, one after the other
        #[arg(long, required = true)]
        phase: Vec<open::Phase>,
    },
    /// Users who ask for one view after the other
    Sessions {
        /// JSON: users, their views, the paths of a view
        trace: PathBuf,
        /// Of each user
        #[arg(long, default_value_t = 6)]
        connections: usize,
        #[arg(long, default_value_t = 4.0)]
        seconds: f64,
    },
}

fn lines(path: &PathBuf) -> Result<Vec<String>, Box<dyn Error>> {
    let lines: Vec<_> = fs::read_to_string(path)?.lines().map(str::to_owned).collect();
    if lines.is_empty() { Err(format!("{} is empty", path.display()).into()) } else { Ok(lines) }
}

// One thread: the load shares the machine with what it measures.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { host, kind } = Arguments::parse();
    let told = match kind {
        Kind::Closed { paths, connections, seconds, requests } => {
            let amount = closed::Amount { duration: Duration::try_from_secs_f64(seconds)?, requests };
            serde_json::to_string(&closed::run(&host, lines(&paths)?, connections, amount).await)?
        }
        Kind::Open { paths, connections, phase } => {
            serde_json::to_string(&open::run(&host, lines(&paths)?, connections, &phase).await)?
        }
        Kind::Sessions { trace, connections, seconds } => {
            let trace: sessions::Trace = serde_json::from_slice(&fs::read(trace)?)?;
            serde_json::to_string(
                &sessions::run(&host, trace, connections, Duration::try_from_secs_f64(seconds)?).await,
            )?
        }
    };
    println!("{told}");
    Ok(())
}
