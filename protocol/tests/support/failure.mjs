// What a failed request must look like.

import assert from "node:assert/strict";

import { SidecarError } from "workspace-sidecar";

/** Accepts a `SidecarError` of this code, and of a message. */
export const failure = (code, message = /./) => (error) => {
  assert.ok(error instanceof SidecarError, `not a SidecarError: ${error?.stack ?? error}`);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};
