import { UserError } from "@pharos/model";
import { describe, expect, test } from "vitest";
import { parseHuman } from "./collectors/bcache.ts";
import { parseBytes } from "./collectors/bcachefs.ts";
import { metricName } from "./collectors/ethtool.ts";
import { parseMountStats } from "./collectors/mountstats.ts";
import { parseGoDuration } from "./go-duration.ts";
import { parseMountInfo, stripRoot } from "./mounts.ts";
import { ownPattern, userPattern } from "./pattern.ts";
import { PciNames } from "./pci-names.ts";
import { zoneAt, zoneFrom } from "./timezone.ts";
import { parseResponse } from "./xml-rpc.ts";

test("sizes as bcache prints them: its fraction is of 1024", () => {
  expect(parseHuman("0")).toBe(0);
  expect(parseHuman("12345")).toBe(12345);
  expect(parseHuman("1.0k")).toBe(1024);
  expect(parseHuman("1.5k")).toBe(Math.trunc((1 + 5 / 10.24) * 1024));
  expect(parseHuman("-2.0M")).toBe(-2 * 1024 ** 2);
  expect(() => parseHuman("lots")).toThrow("not a size");
});

test("sizes as bcachefs prints them", () => {
  expect(parseBytes("1.5M")).toBe(1.5 * 1024 ** 2);
  expect(parseBytes(" 7 ")).toBe(7);
  expect(parseBytes("2k")).toBe(2048);
  expect(() => parseBytes("")).toThrow("not a size");
});

test("durations of Go's flags", () => {
  expect(parseGoDuration("f", "1m30s")).toBe(90_000);
  expect(parseGoDuration("f", "3.46608s")).toBeCloseTo(3466.08);
  expect(parseGoDuration("f", "500us")).toBe(0.5);
  expect(parseGoDuration("f", "0")).toBe(0);
  expect(() => parseGoDuration("f", "5")).toThrow(UserError);
});

test("patterns: what somebody gives is RE2, and is remembered by name", async () => {
  const pattern = await userPattern("f", "^(?P<disk>sd[a-z])$");
  expect([pattern.matches("sda"), pattern.matches("sda1"), pattern.matches("sda")]).toEqual([true, false, true]);
  expect(ownPattern("^lo$").matches("lo")).toBe(true);
  await expect(userPattern("f", "a(?=b)")).rejects.toThrow(UserError);
});

describe("mounts", () => {
  test("a line with and without optional fields, escaped spaces", () => {
    const text =
      "21 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro\n" +
      "30 21 0:40 / /mnt/a\\040b\\011c ro - tmpfs none\n";
    expect(parseMountInfo(text)).toEqual([
      {
        major: "8",
        minor: "1",
        mountPoint: "/",
        options: "rw,relatime",
        type: "ext4",
        device: "/dev/sda1",
        superOptions: "rw,errors=remount-ro",
      },
      {
        major: "0",
        minor: "40",
        mountPoint: "/mnt/a b\tc",
        options: "ro",
        type: "tmpfs",
        device: "none",
        superOptions: "",
      },
    ]);
    expect(() => parseMountInfo("what is this\n")).toThrow("not a line of mountinfo");
  });

  test("mount points as the machine itself sees them", () => {
    expect(stripRoot("/host/root", "/host/root")).toBe("/");
    expect(stripRoot("/host/root/var", "/host/root")).toBe("/var");
    expect(stripRoot("/var", "/")).toBe("/var");
  });
});

test("statistics of NFS mounts: UDP lacks what is about connections", () => {
  const block = (transport: string): string =>
    `device s:/e mounted on /m with fstype nfs4 statvers=1.1\n\tage:\t7\n\tbytes:\t1 2 3 4 5 6 7 8\n\txprt:\t${transport}\n\tper-op statistics\n\t        READ: 1 2 3 4 5 6 7 8\n\n`;
  const [plain, tcp] = parseMountStats(
    `device proc mounted on /proc with fstype proc\n${block("tcp 1 2 3 4 5 6 7 8 9 10 11 12 13")}`,
  );
  expect(plain).toEqual({ device: "proc", mountPoint: "/proc", nfs: undefined });
  expect(tcp.nfs).toMatchObject({
    age: 7,
    transports: [{ protocol: "tcp", values: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13"] }],
    operations: [{ name: "READ", values: ["1", "2", "3", "4", "5", "6", "7", "8"] }],
  });
  const [udp] = parseMountStats(block("udp 1 2 3 4 5 6 7 8 9 10"));
  expect(udp.nfs?.transports[0].values).toEqual("1 2 0 0 0 3 4 5 6 7 8 9 10".split(" "));
  expect(() => parseMountStats(block("tcp 1 2"))).toThrow("another form");
});

test("names of PCI devices, as exact as there are some", () => {
  const names = new PciNames(
    "# comment\n8086  Intel Corporation\n\t1237  440FX\n\t\t1af4 1100  Qemu virtual machine\nC 01  Mass storage controller\n\t08  NVM controller\n\t\t02  NVM Express\n",
  );
  expect(names.vendor(0x8086)).toBe("Intel Corporation");
  expect(names.vendor(0xffff)).toBe("ffff");
  expect(names.device(0x8086, 0x1237)).toBe("440FX");
  expect(names.subsystem(0x8086, 0x1237, 0x1af4, 0x1100)).toBe("Qemu virtual machine");
  expect(names.class(0x010802)).toBe("NVM Express");
  expect(names.class(0x010899)).toBe("NVM controller");
  expect(names.class(0x019900)).toBe("Mass storage controller");
  expect(names.class(0xff0000)).toBe("Unknown class (ff0000)");
});

test("counters of drivers under the names of metrics", () => {
  expect(metricName("rx_bytes")).toBe("node_ethtool_received_bytes");
  expect(metricName("port.tx_dropped")).toBe("node_ethtool_port_transmitted_dropped");
  expect(metricName("_Align errors")).toBe("node_ethtool_align_errors");
});

describe("time zones", () => {
  interface Type {
    offset: number;
    dst: number;
    name: string;
  }

  function block(version: string, width: 4 | 8, times: [number, number][], types: Type[]): Buffer {
    const head = Buffer.alloc(44);
    head.write(`TZif${version}`, "latin1");
    const names = types.map(({ name }) => `${name}\0`).join("");
    for (const [i, count] of [0, 0, 0, times.length, types.length, names.length].entries())
      head.writeUInt32BE(count, 20 + 4 * i);
    const at = Buffer.alloc(times.length * width);
    for (const [i, [time]] of times.entries()) {
      if (width === 8) at.writeBigInt64BE(BigInt(time), 8 * i);
      else at.writeInt32BE(time, 4 * i);
    }
    let offset = 0;
    const described = types.map(({ offset: seconds, dst, name }) => {
      const bytes = Buffer.alloc(6);
      bytes.writeInt32BE(seconds, 0);
      bytes[4] = dst;
      bytes[5] = offset;
      offset += name.length + 1;
      return bytes;
    });
    const typeOf = Buffer.from(times.map(([, type]) => type));
    return Buffer.concat([head, at, typeOf, ...described, Buffer.from(names, "latin1")]);
  }

  const CET = [
    { offset: 3600, dst: 0, name: "CET" },
    { offset: 7200, dst: 1, name: "CEST" },
  ];
  const at = (text: string): number => Date.parse(text) / 1000;

  test("transitions, and a rule for the time after the last of them", () => {
    const old = block("2", 4, [], [{ offset: 0, dst: 0, name: "XXX" }]);
    const times: [number, number][] = [
      [at("2020-03-29T01:00:00Z"), 1],
      [at("2020-10-25T01:00:00Z"), 0],
    ];
    const file = Buffer.concat([old, block("2", 8, times, CET), Buffer.from("\nCET-1CEST,M3.5.0,M10.5.0/3\n")]);
    const name = (text: string): string => zoneFrom(file, at(text)).name;
    expect(name("2019-07-01T00:00:00Z")).toBe("CET");
    expect(name("2020-07-01T00:00:00Z")).toBe("CEST");
    expect(name("2026-03-29T00:59:59Z")).toBe("CET");
    expect(name("2026-03-29T01:00:00Z")).toBe("CEST");
    expect(name("2026-10-25T00:59:59Z")).toBe("CEST");
    expect(name("2026-10-25T01:00:00Z")).toBe("CET");
    expect(zoneFrom(file, at("2026-07-01T00:00:00Z"))).toEqual({ name: "CEST", offset: 7200 });
  });

  test("south of the equator summer goes over the end of the year; names in brackets, days by number", () => {
    const with_ = (rule: string) =>
      Buffer.concat([block("2", 4, [], CET), block("2", 8, [], CET), Buffer.from(`\n${rule}\n`)]);
    const sydney = with_("AEST-10AEDT,M10.1.0,M4.1.0/3");
    expect(zoneFrom(sydney, at("2026-01-15T00:00:00Z"))).toEqual({ name: "AEDT", offset: 39_600 });
    expect(zoneFrom(sydney, at("2026-07-15T00:00:00Z"))).toEqual({ name: "AEST", offset: 36_000 });
    expect(zoneFrom(with_("<-03>3"), 0)).toEqual({ name: "-03", offset: -10_800 });
    const julian = with_("AAA0BBB,J60/0,J300/0");
    // The 29th of February is not counted: day 60 is the first of March in every year.
    expect(zoneFrom(julian, at("2024-02-29T12:00:00Z")).name).toBe("AAA");
    expect(zoneFrom(julian, at("2024-03-01T00:00:00Z")).name).toBe("BBB");
  });

  test("UTC where there is no zone, and for what is no file of one", () => {
    expect(zoneAt(0, "")).toEqual({ name: "UTC", offset: 0 });
    expect(zoneAt(0, "/does/not/exist")).toEqual({ name: "UTC", offset: 0 });
    expect(zoneAt(0, "/etc/hostname")).toEqual({ name: "UTC", offset: 0 });
    expect(() => zoneFrom(Buffer.from("TZif2"), 0)).toThrow();
  });
});

describe("XML-RPC", () => {
  test("values of every kind", () => {
    const xml = `<?xml version='1.0'?><methodResponse><params><param><value><array><data>
      <value><struct><member><name>name</name><value><string>a&amp;b</string></value></member>
      <member><name>state</name><value><int>20</int></value></member>
      <member><name>empty</name><value><string></string></value></member>
      <member><name>bare</name><value>text</value></member>
      <member><name>up</name><value><boolean>1</boolean></value></member></struct></value>
      </data></array></value></param></params></methodResponse>`;
    expect(parseResponse(xml)).toEqual([{ name: "a&b", state: 20, empty: "", bare: "text", up: true }]);
  });

  test("faults and nonsense are errors", () => {
    const fault =
      "<methodResponse><fault><value><struct><member><name>faultString</name><value><string>BAD</string></value></member></struct></value></fault></methodResponse>";
    expect(() => parseResponse(fault)).toThrow("BAD");
    expect(() => parseResponse("<html></html>")).toThrow("no value");
    expect(() => parseResponse("<value><array><data><value>")).toThrow("XML-RPC");
    expect(() => parseResponse("<value><array><data>".repeat(100))).toThrow("nested too deep");
  });
});
