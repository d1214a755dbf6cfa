/** What one look at the GPUs of a machine finds, whoever looked. */

/** Figures of a device, by what they are; an absent one is not known, because the device or driver does not tell. */
export interface Figures {
  /** Bytes; `used` as the driver has always told it, what it keeps for itself included. */
  memoryTotal?: number;
  memoryUsed?: number;
  /** Bytes of the frame buffer, what the driver keeps for itself apart. */
  bufferFree?: number;
  bufferUsed?: number;
  bufferReserved?: number;
  /** Percent of the last sample period. */
  gpuUtilization?: number;
  memoryUtilization?: number;
  encoderUtilization?: number;
  decoderUtilization?: number;
  /** Milliwatts, and millijoules since the driver was loaded. */
  power?: number;
  energy?: number;
  /** Degrees Celsius. */
  temperature?: number;
  memoryTemperature?: number;
  /** Percent of the maximum. */
  fanSpeed?: number;
  /** Megahertz. */
  smClock?: number;
  memoryClock?: number;
  pcieReplays?: number;
  correctableRemappedRows?: number;
  uncorrectableRemappedRows?: number;
  /** 0 or 1. */
  rowRemapFailure?: number;
  /** Number of the last critical error; 0: none since this program watches. */
  xid?: number;
  /** Shares of the time, 0 to 1. */
  graphicsActive?: number;
  tensorActive?: number;
  dramActive?: number;
  /** Bytes a second. */
  pcieSent?: number;
  pcieReceived?: number;
}

/** A slice of a device that is used like one (Multi-Instance GPU). */
export interface Instance {
  uuid: string;
  gpuInstance: number;
  /** As `1g.10gb`. */
  profile: string;
  figures: Figures;
}

export interface Device {
  index: number;
  minorNumber: number;
  uuid: string;
  name: string;
  /** As `00000000:1B:00.0`; "" when it is not told. */
  pciBusId: string;
  /** It was there and does not answer any more. */
  lost: boolean;
  figures: Figures;
  instances: Instance[];
}

export interface Reading {
  source: "nvml" | "nvidia-smi";
  driverVersion: string;
  /** "" where it is not told. */
  libraryVersion: string;
  /** Devices the driver counts; some of them may not be among `devices`. */
  count: number;
  devices: Device[];
}

/** Why there is no reading; `reason` is one word, for a label. */
export class ReadError extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.name = "ReadError";
    this.reason = reason;
  }
}

/** Something that can look. Never takes longer than its deadline, whatever the driver does. */
export interface Source extends AsyncDisposable {
  /** Throws a ReadError. */
  read(): Promise<Reading>;
  /** Helper processes that had to be ended so far. */
  readonly restarts: number;
}
