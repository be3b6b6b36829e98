//! Objects of a request that are objects only.

/// Implements `Deserialize` for structs that derive it with `#[serde(remote = "Self")]`.
///
/// What serde derives takes a list of a struct's values as well, and says the struct's name where it finds neither.
macro_rules! objects_only {
    ($($type:ty),+) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                struct Object;
                impl<'de> serde::de::Visitor<'de> for Object {
                    type Value = $type;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        formatter.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        map: A,
                    ) -> std::result::Result<Self::Value, A::Error> {
                        // What is derived: it goes before the trait.
                        <$type>::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    }
                }
                deserializer.deserialize_map(Object)
            }
        }
    )+};
}

pub(crate) use objects_only;
