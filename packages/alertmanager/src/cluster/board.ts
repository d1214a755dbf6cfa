/** Another way to the other replicas, beside speaking to them: a place where each leaves what it knows and finds the others'. */

export interface BoardMember {
  name: string;
  /** host:port where it answers other replicas. */
  address: string;
}

/** Who writes to a board, and what it does with what it finds there. */
export interface BoardOwner extends BoardMember {
  /** All entries by key of the state, the most important first. */
  ranked(): Map<string, Uint8Array[]>;
  /** Entries of others, again and again the same ones. */
  hear(state: ReadonlyMap<string, readonly Uint8Array[]>): void;
}

export interface Board extends AsyncDisposable {
  /** Resolves when everything that is there has been heard; may never do so while the place cannot be reached. */
  open(owner: BoardOwner): Promise<void>;
  /** The owner knows something new. */
  changed(): void;
  /** The others that have lately said that they live. */
  members(): BoardMember[];
}
