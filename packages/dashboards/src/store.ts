/**
 * Dashboards from everywhere: provisioned folders, objects handed in at run time (ConfigMaps), and files people saved in the
 * UI. The JSON is Grafana's and is kept as it is, unknown parts included.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { type Logger, writeFileAtomic } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";

export interface Dashboard {
  uid: string;
  title: string;
  tags: string[];
  folder: string;
  /** Where it comes from, for people: a file or an object. */
  source: string;
  /** Saved in the UI, and so may be saved again. */
  editable: boolean;
  /** Name of the file or of the object's key. */
  file: string;
  json: Record<string, unknown>;
}

export interface DashboardText {
  name: string;
  json: string;
  folder?: string;
}

export interface DashboardStoreOptions {
  /** Folder of dashboards saved in the UI. */
  dir: string;
  /** Folders of JSON files that come with the product. */
  provisioned: readonly string[];
  log: Logger;
}

export interface DashboardProblem {
  object: string;
  message: string;
  fix?: string;
}

const SAVED = "saved";

/** As in URLs: lower case, words joined by dashes. */
export function slugOf(title: string): string {
  return (
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "dashboard"
  );
}

function parse({ name, json, folder }: DashboardText, source: string, editable: boolean): Dashboard {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new UserError("dashboards.json", `${name} is not JSON: ${describeError(error)}`, {
      fix: "Export the dashboard again",
    });
  }
  // Grafana's API wraps what its files hold bare.
  const record = (value as { dashboard?: unknown } | null)?.dashboard ?? value;
  if (typeof record !== "object" || record === null || Array.isArray(record))
    throw new UserError("dashboards.json", `${name} is not a dashboard`);
  const dashboard = record as Record<string, unknown>;
  const title = typeof dashboard.title === "string" ? dashboard.title : "";
  if (title === "") throw new UserError("dashboards.json", `${name} has no title`, { fix: "Give it one" });
  const uid =
    typeof dashboard.uid === "string" && dashboard.uid !== ""
      ? dashboard.uid
      : slugOf(`${folder ?? ""} ${title}`).slice(0, 40);
  return {
    uid,
    title,
    tags: Array.isArray(dashboard.tags) ? dashboard.tags.filter((tag) => typeof tag === "string") : [],
    folder: folder ?? "",
    source,
    editable,
    file: name,
    json: dashboard,
  };
}

function versionOf(json: Record<string, unknown> | undefined): number {
  return typeof json?.version === "number" ? json.version : 0;
}

export class DashboardStore {
  readonly #options: DashboardStoreOptions;
  readonly #sources = new Map<string, Dashboard[]>();
  readonly #problems = new Map<string, DashboardProblem[]>();

  constructor(options: DashboardStoreOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true });
    for (const folder of options.provisioned) this.#load(`folder ${basename(folder)}`, folder, false);
    this.#load(SAVED, options.dir, true);
  }

  /** Replaces all dashboards of a source; a bad one becomes a problem and the others are taken. */
  set(source: string, texts: readonly DashboardText[], editable = false): void {
    const dashboards: Dashboard[] = [];
    const problems: DashboardProblem[] = [];
    for (const text of texts) {
      try {
        dashboards.push(parse(text, source, editable));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        problems.push({ object: source, message: error.message, fix: error.fix });
        this.#options.log.warn("dashboard left out", { source, err: error });
      }
    }
    if (dashboards.length > 0) this.#sources.set(source, dashboards);
    else this.#sources.delete(source);
    if (problems.length > 0) this.#problems.set(source, problems);
    else this.#problems.delete(source);
  }

  /** By title; of several with one uid the saved one wins, else the first. */
  list(): Dashboard[] {
    const byUid = new Map<string, Dashboard>();
    for (const dashboard of [...this.#sources.values()].flat()) {
      if (!byUid.has(dashboard.uid) || dashboard.editable) byUid.set(dashboard.uid, dashboard);
    }
    return [...byUid.values()].sort((a, b) => a.title.localeCompare(b.title));
  }

  get(uid: string): Dashboard | undefined {
    return this.list().find((dashboard) => dashboard.uid === uid);
  }

  /** Whether a dashboard of this uid comes from elsewhere too, to which deleting the saved one leads back. */
  hasOriginal(uid: string): boolean {
    return [...this.#sources.values()].flat().some((dashboard) => dashboard.uid === uid && !dashboard.editable);
  }

  problems(): DashboardProblem[] {
    return [...this.#problems.values()].flat();
  }

  /**
   * Saves a dashboard as a file; answers what is stored now. Unless it overwrites, its version must be the stored one's:
   * else somebody saved in between.
   */
  save(json: Record<string, unknown>, overwrite = false): Dashboard {
    const dashboard = parse({ name: "the dashboard", json: JSON.stringify(json) }, SAVED, true);
    if (!/^[A-Za-z0-9_-]{1,40}$/.test(dashboard.uid))
      throw new UserError("dashboards.uid", "the uid may have letters, digits, _ and -, at most 40");
    const stored = this.get(dashboard.uid);
    const version = versionOf(stored?.json);
    if (stored && !overwrite && versionOf(json) !== version) {
      throw new UserError("dashboards.version", "the dashboard has been changed by somebody else", {
        fix: "Load it again, or save with overwrite",
      });
    }
    dashboard.json = { ...dashboard.json, uid: dashboard.uid, version: version + 1 };
    writeFileAtomic(
      join(this.#options.dir, `${dashboard.uid}.json`),
      `${JSON.stringify(dashboard.json, undefined, 2)}\n`,
    );
    this.#load(SAVED, this.#options.dir, true);
    return dashboard;
  }

  /** Deletes a saved dashboard; one of the same uid from elsewhere shows again. False when none is saved. */
  remove(uid: string): boolean {
    const saved = this.#sources.get(SAVED)?.find((dashboard) => dashboard.uid === uid);
    if (!saved) return false;
    rmSync(join(this.#options.dir, saved.file), { force: true });
    this.#load(SAVED, this.#options.dir, true);
    return true;
  }

  #load(source: string, folder: string, editable: boolean): void {
    const names = existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => name.endsWith(".json"))
          .sort()
      : [];
    this.set(
      source,
      names.map((name) => ({ name, json: readFileSync(join(folder, name), "utf8") })),
      editable,
    );
  }
}
