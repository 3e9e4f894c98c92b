//! What there is to pick from, for the tests that hold how far the picks reach.

use super::message;

/// The paths of the methods, in the order of their picks.
pub(crate) fn methods() -> impl Iterator<Item = String> {
    message::methods().iter().map(|it| it.path.clone())
}

/// The routes, in the order of their picks.
pub(crate) fn routes() -> impl Iterator<Item = String> {
    let routes = super::routes::routes().iter();
    routes.map(|it| format!("{} {}", it.verb, it.path))
}
