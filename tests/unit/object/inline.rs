use std::hint::black_box;

#[inline(always)]
fn inner(x: u64) -> u64 {
    black_box(x) * 3 // line 5
}

#[inline(never)]
pub fn outer(x: u64) -> u64 {
    inner(x + 1) // line 10
}

fn main() {
    black_box(outer(black_box(1)));
}
