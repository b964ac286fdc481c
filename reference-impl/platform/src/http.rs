//! Serves a router until the stop.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Puts something around a router, as `|router| router.layer(...)`.
pub type Wrap = Box<dyn FnOnce(Router) -> Router + Send>;

/// How long requests may take that are under way at the stop. A client
/// that sends half a request must not hold up the program's end (CFG-8).
const LAST_REQUESTS: Duration = Duration::from_millis(300);

/// Serves `router` until `ended`, then lets the requests under way finish, for a moment.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    ended: CancellationToken,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let server =
        axum::serve(listener, router).with_graceful_shutdown(ended.clone().cancelled_owned());
    let cut_off = async {
        ended.cancelled().await;
        tokio::time::sleep(LAST_REQUESTS).await;
    };
    tokio::select! {
        result = async { server.await } => result,
        () = cut_off => Ok(()),
    }
}
