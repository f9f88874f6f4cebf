//! Controls that evidence may be related to: `framework:control` of the twelve
//! frameworks that the service keeps account of, one a line in `controls.txt`.
//!
//! Identifiers are facts; what the controls say is not here.

use std::sync::LazyLock;

/// One a line, in the order of their bytes.
const TEXT: &str = include_str!("controls.txt");

static CONTROLS: LazyLock<Vec<&str>> = LazyLock::new(|| TEXT.lines().collect());

/// Whether this is the full name of a control, such as `soc2:CC6.1`.
pub fn is_control(name: &str) -> bool {
    CONTROLS.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_sorted_and_unique() {
        assert!(CONTROLS.is_sorted_by(|one, next| one < next));
        assert_eq!(CONTROLS.len(), 1133);
    }

    #[test]
    fn a_control_has_one_name() {
        for control in ["soc2:CC6.1", "soc2:CC7.1", "nist_ai_rmf:GOVERN 1.1", "pci_dss:1.1"] {
            assert!(is_control(control), "{control}");
        }
        for other in ["", "soc2", "soc2:", "CC6.1", "SOC2:CC6.1", "soc2:cc6.1", "soc2:CC6.1 "] {
            assert!(!is_control(other), "{other}");
        }
    }
}
