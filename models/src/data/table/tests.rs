use super::*;

#[test]
fn placeholder() {
    let _ = TableOptions::default();
}
