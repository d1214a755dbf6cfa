import type { KubeObject } from "@pharos/kube";
import { describe, expect, test } from "vitest";
import { alertmanagerConfig, prometheusRule } from "../testing/objects.ts";
import { mutateReview, validateReview } from "./admission.ts";
import { convertReview } from "./conversion.ts";

const review = (object: KubeObject) => ({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: { uid: "u1", object },
});
const rule = (rules: unknown[]) => prometheusRule({ groups: [{ name: "g", rules }] });

describe("validation", () => {
  test("what an operator could take is let through", () => {
    expect(validateReview(review(rule([{ alert: "A", expr: "up == 0" }])))).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid: "u1", allowed: true },
    });
    expect(
      validateReview(review(alertmanagerConfig({ receivers: [{ name: "r" }], route: { receiver: "r" } }))),
    ).toMatchObject({
      response: { allowed: true },
    });
  });

  test("what none could take is refused with the reason", () => {
    const { response } = validateReview(review(rule([{ alert: "A", expr: "up ==" }])));
    expect(response).toMatchObject({ allowed: false, status: { code: 422, reason: "Invalid" } });
    expect(response.status?.message).toContain("could not parse expression");
    const config = alertmanagerConfig({ receivers: [{ name: "r" }], route: { receiver: "other" } });
    expect(validateReview(review(config)).response.status?.message).toContain("other");
  });

  test("the request's type counts where the object does not say it", () => {
    const { apiVersion: _1, kind: _2, ...bare } = rule([{ alert: "A", expr: "(" }]);
    const kind = { group: "monitoring.coreos.com", version: "v1", kind: "PrometheusRule" };
    const { request, ...rest } = review(bare as KubeObject);
    expect(validateReview({ ...rest, request: { ...request, kind } }).response.allowed).toBe(false);
  });

  test("a review without an object is an error", () => {
    expect(() => validateReview({ apiVersion: "v1", kind: "AdmissionReview" })).toThrow("no request");
  });
});

describe("mutation", () => {
  const patchOf = (object: KubeObject) =>
    JSON.parse(Buffer.from(mutateReview(review(object)).response.patch ?? "", "base64").toString());

  test("labels and annotations of rules become text", () => {
    expect(
      patchOf(rule([{ alert: "A", expr: "up", labels: { "a/b": 1, c: "x" }, annotations: { on: true } }])),
    ).toEqual([
      { op: "add", path: "/metadata/annotations", value: { "prometheus-operator-validated": "true" } },
      { op: "replace", path: "/spec/groups/0/rules/0/labels/a~1b", value: "1" },
      { op: "replace", path: "/spec/groups/0/rules/0/annotations/on", value: "true" },
    ]);
  });

  test("other annotations of the object stay; odd objects are let through", () => {
    const object = rule([]);
    const annotated = { ...object, metadata: { ...object.metadata, annotations: { a: "b" } } };
    expect(patchOf(annotated)).toEqual([
      { op: "add", path: "/metadata/annotations/prometheus-operator-validated", value: "true" },
    ]);
    for (const groups of [null, "x", [null], [{ rules: "x" }], [{ rules: [null] }]]) {
      expect(patchOf(prometheusRule({ groups }))).toHaveLength(1);
    }
  });
});

describe("conversion", () => {
  const request = (object: KubeObject, version: string) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "ConversionReview",
    request: { uid: "u2", desiredAPIVersion: `monitoring.coreos.com/${version}`, objects: [object] },
  });
  const alpha = alertmanagerConfig({
    route: { receiver: "r", matchers: [{ name: "a", value: "b.*", regex: true }] },
    receivers: [{ name: "r" }],
    muteTimeIntervals: [{ name: "night" }],
  });

  test("there and back again", () => {
    const { response } = convertReview(request(alpha, "v1beta1"));
    expect(response).toMatchObject({ uid: "u2", result: { status: "Success" } });
    expect(response.convertedObjects[0]).toMatchObject({
      apiVersion: "monitoring.coreos.com/v1beta1",
      metadata: alpha.metadata,
      spec: { route: { matchers: [{ name: "a", value: "b.*", matchType: "=~" }] }, timeIntervals: [{ name: "night" }] },
    });
    const back = convertReview(request(response.convertedObjects[0], "v1alpha1")).response.convertedObjects[0];
    expect(back).toMatchObject({ apiVersion: alpha.apiVersion, spec: { muteTimeIntervals: [{ name: "night" }] } });
  });

  test("an unknown version is a failure, not a crash", () => {
    expect(convertReview(request(alpha, "v7")).response).toMatchObject({
      convertedObjects: [],
      result: { status: "Failure", message: expect.stringContaining("v7") },
    });
    expect(convertReview({ apiVersion: "v1", kind: "ConversionReview" }).response.result.status).toBe("Failure");
  });
});
