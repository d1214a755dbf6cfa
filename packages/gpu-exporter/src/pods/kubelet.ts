/** Asks the kubelet which devices its containers have: one gRPC call over HTTP/2 on its socket. */
import { existsSync } from "node:fs";
import { connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { type ContainerDevices, decodePodResources } from "./protobuf.ts";

const METHOD = "/v1.PodResourcesLister/List";
/** Flag byte and length of an empty request message. */
const EMPTY_REQUEST = Buffer.alloc(5);
const HEAD = 5;
const MAX_ANSWER = 64 * 2 ** 20;

/**
 * What containers have, of all resources; nothing where there is no such socket, as outside Kubernetes. Throws an Error
 * when the kubelet does not answer in time or refuses.
 */
export async function listPodResources(socket: string, timeoutMs: number): Promise<ContainerDevices[]> {
  if (!existsSync(socket)) return [];
  const session = connect("http://localhost", { createConnection: () => connectSocket(socket) });
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const timer = setTimeout(() => reject(new Error(`the kubelet does not answer within ${timeoutMs} ms`)), timeoutMs);
  session.on("error", reject);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": METHOD,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let status: string | undefined;
    let message = "";
    const seeStatus = (headers: NodeJS.Dict<string | string[] | number>): void => {
      if (headers["grpc-status"] === undefined) return;
      status = String(headers["grpc-status"]);
      message = decodeURIComponent(String(headers["grpc-message"] ?? ""));
    };
    stream.on("response", seeStatus).on("trailers", seeStatus);
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER) reject(new Error("the kubelet's answer is too large"));
      else chunks.push(chunk);
    });
    stream.on("error", reject);
    stream.on("close", () => {
      if (status === "0") resolve(Buffer.concat(chunks));
      else reject(new Error(`the kubelet refuses: ${message || `status ${status ?? "none"}`}`));
    });
    stream.end(EMPTY_REQUEST);
    const body = await promise;
    if (body.length < HEAD || body[0] !== 0 || body.readUInt32BE(1) !== body.length - HEAD) {
      throw new Error("the kubelet's answer is malformed");
    }
    return decodePodResources(body.subarray(HEAD));
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
}
