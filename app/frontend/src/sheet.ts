// The mask on the stage: what is abnormal, what nobody judges, and every edit of the two.
import { decode, encode } from "./codec"
import { type Change, History } from "./history"
import { Mask, NOTHING, type Point, type Rect, union } from "./raster"
import { dropSmall, fill, fillHoles, smooth } from "./regions"

export type Paint = "defect" | "ignore"
export type Cleanup = "holes" | "smooth" | "specks" | "clear"

export class Sheet {
  readonly defect: Mask
  readonly ignore: Mask
  readonly history = new History()
  paint: Paint = "defect"
  private grown: { point: Point; edits: number } | null = null

  constructor(width: number, height: number) {
    this.defect = new Mask(width, height)
    this.ignore = new Mask(width, height)
  }

  get layer(): Mask {
    return this.paint === "defect" ? this.defect : this.ignore
  }

  get whole(): Rect {
    return { x: 0, y: 0, width: this.defect.width, height: this.defect.height }
  }

  begin(): void {
    this.grown = null // else it would be taken for the edit that comes to stand at its number
    this.history.begin(this.layer)
  }

  stroke(from: Point, to: Point, radius: number, value: 0 | 1): Rect {
    const rect = this.layer.stroke(from, to, radius, value)
    this.history.touched(rect)
    return rect
  }

  /** One edit in one step; null when it changed nothing. */
  edit(act: (mask: Mask) => Rect): Rect | null {
    this.begin()
    const rect = act(this.layer)
    this.history.touched(rect)
    return this.history.end() ? rect : null
  }

  /** The region that belongs to a click; null when there is nothing new there. */
  grow(point: Point, how: (mask: Mask, point: Point) => Rect): Rect | null {
    const rect = this.edit((mask) => how(mask, point))
    this.grown = rect ? { point, edits: this.history.length } : null
    return rect
  }

  /** Grow the last region anew, if nothing was drawn since; null when there is none. */
  regrow(how: (mask: Mask, point: Point) => Rect): Rect | null {
    if (!this.grown || this.grown.edits !== this.history.length) return null
    const { point } = this.grown
    const before = this.history.drop()?.rect ?? NOTHING
    const after = this.grow(point, how)
    if (!after) this.grown = { point, edits: this.history.length }
    return union(before, after ?? NOTHING)
  }

  /** "open" when the area around the click reaches the image's border. */
  fill(point: Point): Rect | null | "open" {
    let open = false
    const rect = this.edit((mask) => {
      const filled = fill(mask, point)
      open = filled === null
      return filled ?? NOTHING
    })
    return open ? "open" : rect
  }

  clean(what: Cleanup, least: number): Rect | null {
    return this.edit((mask) => {
      if (what === "holes") return fillHoles(mask)
      if (what === "smooth") return smooth(mask)
      return what === "specks" ? dropSmall(mask, least) : mask.fill(0)
    })
  }

  /** Mark what another mask of the same size marks, besides what is marked already. */
  add(pixels: Uint8Array): Rect | null {
    return this.edit((mask) => {
      for (let i = 0; i < pixels.length; i++) if (pixels[i]) mask.data[i] = 1
      return this.whole
    })
  }

  undo(): Change | null {
    return this.history.undo()
  }

  redo(): Change | null {
    return this.history.redo()
  }

  /** Start from stored masks; false when neither could be read. */
  async take(png: string | null, ignore: string | null): Promise<boolean> {
    const { width, height } = this.defect
    const read = (text: string | null): Promise<Uint8Array | null> | null => (text ? decode(text, width, height) : null)
    const [marked, ignored] = await Promise.all([read(png), read(ignore)])
    if (marked) this.defect.data.set(marked)
    if (ignored) this.ignore.data.set(ignored)
    return marked !== null || ignored !== null
  }

  /** How much is marked, in words; empty when nothing is. */
  summary(): string {
    const words = (mask: Mask, what: string): string => {
      const count = mask.count()
      return count > 0 ? `${count.toLocaleString("en")} px ${what}` : ""
    }
    return [words(this.defect, "marked"), words(this.ignore, "don't care")].filter(Boolean).join(" · ")
  }

  /** What goes to Python: [defect, don't care], the second only when something of it is marked. */
  encoded(): [string, string | undefined] {
    return [encode(this.defect), this.ignore.data.includes(1) ? encode(this.ignore) : undefined]
  }
}
