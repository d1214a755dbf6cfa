import { describe, expect, test } from "vitest";
import { AssetStore } from "./assets.ts";
import { lookupOf } from "./testing/objects.ts";

const SECRET = "hunter2-never-to-be-seen";
const store = () =>
  new AssetStore(lookupOf({ "Secret/ns/s": { pass: SECRET, user: "bob" }, "ConfigMap/ns/c": { id: "me" } }), "/certs");

describe("assets", () => {
  test("values are read from the namespace of the object that refers to them", () => {
    const assets = store();
    expect(assets.secret("ns", { name: "s", key: "user" })).toBe("bob");
    expect(assets.value("ns", { configMap: { name: "c", key: "id" } })).toBe("me");
    expect(assets.value("ns", {})).toBe("");
    expect(() => assets.secret("elsewhere", { name: "s", key: "user" })).toThrow("Secret elsewhere/s does not exist");
  });

  test("errors name keys and never values", () => {
    const error = (() => {
      try {
        store().secret("ns", { name: "s", key: "absent" });
      } catch (thrown) {
        return thrown as Error & { describe(): string };
      }
      throw new Error("it should have failed");
    })();
    expect(error.describe()).toContain("Its keys are: pass, user");
    expect(error.describe()).not.toContain(SECRET);
  });

  test("everything asked for is remembered, whether it was found or not", () => {
    const assets = store();
    assets.secret("ns", { name: "s", key: "user" });
    expect(() => assets.value("ns", { configMap: { name: "gone", key: "k" } })).toThrow();
    assets.all("Secret", "ns", "whole");
    expect([...assets.references]).toEqual(["Secret/ns/s", "ConfigMap/ns/gone", "Secret/ns/whole"]);
  });

  test("TLS material becomes files under upstream's names", () => {
    const assets = store();
    expect(assets.file("ns", { secret: { name: "s", key: "pass" } })).toBe("/certs/0_ns_s_pass");
    expect(assets.file("ns", { configMap: { name: "c", key: "id" } })).toBe("/certs/1_ns_c_id");
    expect([...assets.files]).toEqual([
      ["0_ns_s_pass", SECRET],
      ["1_ns_c_id", "me"],
    ]);
  });

  test("an optional reference may lead nowhere", () => {
    const assets = store();
    expect(assets.secretIfThere("ns", { name: "no", key: "k", optional: true })).toBeUndefined();
    expect(() => assets.secretIfThere("ns", { name: "no", key: "k" })).toThrow();
  });
});
