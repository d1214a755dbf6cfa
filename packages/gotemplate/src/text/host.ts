/** `host:port` as Go's net package takes it apart. */

/** net.SplitHostPort; undefined when there is no port or the address is malformed. */
export function splitHostPort(address: string): { host: string; port: string } | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(address);
  return match ? { host: match[1] ?? match[2], port: match[3] } : undefined;
}

/** net.JoinHostPort: a host with colons stands in brackets. */
export function joinHostPort(host: string, port: string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function isIpv4(text: string): boolean {
  return (
    /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) &&
    text.split(".").every((part) => String(Number(part)) === part && Number(part) <= 255)
  );
}

/** Whether net.ParseIP takes the text: no zone, no leading zeros. */
export function isIp(text: string): boolean {
  if (!text.includes(":")) return isIpv4(text);
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [i, half] of halves.entries()) {
    const parts = half === "" ? [] : half.split(":");
    for (const [j, part] of parts.entries()) {
      const isLast = i === halves.length - 1 && j === parts.length - 1;
      if (isLast && isIpv4(part)) groups += 2;
      else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups++;
      else return false;
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}
