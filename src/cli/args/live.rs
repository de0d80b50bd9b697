//! The argument for the live page.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The live page.
#[derive(Debug, Default, Clone, PartialEq, clap::Args)]
pub struct LiveArgs {
    /// Serve a live page and print its link: figures, failures, and if the run is in this process,
    /// buttons to stop it or change its load. Write --live=PORT for a port of the loopback address,
    /// or --live=ADDRESS:PORT [default: a free port of the loopback address]
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        require_equals = true,
        value_parser = super::values::address
    )]
    live: Option<Option<SocketAddr>>,
}

impl LiveArgs {
    /// The address if none is given: a free port of the loopback address.
    pub const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    /// Returns the address to serve the page at, if it is wanted.
    pub fn address(&self) -> Option<SocketAddr> {
        self.live.map(|address| address.unwrap_or(Self::LOOPBACK))
    }
}
