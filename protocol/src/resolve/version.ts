// The version of this package, and the order of versions.

/** That of package.json, which is not there to be read once an application's bundler took this file in. */
export const HOST_VERSION = "0.1.0";

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Whether a text is a version as in semver.org. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Whether version `a` comes before `b`, in the order of semver.org. Both must be versions. */
export function isBefore(a: string, b: string): boolean {
  const [, ...left] = VERSION.exec(a) ?? [];
  const [, ...right] = VERSION.exec(b) ?? [];
  for (let part = 0; part < 3; part++) {
    const difference = Number(left[part]) - Number(right[part]);
    if (difference !== 0) return difference < 0;
  }
  return isPrereleaseBefore(left[3], right[3]);
}

function isPrereleaseBefore(a: string | undefined, b: string | undefined): boolean {
  // 1.0.0-rc.1 comes before 1.0.0.
  if (a === undefined || b === undefined) return a !== undefined && b === undefined;
  const left = a.split(".");
  const right = b.split(".");
  for (const [at, identifier] of left.entries()) {
    const other = right[at];
    if (other === undefined) return false;
    if (identifier !== other) return isIdentifierBefore(identifier, other);
  }
  return left.length < right.length;
}

function isIdentifierBefore(a: string, b: string): boolean {
  const [leftIsNumber, rightIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (leftIsNumber && rightIsNumber) return Number(a) < Number(b);
  // Numbers come before words.
  return leftIsNumber === rightIsNumber ? a < b : leftIsNumber;
}
