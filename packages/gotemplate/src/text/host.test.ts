import { expect, test } from "vitest";
import { isIp, joinHostPort, splitHostPort } from "./host.ts";

test.each([
  ["a:80", { host: "a", port: "80" }],
  ["[::1]:80", { host: "::1", port: "80" }],
  ["a:", { host: "a", port: "" }],
  [":80", { host: "", port: "80" }],
  ["a", undefined],
  ["::1", undefined],
  ["[::1]", undefined],
  ["a[b]:80", undefined],
])("splits %s", (address, want) => {
  expect(splitHostPort(address)).toEqual(want);
});

test.each(["1.2.3.4", "::", "::1", "1:2:3:4:5:6:7:8", "1::8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "ABCD::"])(
  "%s is an address",
  (text) => {
    expect(isIp(text)).toBe(true);
  },
);

test.each([
  "",
  "1.2.3",
  "1.2.3.256",
  "01.2.3.4",
  "a",
  "1:2",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8:9",
  "::1%eth0",
  "12345::",
  "1.2.3.4::",
  "::g",
])("%s is none", (text) => {
  expect(isIp(text)).toBe(false);
});

test("joins", () => {
  expect(joinHostPort("a", "1")).toBe("a:1");
  expect(joinHostPort("::1", "1")).toBe("[::1]:1");
});
