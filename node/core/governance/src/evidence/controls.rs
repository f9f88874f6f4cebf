//! Controls that evidence may be related to: `framework:control` of the
//! frameworks of the register, and `eu_ai_act:duty`.

use register::{EU_AI_ACT, register};

/// Whether this is the full name of a control or duty, such as `soc2:CC6.1`.
pub fn is_control(name: &str) -> bool {
    register().has(name)
}

/// Whether it is one that clusters took before they knew of duties: frameworks
/// were called as in the data then, and the act was none.
pub(super) fn is_old(name: &str) -> bool {
    let is_of_data = |framework: &str| {
        register().framework(framework).is_some_and(|known| known.data_id == framework)
    };
    match name.split_once(':') {
        Some((framework, _)) => framework != EU_AI_ACT && is_of_data(framework) && is_control(name),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_has_one_name() {
        for control in ["soc2:CC6.1", "soc2:CC7.1", "nist_ai_rmf:GOVERN 1.1", "pci_dss:1.1"] {
            assert!(is_control(control) && is_old(control), "{control}");
        }
        for other in ["", "soc2", "soc2:", "CC6.1", "SOC2:CC6.1", "soc2:cc6.1", "soc2:CC6.1 "] {
            assert!(!is_control(other) && !is_old(other), "{other}");
        }
    }

    #[test]
    fn duties_and_one_framework_by_its_name_on_the_wire_came_later() {
        for new in ["eu_ai_act:AIA-9.1", "fedramp:AC-1"] {
            assert!(is_control(new) && !is_old(new), "{new}");
        }
        assert!(is_control("fedramp_moderate:AC-1") && is_old("fedramp_moderate:AC-1"));
        assert!(!is_control("eu_ai_act:AIA-9") && !is_control("eu_ai_act:9(1)"));
    }
}
