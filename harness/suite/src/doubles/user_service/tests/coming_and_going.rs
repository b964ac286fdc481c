use tokio::net::TcpStream;
use tonic::Code;

use super::*;
use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::doubles::user_service::records::Ending;
use crate::drivers::wire::framed;

#[tokio::test]
async fn stopped_it_is_gone_and_back_it_has_its_users_on_the_same_port() {
    let double = double().await;
    let address = double.address();
    let client = client(&double);
    let ada = create(client.clone(), "ada@b").await.expect("valid");
    for _ in 0..3 {
        double.stop().await;
        let connections = double.connections();
        assert!(connections.iter().all(|it| it.closed > Some(it.opened)));
        assert!(TcpStream::connect(address).await.is_err());
        let away = ask(&client).await.expect_err("it is stopped");
        assert_eq!(away.code(), Code::Unavailable);
        double.resume().await.expect("the port is still its own");
        assert_eq!(double.address(), address);
        assert_eq!(get(client.clone(), &ada.id).await.ok(), Some(ada.clone()));
    }
}

#[tokio::test]
async fn refusing_connections_it_serves_those_that_are_open() {
    let double = double().await;
    let client = client(&double);
    ask(&client).await.expect_err("there is no such user");
    double.refuse_connections().await;
    assert!(TcpStream::connect(double.address()).await.is_err());
    assert_eq!(
        ask(&client)
            .await
            .expect_err("there is no such user")
            .code(),
        Code::NotFound
    );
    double.resume().await.expect("the port is still its own");
    double.resume().await.expect("it is back already");
    double.close_connections().await;
    let again = eventually("an answer", SOON, async || {
        let status = ask(&client).await.expect_err("there is no such user");
        // The first call may still find the old connection.
        if status.code() == Code::NotFound {
            Ok(())
        } else {
            Err(status)
        }
    });
    again.await.expect("new connections are welcome");
    assert_eq!(double.connections().len(), 2);
}

#[tokio::test]
async fn a_call_on_a_closed_connection_is_cut_off() {
    let double = double().await;
    double.otherwise(ScriptedAnswer::Never);
    let wire = wire(&double).await;
    let call = tokio::spawn(wire.call("/user.v1.UserService/GetUser", framed(b""), None));
    seen(&double, "the call", |it| it.ending == Ending::Open).await;
    double.close_connections().await;
    let ending = double.calls()[0].ending;
    assert!(matches!(ending, Ending::CutOff(_)), "{ending:?}");
    assert_eq!(call.await.expect("no panic").code(), None);
}

#[tokio::test]
async fn a_silent_connection_answers_nothing_and_sees_everything() {
    let double = double().await;
    let channel = endpoint(&double)
        .http2_keep_alive_interval(Duration::from_millis(50))
        .keep_alive_timeout(Duration::from_millis(300))
        .keep_alive_while_idle(true)
        .connect_lazy();
    let client = UserServiceClient::new(channel);
    ask(&client).await.expect_err("there is no such user");
    let pings = double.connections()[0].pings.len();
    double.silence_connections();
    let given_up = eventually("a connection given up", SOON, async || {
        let connection = double.connections().remove(0);
        connection.closed_by_client.ok_or("open")
    });
    given_up.await.expect("its PING has no answer");
    assert!(double.connections()[0].pings.len() > pings);
    let status = ask(&client).await.expect_err("there is no such user");
    assert_eq!(status.code(), Code::NotFound, "on another connection");
}

#[tokio::test]
async fn dropped_it_closes_everything() {
    let double = double().await;
    double.otherwise(ScriptedAnswer::Never);
    let (address, shared) = (double.address(), std::sync::Arc::downgrade(&double.shared));
    let wire = wire(&double).await;
    let call = tokio::spawn(wire.call("/user.v1.UserService/GetUser", framed(b""), None));
    seen(&double, "the call", |_| true).await;
    drop(double);
    assert_eq!(call.await.expect("no panic").code(), None);
    let gone = eventually("no task left", SOON, async || {
        match (shared.upgrade(), TcpStream::connect(address).await) {
            (None, Err(_)) => Ok(()),
            (_, connected) => Err(format!("{connected:?}")),
        }
    });
    gone.await.expect("all its tasks have ended");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let double = double().await;
    let port = double.address().port();
    let failure = UserServiceDouble::start(port)
        .await
        .expect_err("it is taken");
    assert!(failure.to_string().contains(&port.to_string()), "{failure}");
}
