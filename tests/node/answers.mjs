// What all referees do: a line of JSON in, a line of JSON out.

/** Answers each line of stdin with what `answer` gives for it, or with `{"error": message}` where it fails. */
export async function answerLines(answer) {
  const tell = (line) => {
    if (!line.trim()) return;
    let told;
    try {
      told = answer(JSON.parse(line));
    } catch (error) {
      told = { error: error.message };
    }
    process.stdout.write(`${JSON.stringify(told)}\n`);
  };
  // Not node:readline: it ends lines at U+2028 too, which JSON may hold as it is.
  let rest = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    lines.forEach(tell);
  }
  tell(rest);
}
