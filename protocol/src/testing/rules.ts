// Which rule applies when.

import type { FakeAction, FakeMoment, FakeRule } from "./script.js";

/** The rules of a process, and how often each had its time. */
export class Rules {
  readonly #run: number;
  #rules: { rule: FakeRule; times: number }[] = [];

  /** `run`: the how-manieth process this is. */
  constructor(rules: FakeRule[], run: number) {
    this.#run = run;
    this.prepend(rules);
  }

  /** Rules that come before those there are. */
  prepend(rules: FakeRule[]): void {
    this.#rules = [...rules.map((rule) => ({ rule, times: 0 })), ...this.#rules];
  }

  /** What to do now; `method` at the moments of a request. */
  actionsAt(moment: FakeMoment, method?: string): FakeAction[] {
    let chosen: FakeRule | undefined;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.on !== moment || (rule.method ?? method) !== method || (rule.run ?? this.#run) !== this.#run) continue;
      entry.times += 1;
      if (rule.nth === undefined || rule.nth === entry.times) chosen ??= rule;
    }
    return chosen === undefined ? ["behave"] : listed(chosen.do);
  }
}

/** One action or many, as many. */
export function listed(actions: FakeAction | FakeAction[] = []): FakeAction[] {
  return Array.isArray(actions) ? actions : [actions];
}
