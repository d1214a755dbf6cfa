/**
 * Names of PCI devices out of pci.ids: vendors, under them devices, under those subsystems, and classes of devices, each
 * deeper level indented by one more tab.
 *
 *   VVVV  vendor            C CC  class
 *   \tDDDD  device          \tSS  subclass
 *   \t\tVVVV DDDD  subsystem    \t\tPP  programming interface
 */
import { readFileSync } from "./system.ts";

const PLACES = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

const hex = (id: number, digits: number): string => id.toString(16).padStart(digits, "0");

export class PciNames {
  /** By the ids from the outermost to the innermost; classes begin with `C`. */
  readonly #names = new Map<string, string>();

  constructor(text: string) {
    const path = ["", "", ""];
    for (const line of text.split("\n")) {
      const match = /^(\t{0,2})(C )?([0-9a-f]+(?: [0-9a-f]+)?) {2}(.*)$/i.exec(line);
      if (!match) continue;
      const depth = match[1].length;
      path[depth] = `${match[2] ? "C" : ""}${match[3].toLowerCase()}`;
      this.#names.set(path.slice(0, depth + 1).join("/"), match[4].trim());
    }
  }

  #find(key: string, otherwise: string): string {
    return this.#names.get(key) ?? otherwise;
  }

  /** Name of a vendor; what is not known is its id. */
  vendor(id: number): string {
    return this.#find(hex(id, 4), hex(id, 4));
  }

  device(vendor: number, id: number): string {
    return this.#find(`${hex(vendor, 4)}/${hex(id, 4)}`, hex(id, 4));
  }

  subsystem(vendor: number, device: number, subVendor: number, subDevice: number): string {
    const key = `${hex(vendor, 4)}/${hex(device, 4)}/${hex(subVendor, 4)} ${hex(subDevice, 4)}`;
    return this.#find(key, `0x${hex(subDevice, 4)}`);
  }

  /** Name of a class, as exact as there is one. */
  class(id: number): string {
    const text = hex(id, 6);
    const [base, sub, programming] = [text.slice(0, 2), text.slice(2, 4), text.slice(4, 6)];
    return (
      this.#names.get(`C${base}/${sub}/${programming}`) ??
      this.#names.get(`C${base}/${sub}`) ??
      this.#find(`C${base}`, `Unknown class (${text})`)
    );
  }
}

let cached: { path: string; names: PciNames } | undefined;

/** Names from the file, or the first of the usual places; without a file, every name is an id. Read once. */
export function readPciNames(path: string): PciNames {
  if (cached?.path === path) return cached.names;
  let text = "";
  for (const place of path === "" ? PLACES : [path]) {
    try {
      text = readFileSync(place, "utf8");
      break;
    } catch {
      // Names are a nicety.
    }
  }
  cached = { path, names: new PciNames(text) };
  return cached.names;
}
