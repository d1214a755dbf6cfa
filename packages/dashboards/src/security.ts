/** Headers of every page: nothing is loaded from elsewhere, nothing is embedded elsewhere. */
import type { FastifyInstance } from "fastify";

const POLICY = [
  "default-src 'self'",
  // uPlot and CodeMirror set sizes and colours as style attributes.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** A page of another site must not reach a server on loopback through a name that resolves to it. */
function isTrustedHost(header: string | undefined, own: string): boolean {
  const host = (header ?? "").replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return host === own || host === "localhost" || /^[\d.]+$/.test(host) || host.includes(":");
}

/** Whether a change comes from our own page: browsers name the page's origin, programs name none. */
function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

export function secure(app: FastifyInstance, listenHost: string): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("Content-Security-Policy", POLICY);
    reply.header("X-Content-Type-Options", "nosniff");
    reply.header("Referrer-Policy", "same-origin");
    reply.header("X-Frame-Options", "DENY");
    // Behind a host name there is a proxy that was set up on purpose; on loopback there is none.
    if (listenHost.startsWith("127.") && !isTrustedHost(request.headers.host, listenHost)) {
      await reply.code(403).type("text/plain").send("this host is not served here\n");
      return reply;
    }
    const changes = request.method !== "GET" && request.method !== "HEAD";
    if (changes && !isOwnOrigin(request.headers.origin, request.headers.host)) {
      await reply.code(403).type("text/plain").send("requests of other sites may not change anything\n");
      return reply;
    }
  });
}
