// One click becomes one defect: the likelihood says what is abnormal, the known defects how far one usually reaches, and
// the image's own edges where it ends. An isoline alone follows a grid eight or sixteen pixels wide.
import type { Point, Rect } from "./raster"
import { NOTHING, type Mask } from "./raster"
import { connected, type Field, valueAt } from "./regions"

/** Brightness in 0..1 of a rectangle of the image, row by row. */
export interface Guide {
  rect: Rect
  values: Float32Array
}

/** How far known defects reach, and the likelihoods that a click grows along. */
export interface Reach {
  radius: number // of a disc as large as a typical known defect, in image pixels
  median: number // of a normal part's log-likelihoods on this field
  b_n: number
}

// Chosen on half of the held-out screw defects, on none of those that `make bench-gesture` reports.
const PULL = 0.8 // how much the distance from the click speaks against a pixel
const SURE = 0.5 // evidence beyond this counts no further, so that a hot centre does not spill over an edge
const EDGE = 0.002 // variance of brightness that counts as an edge
const WINDOW = 0.75 // of a grid cell: how far evidence is spread along the image
export const FAR = 3 // radii that are looked at

/** The window around a click that `growAround` looks at. */
export function windowOf(mask: Mask, point: Point, radius: number): Rect {
  const reach = FAR * radius
  return mask.clip(point[0] - reach, point[1] - reach, point[0] + reach, point[1] + reach)
}

/**
 * Mark what belongs to the defect under a click; `step` as the level's slider says: one more doubles what a place must
 * deviate by. Nothing when no place near the click speaks for a defect.
 */
export function growAround(mask: Mask, field: Field, guide: Guide, point: Point, reach: Reach, step: number): Rect {
  const { rect } = guide
  if (rect.width === 0 || rect.height === 0) return NOTHING
  const unit = (reach.median - reach.b_n) * 2 ** step
  const evidence = new Float32Array(rect.width * rect.height)
  for (let row = 0; row < rect.height; row++) {
    for (let column = 0; column < rect.width; column++) {
      const [x, y] = [rect.x + column, rect.y + row]
      const deviation = Math.max(0, (reach.median - valueAt(field, mask, x, y)) / unit)
      const far = ((x + 0.5 - point[0]) ** 2 + (y + 0.5 - point[1]) ** 2) / reach.radius ** 2
      evidence[row * rect.width + column] = Math.max(-SURE, Math.min(SURE, Math.log1p(deviation) - PULL * far))
    }
  }
  const radius = Math.max(1, Math.round((WINDOW * mask.width) / field.width))
  const guided = guidedFilter(guide.values, evidence, rect, radius, EDGE)
  const inside = (x: number, y: number): boolean => {
    const [column, row] = [x - rect.x, y - rect.y]
    return column >= 0 && row >= 0 && column < rect.width && row < rect.height && guided[row * rect.width + column] > 0
  }
  return connected(mask, field, point, inside)
}

/** He, Sun and Tang's guided filter: what is smooth stays smooth, but steps where the guide has an edge. */
export function guidedFilter(guide: Float32Array, input: Float32Array, size: Size, radius: number, edge: number): Float32Array {
  const mean = (values: Float32Array): Float32Array => boxMean(values, size, radius)
  const [g, p] = [mean(guide), mean(input)]
  const [gg, gp] = [mean(guide.map((v) => v * v)), mean(guide.map((v, i) => v * input[i]))]
  const slope = g.map((m, i) => (gp[i] - m * p[i]) / (gg[i] - m * m + edge))
  const rest = p.map((m, i) => m - slope[i] * g[i])
  const [a, b] = [mean(slope), mean(rest)]
  return guide.map((v, i) => a[i] * v + b[i])
}

interface Size {
  width: number
  height: number
}

/** Mean over a square around each value, of what of it lies inside. */
function boxMean(values: Float32Array, { width, height }: Size, radius: number): Float32Array {
  const rows = new Float32Array(values.length)
  for (let y = 0; y < height; y++) running(values, rows, y * width, 1, width, radius)
  const out = new Float32Array(values.length)
  for (let x = 0; x < width; x++) running(rows, out, x, width, height, radius)
  return out
}

function running(from: Float32Array, to: Float32Array, start: number, stride: number, count: number, radius: number): void {
  let sum = 0
  for (let i = 0; i < Math.min(radius, count); i++) sum += from[start + i * stride]
  for (let i = 0; i < count; i++) {
    if (i + radius < count) sum += from[start + (i + radius) * stride]
    if (i - radius - 1 >= 0) sum -= from[start + (i - radius - 1) * stride]
    to[start + i * stride] = sum / (Math.min(count - 1, i + radius) - Math.max(0, i - radius) + 1)
  }
}
