//! Models of the runtime's protocols; see `tests/`.
