//! A router that knows its routes, so that each request can be counted under its own before the guard has seen it.
//!
//! axum names the route of a request only inside the handler; a layer there would box a future for each request.

use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;

use crate::api::figures::{Endpoint, Figures};

/// Routes in the making.
pub(super) struct Routes<S> {
    router: Router<S>,
    /// The path of each, and the template it is shown as.
    paths: Vec<(&'static str, &'static str)>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(super) fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Vec::new(),
        }
    }

    /// A route that is shown as its path.
    pub(super) fn route(self, path: &'static str, verbs: MethodRouter<S>) -> Self {
        self.route_as(path, path, verbs)
    }

    /// A route that is shown as `template`.
    pub(super) fn route_as(
        mut self,
        path: &'static str,
        template: &'static str,
        verbs: MethodRouter<S>,
    ) -> Self {
        self.router = self.router.route(path, verbs);
        self.paths.push((path, template));
        self
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.paths.extend(other.paths);
        self
    }

    /// The router, and what the requests to its routes are counted under.
    pub(super) fn counted(self, figures: &Figures) -> (Router<S>, Endpoints) {
        let mut by_path = matchit::Router::new();
        for (path, template) in self.paths {
            let endpoint = figures.endpoint(template);
            by_path
                .insert(path, endpoint)
                .expect("axum has taken the same paths");
        }
        let endpoints = Endpoints {
            by_path: Arc::new(by_path),
            unmatched: figures.endpoint("unmatched"),
        };
        (self.router, endpoints)
    }
}

/// What requests are counted under, by their path.
#[derive(Clone)]
pub(super) struct Endpoints {
    by_path: Arc<matchit::Router<Arc<Endpoint>>>,
    /// For paths that are no route.
    unmatched: Arc<Endpoint>,
}

impl Endpoints {
    /// The endpoint of a path. As in the routes, slashes at the end do not count, nor all but one before.
    pub(super) fn of(&self, path: &str) -> &Arc<Endpoint> {
        let ended = path.trim_end_matches('/');
        let trimmed = match ended.find(|letter| letter != '/') {
            Some(begin) => &ended[begin.saturating_sub(1)..],
            None => "/",
        };
        match self.by_path.at(trimmed) {
            Ok(found) => found.value,
            Err(_) => &self.unmatched,
        }
    }
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoints").finish_non_exhaustive()
    }
}
