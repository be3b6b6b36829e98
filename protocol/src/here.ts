// Where this code lies.

/**
 * A file, as a path or a URL, from which modules are looked for: this one, or what a bundler put it into. Where that
 * made CommonJS of it, nothing is left of `import.meta.url`, and the module has `__filename`. `undefined` where there
 * is neither.
 */
export const HERE: string | undefined =
  import.meta.url ?? (typeof __filename === "undefined" ? undefined : __filename);
