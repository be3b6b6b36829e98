// What the bytes of a binary tell of it: for which system it is, whether its symbols are gone, which folders it names.

/**
 * @typedef {object} Executable
 * @property {string} os as `process.platform`
 * @property {string} cpu as `process.arch`
 * @property {boolean} stripped whether symbols and debug information are gone
 */

const ELF_CPUS = new Map([[62, "x64"], [183, "arm64"]]);
const PE_CPUS = new Map([[0x8664, "x64"], [0xaa64, "arm64"]]);
const MACH_CPUS = new Map([[0x01000007, "x64"], [0x0100000c, "arm64"]]);
const SHT_SYMTAB = 2;
const LC_SYMTAB = 2;
const N_STAB = 0xe0;

/**
 * Reads the header of a 64-bit, little-endian ELF, PE or Mach-O file.
 * @param {Buffer} bytes
 * @returns {Executable}
 */
export function inspect(bytes) {
  try {
    if (bytes.subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1"))) return elf(bytes);
    if (bytes.subarray(0, 2).equals(Buffer.from("MZ"))) return pe(bytes);
    if (bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfeedfacf) return mach(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error("is cut off: its header points behind its end");
  }
  throw new Error("is neither an ELF, a PE nor a 64-bit Mach-O file");
}

function elf(bytes) {
  const sections = Number(bytes.readBigUInt64LE(0x28));
  const size = bytes.readUInt16LE(0x3a);
  const count = bytes.readUInt16LE(0x3c);
  const types = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(sections + index * size + 4));
  const cpu = ELF_CPUS.get(bytes.readUInt16LE(0x12)) ?? "unknown";
  return { os: "linux", cpu, stripped: !types.includes(SHT_SYMTAB) };
}

function pe(bytes) {
  const header = bytes.readUInt32LE(0x3c);
  if (bytes.toString("latin1", header, header + 4) !== "PE\0\0") throw new Error("is a program for DOS");
  const cpu = PE_CPUS.get(bytes.readUInt16LE(header + 4)) ?? "unknown";
  return { os: "win32", cpu, stripped: bytes.readUInt32LE(header + 12) === 0 };
}

function mach(bytes) {
  const cpu = MACH_CPUS.get(bytes.readUInt32LE(4)) ?? "unknown";
  const commands = bytes.readUInt32LE(16);
  let stripped = true;
  for (let index = 0, at = 32; index < commands; index++, at += bytes.readUInt32LE(at + 4)) {
    if (bytes.readUInt32LE(at) !== LC_SYMTAB) continue;
    const symbols = bytes.readUInt32LE(at + 8);
    const count = bytes.readUInt32LE(at + 12);
    // What the loader needs stays; what only debuggers read is marked.
    for (let symbol = 0; symbol < count; symbol++) {
      if (bytes.readUInt8(symbols + symbol * 16 + 4) & N_STAB) stripped = false;
    }
  }
  return { os: "darwin", cpu, stripped };
}

/**
 * Those of the folders that the bytes name, with either kind of slash.
 * @param {Buffer} bytes
 * @param {string[]} folders
 */
export function namedPaths(bytes, folders) {
  return folders.filter((folder) =>
    [folder, folder.replaceAll("\\", "/")].some((form) => bytes.includes(form) || bytes.includes(form, 0, "utf16le")),
  );
}
