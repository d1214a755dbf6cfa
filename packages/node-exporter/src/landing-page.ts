/** The page at `/`, for people who open the port in a browser. */
import { VERSION } from "./self.ts";

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** `path` is where the metrics are. */
export function landingPage(path: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Node Exporter</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
header { background: #e6522c; color: #fff; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0; }
main { padding: 1rem; }
</style>
</head>
<body>
<header><h1>Node Exporter</h1></header>
<main>
<h2>Figures of this machine, for Prometheus</h2>
<p>Version: Pharos, with the metrics of node_exporter ${VERSION}</p>
<ul><li><a href="${escapeHtml(path)}">Metrics</a></li></ul>
</main>
</body>
</html>
`;
}
