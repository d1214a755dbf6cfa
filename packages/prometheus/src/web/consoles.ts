/** /consoles/*: pages made of templates in a folder; /user/*: files of another one as they are. */
import { globSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, extname, join, normalize, sep } from "node:path";
import { CONSOLE_PRELUDE, consoleData, expandPrometheusConsole } from "@pharos/gotemplate";
import { describeError, type Labels } from "@pharos/model";
import type { RuleQuery } from "@pharos/rules";
import type { FastifyInstance, FastifyReply } from "fastify";

export interface ConsoleContext {
  /** Folders of the pages and of the texts they share. */
  templates: string;
  libraries: string;
  userAssets: string | undefined;
  query: RuleQuery;
  externalUrl: () => string;
  externalLabels: () => Labels;
  now: () => number;
}

const TEXT = "text/plain; charset=utf-8";
const MAX_PAGE_BYTES = 4 * 2 ** 20;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".txt": TEXT,
};

/** The file below a folder, links followed; undefined when it is not there, not a file, or elsewhere. */
function fileBelow(folder: string, path: string): string | undefined {
  try {
    const root = realpathSync(folder);
    const file = realpathSync(join(root, normalize(`/${path}`)));
    const stat = statSync(file);
    return file.startsWith(root + sep) && stat.isFile() && stat.size <= MAX_PAGE_BYTES ? file : undefined;
  } catch {
    return undefined;
  }
}

function notFound(reply: FastifyReply, path: string): FastifyReply {
  return reply.code(404).type(TEXT).send(`open ${path}: no such file or directory\n`);
}

export function mountConsoles(app: FastifyInstance, context: ConsoleContext): void {
  app.get<{ Params: { "*": string } }>("/consoles/*", async (request, reply) => {
    const name = request.params["*"];
    const file = fileBelow(context.templates, name);
    if (file === undefined) return notFound(reply, join(context.templates, name));
    const query = new URLSearchParams(request.raw.url!.split("?")[1] ?? "");
    const params: Record<string, string[]> = {};
    for (const key of new Set(query.keys())) params[key] = query.getAll(key);
    try {
      const page = await expandPrometheusConsole(CONSOLE_PRELUDE + readFileSync(file, "utf8"), {
        name: `__console_/${name}`,
        data: consoleData({ params, path: name, externalLabels: context.externalLabels().toObject() }),
        libraries: globSync(join(context.libraries, "*.lib"))
          .sort()
          .map((path) => ({ name: basename(path), text: readFileSync(path, "utf8") })),
        externalUrl: context.externalUrl(),
        timestampMs: context.now(),
        query: async (expr, timeMs) => {
          const { samples } = await context.query(expr, timeMs);
          return samples.map(({ labels, value }) => ({ labels: labels.toObject(), value }));
        },
      });
      return await reply.type("text/html; charset=utf-8").send(page);
    } catch (error) {
      return reply
        .code(500)
        .type(TEXT)
        .send(`${describeError(error)}\n`);
    }
  });

  const { userAssets } = context;
  if (userAssets === undefined) return;
  app.get<{ Params: { "*": string } }>("/user/*", async (request, reply) => {
    const name = request.params["*"];
    const file = fileBelow(userAssets, name) ?? fileBelow(userAssets, join(name, "index.html"));
    if (file === undefined) return reply.code(404).type(TEXT).send("404 page not found\n");
    return reply.type(TYPES[extname(file)] ?? "application/octet-stream").send(readFileSync(file));
  });
}
