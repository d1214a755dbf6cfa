/** Listening on upstream's addresses: several of them, or the sockets that systemd opened. */
import type { RequestListener, Server } from "node:http";
import type { AddressInfo, ListenOptions } from "node:net";
import { UserError } from "@pharos/model/error";
import { prepareWeb, type WebServerOptions } from "./web-server.ts";

export interface WebListenerOptions extends WebServerOptions {
  /** As in flags: `:9100`, `127.0.0.1:9100`, `[::1]:9100`. */
  addresses: readonly string[];
  /** Takes systemd's sockets instead. */
  systemdSocket?: boolean;
}

export interface WebListener extends AsyncDisposable {
  /** Base URLs without a trailing slash, one an address. */
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/** Where to listen: an address, or a socket that is open already. */
type Place = ListenOptions & { fd?: number };

/** The first socket systemd passes on. */
const FIRST_DESCRIPTOR = 3;

function systemdSockets(): Place[] {
  // A launcher that passes them on could not know the id its child would have.
  const ids = [process.pid, process.ppid].map(String);
  const count = ids.includes(process.env.LISTEN_PID ?? "") ? Number(process.env.LISTEN_FDS) : 0;
  if (!(count > 0)) {
    throw new UserError("kit.listen", "no socket activation file descriptors found", {
      where: { flag: "--web.systemd-socket" },
      fix: "Start the program by a .socket unit of systemd",
    });
  }
  return Array.from({ length: count }, (_, i) => ({ fd: FIRST_DESCRIPTOR + i }));
}

function parseAddress(address: string): Place {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (!match || Number(match[3]) > 65_535) {
    const vsock = address.startsWith("vsock://");
    throw new UserError("kit.listen", `not an address to listen on: ${JSON.stringify(address)}`, {
      where: { flag: "--web.listen-address" },
      fix: vsock ? "Sockets of virtual machines (vsock) are not supported: use TCP" : "Write it like :9100",
    });
  }
  return { host: match[1] || match[2] || undefined, port: Number(match[3]) };
}

function listen(server: Server, options: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const where = { flag: "--web.listen-address" };
      const at = `port ${options.port} on ${options.host ?? "every interface"}`;
      if (error.code === "EADDRINUSE") {
        reject(new UserError("kit.port", `${at} is taken by another program`, { where, cause: error }));
      } else if (error.code === "EACCES") {
        const fix = "Use a port above 1023";
        reject(new UserError("kit.port", `not allowed to listen on ${at}`, { where, fix, cause: error }));
      } else reject(error);
    });
    server.listen(options, resolve);
  });
}

function urlOf(server: Server, secure: boolean, host: string | undefined): string {
  const scheme = secure ? "https" : "http";
  const address = server.address() as AddressInfo | string | null;
  if (address === null || typeof address === "string") return `${scheme}://localhost`;
  const name = !host || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `${scheme}://${name.includes(":") ? `[${name}]` : name}:${address.port}`;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    // A server of HTTP/2 closes its sessions itself.
    server.closeAllConnections?.();
  });
}

/** Serves `handler` on all addresses; throws, with nothing left open, when one of them cannot be had. */
export async function listenWeb(options: WebListenerOptions, handler: RequestListener): Promise<WebListener> {
  const places = options.systemdSocket ? systemdSockets() : options.addresses.map(parseAddress);
  if (places.length === 0) throw new UserError("kit.listen", "no web listen address or systemd socket flag specified");
  const { secure, createServer } = await prepareWeb(options);
  const servers: Server[] = [];
  const urls: string[] = [];
  const closeAll = async (): Promise<void> => {
    await Promise.all(servers.map(close));
  };
  try {
    for (const place of places) {
      const server = createServer(handler);
      await listen(server, place);
      servers.push(server);
      urls.push(urlOf(server, secure, place.host));
      options.log.info("Listening on", { address: urls.at(-1), tls: secure });
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  return { urls, close: closeAll, [Symbol.asyncDispose]: closeAll };
}
