//! What clients send to get into the log (LOG-5).

use conformance_engine::failure::{Failure, StepResult};
use cucumber::{then, when};
use tonic::transport::Endpoint;
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest};

use super::super::users::outcomes::all;
use super::output::{any_event, stdout, wait_for};
use crate::component::Component;
use crate::drivers::raw;
use crate::drivers::users::Users;
use crate::world::World;

/// Where a client may put text.
const PLACES: [&str; 17] = [
    "an email",
    "a name",
    "a password",
    "a metadata key",
    "a metadata value",
    "an id",
    "a filter",
    "an order_by",
    "a page_token",
    "the request id",
    "the user agent",
    "a header that nobody knows",
    "a traceparent",
    "the path of a probe",
    "the query of a probe",
    "the HTTP method",
    "bytes that are no request",
];

/// Where else, in each interface.
fn own_places(component: Component) -> &'static [&'static str] {
    match component {
        Component::UserService => &["the name of a method"],
        Component::Gateway => &["the path of a route", "the query of a route"],
    }
}

/// The texts; `mark` makes what they forge known.
fn texts(mark: &str) -> Vec<String> {
    let json = format!(
        r#"{{"time":"2024-01-01T00:00:00Z","level":"ERROR","msg":"forged-{mark}","source":"x"}}"#
    );
    let text = format!("time=2024-01-01T00:00:00Z level=ERROR msg=forged-{mark} source=x");
    let mut texts: Vec<String> = [
        "\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}",
    ]
    .iter()
    .flat_map(|end| [format!("a{end}{json}{end}"), format!("a{end}{text}{end}")])
    .collect();
    texts.push(format!(r#"a","forged{mark}":"b"#));
    texts.push(format!(r#"a"}}{json}"#));
    texts.push(format!("a\" forged{mark}=b c=\""));
    texts.push(format!("a forged{mark}=b"));
    texts.extend(
        [
            "a\\",
            "\\\"",
            "\u{0}",
            "\u{1b}[2J\u{1b}[31m",
            "\u{7f}\u{80}\u{9f}",
            "\u{202e}\u{200b}\u{feff}",
        ]
        .map(str::to_owned),
    );
    texts.push("x".repeat(1024));
    texts
}

/// As it may stand in a header or a path: everything but letters and digits as an escape.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

/// As it may stand in a header: what is visible as it is, the rest as an escape.
fn header(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes()
        .map(escape)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[when(regex = r"^hostile text is sent in (an? .+|the .+|bytes that are no request)$")]
async fn is_sent(world: &mut World, place: String) -> StepResult {
    let own = own_places(world.component);
    if !PLACES.iter().chain(own).any(|it| *it == place) {
        return Err(Failure::broken(format!(
            "nobody knows how to send text in {place:?}"
        )));
    }
    send_all(world, &[place.as_str()]).await
}

#[when("hostile text is sent in every place")]
async fn is_sent_everywhere(world: &mut World) -> StepResult {
    let own = own_places(world.component);
    let places: Vec<_> = PLACES.iter().chain(own).copied().collect();
    send_all(world, &places).await
}

async fn send_all(world: &mut World, places: &[&str]) -> StepResult {
    let mark = world.scene.id.clone();
    let slot = world.deployment().await?.slot(0)?;
    let target = Target {
        http: slot.port("PORT"),
        grpc: match slot.port("GRPC_PORT") {
            0 => None,
            port => Some((port, slot.grpc_url())),
        },
    };
    let client = world.fresh_client(0).await?.quiet();
    for place in places {
        // Every password is hashed, which costs more than all else; the place alone gets all texts.
        let step = if *place == "a password" && places.len() > 1 {
            4
        } else {
            1
        };
        for text in texts(&mark).into_iter().step_by(step) {
            send(&client, &target, place, &text).await?;
        }
    }
    // One request whose line shows that everything before it is written.
    let id = world.new_request_id();
    let request = world.newcomer();
    world
        .client(0)
        .await?
        .with_request_id(&id)
        .create(request)
        .await
        .ok()?;
    wait_for(
        world,
        "the line of the last request".to_owned(),
        |_, event| event.field("request_id") == id,
    )
    .await
}

/// Where hostile text goes.
struct Target {
    http: u16,
    /// Port and URL, of a program that has such an interface.
    grpc: Option<(u16, String)>,
}

/// What comes back is free here: other clauses say it.
async fn send(client: &Users, target: &Target, place: &str, text: &str) -> StepResult {
    let own = text.to_owned();
    let email = format!(
        "{}@log.example",
        &uuid::Uuid::new_v4().simple().to_string()[..12]
    );
    let mut create = CreateUserRequest {
        email,
        name: "Log".to_owned(),
        ..Default::default()
    };
    let mut list = ListUsersRequest::default();
    match place {
        "an email" => create.email = own,
        "a name" => create.name = own,
        "a password" => create.password = own,
        "a metadata key" => drop(create.metadata.insert(own, "x".to_owned())),
        "a metadata value" => drop(create.metadata.insert("x".to_owned(), own)),
        "a filter" => list.filter = own,
        "an order_by" => list.order_by = own,
        "a page_token" => list.page_token = own,
        "an id" => {
            client.get(text).await;
            client.delete(text).await;
            client
                .update(UpdateUserRequest {
                    id: own,
                    ..Default::default()
                })
                .await;
            return Ok(());
        }
        "the request id" => {
            client
                .clone()
                .with_request_id(&header(text))
                .get("nobody")
                .await;
            return Ok(());
        }
        "the user agent"
        | "a header that nobody knows"
        | "a traceparent"
        | "the name of a method" => {
            return match &target.grpc {
                Some((_, url)) => over_grpc(url, place, text).await,
                None => over_http(target, place, text).await,
            };
        }
        _ => return over_http(target, place, text).await,
    }
    if matches!(place, "a filter" | "an order_by" | "a page_token") {
        client.list(list).await;
    } else {
        client.create(create).await;
    }
    Ok(())
}

async fn over_grpc(url: &str, place: &str, text: &str) -> StepResult {
    let mut endpoint = Endpoint::from_shared(url.to_owned()).map_err(Failure::broken)?;
    if place == "the user agent" {
        endpoint = endpoint.user_agent(header(text)).map_err(Failure::broken)?;
    }
    let mut grpc = tonic::client::Grpc::new(endpoint.connect_lazy());
    grpc.ready()
        .await
        .map_err(|error| Failure::mismatch("a connection", error))?;
    let mut request = tonic::Request::new(user_proto::v1::GetUserRequest {
        id: "nobody".to_owned(),
    });
    let name = if place == "a traceparent" {
        "traceparent"
    } else {
        "x-nobody-knows"
    };
    if let Ok(value) = header(text).parse() {
        request.metadata_mut().insert(name, value);
    }
    let method = if place == "the name of a method" {
        escaped(text)
    } else {
        "GetUser".to_owned()
    };
    let path = format!("/user.v1.UserService/{method}")
        .parse()
        .map_err(Failure::broken)?;
    let codec = tonic_prost::ProstCodec::<_, user_proto::v1::GetUserResponse>::default();
    // Any status will do.
    let _ = grpc.unary(request, path, codec).await;
    Ok(())
}

async fn over_http(target: &Target, place: &str, text: &str) -> StepResult {
    let route = "/api/v1/users";
    let request = match place {
        "the path of a probe" => format!("GET /live/{} HTTP/1.1", escaped(text)),
        "the query of a probe" => format!("GET /live?q={} HTTP/1.1", escaped(text)),
        "the path of a route" => format!("PUT {route}/x/{} HTTP/1.1", escaped(text)),
        "the query of a route" => format!("GET {route}?q={} HTTP/1.1", escaped(text)),
        "the HTTP method" => format!("{} /live HTTP/1.1", header(text).replace(' ', "%20")),
        "the user agent" => format!("GET {route}/x HTTP/1.1\r\nUser-Agent: {}", header(text)),
        "a traceparent" => format!("GET {route}/x HTTP/1.1\r\ntraceparent: {}", header(text)),
        "a header that nobody knows" => {
            format!("GET {route}/x HTTP/1.1\r\nX-Nobody-Knows: {}", header(text))
        }
        _ => {
            if let Some((port, _)) = target.grpc {
                raw::send(port, text.as_bytes()).await?;
            }
            return raw::send(target.http, text.as_bytes()).await;
        }
    };
    raw::send(
        target.http,
        format!("{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
    )
    .await
}

#[then("every line on standard output is still an event")]
async fn every_line_is_an_event(world: &mut World) -> StepResult {
    let lines = stdout(world.deployment().await?);
    let wrong = lines.iter().filter_map(|line| {
        let error = any_event(line).err()?;
        Some(format!("{:?}: {error}", String::from_utf8_lossy(line)))
    });
    all("every line is one event", wrong.collect(), lines.len())
}

#[then("no client has written an event or a member of its own")]
async fn nothing_is_forged(world: &mut World) -> StepResult {
    let (message, member) = (
        format!("forged-{}", world.scene.id),
        format!("forged{}", world.scene.id),
    );
    let lines = stdout(world.deployment().await?);
    let forged = |line: &&Vec<u8>| {
        any_event(line)
            .is_ok_and(|it| it.field("msg") == message || it.fields.contains_key(&member))
    };
    let wrong = lines
        .iter()
        .filter(forged)
        .map(|it| String::from_utf8_lossy(it).into_owned())
        .collect();
    all(
        "no event and no member that a client made",
        wrong,
        lines.len(),
    )
}
