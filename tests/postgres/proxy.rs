//! A proxy before the server that loses the reply to the first statement with certain words in it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Starts a proxy to a port. The first statement that holds `words` reaches the server; what it answers reaches nobody.
pub fn losing_reply_to(words: &'static str, port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own_port = listener.local_addr().unwrap().port();
    let is_armed = Arc::new(AtomicBool::new(true));
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
            let is_lost = Arc::new(AtomicBool::new(false));
            let (armed, lost) = (Arc::clone(&is_armed), Arc::clone(&is_lost));
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                forward(from, to, |bytes| {
                    let found = bytes.windows(words.len()).any(|part| part == words.as_bytes());
                    if found && armed.swap(false, Ordering::SeqCst) {
                        lost.store(true, Ordering::SeqCst);
                    }
                    true
                });
            });
            thread::spawn(move || forward(server, client, |_| !is_lost.load(Ordering::SeqCst)));
        }
    });
    own_port
}

/// Passes bytes on until `passes` says no; then closes both ends.
fn forward(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(&[u8]) -> bool) {
    let mut bytes = [0; 65_536];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        if !passes(&bytes[..len]) || to.write_all(&bytes[..len]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
