//! stub
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GramRange {
    pub first: u32,
    pub last: u32,
}
#[derive(Clone, Debug)]
pub enum Plan {
    All,
    Nothing,
    And(Vec<Plan>),
    Or(Vec<Plan>),
    Stretch(std::sync::Arc<Stretch>),
}
#[derive(Clone, Debug)]
pub struct Stretch {
    pub groups: Vec<Vec<GramRange>>,
    pub words: Vec<Box<[u8]>>,
    pub literal: Vec<u8>,
}
impl Stretch {
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        memchr::memmem::find(bytes, &self.literal).is_some()
    }
}
