/**
 * What the lexers of both text formats share. They are written after upstream's (model/textparse/*.l): the states, what
 * a token may be made of, and where a token that is none ends, because upstream's messages quote exactly that.
 *
 * A byte past the end reads as 0, as upstream's does, and NUL bytes are allowed only inside label values and help texts.
 */
export const Token = {
  invalid: -1,
  eof: 0,
  linebreak: 1,
  help: 2,
  type: 3,
  unit: 4,
  eofWord: 5,
  text: 6,
  comment: 7,
  metricName: 8,
  quoted: 9,
  braceOpen: 10,
  braceClose: 11,
  labelName: 12,
  labelValue: 13,
  comma: 14,
  equal: 15,
  timestamp: 16,
  value: 17,
} as const;
export type Token = (typeof Token)[keyof typeof Token];

/** Upstream's names of the tokens, for messages. */
export const TOKEN_NAMES: Readonly<Record<Token, string>> = {
  [Token.invalid]: "INVALID",
  [Token.eof]: "EOF",
  [Token.linebreak]: "LINEBREAK",
  [Token.help]: "HELP",
  [Token.type]: "TYPE",
  [Token.unit]: "UNIT",
  [Token.eofWord]: "EOFWORD",
  [Token.text]: "TEXT",
  [Token.comment]: "COMMENT",
  [Token.metricName]: "MNAME",
  [Token.quoted]: "QSTRING",
  [Token.braceOpen]: "BOPEN",
  [Token.braceClose]: "BCLOSE",
  [Token.labelName]: "LNAME",
  [Token.labelValue]: "LVALUE",
  [Token.comma]: "COMMA",
  [Token.equal]: "EQUAL",
  [Token.timestamp]: "TIMESTAMP",
  [Token.value]: "VALUE",
};

export const State = {
  init: 0,
  comment: 1,
  /** Name behind HELP, TYPE or UNIT. */
  metaName: 2,
  /** Text behind that name. */
  metaText: 3,
  labels: 4,
  labelValue: 5,
  value: 6,
  timestamp: 7,
  exemplar: 8,
  exemplarValue: 9,
  exemplarTimestamp: 10,
} as const;
export type State = (typeof State)[keyof typeof State];

export const TAB = 0x09;
export const NEWLINE = 0x0a;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const COMMA = 0x2c;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;
export const OPEN = 0x7b;
export const CLOSE = 0x7d;

/** Byte classes: 1 starts a label name, 2 continues one, 4 starts a metric name, 8 continues one, 16 is a digit. */
const CLASSES = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const letter = (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || byte === 0x5f;
  const digit = byte >= 48 && byte <= 57;
  if (letter) CLASSES[byte] = 1 | 2 | 4 | 8;
  if (byte === 0x3a) CLASSES[byte] = 4 | 8;
  if (digit) CLASSES[byte] = 2 | 8 | 16;
}
export const isLabelStart = (byte: number): boolean => (CLASSES[byte] & 1) !== 0;
export const isLabelByte = (byte: number): boolean => (CLASSES[byte] & 2) !== 0;
export const isMetricStart = (byte: number): boolean => (CLASSES[byte] & 4) !== 0;
export const isMetricByte = (byte: number): boolean => (CLASSES[byte] & 8) !== 0;
export const isDigit = (byte: number): boolean => (CLASSES[byte] & 16) !== 0;

export abstract class Lexer {
  readonly bytes: Buffer;
  /** Offset of the next byte; where a token that is none ended. */
  at = 0;
  /** Offset of the current token. */
  start = 0;
  state: State = State.init;
  /** Whether the last quoted string was plain ASCII. */
  ascii = true;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  abstract next(): Token;

  /** Moves on by one byte and answers the one after, skipping NUL where it is allowed. */
  protected advance(): number {
    const { bytes } = this;
    this.at++;
    if (this.state === State.labelValue || this.state === State.metaText || this.state === State.comment) {
      while (bytes[this.at] === 0) this.at++;
    }
    return this.at < bytes.length ? bytes[this.at] : 0;
  }

  /** Consumes a quoted string whose opening quote is the current byte; false where it breaks off. */
  protected quoted(newlines: boolean): boolean {
    const { bytes } = this;
    const nul = this.state === State.labelValue;
    let at = this.at + 1;
    let high = 0;
    for (; at < bytes.length; at++) {
      let byte = bytes[at];
      high |= byte;
      if (byte === QUOTE) {
        this.at = at + 1;
        this.ascii = high < 0x80;
        return true;
      }
      if (byte === BACKSLASH) {
        byte = bytes[++at];
        high |= byte;
        if (byte === NEWLINE) break;
      } else if (byte === NEWLINE && !newlines) break;
      if (byte === 0 && !nul) break;
    }
    this.at = Math.min(at, bytes.length);
    return false;
  }

  /** Consumes a word as far as it goes; true when all of it was there. */
  protected word(text: string): boolean {
    for (let i = 0; i < text.length; i++) {
      if (this.bytes[this.at] !== text.charCodeAt(i)) return false;
      this.advance();
    }
    return true;
  }

  protected metricName(): void {
    while (isMetricByte(this.bytes[this.at])) this.at++;
  }

  protected labelName(): void {
    while (isLabelByte(this.bytes[this.at])) this.at++;
  }
}
