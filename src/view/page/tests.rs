//! Pages of small databases.
