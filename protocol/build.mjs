// Builds the package into `dist`: declarations by the TypeScript compiler, JavaScript by esbuild, as ES modules and as
// CommonJS. Each file of `src` stays a file, so that what a stack trace names can be found.

import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const sources = readdirSync(join(here, "src"), { recursive: true })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => join(here, "src", file));

rmSync(join(here, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", here], { stdio: "inherit" });
// A declaration means CommonJS or ES modules by the package.json above it, so each has its copy.
cpSync(join(here, "dist/esm"), join(here, "dist/cjs"), { recursive: true });
writeFileSync(join(here, "dist/cjs/package.json"), '{ "type": "commonjs" }\n');

const common = { entryPoints: sources, outbase: join(here, "src"), platform: "node", target: "node20" };
await build({ ...common, format: "esm", outdir: join(here, "dist/esm") });
await build({
  ...common,
  format: "cjs",
  outdir: join(here, "dist/cjs"),
  // `createRequire` takes either; it is all that `import.meta` is used for (`here.ts`).
  define: { "import.meta.url": "__filename" },
});
