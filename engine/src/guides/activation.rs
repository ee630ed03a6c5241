//! # Adding a fused activation
