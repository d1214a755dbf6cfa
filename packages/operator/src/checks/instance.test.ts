import { expect, test } from "vitest";
import { prometheus, scopeOf } from "../testing/objects.ts";
import { checkInstance } from "./instance.ts";

const SECRETS = { "Secret/default/login": { user: "me", password: "very-secret" } };
const ref = (key: string) => ({ name: "login", key });
const basicAuth = { username: ref("user"), password: ref("password") };
const check = (spec: object) => () => checkInstance(scopeOf(prometheus(spec), SECRETS));
const write = (fields: object) => check({ remoteWrite: [{ url: "https://far/write", ...fields }] });

test.each<[string, object]>([
  ["an empty one", {}],
  ["remote write with a login", { remoteWrite: [{ url: "https://far/write", basicAuth }] }],
  ["Azure AD by one way", { remoteWrite: [{ url: "https://far", azureAd: { sdk: { tenantId: "t" } } }] }],
  ["many shards", { shards: 1000 }],
  ["size limits", { bodySizeLimit: "10MB", enforcedBodySizeLimit: "1GB" }],
])("fine: %s", (_name, spec) => {
  expect(check(spec)).not.toThrow();
});

test("mistakes are told at their field", () => {
  expect(check({ shards: 1001 })).toThrow("1001 are too many");
  expect(write({ basicAuth, sigv4: {} })).toThrow("basicAuth and sigv4 exclude each other");
  expect(write({ azureAd: {} })).toThrow("one of managedIdentity, oauth, sdk, workloadIdentity is needed");
  expect(write({ azureAd: { sdk: {}, oauth: {} } })).toThrow("oauth and sdk exclude each other");
  expect(write({ url: "far away" })).toThrow("it is no URL");
  expect(write({ writeRelabelConfigs: [{ action: "hashmod" }] })).toThrow(/modulus|target/i);
  expect(check({ enforcedBodySizeLimit: "much" })).toThrow("much");
  expect(check({ scrapeClasses: [{ name: "a", relabelings: [{ action: "hashmod" }] }] })).toThrow("modulus");
  const alertmanagers = [{ name: "a", port: "web", relabelings: [{ regex: "(" }] }];
  expect(check({ alerting: { alertmanagers } })).toThrow();
});

test("the words of an error hold no secret", () => {
  try {
    write({ basicAuth, authorization: { credentials: ref("password") } })();
    expect.unreachable();
  } catch (error) {
    expect(String(error)).not.toContain("very-secret");
  }
});
