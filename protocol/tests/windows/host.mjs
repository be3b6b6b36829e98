// A program that has a sidecar and goes on until it is killed. It writes the id of the sidecar's process.
// Arguments: the binary, the workspace.

import { SidecarManager } from "workspace-sidecar";

const [, , binary, root] = process.argv;
const { pid } = await new SidecarManager({ root, binary }).start();
console.log(pid);
setInterval(() => {}, 60_000);
