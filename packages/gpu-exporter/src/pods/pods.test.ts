import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dcgmFamilies, nvidiaGpuFamilies } from "../families.ts";
import type { Device, Reading } from "../reading.ts";
import { listPodResources } from "./kubelet.ts";
import { ownersOf } from "./owners.ts";
import { decodePodResources } from "./protobuf.ts";

/** Length-delimited field. */
const field = (number: number, value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
};

function pod(name: string, resource: string, ...ids: string[]): Buffer {
  const topology = field(3, field(1, Buffer.from([0x08, 0x01])));
  const devices = Buffer.concat([field(1, resource), ...ids.map((id) => field(2, id)), topology]);
  // Field 3 of a container are numbers of CPUs.
  const container = Buffer.concat([field(1, "main"), field(2, devices), Buffer.from([0x18, 0x96, 0x01])]);
  return field(1, Buffer.concat([field(1, name), field(2, "team"), field(3, container)]));
}

const ANSWER = Buffer.concat([pod("a", "nvidia.com/gpu", "GPU-0"), pod("b", "example.com/nic", "GPU-1")]);

test("the kubelet's message", () => {
  expect(decodePodResources(ANSWER)).toEqual([
    { namespace: "team", pod: "a", container: "main", resource: "nvidia.com/gpu", ids: ["GPU-0"] },
    { namespace: "team", pod: "b", container: "main", resource: "example.com/nic", ids: ["GPU-1"] },
  ]);
  expect(decodePodResources(Buffer.alloc(0))).toEqual([]);
});

test("any bytes are a message or malformed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(60), (noise, at) => {
      const bytes = Buffer.concat([ANSWER.subarray(0, at), Buffer.from(noise)]);
      try {
        decodePodResources(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { seed: 19, numRuns: 2000 },
  );
});

const device: Device = {
  index: 0,
  minorNumber: 4,
  uuid: "GPU-0",
  name: "X",
  pciBusId: "p",
  lost: false,
  figures: { gpuUtilization: 1, bufferUsed: 2 ** 20 },
  instances: [{ uuid: "MIG-1", gpuInstance: 7, profile: "1g", figures: { bufferUsed: 2 ** 21 } }],
};
const reading: Reading = { source: "nvml", driverVersion: "1", libraryVersion: "", count: 1, devices: [device] };

test.each([
  ["nvidia.com/gpu", "GPU-0", true, false],
  ["nvidia.com/gpu", "GPU-0::3", true, false],
  ["nvidia.com/gpu", "nvidia4", true, false],
  ["nvidia.com/gpu", "nvidia4/vgpu2", true, false],
  ["nvidia.com/gpu", "nvidia4/gi7", false, true],
  ["nvidia.com/mig-1g.10gb", "MIG-1", false, true],
  ["nvidia.com/mig-1g.10gb", "MIG-1::0", false, true],
  ["example.com/shared", "GPU-0", true, false],
  ["example.com/other", "GPU-0", false, false],
])("%s %s", (resource, id, whole, slice) => {
  const podOf = ownersOf([{ namespace: "n", pod: "p", container: "c", resource, ids: [id] }], ["example.com/shared"]);
  expect(podOf(device) !== undefined).toBe(whole);
  expect(podOf(device, device.instances[0]) !== undefined).toBe(slice);
});

test("the pod is among the labels of what it has", () => {
  const podOf = ownersOf(decodePodResources(ANSWER), []);
  const [, , , duty] = nvidiaGpuFamilies(reading, podOf);
  expect(duty.metrics[0].labels.slice(-6)).toEqual(["container", "main", "namespace", "team", "pod", "a"]);
  const used = dcgmFamilies(reading, "h", podOf).find(({ name }) => name === "DCGM_FI_DEV_FB_USED")!;
  expect(used.metrics.map(({ labels }) => labels.includes("team"))).toEqual([true, false]);
});

describe("over the socket", () => {
  let dir: string;
  let socket: string;
  let server: Http2Server;
  let answer: (stream: ServerHttp2Stream, path: string) => void;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "pharos-kubelet-"));
    socket = join(dir, "kubelet.sock");
    server = createServer();
    server.on("stream", (stream, headers) => answer(stream as ServerHttp2Stream, headers[":path"] as string));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
  });
  afterEach(() => {
    server.close();
    rmSync(dir, { recursive: true });
  });

  function reply(stream: ServerHttp2Stream, message: Buffer, status = "0", words = ""): void {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status, "grpc-message": words }));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    // In two pieces, as it may come.
    stream.write(head.subarray(0, 3));
    stream.end(Buffer.concat([head.subarray(3), message]));
  }

  test("the call, and what comes back", async () => {
    let path = "";
    answer = (stream, asked) => {
      path = asked;
      reply(stream, ANSWER);
    };
    expect(await listPodResources(socket, 2_000)).toHaveLength(2);
    expect(path).toBe("/v1.PodResourcesLister/List");
  });

  test("refusals, silence and nonsense are errors; no socket is no pods", async () => {
    answer = (stream) => reply(stream, Buffer.alloc(0), "12", "unknown%20method");
    await expect(listPodResources(socket, 2_000)).rejects.toThrow("unknown method");
    answer = () => {};
    await expect(listPodResources(socket, 100)).rejects.toThrow("within 100 ms");
    answer = (stream) => reply(stream, Buffer.from([0x0a, 0x7f]));
    await expect(listPodResources(socket, 2_000)).rejects.toThrow("malformed");
    expect(await listPodResources(join(dir, "none.sock"), 100)).toEqual([]);
  });
});
