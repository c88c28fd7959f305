// The mask on the stage: what is abnormal, what nobody judges, and every edit of the two.
import { decode, decodeNumbers, encode, encodeNumbers } from "./codec"
import { type Change, History } from "./history"
import type { Drawn } from "./outbox"
import { Mask, NOTHING, type Point, type Rect, union } from "./raster"
import { dropSmall, fill, fillHoles, smooth } from "./regions"

export type Paint = "defect" | "ignore"
export type Cleanup = "holes" | "smooth" | "specks" | "clear"
export const OWN = 1 // the number of what is of the type that the label is given; those of `types` follow
const MOST = 254

export class Sheet {
  readonly defect: Mask
  readonly ignore: Mask
  readonly history = new History()
  paint: Paint = "defect"
  private grown: { point: Point; edits: number } | null = null

  /** `types` are those that a pixel can be of, besides the one that the label is given. */
  constructor(
    width: number,
    height: number,
    readonly types: string[] = [],
  ) {
    this.defect = new Mask(width, height)
    this.ignore = new Mask(width, height)
  }

  /** The number of what is drawn next. */
  get pen(): number {
    return this.defect.ink
  }

  set pen(number: number) {
    this.paint = "defect"
    if (number >= OWN && number <= OWN + this.types.length) this.defect.ink = number
  }

  /** The number of a type by name, which is a new one if need be. */
  numberOf(name: string): number {
    if (!this.types.includes(name) && this.types.length < MOST) this.types.push(name)
    return OWN + 1 + this.types.indexOf(name)
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

  /** Mark what another sheet of the same size marks, besides what is marked already. */
  add(other: Sheet): Rect | null {
    const numbers = [0, OWN, ...other.types.map((name) => this.numberOf(name))]
    return this.edit(() => {
      const { data } = other.defect
      for (let i = 0; i < data.length; i++) if (data[i]) this.defect.data[i] = numbers[data[i]]
      return this.whole
    })
  }

  /** Show what another sheet of the same size shows, in place of what is here. */
  become(other: Sheet): Rect {
    const numbers = [0, OWN, ...other.types.map((name) => this.numberOf(name))]
    for (const paint of ["ignore", "defect"] as const) {
      this.paint = paint
      this.edit((mask) => {
        mask.data.set(paint === "ignore" ? other.ignore.data : other.defect.data.map((number) => numbers[number]))
        return this.whole
      })
    }
    return this.whole
  }

  undo(): Change | null {
    return this.history.undo()
  }

  redo(): Change | null {
    return this.history.redo()
  }

  /** Start from stored masks; false when neither could be read. */
  async take({ png, ignore, numbers, types = [] }: Partial<Drawn>): Promise<boolean> {
    const { width, height } = this.defect
    const read = (text: string | undefined, how: typeof decode): Promise<Uint8Array | null> | null =>
      text ? how(text, width, height) : null
    const [marked, ignored, typed] = await Promise.all([read(png, decode), read(ignore, decode), read(numbers, decodeNumbers)])
    if (marked) this.defect.data.set(marked)
    if (ignored) this.ignore.data.set(ignored)
    const known = types.map((name) => this.numberOf(name))
    typed?.forEach((value, i) => {
      if (value > OWN && this.defect.data[i]) this.defect.data[i] = known[value - OWN - 1] ?? OWN
    })
    return marked !== null || ignored !== null
  }

  /** How much is marked, in words; empty when nothing is. */
  summary(): string {
    const words = (count: number, what: string): string => (count > 0 ? `${count.toLocaleString("en")} px ${what}` : "")
    const counts = [...this.defect.counts()]
    const others = counts.filter(([number]) => number > OWN)
    const types = others.map(([number, count]) => `${count.toLocaleString("en")} ${this.types[number - OWN - 1]}`)
    const all = counts.reduce((sum, [, count]) => sum + count, 0)
    const marked = words(all, "marked") + (types.length > 0 ? `, of it ${types.join(", ")}` : "")
    return [marked, words(this.ignore.count(), "don't care")].filter(Boolean).join(" · ")
  }

  /** What goes to Python: don't care and types only when something of them is marked. */
  encoded(): Drawn {
    const drawn: Drawn = { png: encode(this.defect) }
    if (this.ignore.data.includes(1)) drawn.ignore = encode(this.ignore)
    const several = [...this.defect.counts().keys()].some((number) => number > OWN)
    return !several ? drawn : { ...drawn, numbers: encodeNumbers(this.defect), types: this.types }
  }
}
