/** The answer of the kubelet's PodResourcesLister (kubelet/pkg/apis/podresources/v1), as far as devices go. */

export interface ContainerDevices {
  namespace: string;
  pod: string;
  container: string;
  resource: string;
  ids: string[];
}

/** Reads one message field by field; what is malformed throws a RangeError. */
function* fieldsOf(bytes: Buffer): Generator<[field: number, value: Buffer]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= bytes.length) break;
      const byte = bytes[at++];
      // Only lengths and field numbers are used; what is beyond 2^53 is skipped with the rest of its value.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("malformed message: number");
  };
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw new RangeError("malformed message: length");
    const value = bytes.subarray(at, at + length);
    at += length;
    return value;
  };
  while (at < bytes.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    switch (key % 8) {
      case 0:
        varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        yield [field, take(varint())];
        break;
      case 5:
        take(4);
        break;
      default:
        throw new RangeError("malformed message: type");
    }
  }
}

/** Fields of each message: PodResources 1 name, 2 namespace, 3 containers; container 1 name, 2 devices; devices 1 resource, 2 ids. */
export function decodePodResources(message: Buffer): ContainerDevices[] {
  const found: ContainerDevices[] = [];
  for (const [field, podBytes] of fieldsOf(message)) {
    if (field !== 1) continue;
    const pod = { name: "", namespace: "", containers: [] as Buffer[] };
    for (const [part, value] of fieldsOf(podBytes)) {
      if (part === 1) pod.name = value.toString("utf8");
      else if (part === 2) pod.namespace = value.toString("utf8");
      else if (part === 3) pod.containers.push(value);
    }
    for (const containerBytes of pod.containers) {
      let container = "";
      const devices: Buffer[] = [];
      for (const [part, value] of fieldsOf(containerBytes)) {
        if (part === 1) container = value.toString("utf8");
        else if (part === 2) devices.push(value);
      }
      for (const deviceBytes of devices) {
        const entry = { namespace: pod.namespace, pod: pod.name, container, resource: "", ids: [] as string[] };
        for (const [part, value] of fieldsOf(deviceBytes)) {
          if (part === 1) entry.resource = value.toString("utf8");
          else if (part === 2) entry.ids.push(value.toString("utf8"));
        }
        found.push(entry);
      }
    }
  }
  return found;
}
