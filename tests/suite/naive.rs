//! Globs once more, the slow and obvious way: what the contract says of them, and nothing clever.

/// Whether a glob of `include` takes a path.
pub(crate) fn includes(glob: &str, path: &str) -> bool {
    let (rooted, body) = match glob.strip_prefix("./").or_else(|| glob.strip_prefix('/')) {
        Some(body) => (true, body),
        None => (false, glob),
    };
    let anywhere = !rooted && !body.trim_end_matches('/').contains('/');
    let mut whole = if anywhere { format!("**/{body}") } else { body.to_owned() };
    if body.ends_with('/') {
        whole.push_str("**");
    }
    let path: Vec<&str> = path.split('/').collect();
    alternatives(&whole).iter().any(|glob| parts(&glob.split('/').collect::<Vec<_>>(), &path))
}

/// Whether a glob of `exclude` leaves a path out: itself, or a directory above it.
pub(crate) fn excludes(glob: &str, path: &str) -> bool {
    includes(glob, path) || path.match_indices('/').any(|(at, _)| includes(glob, &path[..at]))
}

/// `a{b,c}` is `ab` and `ac`.
fn alternatives(glob: &str) -> Vec<String> {
    let Some(open) = glob.find('{') else { return vec![glob.to_owned()] };
    let (mut depth, mut from, mut choices) = (0, open + 1, Vec::new());
    for (at, letter) in glob.char_indices().skip_while(|(at, _)| *at < open) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && letter == ',') {
            choices.push(&glob[from..at]);
            from = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    let (head, tail) = (&glob[..open], &glob[from..]);
    choices.iter().flat_map(|choice| alternatives(&format!("{head}{choice}{tail}"))).collect()
}

/// Part by part; `**` stands for any number of them, at the end for at least one.
fn parts(glob: &[&str], path: &[&str]) -> bool {
    match (glob, path) {
        ([], []) => true,
        (["**"], _) => !path.is_empty(),
        (["**", rest @ ..], _) => (0..=path.len()).any(|skip| parts(rest, &path[skip..])),
        ([first, glob @ ..], [name, path @ ..]) => part(first.as_bytes(), name.as_bytes()) && parts(glob, path),
        _ => false,
    }
}

/// Byte by byte.
fn part(glob: &[u8], name: &[u8]) -> bool {
    match (glob, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| part(rest, &name[skip..])),
        ([b'?', glob @ ..], [_, name @ ..]) => part(glob, name),
        ([b'[', class @ ..], [byte, name @ ..]) => {
            let end = class.iter().position(|byte| *byte == b']').expect("an open class");
            let (negated, members) = match &class[..end] {
                [b'!', members @ ..] => (true, members),
                members => (false, members),
            };
            let within = match members {
                [from, b'-', to] => (from..=to).contains(&byte),
                members => members.contains(byte),
            };
            within != negated && part(&class[end + 1..], name)
        }
        ([literal, glob @ ..], [byte, name @ ..]) => literal == byte && part(glob, name),
        _ => false,
    }
}
