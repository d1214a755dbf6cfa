/** The same blocks under Pharos' engine and under a real Prometheus. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppendResult } from "@pharos/model";
import { Engine } from "@pharos/promql";
import { type Db, openDb } from "@pharos/tsdb";
import type { Outcome } from "./compare.ts";
import type { DataSeries } from "./data.ts";
import { type PeerAnswer, PeerPrometheus } from "./peer.ts";

export interface WorldOptions {
  /** Folder of the `prometheus` binary. */
  peers: string;
  series: readonly DataSeries[];
  delayedNameRemoval: boolean;
}

export class World implements AsyncDisposable {
  readonly #dir: string;
  readonly #db: Db;
  readonly #peer: PeerPrometheus;
  readonly #engine: Engine;

  private constructor(dir: string, db: Db, peer: PeerPrometheus, delayedNameRemoval: boolean) {
    this.#dir = dir;
    this.#db = db;
    this.#peer = peer;
    this.#engine = new Engine({ experimentalFunctions: true, delayedNameRemoval });
  }

  static async open({ peers, series, delayedNameRemoval }: WorldOptions): Promise<World> {
    const dir = mkdtempSync(join(tmpdir(), "pharos-promql-"));
    await writeBlocks(dir, series);
    cpSync(join(dir, "blocks"), join(dir, "peer"), { recursive: true });
    const features = ["promql-experimental-functions", "promql-duration-expr"];
    if (delayedNameRemoval) features.push("promql-delayed-name-removal");
    const peer = await PeerPrometheus.start(peers, join(dir, "peer"), features);
    return new World(dir, await openDb({ dir: join(dir, "blocks") }), peer, delayedNameRemoval);
  }

  /** Times in ms; a step of 0 is an instant query at `start`. */
  async ask(query: string, start: number, end: number, step: number): Promise<{ own: Outcome; peer: PeerAnswer }> {
    const asked = this.#peer.query(query, start, end, step);
    let own: Outcome;
    try {
      const result =
        step === 0
          ? await this.#engine.instant(this.#db, query, start)
          : await this.#engine.range(this.#db, query, start, end, step);
      own = { result };
    } catch (error) {
      own = { error };
    }
    return { own, peer: await asked };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
    await this.#db.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Fills a database and keeps its blocks in `dir/blocks`. */
async function writeBlocks(dir: string, series: readonly DataSeries[]): Promise<void> {
  const source = await openDb({ dir: join(dir, "source") });
  const appender = source.appender();
  for (const { labels, samples } of series) {
    const ref = appender.series(labels);
    for (const { t, value, stale, histogram } of samples) {
      const result = stale
        ? appender.appendStale(ref, t)
        : histogram
          ? appender.appendHistogram(ref, t, histogram)
          : appender.append(ref, t, value!);
      if (result !== AppendResult.ok) throw new Error(`${labels} at ${t}: refused with ${result}`);
    }
  }
  appender.commit();
  const snapshots = join(dir, "snapshots");
  mkdirSync(snapshots);
  await source.snapshot(snapshots, true);
  await source.close();
  renameSync(join(snapshots, readdirSync(snapshots)[0]), join(dir, "blocks"));
}
