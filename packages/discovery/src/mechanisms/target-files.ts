/** Target groups as file_sd and http_sd have them: `[{"targets": ["host:port"], "labels": {}}]`. */
import type { YamlNode } from "@pharos/kit";
import { type TargetGroup, UserError } from "@pharos/model";

/** From YAML, with file and line in complaints. `labels` are added to each group; sources are numbered from 0. */
export function readYamlGroups(root: YamlNode, source: string, labels: Record<string, string>): TargetGroup[] {
  return root.items().map((node, i) => {
    if (node.isNull) throw node.error(`nil target group item found (index ${i})`, { code: "discovery.groups" });
    const map = node.map();
    const targets = (map.get("targets")?.items() ?? []).map((item) => ({ __address__: item.string() }));
    const own = map.get("labels")?.stringMap() ?? {};
    map.done("struct");
    return { source: `${source}:${i}`, labels: { ...own, ...labels }, targets };
  });
}

function invalid(source: string, what: string): UserError {
  return new UserError("discovery.groups", `${what} in target groups`, { where: { file: source } });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** From JSON, which may be large: no positions are kept. A UserError when it is no list of target groups. */
export function readJsonGroups(text: string, source: string, labels: Record<string, string>): TargetGroup[] {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new UserError("discovery.groups", error instanceof Error ? error.message : String(error), {
      where: { file: source },
      cause: error,
    });
  }
  if (!Array.isArray(root)) throw invalid(source, "a list is expected");
  return root.map((group: unknown, i): TargetGroup => {
    if (group === null) throw invalid(source, `nil target group item found (index ${i})`);
    if (!isRecord(group)) throw invalid(source, `group ${i} is no object`);
    const { targets = [], labels: own = {}, ...rest } = group;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw invalid(source, `unknown field ${JSON.stringify(unknown)}`);
    if (!Array.isArray(targets) || targets.some((target) => typeof target !== "string")) {
      throw invalid(source, `targets of group ${i} are no list of strings`);
    }
    if (!isRecord(own ?? {}) || Object.values(own ?? {}).some((value) => typeof value !== "string")) {
      throw invalid(source, `labels of group ${i} are no strings`);
    }
    return {
      source: `${source}:${i}`,
      labels: { ...(own as Record<string, string> | null), ...labels },
      targets: targets.map((address: string) => ({ __address__: address })),
    };
  });
}

/** Groups that take away those numbered from `from` up to before `to`. */
export function emptyGroups(source: string, from: number, to: number): TargetGroup[] {
  const out: TargetGroup[] = [];
  for (let i = from; i < to; i++) out.push({ source: `${source}:${i}`, labels: {}, targets: [] });
  return out;
}
