//! Plans of parsed patterns, and what bounds the work.
