import {
  CLOSE,
  COMMA,
  EQUALS,
  HASH,
  isDigit,
  isLabelStart,
  isMetricStart,
  Lexer,
  NEWLINE,
  OPEN,
  QUOTE,
  SPACE,
  State,
  TAB,
  Token,
} from "./lexer.ts";

const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB;

/** Tokens of text 0.0.4. Blanks between tokens mean nothing; the input must end with a newline. */
export class TextLexer extends Lexer {
  override next(): Token {
    const { bytes } = this;
    // The text of metadata keeps its blanks; anywhere else they only separate.
    if (this.state !== State.metaText) while (isBlank(bytes[this.at])) this.at++;
    if (this.at >= bytes.length) return Token.eof;
    this.start = this.at;
    const byte = bytes[this.at];
    switch (this.state) {
      case State.init:
        return this.#init(byte);
      case State.metaName:
        if (byte === QUOTE) {
          if (!this.quoted(true)) return Token.invalid;
        } else if (isMetricStart(byte)) this.metricName();
        else return Token.invalid;
        this.state = State.metaText;
        return Token.metricName;
      case State.metaText:
        this.at = bytes.indexOf(NEWLINE, this.at);
        this.state = State.init;
        return Token.text;
      case State.labels:
        return this.#labels(byte);
      case State.labelValue:
        if (byte !== QUOTE || !this.quoted(true)) return Token.invalid;
        this.state = State.labels;
        return Token.labelValue;
      case State.value:
        return this.#value(byte);
      default:
        if (byte === NEWLINE) {
          this.at++;
          this.state = State.init;
          return Token.linebreak;
        }
        if (!isDigit(byte)) return Token.invalid;
        while (isDigit(bytes[this.at])) this.at++;
        return Token.timestamp;
    }
  }

  #init(byte: number): Token {
    if (byte === 0) return Token.eof;
    if (byte === NEWLINE) {
      this.at++;
      return Token.linebreak;
    }
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
    if (isBlank(this.advance())) {
      this.state = State.comment;
      while (isBlank(this.bytes[this.at])) this.advance();
      const help = this.bytes[this.at] === 0x48;
      if (this.word(help ? "HELP" : "TYPE") && isBlank(this.bytes[this.at])) {
        while (isBlank(this.bytes[this.at])) this.advance();
        this.state = State.metaName;
        return help ? Token.help : Token.type;
      }
    }
    return this.#comment();
  }

  /** A comment goes to the end of its line. */
  #comment(): Token {
    const end = this.bytes.indexOf(NEWLINE, this.at);
    // Upstream ends the whole body at a NUL in a comment that is set off without a blank.
    const nul = this.state === State.init ? this.bytes.indexOf(0, this.at) : -1;
    if (nul >= 0 && nul < end) return Token.eof;
    this.at = end;
    this.state = State.init;
    return Token.comment;
  }

  #labels(byte: number): Token {
    if (isLabelStart(byte)) {
      this.labelName();
      return Token.labelName;
    }
    switch (byte) {
      case QUOTE:
        return this.quoted(true) ? Token.quoted : Token.invalid;
      case CLOSE:
        this.at++;
        this.state = State.value;
        return Token.braceClose;
      case EQUALS:
        this.at++;
        this.state = State.labelValue;
        return Token.equal;
      case COMMA:
        this.at++;
        return Token.comma;
      default:
        return Token.invalid;
    }
  }

  #value(byte: number): Token {
    if (byte === OPEN) {
      this.at++;
      this.state = State.labels;
      return Token.braceOpen;
    }
    const { bytes } = this;
    let at = this.at;
    while (bytes[at] !== OPEN && bytes[at] !== NEWLINE && bytes[at] !== 0 && !isBlank(bytes[at])) at++;
    if (at === this.at) return Token.invalid;
    this.at = at;
    this.state = State.timestamp;
    return Token.value;
  }
}
