// What the compiler puts into every binary, and no crate's manifest tells of.

import { mitText, readText } from "./texts.mjs";

/**
 * @param {import("./targets.mjs").Target} target
 * @returns {import("./licences.mjs").Component[]}
 */
export function runtimeComponents(target) {
  const apache = { name: "Apache-2.0", text: readText("Apache-2.0.txt") };
  const standardLibrary = {
    name: "Rust's standard library",
    version: "and the crates in it",
    licence: "MIT OR Apache-2.0",
    source: "https://github.com/rust-lang/rust",
    texts: [
      {
        name: "MIT",
        text: mitText([
          "Copyright (c) The Rust Project Developers (see https://thanks.rust-lang.org)",
          "Copyright (c) 2014 Alex Crichton (backtrace, cfg-if, rustc-demangle)",
          "Copyright (c) 2014-2020 The Rust Project Developers (libc)",
          "Copyright (c) 2015 The Rust Project Developers (gimli, memchr)",
          "Copyright (c) 2015 The Gimli Developers (object)",
          "Copyright (c) 2016 Amanieu d'Antras (hashbrown)",
          "Copyright (c) 2016-2018 The gimli Developers (addr2line)",
          "Copyright (c) 2017 Frommi, Copyright (c) 2017-2024 oyvindln (miniz_oxide)",
          "Copyright (c) Jonas Schievink (adler2)",
          "Copyright (c) 2019 The Crossbeam Project Developers (std::sync::mpmc)",
        ]),
      },
      apache,
      { name: "Unicode-3.0, of core's tables", text: readText("Unicode-3.0.txt") },
    ],
  };
  if (target.libc !== "musl") return [standardLibrary];
  return [
    standardLibrary,
    {
      name: "musl",
      version: "as Rust comes with it",
      licence: "MIT",
      source: "https://musl.libc.org",
      texts: [{ name: "MIT", text: mitText(["Copyright © 2005-2020 Rich Felker, et al."]) }],
    },
    {
      name: "LLVM's libunwind",
      version: "as Rust comes with it",
      licence: "Apache-2.0 WITH LLVM-exception",
      source: "https://github.com/llvm/llvm-project",
      texts: [apache, { name: "LLVM-exception", text: readText("LLVM-exception.txt") }],
    },
  ];
}
