//! What a mutant is, and how it runs.

use std::borrow::Cow;
use std::collections::HashMap;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::OnceLock;

use gateway::program::GatewayProgram;
use platform::environment::Environment;
use platform::health::Component;
use platform::http::Wrap;
use platform::program;
use platform::settings::CommonSettings;
use serde::Serialize;
use user_service::dependencies::Dependencies;
use user_service::program::UserServiceProgram;
use user_service::settings::Settings;

use crate::edited::{self, Edited};
use crate::output;
use crate::standing::{self, Standing};

/// The variables that a program was started with.
pub type Variables = HashMap<String, String>;

/// Makes some of the user service's dependencies wrong.
pub type CallFault = Box<dyn FnOnce(&Settings, &mut Dependencies)>;

/// What both programs are put together from.
pub struct Common<'a> {
    /// What the environment says.
    pub settings: &'a CommonSettings,
    /// The attached resources, and how they are checked.
    pub components: &'a mut [Component],
    /// What is put around everything on `PORT`.
    pub wrap_http: &'a mut Wrap,
    /// What is put around gRPC, where there is any.
    pub wrap_grpc: Option<&'a mut Wrap>,
}

/// Makes some of what both programs have wrong.
pub type CommonFault = Rc<dyn Fn(&mut Common<'_>)>;

/// Puts a gateway together, some of it wrong.
pub type Assemble =
    Box<dyn FnOnce(&gateway::settings::Settings) -> gateway::dependencies::Dependencies>;

/// Which program of the reference is made wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The user service.
    UserService,
    /// The gateway.
    Gateway,
}

/// The program that this process stands for.
static PROGRAM: OnceLock<Program> = OnceLock::new();

/// One wrong program.
pub struct Entry {
    /// Its name on the command line.
    pub id: Cow<'static, str>,
    /// Which program it stands for.
    program: Program,
    /// The clause that it breaks; none for the plain reference and for what breaks everything.
    pub clause: Option<&'static str>,
    /// What is wrong with it.
    pub wrong: &'static str,
    how: How,
}

/// What is made wrong.
pub enum How {
    /// Nothing.
    Plain,
    /// What an edit of the reference changes; it is switched on by its name.
    Edited(&'static str),
    /// The user service's dependencies.
    Dependencies(CallFault),
    /// The gateway's parts.
    Gateway(Assemble),
    /// The parts that both have.
    Common(CommonFault),
    /// The environment, before anything reads it.
    Environment(fn(&mut Variables)),
    /// The whole life: the command and the environment in, the exit status out.
    Life(fn(&str, Variables) -> ExitCode),
    /// The command `healthcheck`; it gets the port.
    Healthcheck(fn(u16) -> ExitCode),
    /// The lines of its output, one by one; what is `None` is not written.
    Output(fn(String) -> Option<String>),
    /// A program without the reference.
    Standing(Standing),
}

/// An entry as `list` prints it.
#[derive(Serialize)]
pub struct Listed<'a> {
    id: &'a str,
    component: &'a str,
    clause: Option<&'a str>,
    wrong: &'a str,
    plain: bool,
}

impl Entry {
    /// An entry that breaks one clause of the user service.
    pub fn new(id: &'static str, clause: &'static str, wrong: &'static str, how: How) -> Self {
        Self {
            id: id.into(),
            program: Program::UserService,
            clause: Some(clause),
            wrong,
            how,
        }
    }

    /// The same of the gateway.
    pub fn of_gateway(
        id: &'static str,
        clause: &'static str,
        wrong: &'static str,
        how: How,
    ) -> Self {
        let program = Program::Gateway;
        Self {
            program,
            ..Self::new(id, clause, wrong, how)
        }
    }

    /// An entry for everything or nothing.
    pub fn of_all(program: Program, id: &'static str, wrong: &'static str, how: How) -> Self {
        Self {
            id: id.into(),
            program,
            clause: None,
            wrong,
            how,
        }
    }

    /// An entry for an edit of the reference; a gateway's has a name of its own where both are wrong.
    pub fn edited(program: Program, edited: &'static Edited) -> Self {
        let id = match program {
            Program::Gateway if edited.user_service => format!("gateway-{}", edited.id).into(),
            _ => edited.id.into(),
        };
        Self {
            id,
            program,
            clause: Some(edited.clause),
            wrong: edited.wrong,
            how: How::Edited(edited.id),
        }
    }

    /// As `list` prints it.
    pub fn listed(&self) -> Listed<'_> {
        Listed {
            id: &self.id,
            component: match self.program {
                Program::UserService => "user-service",
                Program::Gateway => "gateway",
            },
            clause: self.clause,
            wrong: self.wrong,
            plain: matches!(self.how, How::Plain),
        }
    }

    /// The gateway with the same thing wrong; none for what belongs to the user service alone.
    pub fn twin(&self) -> Option<Self> {
        let how = match &self.how {
            How::Common(fault) => How::Common(Rc::clone(fault)),
            How::Environment(fault) => How::Environment(*fault),
            How::Life(live) => How::Life(*live),
            How::Healthcheck(check) => How::Healthcheck(*check),
            How::Output(fault) => How::Output(*fault),
            How::Plain
            | How::Edited(_)
            | How::Dependencies(_)
            | How::Gateway(_)
            | How::Standing(_) => {
                return None;
            }
        };
        Some(Self {
            id: format!("gateway-{}", self.id).into(),
            program: Program::Gateway,
            clause: self.clause,
            wrong: self.wrong,
            how,
        })
    }

    /// Runs it as the program that it stands for.
    pub fn run(self, command: &str) -> ExitCode {
        let program = *PROGRAM.get_or_init(|| self.program);
        match self.how {
            How::Plain => plain(command, variables()),
            How::Edited(id) => {
                edited::select(id);
                plain(command, variables())
            }
            How::Dependencies(fault) => reference(command, variables(), fault),
            How::Gateway(assemble) => gateway(command, variables(), assemble),
            How::Common(fault) => common(program, command, &fault),
            How::Environment(fault) => {
                let mut variables = variables();
                fault(&mut variables);
                plain(command, variables)
            }
            How::Life(live) => live(command, variables()),
            How::Healthcheck(check) => {
                let variables = variables();
                let port = variables
                    .get("PORT")
                    .and_then(|it| it.parse().ok())
                    .unwrap_or(8080);
                if command == "healthcheck" {
                    check(port)
                } else {
                    plain(command, variables)
                }
            }
            How::Output(fault) => output::run(program, command, fault),
            How::Standing(standing) => standing::main(standing, command),
        }
    }
}

fn variables() -> Variables {
    std::env::vars().collect()
}

/// The name of the plain reference.
pub const fn plain_name(program: Program) -> &'static str {
    match program {
        Program::UserService => "plain",
        Program::Gateway => "gateway-plain",
    }
}

/// The program that this process stands for.
pub fn program() -> Program {
    *PROGRAM.get().unwrap_or(&Program::UserService)
}

/// The reference as it is: the program that this process stands for.
pub fn plain(command: &str, variables: Variables) -> ExitCode {
    match program() {
        Program::UserService => reference(command, variables, |_, _| {}),
        Program::Gateway => gateway(command, variables, gateway::dependencies::Dependencies::new),
    }
}

/// A program of the reference with what both have as `fault` leaves it.
fn common(program: Program, command: &str, fault: &CommonFault) -> ExitCode {
    match program {
        Program::UserService => reference(command, variables(), |settings, dependencies| {
            fault(&mut Common {
                settings: &settings.common,
                components: &mut dependencies.components,
                wrap_http: &mut dependencies.wrap_http,
                wrap_grpc: Some(&mut dependencies.wrap_grpc),
            });
        }),
        Program::Gateway => gateway(command, variables(), |settings| {
            let mut it = gateway::dependencies::Dependencies::new(settings);
            fault(&mut Common {
                settings: &settings.common,
                components: &mut it.components,
                wrap_http: &mut it.wrap_http,
                wrap_grpc: None,
            });
            it
        }),
    }
}

/// The gateway of the reference, put together by `assemble`.
fn gateway(
    command: &str,
    variables: Variables,
    assemble: impl FnOnce(&gateway::settings::Settings) -> gateway::dependencies::Dependencies,
) -> ExitCode {
    in_runtime::<GatewayProgram>(command, variables, assemble)
}

/// The user service with its dependencies as `fault` leaves them.
fn reference(
    command: &str,
    variables: Variables,
    fault: impl FnOnce(&Settings, &mut Dependencies),
) -> ExitCode {
    in_runtime::<UserServiceProgram>(command, variables, |settings| {
        let mut dependencies = Dependencies::new(settings);
        fault(settings, &mut dependencies);
        dependencies
    })
}

/// Runs a program to its end, and nothing of it longer.
fn in_runtime<P: program::Program>(
    command: &str,
    variables: Variables,
    assemble: impl FnOnce(&P::Settings) -> P::Dependencies,
) -> ExitCode {
    let (command, environment) = (Some(command.to_owned()), Environment::from_iter(variables));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let status = runtime.block_on(program::run::<P>(command, environment, assemble));
    runtime.shutdown_background();
    status
}
