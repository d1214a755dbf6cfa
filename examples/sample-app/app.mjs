// The sample application of the tutorials: a temperature that changes at every read, and disk errors.
//
//   node examples/sample-app/app.mjs [PORT]            default 8081
//   curl -X POST 'http://127.0.0.1:8081/temperature?value=80'   pins the temperature; without a value it floats again
import { createServer } from "node:http";

const port = Number(process.argv[2] ?? 8081);
let pinned;

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (request.method === "POST" && url.pathname === "/temperature") {
    const value = url.searchParams.get("value");
    pinned = value === null ? undefined : Number(value);
    response.end("ok\n");
    return;
  }
  if (url.pathname !== "/metrics") {
    response.statusCode = 404;
    response.end("see /metrics\n");
    return;
  }
  const temperature = pinned ?? Math.round(Math.random() * 300) / 10 + 60;
  response.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.end(
    [
      "# HELP cpu_temperature_celsius Current temperature of the CPU.",
      "# TYPE cpu_temperature_celsius gauge",
      `cpu_temperature_celsius ${temperature}`,
      "# HELP hd_errors_total Number of hard-disk errors.",
      "# TYPE hd_errors_total counter",
      'hd_errors_total{device="/dev/sda"} 1',
      "",
    ].join("\n"),
  );
});
server.listen(port, "127.0.0.1", () => console.log(`metrics at http://127.0.0.1:${server.address().port}/metrics`));
