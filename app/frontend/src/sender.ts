// Hands the mask over after a pause in drawing, under the image that it was drawn on.
import { Outbox, type Stored } from "./outbox"
import type { Sheet } from "./sheet"

export interface Commit extends Stored {
  imageId: number
  base: number
}

const DEBOUNCE = 250

export class Sender {
  /** What was handed over last: the next image may want a copy. */
  last: Sheet | null = null
  private outbox: Outbox | null = null
  private timer: number | undefined

  constructor(
    private readonly send: (commit: Commit) => void,
    private readonly sheet: () => Sheet,
    private readonly told: () => void,
  ) {}

  /** From now on for this image; what this tab had drawn on it and Python may not have seen, or null. */
  open(imageId: number, base: number, ackRev: number): Stored | null {
    this.outbox?.stop()
    this.outbox = new Outbox(`bgad-mask-${imageId}-${base}`, (entry) => {
      this.send({ imageId, base, ...entry })
      this.told()
    })
    this.outbox.ack(ackRev)
    return this.outbox.stored()
  }

  ack(rev: number): void {
    this.outbox?.ack(rev)
  }

  get pending(): boolean {
    return this.timer !== undefined || (this.outbox?.pending ?? false)
  }

  soon(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.flush(), DEBOUNCE) as unknown as number
    this.told()
  }

  /** Hand the mask over now, if one was waiting for its pause. */
  flush(): void {
    if (this.timer === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
    this.last = this.sheet()
    this.outbox?.commit(this.last.encoded())
    this.told()
  }

  close(): void {
    this.flush()
    this.outbox?.stop()
  }
}
