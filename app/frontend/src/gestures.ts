// Small geometry of gestures: corners, and the level that a slider stands for.
import type { Point } from "./raster"

export interface Scale {
  median: number
  b_n: number
  b_a: number
}

/** The log-likelihood at a slider's step: 0 is b_n, 1 twice as far from the median as b_n, -1 half as far. */
export function levelAt(scale: Scale, step: number): number {
  return scale.median - (scale.median - scale.b_n) * 2 ** step
}

export function corners(a: Point, b: Point): Point[] {
  return [a, [b[0], a[1]], b, [a[0], b[1]]]
}

/** A box from four numbers typed by hand: x, y, width, height; null when they are none. */
export function typedBox(text: string): [Point, Point] | null {
  const numbers = text.split(/[\s,;]+/).filter(Boolean).map(Number)
  if (numbers.length !== 4 || numbers.some((value) => !Number.isFinite(value)) || numbers[2] <= 0 || numbers[3] <= 0) return null
  const [x, y, width, height] = numbers
  return [[x, y], [x + width, y + height]]
}
