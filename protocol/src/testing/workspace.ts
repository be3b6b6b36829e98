// The changes of a fake sidecar's workspace, and who is told of them.

import type { Change, ChangedData, ErrorBody } from "../protocol.js";
import type { Result } from "../requests.js";

/** What happened since the process started. Nothing was there then. */
export class FakeWorkspace {
  readonly #journal: Change[][] = [];
  readonly #subscriptions = new Set<string>();
  #lastSubscription = 0;

  /** The clock: it rises with every change, and is of this process alone. */
  get clock(): string {
    return this.#clockAt(this.#journal.length);
  }

  /** Takes changes, and gives what to tell each subscription. */
  change(changes: Change[]): ChangedData[] {
    this.#journal.push(changes);
    const { clock } = this;
    return [...this.#subscriptions].map((subscription) => ({ subscription, clock, fresh: false, changes }));
  }

  watch(): Result<"watch"> {
    this.#lastSubscription += 1;
    const subscription = `subscription-${this.#lastSubscription}`;
    this.#subscriptions.add(subscription);
    return { subscription, clock: this.clock };
  }

  /** Why not, if there is no such subscription. */
  unwatch(subscription: unknown): ErrorBody | undefined {
    if (typeof subscription === "string" && this.#subscriptions.delete(subscription)) return undefined;
    return { code: "unknown_subscription", message: `there is no subscription ${JSON.stringify(subscription)}` };
  }

  changesSince(since: unknown): Result<"changes"> {
    const tick = Array.from({ length: this.#journal.length + 1 }, (_, at) => this.#clockAt(at)).indexOf(String(since));
    const fresh = tick === -1;
    const last = new Map<string, Change>();
    for (const change of this.#journal.slice(fresh ? 0 : tick).flat()) last.set(change.path, change);
    const changes = [...last.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
    const there = changes.filter((change) => change.kind !== "deleted");
    return {
      clock: this.clock,
      fresh,
      changes: fresh ? there.map((change) => ({ ...change, kind: "created" })) : changes,
      synced: true,
    };
  }

  #clockAt(tick: number): string {
    return `fake-${process.pid}:${tick + 1}`;
  }
}
