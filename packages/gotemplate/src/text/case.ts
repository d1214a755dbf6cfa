/** Upper, lower and title case as Go maps them: strings.ToUpper and ToLower rune by rune, titles by whole characters. */

const ASCII = /^[\0-\x7f]*$/;
/** Greek letters with iota below, whose upper case is one letter that JavaScript never gives. */
const IOTA = /[\u1f80-\u1faf\u1fb3\u1fc3\u1ff3]/u;

function upperRune(char: string): string {
  const upper = char.toUpperCase();
  if ([...upper].length === 1) return upper;
  if (!IOTA.test(char)) return char;
  const code = char.codePointAt(0)!;
  if (code >= 0x1fb0) return String.fromCodePoint(code + 9);
  return String.fromCodePoint(code | 8);
}

export function upperCase(text: string): string {
  return ASCII.test(text) ? text.toUpperCase() : Array.from(text, upperRune).join("");
}

export function lowerCase(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  // One by one, as a final sigma depends on what is around it; İ has no lower case of one letter but i.
  return Array.from(text, (char) => (char === "İ" ? "i" : char.toLowerCase())).join("");
}

/** Letters that are two in one: their title case has a capital and a small half. */
const DIGRAPHS: Readonly<Record<string, string>> = Object.fromEntries(
  ["ǄǅǆǅǇǈǉǈǊǋǌǋǱǲǳǲ"].flatMap((all) => {
    const chars = [...all];
    return [0, 4, 8, 12].flatMap((at) => [0, 1, 2].map((i) => [chars[at + i], chars[at + 3]] as const));
  }),
);

function titleChar(char: string): string {
  if (DIGRAPHS[char]) return DIGRAPHS[char];
  if (IOTA.test(char)) return upperRune(char);
  if (/\p{Lt}/u.test(char)) return char;
  // Of ß and ligatures only the first becomes a capital; before ŉ stands no letter that could.
  const [first, ...rest] = char.toUpperCase();
  return first + (first.toLowerCase() === first ? rest.join("") : rest.join("").toLowerCase());
}

/** The rest of a word in small letters; a sigma at its end is a final one. */
export function lowerRest(rest: string): string {
  return `a${rest}`.toLowerCase().slice(1);
}

/** Of a word (Unicode's annex 29); ideographs and kana stand for themselves. */
const LETTER = "(?:(?![\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}])[\\p{L}\\p{M}\\p{N}\\p{Cf}\\u24b6-\\u24e9_])";
/** What may stand between two letters of a word. */
const BETWEEN = "['\u2018\u2019\u2024\ufe52\uff07\uff0e.:\u00b7\u0387\u05f4\u2027\ufe13\ufe55\uff1a]";
const WORD = new RegExp(`${LETTER}+(?:${BETWEEN}\\p{Cf}*${LETTER}+)*`, "gu");

/** Title case for the first letter of each word; the rest of the word as `rest` makes it. */
export function titleCase(text: string, rest: (text: string) => string): string {
  return text.replace(WORD, (word) => {
    const first = /\p{Cased}/u.exec(word);
    if (!first) return word;
    const after = first.index + first[0].length;
    return word.slice(0, first.index) + titleChar(first[0]) + rest(word.slice(after));
  });
}
