/** How a check says what is wrong: the field of the object, and what to change. */
import { UserError } from "@pharos/model";

export function invalid(field: string, message: string, fix?: string): UserError {
  return new UserError("operator.invalid", message, { where: { field }, fix });
}
