// Files with the headers of programs, for tests that need none that runs.

const CPUS = {
  linux: { x64: 62, arm64: 183 },
  win32: { x64: 0x8664, arm64: 0xaa64 },
  darwin: { x64: 0x01000007, arm64: 0x0100000c },
};

/**
 * @param {string} os as `process.platform`
 * @param {string} cpu as `process.arch`
 * @param {{ symbols?: boolean, content?: string }} [options] `content` is in it somewhere
 * @returns {Buffer}
 */
export function executable(os, cpu, { symbols = false, content = "" } = {}) {
  const header = { linux: elf, win32: pe, darwin: mach }[os](CPUS[os][cpu], symbols);
  return Buffer.concat([header, Buffer.from(content.padEnd(4096, "\0"))]);
}

/** A header and one section: the symbols, or the program's text. */
function elf(cpu, symbols) {
  const bytes = Buffer.alloc(64 + 64);
  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  bytes.writeUInt16LE(cpu, 0x12);
  bytes.writeBigUInt64LE(64n, 0x28);
  bytes.writeUInt16LE(64, 0x3a);
  bytes.writeUInt16LE(1, 0x3c);
  bytes.writeUInt32LE(symbols ? 2 : 1, 64 + 4);
  return bytes;
}

function pe(cpu, symbols) {
  const bytes = Buffer.alloc(128);
  bytes.write("MZ");
  bytes.writeUInt32LE(64, 0x3c);
  bytes.write("PE\0\0", 64, "latin1");
  bytes.writeUInt16LE(cpu, 64 + 4);
  bytes.writeUInt32LE(symbols ? 7 : 0, 64 + 12);
  return bytes;
}

/** A header, a command of another kind, the symbol table's command, and one symbol: a debugger's or the loader's. */
function mach(cpu, symbols) {
  const bytes = Buffer.alloc(32 + 16 + 24 + 16);
  bytes.writeUInt32LE(0xfeedfacf, 0);
  bytes.writeUInt32LE(cpu, 4);
  bytes.writeUInt32LE(2, 16);
  bytes.writeUInt32LE(0x1b, 32);
  bytes.writeUInt32LE(16, 36);
  bytes.writeUInt32LE(2, 48);
  bytes.writeUInt32LE(24, 52);
  bytes.writeUInt32LE(72, 56);
  bytes.writeUInt32LE(1, 60);
  bytes.writeUInt8(symbols ? 0x64 : 0x01, 72 + 4);
  return bytes;
}
