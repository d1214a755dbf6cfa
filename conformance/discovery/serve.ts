/** A server of recorded answers, and what Pharos finds at it. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Discovery, parseSdConfigs } from "@pharos/discovery";
import { parseYaml, Registry, silentLogger } from "@pharos/kit";
import type { TargetLabels } from "@pharos/model";

export interface Answer {
  headers?: Record<string, string>;
  body: string;
}

export type Answering = (request: IncomingMessage, path: string, body: string) => Answer | undefined;

export interface Answered {
  name: string;
  /** One `*_sd_configs` section; `$URL` stands for the server's address. */
  yaml: string;
  answer: Answering;
}

export interface Serving extends AsyncDisposable {
  url: string;
}

export async function serve(answer: Answering): Promise<Serving> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const path = (request.url ?? "").replace(/[?].*/, "").replaceAll(/\/{2,}/g, "/");
    const given = answer(request, path, Buffer.concat(chunks).toString("utf8"));
    response.setHeader("content-type", "application/json");
    if (given === undefined) response.writeHead(404).end();
    else response.writeHead(200, given.headers).end(given.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function withAddress(yaml: string, url: string): string {
  return yaml.replaceAll("$URL", url);
}

const PATIENCE_MS = 5_000;

/** What a section finds, group labels merged in; its failure as a text. */
export async function lookUp(yaml: string, url: string): Promise<TargetLabels[] | string> {
  let found: TargetLabels[] | undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  const discovery = new Discovery({
    log: silentLogger,
    registry: new Registry(),
    throttleMs: 1,
    onUpdate: (_job, groups) => {
      found = groups.flatMap(({ labels, targets }) => targets.map((target) => ({ ...labels, ...target })));
      if (found.length > 0) resolve();
    },
  });
  try {
    const sdConfigs = parseSdConfigs(parseYaml(withAddress(yaml, url)).map()).map((section) => {
      const config = section.config as { endpoint?: string };
      // Most clouds have one fixed address.
      return config.endpoint?.startsWith("https:") ? { ...section, config: { ...config, endpoint: url } } : section;
    });
    discovery.apply([{ job: "job", sdConfigs }]);
    await Promise.race([promise, new Promise((done) => setTimeout(done, PATIENCE_MS))]);
    return (found ?? discovery.reasonFor("job")) || "nothing was found out in time";
  } finally {
    await discovery.stop();
  }
}
