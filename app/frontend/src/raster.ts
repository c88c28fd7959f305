// A mask at the image's own resolution, without a DOM: no zoom, no pixel ratio and no anti-aliasing can reach it.
// A marked pixel holds the number of its type, from 1; every tool marks with `ink`.
// Coordinates are in image pixels; pixel (x, y) covers [x, x+1) x [y, y+1) and is tested by its centre.

export interface Rect {
  x: number
  y: number
  width: number
  height: number
}

export type Point = readonly [number, number]
export const NOTHING: Rect = { x: 0, y: 0, width: 0, height: 0 }

export class Mask {
  readonly data: Uint8Array
  ink = 1

  constructor(
    readonly width: number,
    readonly height: number,
    data?: Uint8Array,
  ) {
    this.data = data ?? new Uint8Array(width * height)
    if (this.data.length !== width * height) {
      throw new Error(`${this.data.length} values are not ${width}x${height}`)
    }
  }

  /** The part of a box that lies on the image, in whole pixels; width or height 0 when nothing does. */
  clip(left: number, top: number, right: number, bottom: number): Rect {
    const x = Math.max(0, Math.floor(left))
    const y = Math.max(0, Math.floor(top))
    return {
      x,
      y,
      width: Math.max(0, Math.min(this.width, Math.ceil(right)) - x),
      height: Math.max(0, Math.min(this.height, Math.ceil(bottom)) - y),
    }
  }

  /** Every pixel whose centre is at most `radius` from the segment a-b. Returns what may have changed. */
  stroke(a: Point, b: Point, radius: number, value: 0 | 1): Rect {
    const rect = this.clip(
      Math.min(a[0], b[0]) - radius,
      Math.min(a[1], b[1]) - radius,
      Math.max(a[0], b[0]) + radius,
      Math.max(a[1], b[1]) + radius,
    )
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
    const length = dx * dx + dy * dy
    const limit = radius * radius
    const written = value && this.ink
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      for (let x = rect.x; x < rect.x + rect.width; x++) {
        const [px, py] = [x + 0.5 - a[0], y + 0.5 - a[1]]
        const t = length === 0 ? 0 : Math.max(0, Math.min(1, (px * dx + py * dy) / length))
        const [ex, ey] = [px - t * dx, py - t * dy]
        if (ex * ex + ey * ey <= limit) this.data[y * this.width + x] = written
      }
    }
    return rect
  }

  /** Every pixel whose centre lies inside the closed polygon, by the even-odd rule. */
  polygon(points: readonly Point[], value: 0 | 1): Rect {
    if (points.length < 3) return { x: 0, y: 0, width: 0, height: 0 }
    const xs = points.map((point) => point[0])
    const ys = points.map((point) => point[1])
    const rect = this.clip(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys))
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      const crossings = crossingsAt(points, y + 0.5)
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const from = Math.max(rect.x, Math.ceil(crossings[i] - 0.5))
        const to = Math.min(rect.x + rect.width, Math.ceil(crossings[i + 1] - 0.5))
        if (to > from) this.data.fill(value && this.ink, y * this.width + from, y * this.width + to)
      }
    }
    return rect
  }

  /** Every pixel whose centre lies in the box between two corners. */
  box(a: Point, b: Point, value: 0 | 1): Rect {
    const left = Math.min(a[0], b[0])
    const top = Math.min(a[1], b[1])
    const right = Math.max(a[0], b[0])
    const bottom = Math.max(a[1], b[1])
    return this.polygon(
      [
        [left, top],
        [right, top],
        [right, bottom],
        [left, bottom],
      ],
      value,
    )
  }

  fill(value: 0 | 1): Rect {
    this.data.fill(value && this.ink)
    return { x: 0, y: 0, width: this.width, height: this.height }
  }

  /** How many pixels are marked, by their number. */
  counts(): Map<number, number> {
    const counts = new Uint32Array(256)
    for (const value of this.data) counts[value] += 1
    return new Map([...counts.entries()].filter(([number, count]) => number > 0 && count > 0))
  }

  count(): number {
    return [...this.counts().values()].reduce((sum, count) => sum + count, 0)
  }

  copy(rect: Rect): Uint8Array {
    const out = new Uint8Array(rect.width * rect.height)
    for (let row = 0; row < rect.height; row++) {
      const start = (rect.y + row) * this.width + rect.x
      out.set(this.data.subarray(start, start + rect.width), row * rect.width)
    }
    return out
  }

  paste(rect: Rect, values: Uint8Array): void {
    for (let row = 0; row < rect.height; row++) {
      const line = values.subarray(row * rect.width, (row + 1) * rect.width)
      this.data.set(line, (rect.y + row) * this.width + rect.x)
    }
  }
}

function crossingsAt(points: readonly Point[], y: number): number[] {
  const crossings: number[] = []
  for (let i = 0; i < points.length; i++) {
    const [ax, ay] = points[i]
    const [bx, by] = points[(i + 1) % points.length]
    if (ay <= y === by <= y) continue
    crossings.push(ax + ((y - ay) / (by - ay)) * (bx - ax))
  }
  return crossings.sort((a, b) => a - b)
}

/** Whether a point lies inside a closed polygon, by the even-odd rule. */
export function inside(points: readonly Point[], point: Point): boolean {
  return crossingsAt(points, point[1]).filter((x) => x <= point[0]).length % 2 === 1
}

export function union(a: Rect | null, b: Rect): Rect {
  if (a === null || a.width === 0 || a.height === 0) return b
  if (b.width === 0 || b.height === 0) return a
  const x = Math.min(a.x, b.x)
  const y = Math.min(a.y, b.y)
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  }
}

/** A mask that an edit belongs to. */
export type Layer = Mask
