/** The two failures of a template: its text cannot be parsed, or running it failed. Texts are Go's. */
import { UserError, type Where } from "@pharos/model";

export type TemplateErrorCode =
  /** The text is not a template. Correct it at the place named. */
  | "gotemplate.parse"
  /** An action failed, or (`html`) cannot be escaped safely. */
  | "gotemplate.exec"
  | "gotemplate.escape"
  /** The template ran too long or wrote too much. */
  | "gotemplate.limit";

export class TemplateError extends UserError {
  constructor(
    code: TemplateErrorCode,
    message: string,
    options: { where?: Where; fix?: string; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.name = "TemplateError";
  }

  /** The message names the place already. */
  override describe(): string {
    return `${this.message}${this.fix ? `. ${this.fix}` : ""}`;
  }
}
