// Commits on their way to Python. A trigger can be lost while the page mounts or coalesce with a later one, so each has
// a number, is sent again until that number comes back, and is kept in the tab's storage until then.

export interface Stored {
  rev: number
  png: string
}

export class Outbox {
  rev = 0
  private acked = 0
  private last: Stored | null = null
  private timer: number | undefined

  constructor(
    private readonly name: string,
    private readonly send: (entry: Stored) => void,
    private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> = sessionStorage,
    private readonly wait = 2000,
  ) {}

  /** What an earlier page of this tab had drawn. */
  stored(): Stored | null {
    try {
      const entry = JSON.parse(this.storage.getItem(this.name) ?? "null")
      return entry && typeof entry.rev === "number" && typeof entry.png === "string" ? entry : null
    } catch {
      return null
    }
  }

  commit(png: string): void {
    this.rev += 1
    this.last = { rev: this.rev, png }
    try {
      this.storage.setItem(this.name, JSON.stringify(this.last))
    } catch {
      // A full tab storage costs the copy for a reload; the commit itself is on its way.
    }
    this.deliver(this.last)
  }

  /** Python has seen this number; numbers go on from it, also after a reload. */
  ack(rev: number): void {
    // A lower number than before comes from a server that was started again: it has nothing of what it once took.
    const forgotten = rev < this.acked
    this.acked = rev
    this.rev = Math.max(this.rev, rev)
    if (!this.pending) this.stop()
    else if (forgotten && this.last) this.deliver(this.last)
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
