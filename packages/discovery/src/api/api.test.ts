import { UserError } from "@pharos/model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testServer } from "../test-server.ts";
import { Api, ApiStatusError, withQuery } from "./client.ts";
import { Json } from "./json.ts";
import { batches, inParallel } from "./parallel.ts";
import { parseXml } from "./xml.ts";
import { callXmlRpc } from "./xml-rpc.ts";

const plain = {
  tls: { insecureSkipVerify: false },
  noProxy: "",
  proxyFromEnvironment: false,
  proxyHeaders: {},
  followRedirects: true,
  enableHttp2: true,
  headers: [],
};
const apiFor = (): Api => new Api(plain, { timeoutMs: 2000, signal: new AbortController().signal });

describe("JSON answers", () => {
  const json = Json.parse('{"a": {"b": [1, "x", null], "c": null}, "n": 5, "t": true}');

  test("what is missing or null is nothing; what has another type is refused with its path", () => {
    expect(json.text("a", "c")).toBe("");
    expect(json.integer("missing")).toBe("0");
    expect(json.items("a", "c", "deeper")).toEqual([]);
    expect(json.flag("t")).toBe(true);
    expect(() => json.text("a", "b")).toThrow("a.b of the answer is a list, not a string");
    expect(() => json.get("a").items("b")[0].text()).toThrow("a.b[0] of the answer is number, not a string");
    expect(() => json.get("n", "x")).toThrow(UserError);
    expect(() => json.flag("n")).toThrow("n of the answer is number, not true or false");
    expect(() => Json.parse("<html>")).toThrow("the answer is no JSON");
  });

  test("names of an object's own prototype are fields like others", () => {
    expect(Json.parse("{}").text("constructor")).toBe("");
  });
});

describe("XML answers", () => {
  test("elements, attributes, entities, CDATA, comments, namespaces", () => {
    const root = parseXml(
      '\ufeff<?xml version="1.0"?><!-- c --><n:a x="1&quot;" y=\'2\'><b> t &amp; &#65;&#x42;</b><b><![CDATA[<c>]]></b><!-- d --><e/></n:a>',
    );
    expect(root.name).toBe("a");
    expect([...root.attributes]).toEqual([
      ["x", '1"'],
      ["y", "2"],
    ]);
    expect(root.all("b").map((b) => b.text())).toEqual(["t & AB", "<c>"]);
    expect(root.find("e")?.inner).toBe("");
    expect(root.find("b")?.inner).toBe(" t &amp; &#65;&#x42;");
  });

  test.each([
    ["<a>", "<a> does not end"],
    ["<a></b>", "<a> ends as </b>"],
    ["<a/><b/>", "something after the root"],
    ["<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "document types are not taken"],
    ["<a>&x;</a>", 'unknown entity "&x;"'],
    ["<a>&</a>", "unknown entity"],
    ["<a x=1/>", "not quoted"],
    ["<a><!-- </a>", "a comment does not end"],
    ["", "an element is missing"],
    [`${"<a>".repeat(101)}`, "nested deeper"],
  ])("refuses %s", (text, message) => {
    expect(() => parseXml(text)).toThrow(UserError);
    expect(() => parseXml(text)).toThrow(message);
  });

  test("property: any text is an element or a UserError, and what is escaped comes back", () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[<>/a&;"'= !?\-[\]]*$/), (text, noise) => {
        const escaped = text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
        expect(parseXml(`<a>${escaped}</a>`).content).toBe(text);
        try {
          parseXml(noise);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("XML-RPC", () => {
  test("structs, arrays, numbers, booleans, untyped strings; faults", async () => {
    await using server = await testServer(({ body }) =>
      body.includes("<methodName>bad</methodName>")
        ? "<methodResponse><fault><value><struct><member><name>faultString</name><value>no such thing</value></member></struct></value></fault></methodResponse>"
        : `<methodResponse><params><param><value><array><data><value><struct>
             <member><name>i</name><value><int>-3</int></value></member>
             <member><name>b</name><value><boolean>1</boolean></value></member>
             <member><name>s</name><value> plain </value></member>
             <member><name>l</name><value><array><data><value><string>x</string></value></data></array></value></member>
           </struct></value></data></array></value></param></params></methodResponse>`,
    );
    await using api = apiFor();
    const answer = await callXmlRpc(api, `${server.url}/rpc`, "a.b", ["x<y", 5, [1, 2]]);
    expect(answer.value).toEqual([{ i: -3, b: true, s: "plain", l: ["x"] }]);
    expect(server.asked[0].body).toContain("<value><string>x&lt;y</string></value>");
    expect(server.asked[0].body).toContain("<value><array><data><value><int>1</int></value>");
    await expect(callXmlRpc(api, server.url, "bad", [])).rejects.toThrow("bad fails: no such thing");
  });
});

test("a refusal says what the server said, without the query, which may have secrets", async () => {
  await using server = await testServer(() => ({ status: 403, body: "not\nyou" }));
  await using api = apiFor();
  const failure = await api.json(`${server.url}/path?token=secret`).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ApiStatusError);
  expect((failure as Error).message).toBe(`${server.url}/path answers HTTP status 403: not you`);
});

test("queries: lists, what is left out, what is there already", () => {
  expect(withQuery("http://a/b", { x: ["1", "2"], y: undefined, z: "" })).toBe("http://a/b?x=1&x=2&z=");
  expect(withQuery("http://a/b?c=d", { x: "1" })).toBe("http://a/b?c=d&x=1");
  expect(withQuery("http://a/b", {})).toBe("http://a/b");
});

test("calls in parallel: never more than allowed, results in order, the first failure ends it", async () => {
  let running = 0;
  let most = 0;
  const call = async (item: number): Promise<number> => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    return item * 2;
  };
  expect(await inParallel([1, 2, 3, 4, 5], 2, call)).toEqual([2, 4, 6, 8, 10]);
  expect(most).toBe(2);
  const started: number[] = [];
  await expect(
    inParallel([1, 2, 3], 1, async (item) => {
      started.push(item);
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  expect(started).toEqual([1]);
  expect(batches([1, 2, 3], 2)).toEqual([[1, 2], [3]]);
});
