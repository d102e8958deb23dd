/** The attention of a prompt as the Java class AttentionRecord keeps it. */

/** Reads weights and scores, whether all are kept or, of a long prompt, the largest of each query. */
export class Attention {
  #data;

  constructor(data) {
    this.#data = data;
    this.layers = data.layers;
    this.heads = data.heads;
    this.positions = data.positions;
    /** Layers that are here: all, or, of a long prompt that a server has just begun to run, one. */
    this.held = data.norms.shape[0];
    /** How many keys of each query are kept; 0 if all are. */
    this.largest = data.largest;
  }

  has(layer) {
    return layer >= this.#data.firstLayer && layer < this.#data.firstLayer + this.held;
  }

  #map(layer, head) {
    return (layer - this.#data.firstLayer) * this.heads + head;
  }

  /** Index of a value; -1 if it is not kept. */
  #index(layer, head, query, key) {
    const {positions, largest} = this;
    const map = this.#map(layer, head);
    if (key > query || !this.has(layer)) {
      return -1;
    }
    if (largest === 0) {
      return map * (positions * (positions + 1) / 2) + query * (query + 1) / 2 + key;
    }
    const row = (map * positions + query) * largest;
    for (let i = 0; i < Math.min(largest, query + 1); i++) {
      if (this.#data.keys[row + i] === key) {
        return row + i;
      }
    }
    return -1;
  }

  /** Length of the vector that a head moves from a key. */
  norm(layer, head, key) {
    return this.#data.norms[this.#map(layer, head) * this.positions + key];
  }

  /** A value of a kind: `pattern`, `weighted` (by the length of the value moved) or `scores`; NaN if it is not kept. */
  value(kind, layer, head, query, key) {
    const index = this.#index(layer, head, query, key);
    if (index < 0) {
      return NaN;
    }
    switch (kind) {
      case "scores": return this.#data.scores[index];
      case "weighted": return Math.fround(this.#data.pattern[index] * this.norm(layer, head, key));
      default: return this.#data.pattern[index];
    }
  }

  /** Values from a query to each key up to it. */
  from(kind, layer, head, query) {
    return Array.from({length: this.positions}, (_, key) => this.value(kind, layer, head, query, key));
  }

  /** Values to a key from each query from it on. */
  to(kind, layer, head, key) {
    return Array.from({length: this.positions}, (_, query) => this.value(kind, layer, head, query, key));
  }
}
