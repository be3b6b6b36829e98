// What the READMEs show of the package runs when it is pasted, with the real sidecar, and has the right types.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { binary } from "./support/binary.mjs";
import { blocksOf, runProgram } from "./support/readme.mjs";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

const BEFORE = `import { SidecarManager } from "workspace-sidecar";
const sidecar = new SidecarManager({ root: "fixtures/workspace" });
await sidecar.start();
`;
const AFTER = "await sidecar.stop();\n";

/** A user of the application, with a page. When the user quits, the process has to end by itself. */
const userOf = (application) => `import "./${application}";
import { app, BrowserWindow, chosen } from "electron";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const page = new BrowserWindow({}).webContents.ipcRenderer;
console.log("cancelled:", await page.invoke("open"), await page.invoke("search", "useState"));
for (const folder of ["fixtures", "fixtures/workspace"]) {
  chosen.push(resolve(folder));
  console.log("opened:", await page.invoke("open"));
  const { files } = await page.invoke("search", "useState");
  console.log("found:", files.map(({ path }) => path));
}
console.log("cache:", existsSync("userData/sidecar"));
app.on("will-quit", () => console.log("quits"));
app.quit();
`;

/** Electron's types, of what the README uses: the package itself is installed for the example application only. */
const ELECTRON_TYPES = `export const app: {
  getPath(name: "userData"): string;
  on(event: "before-quit", listener: (event: { preventDefault(): void }) => void): void;
  quit(): void;
};
export const dialog: {
  showOpenDialog(options: { properties: "openDirectory"[] }): Promise<{ canceled: boolean; filePaths: string[] }>;
};
export const ipcMain: { handle(channel: string, listener: (event: object, ...args: any[]) => unknown): void };
`;

/** A directory that looks like a clone that was built, and like a project that has the package installed. */
let home;
before(() => {
  home = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "readme-")));
  const packageFolder = join(checkout, "protocol");
  // The links are of no use here, and not every system can copy them.
  const filter = (source) => basename(source) !== "links";
  fs.cpSync(join(checkout, "fixtures/workspace"), join(home, "fixtures/workspace"), { recursive: true, filter });
  fs.mkdirSync(join(home, "node_modules"));
  fs.symlinkSync(packageFolder, join(home, "protocol"), "junction");
  fs.symlinkSync(packageFolder, join(home, "node_modules/workspace-sidecar"), "junction");
  fs.symlinkSync(join(packageFolder, "node_modules/@types"), join(home, "node_modules/@types"), "junction");
  const electron = join(home, "node_modules/electron");
  fs.mkdirSync(electron);
  fs.cpSync(join(packageFolder, "tests/support/electron.cjs"), join(electron, "index.js"));
  fs.writeFileSync(join(electron, "index.d.ts"), ELECTRON_TYPES);
  fs.writeFileSync(join(electron, "package.json"), '{ "name": "electron", "main": "index.js", "types": "index.d.ts" }');
});
after(() => fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

/** The blocks as programs: those that use `sidecar` without making one come with what the README says of it. */
const programsOf = (readme) =>
  blocksOf(join(checkout, readme)).map(({ heading, code }) => ({
    heading,
    code: code.includes("sidecar.") && !code.includes("new SidecarManager(") ? `${BEFORE}${code}${AFTER}` : code,
  }));

const workspace = (path) => join(home, "fixtures/workspace", path);
const edit = () => fs.appendFileSync(workspace("src/App.tsx"), "// edited\n");

/** How each block is run, in the order of the README. */
const readmes = {
  "README.md": [
    {
      heading: "In an Electron main process",
      user: userOf,
      steps: [
        [/^cancelled: null undefined$/m],
        [/^opened: .*fixtures$/m],
        [/^found: \[[^\]]*'workspace\/src\/components\/OrderForm\.tsx'/m],
        [/^opened: .*workspace$/m],
        [/^found: \[[^\]]*'src\/components\/OrderForm\.tsx'/m],
        [/^cache: true\nquits$/m],
      ],
    },
    {
      heading: "In plain Node",
      steps: [[/^(.+\.tsx\n){3}/], [/^src\/components\/OrderForm\.tsx \d+$/m]],
    },
  ],
  "protocol/README.md": [
    {
      heading: "Quick start",
      args: ["fixtures/workspace"],
      steps: [
        [/'src\/App\.tsx'/],
        [/^src\/App\.tsx: \d+$/m],
        [/Now save/, edit],
        [/path: 'src\/App\.tsx',\s+kind: 'modified'/],
      ],
    },
    { heading: "Requests", steps: [[/'src\/components\/OrderForm\.tsx'/], [/^cancelled$/m]] },
    { heading: "Streams", steps: [[/^src\/components\/OrderForm\.tsx:1: import/m], [/limitHit: false/]] },
    { heading: "Changes", steps: [[/^watching$/m, edit], [/^modified src\/App\.tsx$/m]] },
    {
      heading: "Changes of open files",
      steps: [[/^now edit src\/App\.tsx$/m, edit], [/^\{ reload: \[ 'src\/App\.tsx' \], gone: \[\] \}$/m]],
    },
    { heading: "Errors", steps: [[/^not_found - nowhere\.ts: there is no such file$/m]] },
    { heading: "Restarts and events", steps: [[/^restarting\ncrash 1, again in \d+ ms\n/m], [/^starting\nready\n/m]] },
    {
      heading: "With plain Node as a fallback",
      steps: [
        [/^sidecar\n\[.*'src\/App\.tsx'/m],
        [/^\d+ [0-9a-f]{64}$/m],
        [/^package\.json file\nnowhere\.ts not_found$/m],
      ],
    },
    { heading: "Validation with Zod", steps: [[/^false\n\d+$/m]] },
    { heading: "Where the binary is found", steps: [[/workspace-sidecar(\.exe)? \(env\)$/m]] },
    {
      heading: "Testing your application",
      steps: [[/path: 'src\/App\.tsx'/], [/kind: 'modified'/], [/^sidecar_crashed$/m]],
    },
  ],
};

for (const [readme, runs] of Object.entries(readmes)) {
  test(readme, async (t) => {
    const name = readme.replace("/", "-");
    const blocks = programsOf(readme).map((block, index) => ({ ...block, file: `${name}-${index}.mjs` }));
    for (const { file, code } of blocks) fs.writeFileSync(join(home, file), code);
    assert.deepEqual(
      new Set(blocks.map(({ heading }) => heading)),
      new Set(runs.map(({ heading }) => heading)),
      "each block has a run, and each run a block",
    );
    for (const { heading, user, ...how } of runs) {
      for (const { file } of blocks.filter((block) => block.heading === heading)) {
        const program = user === undefined ? file : `user-of-${file}`;
        if (user !== undefined) fs.writeFileSync(join(home, program), user(file));
        await t.test(heading, () =>
          runProgram(program, { cwd: home, env: { ...process.env, SCAFFA_SIDECAR_PATH: binary }, ...how }),
        );
      }
    }

    await t.test("types", async () => {
      const options = ["--strict", "--module", "nodenext", "--target", "es2023", "--skipLibCheck"];
      const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
      const check = [tsc, "--noEmit", "--allowJs", "--checkJs", ...options, ...blocks.map(({ file }) => file)];
      await promisify(execFile)(process.execPath, check, { cwd: home }).catch(({ stdout }) => assert.fail(stdout));
    });
  });
}
