//! The login for NATS servers, which the environment has, as for NATS' own tools.

use crate::report::NatsLogin;

use super::environment::CliEnvironment;

/// Returns the login.
pub(super) fn login(environment: &CliEnvironment) -> NatsLogin {
    NatsLogin {
        user: environment.variable("NATS_USER"),
        password: environment.variable("NATS_PASSWORD"),
    }
}
