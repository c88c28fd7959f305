// Commits on their way to Python. A trigger can be lost while the page mounts or coalesce with a later one, so each has
// a number, is sent again until that number comes back, and is kept: in memory while the page lives, in the tab's storage
// beyond a reload.

export interface Drawn {
  png: string
  ignore?: string // what nobody judges, where something of it is marked
  numbers?: string // the types of the marked pixels, where there are several
  types?: string[] // whose numbers these are, from 2
}

export interface Stored extends Drawn {
  rev: number
}

const kept = new Map<string, Stored>()

export class Outbox {
  rev = 0
  private acked = 0
  private timer: number | undefined

  constructor(
    private readonly name: string,
    private readonly send: (entry: Stored) => void,
    private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> = sessionStorage,
    private readonly wait = 2000,
  ) {}

  /** What was drawn under this name, on this page of the tab or an earlier one. */
  stored(): Stored | null {
    const entry = kept.get(this.name)
    if (entry) return entry
    try {
      const entry = JSON.parse(this.storage.getItem(this.name) ?? "null")
      return entry && typeof entry.rev === "number" && typeof entry.png === "string" ? entry : null
    } catch {
      return null
    }
  }

  commit(drawn: Drawn): void {
    this.rev += 1
    const entry: Stored = { rev: this.rev, ...drawn }
    kept.set(this.name, entry)
    try {
      this.storage.setItem(this.name, JSON.stringify(entry))
    } catch {
      // A full tab storage costs the copy for a reload; the commit itself is on its way.
    }
    this.deliver(entry)
  }

  /** Python has seen this number; numbers go on from it, also after a reload. */
  ack(rev: number): void {
    // A lower number than before comes from a server that was started again: it has nothing of what it once took.
    const forgotten = rev < this.acked
    this.acked = rev
    this.rev = Math.max(this.rev, rev)
    const entry = kept.get(this.name)
    if (!this.pending) this.stop()
    else if (forgotten && entry) this.deliver(entry)
  }

  get pending(): boolean {
    return this.acked < this.rev
  }

  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private deliver(entry: Stored): void {
    this.stop()
    this.send(entry)
    this.timer = setTimeout(() => {
      if (this.acked < entry.rev) this.deliver(entry)
    }, this.wait) as unknown as number
  }
}
