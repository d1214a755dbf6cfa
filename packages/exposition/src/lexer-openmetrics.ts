import {
  CLOSE,
  COMMA,
  EQUALS,
  HASH,
  isLabelStart,
  isMetricStart,
  Lexer,
  NEWLINE,
  OPEN,
  QUOTE,
  SPACE,
  State,
  Token,
} from "./lexer.ts";

/** Words behind `# ` and the tokens they are. */
const WORDS: Readonly<Record<number, readonly [word: string, token: Token]>> = {
  72: ["HELP ", Token.help],
  84: ["TYPE ", Token.type],
  85: ["UNIT ", Token.unit],
};

/** Tokens of OpenMetrics 1.0: blanks are part of the tokens, exactly one where one belongs. */
export class OpenMetricsLexer extends Lexer {
  override next(): Token {
    const { bytes } = this;
    if (this.at >= bytes.length) return Token.eof;
    this.start = this.at;
    const byte = bytes[this.at];
    switch (this.state) {
      case State.metaName:
        if (byte === QUOTE) {
          if (!this.quoted(true)) return Token.invalid;
        } else if (isMetricStart(byte)) this.metricName();
        else return Token.invalid;
        this.state = State.metaText;
        return Token.metricName;
      case State.metaText: {
        const end = byte === SPACE ? bytes.indexOf(NEWLINE, this.at) : -1;
        if (end < 0) return Token.invalid;
        this.at = end + 1;
        this.state = State.init;
        return Token.text;
      }
      case State.labels:
        return this.#labels(byte, State.value, State.labelValue, true);
      case State.exemplar:
        return this.#labels(byte, State.exemplarValue, State.exemplarValue, false);
      case State.labelValue:
        if (byte !== QUOTE || !this.quoted(false)) return Token.invalid;
        this.state = State.labels;
        return Token.labelValue;
      case State.exemplarValue:
        if (byte === QUOTE) {
          if (!this.quoted(false)) return Token.invalid;
          this.state = State.exemplar;
          return Token.labelValue;
        }
        if (!this.#spaced(byte)) return Token.invalid;
        this.state = State.exemplarTimestamp;
        return Token.value;
      case State.value:
        if (byte === OPEN) {
          this.at++;
          this.state = State.labels;
          return Token.braceOpen;
        }
        if (!this.#spaced(byte)) return Token.invalid;
        this.state = State.timestamp;
        return Token.value;
      case State.timestamp:
      case State.exemplarTimestamp:
        return this.#afterValue(byte);
      default:
        return this.#init(byte);
    }
  }

  /** One space and then anything but space, newline and NUL. */
  #spaced(byte: number): boolean {
    if (byte !== SPACE) return false;
    const { bytes } = this;
    const from = ++this.at;
    while (this.at < bytes.length) {
      const next = bytes[this.at];
      if (next === SPACE || next === NEWLINE || next === 0) break;
      this.at++;
    }
    return this.at > from;
  }

  #afterValue(byte: number): Token {
    if (byte === NEWLINE) {
      this.at++;
      this.state = State.init;
      return Token.linebreak;
    }
    if (!this.#spaced(byte)) return Token.invalid;
    const { bytes } = this;
    const hashAlone = this.at === this.start + 2 && bytes[this.start + 1] === HASH;
    if (this.state !== State.timestamp || !hashAlone || bytes[this.at] !== SPACE) return Token.timestamp;
    this.at++;
    if (bytes[this.at] !== OPEN) return Token.invalid;
    this.at++;
    this.state = State.exemplar;
    return Token.comment;
  }

  #init(byte: number): Token {
    if (byte === OPEN) {
      this.at++;
      this.state = State.labels;
      return Token.braceOpen;
    }
    if (isMetricStart(byte)) {
      this.metricName();
      this.state = State.value;
      return Token.metricName;
    }
    if (byte !== HASH) return Token.invalid;
    if (this.advance() !== SPACE) return Token.invalid;
    this.state = State.comment;
    const first = this.advance();
    if (first === 0x45) {
      if (!this.word("EOF")) return Token.invalid;
      if (this.bytes[this.at] === NEWLINE) this.at++;
      this.state = State.init;
      return Token.eofWord;
    }
    const known = WORDS[first];
    if (!known || !this.word(known[0])) return Token.invalid;
    this.state = State.metaName;
    return known[1];
  }

  #labels(byte: number, closed: State, valued: State, newlines: boolean): Token {
    if (isLabelStart(byte)) {
      this.labelName();
      return Token.labelName;
    }
    switch (byte) {
      case QUOTE:
        return this.quoted(newlines) ? Token.quoted : Token.invalid;
      case CLOSE:
        this.at++;
        this.state = closed;
        return Token.braceClose;
      case EQUALS:
        this.at++;
        this.state = valued;
        return Token.equal;
      case COMMA:
        this.at++;
        return Token.comma;
      default:
        return Token.invalid;
    }
  }
}
