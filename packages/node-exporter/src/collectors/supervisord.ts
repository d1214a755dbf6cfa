import { type Collector, FamilySet } from "../collector.ts";
import { parseResponse, type XmlRpcValue } from "../xml-rpc.ts";

const REQUEST =
  '<?xml version="1.0"?><methodCall><methodName>supervisor.getAllProcessInfo</methodName><params></params></methodCall>';
/** STARTING, RUNNING, STOPPING. */
const UP = new Set([10, 20, 40]);
const MAX_ANSWER = 16 * 1024 * 1024;

function call(url: string, signal: AbortSignal): Promise<string> {
  const { protocol, hostname, port, pathname, username, password } = new URL(url);
  const module = process.getBuiltinModule(protocol === "https:" ? "node:https" : "node:http");
  const place = protocol === "unix:" ? { socketPath: pathname, path: "/RPC2" } : { hostname, port, path: pathname };
  const auth = username === "" ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "text/xml", "content-length": Buffer.byteLength(REQUEST) };
    const request = module.request({ ...place, auth, method: "POST", headers, signal, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length > MAX_ANSWER) request.destroy(new Error("supervisord answers too much"));
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`supervisord answers with status ${response.statusCode}`));
      });
    });
    request.on("error", reject);
    request.end(REQUEST);
  });
}

export const supervisord: Collector = {
  name: "supervisord",
  async collect({ flags }, signal) {
    const url = process.env.SUPERVISORD_URL || String(flags["collector.supervisord.url"]);
    const answer = parseResponse(await call(url, signal));
    if (!Array.isArray(answer)) throw new Error("unable to call supervisord: no list of processes");
    const out = new FamilySet();
    for (const entry of answer) {
      const info = entry as Readonly<Record<string, XmlRpcValue>>;
      const labels = ["name", String(info.name ?? ""), "group", String(info.group ?? "")];
      const state = Number(info.state ?? 0);
      out.gauge("node_supervisord_state", "Process State", state, labels);
      out.gauge("node_supervisord_exit_status", "Process Exit Status", Number(info.exitstatus ?? 0), labels);
      out.gauge("node_supervisord_up", "Process Up", Number(UP.has(state)), labels);
      if (UP.has(state))
        out.counter("node_supervisord_start_time_seconds", "Process start time", Number(info.start ?? 0), labels);
    }
    return out.families;
  },
};
