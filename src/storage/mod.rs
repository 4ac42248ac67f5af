//! Ordered rows, atomic batches, durability.
