/** Generic netlink: families of the kernel's modules, found by name. */
import { attribute, type Netlink, parseAttributes } from "./netlink.ts";

const CONTROLLER = 0x10;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const CTRL_ATTR_VERSION = 3;
/** struct genlmsghdr: u8 command · u8 version · u16 reserved */
export const GENERIC_HEADER = 4;

export interface Family {
  id: number;
  version: number;
}

/** A family's number, which changes from boot to boot; undefined when the kernel has not got it. */
export function resolveFamily(connection: Netlink, name: string): Family | undefined {
  const request = Buffer.concat([
    Buffer.from([CTRL_CMD_GETFAMILY, 1, 0, 0]),
    attribute(CTRL_ATTR_FAMILY_NAME, Buffer.from(`${name}\0`)),
  ]);
  try {
    for (const { body } of connection.ask(CONTROLLER, request)) {
      const attributes = parseAttributes(body, GENERIC_HEADER);
      const id = attributes.get(CTRL_ATTR_FAMILY_ID)?.readUInt16LE(0);
      if (id !== undefined) return { id, version: attributes.get(CTRL_ATTR_VERSION)?.readUInt32LE(0) ?? 1 };
    }
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A request of a family: its command, and attributes behind it. */
export function genericRequest(command: number, version: number, ...attributes: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([command, version, 0, 0]), ...attributes]);
}
