//! The facts of sources, in one file: a checksum, then each digest behind what it belongs to.
//!
//! They come from the contents alone, so they belong to whatever file has that content; but other versions of the program
//! may find other facts.

use std::io;
use std::sync::{Arc, PoisonError};

use super::{Cache, LOCK, MAX_BYTES, damaged, files};
use crate::facts::{Digest, Key};
use crate::protocol::tsx::Language;

const FILE: &str = "facts";
/// The form of digests, and what is found in sources: to be changed with either.
const FORMAT: u32 = 2;
const CHECKSUM: usize = blake3::OUT_LEN;

impl Cache {
    /// The digests that were kept; none if there are none, or they are not as they were written.
    pub fn load_facts(&self) -> Vec<(Key, Digest)> {
        let read = || {
            if !files::is_ours(&self.directory)? {
                return Ok(Vec::new());
            }
            decode(&files::read(&self.directory.join(FILE), MAX_BYTES)?)
        };
        match read() {
            Ok(facts) => facts,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                self.failed("sources are parsed anew, what was kept of them cannot be used", &error);
                Vec::new()
            }
        }
    }

    /// Keeps these digests, and only these, unless another process is about to keep something. Failures are logged.
    pub fn save_facts(&self, facts: &[(Key, Arc<Digest>)]) {
        let write = || {
            let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            files::make_directory(&self.directory)?;
            let Some(_lock) = files::lock(&self.directory.join(LOCK))? else { return Ok(()) };
            files::put(&self.directory.join(FILE), &encode(facts))
        };
        if let Err(error) = write() {
            self.failed("the facts of sources are not kept", &error);
        }
    }
}

/// Of the program: each finds its own facts.
fn version() -> [u8; CHECKSUM] {
    *blake3::hash(env!("CARGO_PKG_VERSION").as_bytes()).as_bytes()
}

fn encode(facts: &[(Key, Arc<Digest>)]) -> Vec<u8> {
    let mut out = vec![0; CHECKSUM];
    out.extend(FORMAT.to_le_bytes());
    out.extend(version());
    for ((hash, language), digest) in facts {
        out.extend(hash.as_bytes());
        out.push(number_of(*language));
        out.extend((digest.bytes().len() as u32).to_le_bytes());
        out.extend(digest.bytes());
    }
    let checksum = blake3::hash(&out[CHECKSUM..]);
    out[..CHECKSUM].copy_from_slice(checksum.as_bytes());
    out
}

fn decode(bytes: &[u8]) -> io::Result<Vec<(Key, Digest)>> {
    let cut = || damaged("the facts of sources are cut".to_owned());
    let (checksum, rest) = bytes.split_first_chunk::<CHECKSUM>().ok_or_else(cut)?;
    if blake3::hash(rest) != *checksum {
        return Err(damaged("the facts of sources are damaged".to_owned()));
    }
    let (format, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(damaged(format!("the facts of sources are of format {format}, those of this version of {FORMAT}")));
    }
    let Some((written_by, mut rest)) = rest.split_first_chunk::<CHECKSUM>() else { return Err(cut()) };
    if *written_by != version() {
        return Err(damaged("the facts of sources are those of another version".to_owned()));
    }
    let mut facts = Vec::new();
    while !rest.is_empty() {
        let one = take(&mut rest).ok_or_else(cut)?;
        facts.push(one);
    }
    Ok(facts)
}

fn take(bytes: &mut &[u8]) -> Option<(Key, Digest)> {
    let (hash, rest) = bytes.split_first_chunk()?;
    let (language, rest) = rest.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (digest, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    let language = LANGUAGES.get(usize::from(*language))?;
    Some(((blake3::Hash::from_bytes(*hash), *language), Digest::kept(digest)))
}

const LANGUAGES: [Language; 4] = [Language::Tsx, Language::Ts, Language::Jsx, Language::Js];

fn number_of(language: Language) -> u8 {
    match language {
        Language::Tsx => 0,
        Language::Ts => 1,
        Language::Jsx => 2,
        Language::Js => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::CancelToken;
    use crate::protocol::tsx::Fact;
    use crate::tsx;

    /// Of sources that show what is found in them.
    fn facts() -> Vec<(Key, Arc<Digest>)> {
        let sources = [
            (
                "import a, { type B, c as d } from 'x'; export { d as e }; export * from 'f'; export default class G {}",
                Language::Ts,
            ),
            (
                "export const C = () => <a.b c='&amp;' d={-1.5} e f={g} {...h}><></>{i && <j:k l={`m`} />}</a.b>;",
                Language::Tsx,
            ),
            ("export default () => <A b={'\\u{1F600}'} c={null} d={true} e=<F />>text</A>", Language::Jsx),
            ("import * as N from 'n'; export * as M from 'm';", Language::Js),
        ];
        sources
            .into_iter()
            .map(|(text, language)| {
                let wanted = [Fact::Imports, Fact::Exports, Fact::Jsx];
                let facts = tsx::facts(text, language, &wanted, usize::MAX, &CancelToken::default()).unwrap();
                ((blake3::hash(text.as_bytes()), language), Arc::new(Digest::of(&facts)))
            })
            .collect()
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let facts = facts();
        let decoded = decode(&encode(&facts)).unwrap();
        assert!(
            decoded.iter().map(|(key, digest)| (key, digest)).eq(facts.iter().map(|(key, digest)| (key, &**digest)))
        );
    }

    #[test]
    fn other_bytes_need_another_format() {
        let bytes = blake3::hash(&encode(&facts())[2 * CHECKSUM + 4..]).to_hex();
        assert_eq!((FORMAT, &bytes[..16]), (2, "be1285a6a7dec41a"), "raise FORMAT, then put the new value here");
    }

    #[test]
    fn damage_is_noticed() {
        let bytes = encode(&facts());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x81;
            assert!(decode(&damaged).is_err(), "the byte {at}");
        }
        let mut later = bytes[CHECKSUM..].to_vec();
        later[0] += 1;
        let later = [&blake3::hash(&later).as_bytes()[..], &later].concat();
        assert!(decode(&later).unwrap_err().to_string().contains(&format!("format {}", FORMAT + 1)));
        let mut other = bytes[CHECKSUM..].to_vec();
        other[4] ^= 1;
        let other = [&blake3::hash(&other).as_bytes()[..], &other].concat();
        assert!(decode(&other).unwrap_err().to_string().contains("another version"));
    }
}
