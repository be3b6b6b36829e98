// The npm packages: one for each platform, with the binary in it, and the one that applications depend on.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { listTar } from "./archives.mjs";
import { writePlain } from "./bundle.mjs";
import { ROOT } from "./cargo.mjs";
import { rewriteLinks } from "./links.mjs";
import { PLATFORMS } from "./targets.mjs";

const SCOPE = "@workspace-sidecar";
const HOST_PACKAGE = join(ROOT, "protocol");
// The applications to copy from, and what is in their folders without belonging to them.
const EXAMPLES = "fixtures/hosts";
const NO_EXAMPLE = new Set([".npmrc", "package-lock.json", "node_modules", "dist", "out", "release"]);

/**
 * Makes `@workspace-sidecar/<platform>` from a bundle: a folder, and the tarball that npm makes of it.
 * @param {object} options
 * @param {string} options.bundle the bundle's folder
 * @param {object} options.manifest its manifest
 * @param {import("./targets.mjs").Target} options.target
 * @param {string} options.out where to put both
 * @param {string} [options.repository] its address
 * @returns {Promise<string>} the tarball's name in `out`
 */
export async function packPlatform({ bundle, manifest, target, out, repository }) {
  const folder = join(out, "npm", target.platform);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  cpSync(bundle, folder, { recursive: true });
  const name = `${SCOPE}/${target.platform}`;
  const description = `The binary of workspace-sidecar for ${target.platform}`;
  writeJson(join(folder, "package.json"), {
    name,
    version: manifest.sidecarVersion,
    description,
    license: "MIT",
    ...repositoryField(repository),
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc && { libc: [target.libc] }),
    // Package managers give commands the right to be executed, wherever the package was packed or unpacked.
    bin: { "workspace-sidecar": target.executable },
    // Yarn keeps packages in archives, from which nothing can be started.
    preferUnplugged: true,
  });
  const readme = `${description} (\`${target.triple}\`). The package \`workspace-sidecar\` depends on it and finds it.`;
  writePlain(join(folder, "README.md"), `# ${name}\n\n${readme}\n`);
  const tarball = pack(folder, out, `workspace-sidecar-${target.platform}-`);
  await checkExecutable(join(out, tarball), target);
  return tarball;
}

/**
 * Makes `workspace-sidecar`, which depends on the platform packages of its own version. While it is developed it does
 * not, as they are not published then.
 * @param {{ out: string, repository?: string }} options
 * @returns {string} the tarball's name in `out`
 */
export function packHost({ out, repository }) {
  const { scripts, devDependencies, ...published } = readJson(join(HOST_PACKAGE, "package.json"));
  const stage = mkdtempSync(join(tmpdir(), "workspace-sidecar-npm-"));
  try {
    for (const file of published.files) {
      const source = join(HOST_PACKAGE, file);
      if (!existsSync(source)) throw new Error(`${source} is missing: run npm run build in ${HOST_PACKAGE}`);
      cpSync(source, join(stage, file), { recursive: true });
    }
    cpSync(join(ROOT, "LICENSE"), join(stage, "LICENSE"));
    cpSync(join(HOST_PACKAGE, "README.md"), join(stage, "README.md"));
    packExamples(join(stage, "examples"), published.version);
    writeJson(join(stage, "package.json"), {
      ...published,
      ...repositoryField(repository, "protocol"),
      files: [...published.files, "examples"],
      optionalDependencies: Object.fromEntries(PLATFORMS.map((name) => [`${SCOPE}/${name}`, published.version])),
    });
    const own = ["README.md", ...published.files].map((file) => [`protocol/${file}`, file]);
    const layout = [...own, ["LICENSE", "LICENSE"], [EXAMPLES, "examples"]];
    rewriteLinks({ root: ROOT, stage, layout, web: repository && `${repository}/tree/v${published.version}` });
    mkdirSync(out, { recursive: true });
    return pack(stage, out, "workspace-sidecar-");
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Copies the applications that others start from. In the package, they depend on its version, not on a folder. */
function packExamples(folder, version) {
  cpSync(join(ROOT, EXAMPLES), folder, { recursive: true, filter: (path) => !NO_EXAMPLE.has(basename(path)) });
  const path = join(folder, "electron/package.json");
  const description = readJson(path);
  description.dependencies["workspace-sidecar"] = version;
  writeJson(path, description);
}

/** npm's word for provenance is the repository: it must be the one that the workflow runs in. */
function repositoryField(repository, directory) {
  if (repository === undefined) return {};
  // Relative links of a README on npm's pages start from the directory.
  return { repository: { type: "git", url: `git+${repository}.git`, ...(directory && { directory }) } };
}

/** Packs a folder, in place of what was packed of other versions. `prefix` and a version are the tarball's name. */
function pack(folder, out, prefix) {
  const isOlder = (file) => file.endsWith(".tgz") && file.startsWith(prefix) && /^\d/.test(file.slice(prefix.length));
  for (const file of readdirSync(out).filter(isOlder)) rmSync(join(out, file));
  const [program, ...first] = npmCommand();
  const args = [...first, "pack", "--json", "--ignore-scripts", "--pack-destination", out];
  const output = execFileSync(program, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return JSON.parse(output)[0].filename;
}

/**
 * The program that is npm, and its first arguments.
 * @returns {string[]}
 */
export function npmCommand() {
  // On Windows `npm` is a script for a shell, which would take arguments apart; beside node.exe is what it starts.
  const cli = join(dirname(process.execPath), "node_modules/npm/bin/npm-cli.js");
  return process.platform === "win32" ? [process.execPath, cli] : ["npm"];
}

/** Nobody could start what the tarball does not allow to. */
async function checkExecutable(tarball, target) {
  if (target.os === "win32") return;
  const binary = (await listTar(tarball)).find(({ path }) => path === `package/${target.executable}`);
  if (!binary || (binary.mode & 0o111) !== 0o111) {
    throw new Error(`${tarball}: npm has packed ${target.executable} without the right to execute it`);
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function writeJson(path, value) {
  writePlain(path, `${JSON.stringify(value, null, 2)}\n`);
}
