import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAddress } from "./ip-address.ts";
import { attribute, attributesOf, NETLINK_ROUTE, Netlink, parseAttributes, parseMessages, text } from "./netlink.ts";
import { ssidOf } from "./nl80211.ts";
import { hardwareAddress, listLinks } from "./rtnetlink.ts";

/** A message as the kernel sends it. */
function message(type: number, body: Buffer): Buffer {
  const out = Buffer.alloc(16 + ((body.length + 3) & ~3));
  out.writeUInt32LE(16 + body.length, 0);
  out.writeUInt16LE(type, 4);
  body.copy(out, 16);
  return out;
}

describe("messages", () => {
  test("several in one answer, bodies of any length", () => {
    const received = Buffer.concat([message(16, Buffer.from("abcde")), message(3, Buffer.alloc(4))]);
    expect(parseMessages(received).map(({ type, body }) => [type, body.toString("latin1")])).toEqual([
      [16, "abcde"],
      [3, "\0\0\0\0"],
    ]);
  });

  test("attributes: nested ones have a flag in their type, the last of a type counts", () => {
    const bytes = Buffer.concat([
      attribute(1, Buffer.from("x\0")),
      attribute(0x8002, attribute(7, Buffer.from([1]))),
      attribute(1, Buffer.from("lo\0")),
    ]);
    const attributes = parseAttributes(bytes);
    expect(text(attributes.get(1))).toBe("lo");
    expect(parseAttributes(attributes.get(2)!).get(7)).toEqual(Buffer.from([1]));
    expect([...attributesOf(bytes)].map(([type]) => type)).toEqual([1, 2, 1]);
  });

  test("impossible lengths are errors, never endless loops", () => {
    expect(() => parseMessages(message(1, Buffer.alloc(4)).fill(0, 0, 4))).toThrow("0 bytes");
    const attribute4 = Buffer.from([2, 0, 1, 0]);
    expect(() => parseAttributes(attribute4)).toThrow("2 bytes");
    expect(() => parseAttributes(Buffer.from([200, 0, 1, 0]))).toThrow("200 bytes");
  });

  test("any bytes are parsed or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const parse of [parseMessages, parseAttributes, ssidOf]) {
          try {
            parse(Buffer.from(bytes));
          } catch (error) {
            expect((error as Error).message).toMatch(/^netlink: /);
          }
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe.runIf(process.platform === "linux")("this machine", () => {
  test("has a loopback device", () => {
    const lo = listLinks().find(({ name }) => name === "lo");
    expect(lo).toMatchObject({ index: 1, type: 772, mtu: expect.any(Number) });
    expect(lo!.flags & 8).toBe(8);
    expect(lo!.stats!.get("receive_bytes")).toBeGreaterThanOrEqual(0);
  });

  test("an error of the kernel's has its name", () => {
    using connection = new Netlink(NETLINK_ROUTE);
    // No such kind of message.
    expect(() => connection.ask(9999, Buffer.alloc(16))).toThrow(/EOPNOTSUPP|EINVAL|EPERM|ENOTSUP/);
  });

  test("a family the kernel has not is an error", () => {
    expect(() => new Netlink(250)).toThrow("socket");
  });
});

test("addresses", () => {
  expect(hardwareAddress(Buffer.from([2, 66, 172, 17, 0, 2]))).toBe("02:42:ac:11:00:02");
  expect(formatAddress(Buffer.from([10, 0, 0, 1]))).toBe("10.0.0.1");
  const v6 = (hex: string): string => formatAddress(Buffer.from(hex, "hex"));
  expect(v6("00000000000000000000000000000000")).toBe("::");
  expect(v6("00000000000000000000000000000001")).toBe("::1");
  expect(v6("20010db8000000000001000000000001")).toBe("2001:db8::1:0:0:1");
  expect(v6("20010db8000100020003000400050006")).toBe("2001:db8:1:2:3:4:5:6");
  expect(v6("20010db8000000010002000300040005")).toBe("2001:db8:0:1:2:3:4:5");
  expect(v6("00000000000000000000ffff0a000001")).toBe("10.0.0.1");
});
