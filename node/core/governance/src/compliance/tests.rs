//! Assessments over a machine in memory.
