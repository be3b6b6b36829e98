// Where this code lies.

/**
 * A file, as a path or a URL, from which modules are looked for: this one, or what a bundler put it into. Where there is
 * a `__filename`, that is it: bundlers that make CommonJS of this leave nothing of `import.meta.url`, and webpack writes
 * where this file lay on the machine that it ran on. `undefined` where there is neither.
 */
export const HERE: string | undefined = here();

function here(): string | undefined {
  try {
    // Not `typeof`: webpack says that there is one, also in a module, where there is none.
    return __filename;
  } catch {
    return import.meta.url;
  }
}
