// A sidecar that misbehaves on command: for tests of what an application does then.

export type { SidecarCommand } from "../manager/command.js";
export { control, fakeSidecar, writeFakeExecutable } from "./fake.js";
export type { FakeAction, FakeAnswer, FakeAnswers, FakeMoment, FakeOrders, FakeRule, FakeScript } from "./script.js";
