/** Keys that a JSON text gives twice in one object: strict decoding refuses what JSON.parse would quietly drop. */

/** Paths of the repeated keys, as `spec.ports[0].name`. The text must be valid JSON. */
export function duplicateKeys(text: string): string[] {
  const out: string[] = [];
  let at = 0;
  const space = (): void => {
    while (at < text.length && text.charCodeAt(at) <= 32) at++;
  };
  const string = (): string => {
    const start = at++;
    while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at++;
    return text.slice(start, at);
  };
  const value = (path: string): void => {
    space();
    const first = text[at];
    if (first === '"') string();
    else if (first === "{") object(path);
    else if (first === "[") array(path);
    else while (at < text.length && !/[,\]}\s]/.test(text[at])) at++;
    space();
  };
  const object = (path: string): void => {
    const seen = new Set<string>();
    at++;
    space();
    while (text[at] !== "}") {
      const key = JSON.parse(string()) as string;
      const inner = path === "" ? key : `${path}.${key}`;
      if (seen.has(key)) out.push(inner);
      seen.add(key);
      space();
      at++;
      value(inner);
      if (text[at] === ",") at++;
      space();
    }
    at++;
  };
  const array = (path: string): void => {
    at++;
    space();
    for (let i = 0; text[at] !== "]"; i++) {
      value(`${path}[${i}]`);
      if (text[at] === ",") at++;
      space();
    }
    at++;
  };
  value("");
  return out;
}
