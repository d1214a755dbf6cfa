/** What /etc/resolv.conf says about short names; the servers themselves are the resolver library's business. */
import { readFileSync } from "node:fs";

export interface ResolvConf {
  search: string[];
  ndots: number;
}

/** Later `search` lines replace earlier ones. */
export function parseResolvConf(text: string): ResolvConf {
  const out: ResolvConf = { search: [], ndots: 1 };
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "search") out.search = words;
    else if (keyword === "domain" && words.length > 0) out.search = [words[0]];
    else if (keyword === "options") {
      const ndots = /^ndots:(\d+)$/.exec(words.find((word) => word.startsWith("ndots:")) ?? "")?.[1];
      if (ndots !== undefined) out.ndots = Math.min(15, Number(ndots));
    }
  }
  return out;
}

export function readResolvConf(): ResolvConf {
  try {
    return parseResolvConf(readFileSync("/etc/resolv.conf", "utf8"));
  } catch {
    return { search: [], ndots: 1 };
  }
}

/** Names to try in turn: a name with enough dots as it is first, a short one in the search domains first. */
export function candidateNames(name: string, { search, ndots }: ResolvConf): string[] {
  if (name.endsWith(".")) return [name];
  const searched = search.map((domain) => `${name}.${domain.replace(/\.$/, "")}.`);
  return name.split(".").length > ndots ? [`${name}.`, ...searched] : [...searched, `${name}.`];
}
