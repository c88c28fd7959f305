// Grows regions for the editor: around a click out to an isoline, or as far as the known defects of this part reach.
import { asked } from "./asking"
import { levelAt, type Scale } from "./gestures"
import type { Mask, Point, Rect } from "./raster"
import { type Guide, growAround, type Reach, windowOf } from "./reach"
import { type Field, grow, threshold } from "./regions"
import type { Sheet } from "./sheet"

/** Where the fields come from; `reach` null before a known defect has a mask. */
export interface Fields {
  logpUrl: string | null
  scale: Scale | null
  reach: (Reach & { url: string }) | null
}

const NONE: Fields = { logpUrl: null, scale: null, reach: null }

export class Grower {
  step = 0
  private field: Field | null = null
  private fine: Field | null = null
  private wanted = NONE

  constructor(private readonly guide: (rect: Rect) => Guide | null) {}

  get ready(): boolean {
    return this.field !== null && this.wanted.scale !== null
  }

  /** Whether these come from where the present ones came from. */
  has(fields: Fields): boolean {
    return this.wanted.logpUrl === fields.logpUrl && this.wanted.reach?.url === fields.reach?.url
  }

  async open(fields: Fields): Promise<void> {
    this.wanted = fields
    this.field = this.fine = null
    const wanted = (): boolean => this.wanted === fields
    const urls = [fields.logpUrl, fields.reach?.url ?? null]
    const [field, fine] = await Promise.all(urls.map((url) => read(url, wanted)))
    if (wanted()) [this.field, this.fine] = [field, fine]
  }

  close(): void {
    this.wanted = { ...NONE }
  }

  level(step: number): void {
    this.step = Math.round(10 * Math.max(-1, Math.min(5, step))) / 10
  }

  /** One gesture: what belongs to the click becomes mask; null when nothing new does. */
  grow(sheet: Sheet, point: Point): Rect | null {
    return sheet.grow(point, this.how)
  }

  /** The last region anew at the present level, if nothing was drawn since. */
  regrow(sheet: Sheet): Rect | null {
    return sheet.regrow(this.how)
  }

  threshold(sheet: Sheet): Rect | null {
    const { field } = this
    const { scale } = this.wanted
    return field && scale ? sheet.edit((mask) => threshold(mask, field, levelAt(scale, this.step))) : null
  }

  private readonly how = (mask: Mask, point: Point): Rect => {
    const { field, fine, step } = this
    const { scale, reach } = this.wanted
    const guide = fine && reach ? this.guide(windowOf(mask, point, reach.radius)) : null
    if (fine && reach && guide) return growAround(mask, fine, guide, point, reach, step)
    return field && scale ? grow(mask, field, point, levelAt(scale, step)) : { x: 0, y: 0, width: 0, height: 0 }
  }
}

/** Log-likelihoods as Python sends them: two 16-bit sizes, then float32 rows; null when there are none. */
async function read(url: string | null, wanted: () => boolean): Promise<Field | null> {
  const bytes = url ? await asked(url, (answer) => answer.arrayBuffer(), wanted) : null
  if (!bytes) return null
  const [height, width] = new Uint16Array(bytes, 0, 2)
  return { width, height, values: new Float32Array(bytes, 4) }
}
