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

use crate::edited::{self, Edit};
use crate::output;
use crate::standing::{self, Standing};

/// The variables that a program was started with.
pub type Variables = HashMap<String, String>;

/// Breaks some of the user service's dependencies.
pub type DependenciesFault = Box<dyn FnOnce(&Settings, &mut Dependencies)>;

/// The parts that the user service and the gateway have in common.
pub struct CommonParts<'a> {
    /// The settings that both programs read.
    pub settings: &'a CommonSettings,
    /// The attached resources with their health checks.
    pub components: &'a mut [Component],
    /// Wraps the router that serves `PORT`.
    pub wrap_http: &'a mut Wrap,
    /// Wraps the router that serves gRPC; `None` in a gateway.
    pub wrap_grpc: Option<&'a mut Wrap>,
}

/// Breaks some of the parts that both programs have.
pub type CommonFault = Rc<dyn Fn(&mut CommonParts<'_>)>;

/// Creates the dependencies of a faulty gateway.
pub type AssembleGateway =
    Box<dyn FnOnce(&gateway::settings::Settings) -> gateway::dependencies::Dependencies>;

/// A program of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The user service.
    UserService,
    /// The gateway.
    Gateway,
}

/// The program that this process runs as; set once at its start.
static PROGRAM: OnceLock<Program> = OnceLock::new();

/// One faulty variant of a program of the reference, which the suite must detect.
pub struct Mutant {
    /// Selects the mutant on the command line.
    pub id: Cow<'static, str>,
    /// The program that is faulty.
    program: Program,
    /// The clause that the mutant breaks; `None` for the plain reference and for the standing programs.
    pub clause: Option<&'static str>,
    /// Describes the fault in one sentence.
    pub wrong: &'static str,
    fault: Fault,
}

/// How a program is made faulty.
pub enum Fault {
    /// No fault: the plain reference.
    None,
    /// An edit of the reference's sources with this id, compiled in and switched on at start.
    Edit(&'static str),
    /// Replaces or wraps dependencies of the user service.
    Dependencies(DependenciesFault),
    /// Replaces or wraps dependencies of the gateway.
    Gateway(AssembleGateway),
    /// Wraps parts that both programs have.
    Common(CommonFault),
    /// Changes the environment variables before they are read.
    Environment(fn(&mut Variables)),
    /// Replaces `main`: takes the command and the variables, returns the exit status.
    Main(fn(&str, Variables) -> ExitCode),
    /// Replaces the command `healthcheck`; takes the port.
    Healthcheck(fn(u16) -> ExitCode),
    /// Rewrites each line of standard output; a line that becomes `None` is dropped.
    Output(fn(String) -> Option<String>),
    /// A stub server instead of the reference.
    Standing(Standing),
}

/// A mutant as `mutants list` prints it.
#[derive(Serialize)]
pub struct ListedMutant<'a> {
    id: &'a str,
    component: &'a str,
    clause: Option<&'a str>,
    wrong: &'a str,
    plain: bool,
}

impl Mutant {
    /// A mutant of the user service that breaks one clause.
    pub fn new(id: &'static str, clause: &'static str, wrong: &'static str, fault: Fault) -> Self {
        Self {
            id: id.into(),
            program: Program::UserService,
            clause: Some(clause),
            wrong,
            fault,
        }
    }

    /// A mutant of the gateway that breaks one clause.
    pub fn for_gateway(
        id: &'static str,
        clause: &'static str,
        wrong: &'static str,
        fault: Fault,
    ) -> Self {
        let program = Program::Gateway;
        Self {
            program,
            ..Self::new(id, clause, wrong, fault)
        }
    }

    /// A program that breaks all clauses, or none.
    pub fn for_all_clauses(
        program: Program,
        id: &'static str,
        wrong: &'static str,
        fault: Fault,
    ) -> Self {
        Self {
            id: id.into(),
            program,
            clause: None,
            wrong,
            fault,
        }
    }

    /// A mutant made by an edit; where both programs have the edit, the gateway's id gets a prefix.
    pub fn from_edit(program: Program, edit: &'static Edit) -> Self {
        let id = match program {
            Program::Gateway if edit.user_service => format!("gateway-{}", edit.id).into(),
            _ => edit.id.into(),
        };
        Self {
            id,
            program,
            clause: Some(edit.clause),
            wrong: edit.wrong,
            fault: Fault::Edit(edit.id),
        }
    }

    /// Describes the mutant for `mutants list`.
    pub fn describe(&self) -> ListedMutant<'_> {
        ListedMutant {
            id: &self.id,
            component: match self.program {
                Program::UserService => "user-service",
                Program::Gateway => "gateway",
            },
            clause: self.clause,
            wrong: self.wrong,
            plain: matches!(self.fault, Fault::None),
        }
    }

    /// The gateway's mutant with the same fault; `None` if only the user service can have the fault.
    pub fn gateway_twin(&self) -> Option<Self> {
        let fault = match &self.fault {
            Fault::Common(fault) => Fault::Common(Rc::clone(fault)),
            Fault::Environment(fault) => Fault::Environment(*fault),
            Fault::Main(main) => Fault::Main(*main),
            Fault::Healthcheck(check) => Fault::Healthcheck(*check),
            Fault::Output(fault) => Fault::Output(*fault),
            Fault::None
            | Fault::Edit(_)
            | Fault::Dependencies(_)
            | Fault::Gateway(_)
            | Fault::Standing(_) => {
                return None;
            }
        };
        Some(Self {
            id: format!("gateway-{}", self.id).into(),
            program: Program::Gateway,
            clause: self.clause,
            wrong: self.wrong,
            fault,
        })
    }

    /// Runs this mutant's program with a command.
    pub fn run(self, command: &str) -> ExitCode {
        let program = *PROGRAM.get_or_init(|| self.program);
        match self.fault {
            Fault::None => run_reference(command, environment_variables()),
            Fault::Edit(id) => {
                edited::select(id);
                run_reference(command, environment_variables())
            }
            Fault::Dependencies(fault) => run_user_service(command, environment_variables(), fault),
            Fault::Gateway(assemble) => run_gateway(command, environment_variables(), assemble),
            Fault::Common(fault) => run_with_common_fault(program, command, &fault),
            Fault::Environment(fault) => {
                let mut variables = environment_variables();
                fault(&mut variables);
                run_reference(command, variables)
            }
            Fault::Main(main) => main(command, environment_variables()),
            Fault::Healthcheck(check) => {
                let variables = environment_variables();
                let port = variables
                    .get("PORT")
                    .and_then(|it| it.parse().ok())
                    .unwrap_or(8080);
                if command == "healthcheck" {
                    check(port)
                } else {
                    run_reference(command, variables)
                }
            }
            Fault::Output(fault) => output::run(program, command, fault),
            Fault::Standing(standing) => standing::main(standing, command),
        }
    }
}

fn environment_variables() -> Variables {
    std::env::vars().collect()
}

/// The id of the plain reference.
pub const fn plain_id(program: Program) -> &'static str {
    match program {
        Program::UserService => "plain",
        Program::Gateway => "gateway-plain",
    }
}

/// The program that this process runs as.
pub fn current_program() -> Program {
    *PROGRAM.get().unwrap_or(&Program::UserService)
}

/// Runs the current program without a fault.
pub fn run_reference(command: &str, variables: Variables) -> ExitCode {
    match current_program() {
        Program::UserService => run_user_service(command, variables, |_, _| {}),
        Program::Gateway => {
            run_gateway(command, variables, gateway::dependencies::Dependencies::new)
        }
    }
}

/// Runs a program whose common parts are changed by `fault`.
fn run_with_common_fault(program: Program, command: &str, fault: &CommonFault) -> ExitCode {
    match program {
        Program::UserService => run_user_service(
            command,
            environment_variables(),
            |settings, dependencies| {
                fault(&mut CommonParts {
                    settings: &settings.common,
                    components: &mut dependencies.components,
                    wrap_http: &mut dependencies.wrap_http,
                    wrap_grpc: Some(&mut dependencies.wrap_grpc),
                });
            },
        ),
        Program::Gateway => run_gateway(command, environment_variables(), |settings| {
            let mut dependencies = gateway::dependencies::Dependencies::new(settings);
            fault(&mut CommonParts {
                settings: &settings.common,
                components: &mut dependencies.components,
                wrap_http: &mut dependencies.wrap_http,
                wrap_grpc: None,
            });
            dependencies
        }),
    }
}

/// Runs the gateway with the dependencies that `assemble` returns.
fn run_gateway(
    command: &str,
    variables: Variables,
    assemble: impl FnOnce(&gateway::settings::Settings) -> gateway::dependencies::Dependencies,
) -> ExitCode {
    run_in_runtime::<GatewayProgram>(command, variables, assemble)
}

/// Runs the user service with dependencies changed by `fault`.
fn run_user_service(
    command: &str,
    variables: Variables,
    fault: impl FnOnce(&Settings, &mut Dependencies),
) -> ExitCode {
    run_in_runtime::<UserServiceProgram>(command, variables, |settings| {
        let mut dependencies = Dependencies::new(settings);
        fault(settings, &mut dependencies);
        dependencies
    })
}

/// Runs a program in a Tokio runtime; tasks that are left when it ends are dropped.
fn run_in_runtime<P: program::Program>(
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
