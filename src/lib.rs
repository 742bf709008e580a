//! `flowrun` runs integration flows that analysts write as YAML.
