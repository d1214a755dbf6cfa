/** Who depends on what: owners by the references they hold. */
export class ReferenceIndex {
  readonly #owners = new Map<string, Set<string>>();
  readonly #references = new Map<string, readonly string[]>();

  /** Replaces what an owner refers to; nothing forgets it. */
  set(owner: string, references: readonly string[]): void {
    for (const reference of this.#references.get(owner) ?? []) {
      const owners = this.#owners.get(reference);
      owners?.delete(owner);
      if (owners?.size === 0) this.#owners.delete(reference);
    }
    if (references.length === 0) {
      this.#references.delete(owner);
      return;
    }
    this.#references.set(owner, references);
    for (const reference of references) {
      const owners = this.#owners.get(reference);
      if (owners) owners.add(owner);
      else this.#owners.set(reference, new Set([owner]));
    }
  }

  owners(reference: string): Iterable<string> {
    return this.#owners.get(reference) ?? [];
  }
}
