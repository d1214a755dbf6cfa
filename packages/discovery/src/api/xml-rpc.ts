/** XML-RPC: calls and answers, as far as Uyuni's API needs them: strings, whole numbers, booleans, arrays, structs. */
import { UserError } from "@pharos/model";
import type { Api } from "./client.ts";
import { Json } from "./json.ts";
import type { XmlElement } from "./xml.ts";

export type RpcArgument = string | number | readonly RpcArgument[];

function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[char] ?? char);
}

function encode(value: RpcArgument): string {
  if (typeof value === "string") return `<value><string>${escapeText(value)}</string></value>`;
  if (typeof value === "number") return `<value><int>${value}</int></value>`;
  return `<value><array><data>${value.map(encode).join("")}</data></array></value>`;
}

function decode(value: XmlElement): unknown {
  const [typed] = value.children;
  // A value without a type is a string.
  if (!typed) return value.content.trim();
  switch (typed.name) {
    case "string":
      return typed.content;
    case "int":
    case "i4":
    case "i8":
    case "double": {
      const number = Number(typed.text());
      if (typed.text() === "" || Number.isNaN(number)) {
        throw new UserError("discovery.answer", `${JSON.stringify(typed.text())} is no number in an XML-RPC answer`);
      }
      return number;
    }
    case "boolean":
      return typed.text() === "1" || typed.text() === "true";
    case "array":
      return typed.all("data", "value").map(decode);
    case "struct":
      return Object.fromEntries(
        typed.all("member").map((member) => {
          const inner = member.find("value");
          return [member.text("name"), inner ? decode(inner) : null];
        }),
      );
    case "nil":
      return null;
    default:
      return typed.content;
  }
}

/** Calls a method; what it answers, as if it were JSON. A fault is a UserError. */
export async function callXmlRpc(api: Api, url: string, method: string, params: readonly RpcArgument[]): Promise<Json> {
  const list = params.map((param) => `<param>${encode(param)}</param>`).join("");
  const root = await api.xml(url, {
    method: "POST",
    headers: { "content-type": "text/xml" },
    body: `<?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>${escapeText(method)}</methodName><params>${list}</params></methodCall>`,
  });
  const fault = root.find("fault", "value");
  if (fault) {
    const { value } = new Json(decode(fault)).get("faultString");
    throw new UserError("discovery.answer", `${method} fails: ${String(value)}`);
  }
  const [param] = root.all("params", "param");
  const answer = param?.find("value");
  if (!answer) throw new UserError("discovery.answer", `${method} answers no value`);
  return new Json(decode(answer));
}
