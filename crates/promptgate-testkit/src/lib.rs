//! Throw-away projects, a real model server on loopback, kinds for tests.
