import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { Json } from "../../api/json.ts";
import { eventually, sectionsOf, watch } from "../../test-server.ts";
import { nerveLabels, serversetLabels } from "./members.ts";

const GET_DATA = 4;
const GET_CHILDREN = 8;
const CONNECT = 0;

/** A ZooKeeper server with one session at a time: nodes, watches, pings. */
class TestZooKeeper implements AsyncDisposable {
  readonly nodes = new Map<string, string>();
  readonly #sockets = new Set<Socket>();
  /** Paths watched, by socket; each tells one event. */
  readonly #watched = new Map<Socket, Set<string>>();
  readonly #server = createServer((socket) => this.#serve(socket));
  pings = 0;
  /** Cuts answers into pieces of so many bytes. */
  pieceBytes = Number.POSITIVE_INFINITY;

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  set(path: string, data: string | undefined): void {
    if (data === undefined) this.nodes.delete(path);
    else this.nodes.set(path, data);
    this.#tell(path);
    this.#tell(path.slice(0, path.lastIndexOf("/")) || "/");
  }

  /** Ends all sessions. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #tell(path: string): void {
    for (const [socket, paths] of this.#watched) {
      if (!paths.delete(path)) continue;
      const name = Buffer.from(path);
      const event = Buffer.alloc(12 + name.length);
      event.writeInt32BE(3, 0);
      event.writeInt32BE(3, 4);
      event.writeInt32BE(name.length, 8);
      name.copy(event, 12);
      this.#answer(socket, -1, 0, event);
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#watched.delete(socket);
    });
    let greeted = false;
    let rest = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const frame = rest.subarray(4, 4 + rest.readInt32BE(0));
        rest = rest.subarray(4 + frame.length);
        if (greeted) this.#handle(socket, frame);
        else this.#greet(socket, frame);
        greeted = true;
      }
    });
  }

  #greet(socket: Socket, frame: Buffer): void {
    expect(frame.readInt32BE(0)).toBe(CONNECT);
    const answer = Buffer.alloc(4 + 4 + 4 + 8 + 4 + 16 + 1);
    answer.writeInt32BE(answer.length - 4, 0);
    answer.writeInt32BE(frame.readInt32BE(12), 8);
    answer.writeInt32BE(16, 20);
    this.#watched.set(socket, new Set());
    socket.write(answer);
  }

  #handle(socket: Socket, frame: Buffer): void {
    const xid = frame.readInt32BE(0);
    const operation = frame.readInt32BE(4);
    if (xid === -2) {
      this.pings++;
      this.#answer(socket, -2, 0);
      return;
    }
    if (frame.length <= 8) return;
    const path = frame.toString("utf8", 12, 12 + frame.readInt32BE(8));
    const data = this.nodes.get(path);
    // Only a node that is there can be watched by reading it.
    if (data !== undefined || operation === 3) this.#watched.get(socket)?.add(path);
    if (data === undefined) this.#answer(socket, xid, -101);
    else if (operation === GET_DATA) this.#answer(socket, xid, 0, counted(data));
    else if (operation === GET_CHILDREN) {
      const names = [...this.nodes.keys()]
        .filter((other) => other.startsWith(`${path}/`) && !other.includes("/", path.length + 1))
        .map((other) => counted(other.slice(path.length + 1)));
      const count = Buffer.alloc(4);
      count.writeInt32BE(names.length, 0);
      this.#answer(socket, xid, 0, Buffer.concat([count, ...names]));
    } else this.#answer(socket, xid, 0);
  }

  #answer(socket: Socket, xid: number, error: number, body: Buffer = Buffer.alloc(0)): void {
    const frame = Buffer.alloc(20 + body.length);
    frame.writeInt32BE(frame.length - 4, 0);
    frame.writeInt32BE(xid, 4);
    frame.writeInt32BE(error, 16);
    body.copy(frame, 20);
    for (let i = 0; i < frame.length; i += this.pieceBytes) socket.write(frame.subarray(i, i + this.pieceBytes));
  }
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length, 0);
  return Buffer.concat([length, bytes]);
}

const member = (host: string): string => JSON.stringify({ host, port: 80, name: "n" });

test("nodes come, change and go; what is no member is no target; a path that comes later is found", async () => {
  await using zookeeper = new TestZooKeeper();
  zookeeper.pieceBytes = 3;
  const server = await zookeeper.listen();
  zookeeper.set("/nerve", "");
  zookeeper.set("/nerve/a", member("a"));
  await using watched = watch(
    sectionsOf(`nerve_sd_configs: [{servers: ['${server}'], paths: [/nerve, /later], timeout: 300ms}]`),
  );
  const hosts = () => watched.targets()?.map(({ __address__ }) => __address__);
  await eventually(() => expect(hosts()).toEqual(["a:80"]));
  expect(watched.reason()).toContain("/later does not exist");
  zookeeper.set("/nerve/sub", "no json");
  zookeeper.set("/nerve/sub/b", member("b"));
  await eventually(() => expect(hosts()).toEqual(["a:80", "b:80"]));
  zookeeper.set("/nerve/a", member("c"));
  await eventually(() => expect(hosts()).toEqual(["b:80", "c:80"]));
  zookeeper.set("/later", "");
  zookeeper.set("/later/d", member("d"));
  await eventually(() => expect(hosts()).toEqual(["b:80", "c:80", "d:80"]));
  expect(watched.reason()).toBe("");
  zookeeper.set("/nerve/sub/b", undefined);
  zookeeper.set("/nerve/sub", undefined);
  await eventually(() => expect(hosts()).toEqual(["c:80", "d:80"]));
  await eventually(() => expect(zookeeper.pings).toBeGreaterThan(1));
});

test("a lost session keeps what was found, then only the differences are told", async () => {
  await using zookeeper = new TestZooKeeper();
  const server = await zookeeper.listen();
  zookeeper.set("/n", "");
  zookeeper.set("/n/a", member("a"));
  zookeeper.set("/n/b", member("b"));
  // The other server is not there: it is passed over.
  await using watched = watch(
    sectionsOf(`nerve_sd_configs: [{servers: ['${server}', '${server}', '127.0.0.1:1'], paths: [/n]}]`),
  );
  const hosts = () => watched.targets()?.map(({ __address__ }) => __address__);
  await eventually(() => expect(hosts()).toEqual(["a:80", "b:80"]), 4000);
  zookeeper.cut();
  await eventually(() => expect(watched.reason()).toContain("cannot follow"));
  zookeeper.nodes.delete("/n/a");
  zookeeper.nodes.set("/n/c", member("c"));
  expect(hosts()).toEqual(["a:80", "b:80"]);
  await eventually(() => expect(hosts()).toEqual(["b:80", "c:80"]), 15_000);
  expect(watched.reason()).toBe("");
}, 20_000);

test("a server that speaks something else is refused", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using watched = watch(sectionsOf(`serverset_sd_configs: [{servers: ['${address}'], paths: [/a]}]`));
  await eventually(() => expect(watched.reason()).toMatch(/cannot follow .*: ZooKeeper: an answer has \d+ bytes/));
  server.close();
});

test("labels, with field names in any case", () => {
  const serverset = {
    ServiceEndpoint: { Host: "h", port: 80 },
    additionalEndpoints: { "admin-http": { host: "h", port: 81 } },
    status: "ALIVE",
    shard: 2,
  };
  expect(serversetLabels(new Json(serverset), "/p")).toEqual({
    __address__: "h:80",
    __meta_serverset_path: "/p",
    __meta_serverset_endpoint_host: "h",
    __meta_serverset_endpoint_port: "80",
    __meta_serverset_endpoint_host_admin_http: "h",
    __meta_serverset_endpoint_port_admin_http: "81",
    __meta_serverset_status: "ALIVE",
    __meta_serverset_shard: "2",
  });
  expect(nerveLabels(new Json({ host: "::1", port: 80, name: "n" }), "/p")).toEqual({
    __address__: "[::1]:80",
    __meta_nerve_path: "/p",
    __meta_nerve_endpoint_host: "::1",
    __meta_nerve_endpoint_port: "80",
    __meta_nerve_endpoint_name: "n",
  });
});
