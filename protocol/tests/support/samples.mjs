// Values of every type of the contract: the parts of real lines, told apart by the JSON Schema.

import { readFileSync } from "node:fs";

import Ajv from "ajv/dist/2020.js";

export const schema = JSON.parse(readFileSync(new URL("../../schema.json", import.meta.url), "utf8"));

const ajv = new Ajv({ strict: true, allowUnionTypes: true });
ajv.addVocabulary(["x-methods", "x-events"]);
ajv.addSchema(schema, "contract");

/** The check of a part of the JSON Schema, such as `#/$defs/Path`. */
export function check(place) {
  return ajv.getSchema(`contract${place}`);
}

/** The names of the contract's types. */
export const typeNames = Object.keys(schema.$defs);

/** More of a type are not kept. */
const ENOUGH = 40;

/** Values by the name of their type, without repetition, the shortest first. */
export function samplesOf(lines) {
  const found = new Map(typeNames.map((name) => [name, new Map()]));

  function visit(value, part, place) {
    if (part.$ref) {
      const name = part.$ref.slice("#/$defs/".length);
      const values = found.get(name);
      const text = JSON.stringify(value);
      if (values.has(text)) return;
      values.set(text, value);
      visit(value, schema.$defs[name], part.$ref);
    }
    for (const key of ["oneOf", "anyOf"]) {
      for (const [index, alternative] of (part[key] ?? []).entries()) {
        const below = `${place}/${key}/${index}`;
        if (check(below)(value)) visit(value, alternative, below);
      }
    }
    for (const [name, field] of Object.entries(part.properties ?? {})) {
      if (Object.hasOwn(value, name)) visit(value[name], field, `${place}/properties/${name}`);
    }
    if (part.items) for (const item of value) visit(item, part.items, `${place}/items`);
  }

  for (const line of lines) visit(line, schema, "#");
  return new Map(
    [...found].map(([name, values]) => {
      const texts = [...values.keys()].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
      return [name, texts.slice(0, ENOUGH).map((text) => values.get(text))];
    }),
  );
}
