/** Dots of a chart, thousands of them in one path for each series, which costs a browser less than an element each. */

/** The shapes of series, by the names of Observable Plot, and as paths around a point. */
const SHAPES: readonly (readonly [string, string])[] = [
  ['circle', 'm-3,0a3,3,0,1,0,6,0a3,3,0,1,0,-6,0z'],
  ['square', 'm-2.7,-2.7h5.4v5.4h-5.4z'],
  ['triangle', 'm0,-3.6l3.2,5.6h-6.4z'],
  ['diamond', 'm0,-4.2l2.6,4.2l-2.6,4.2l-2.6,-4.2z'],
  ['plus', 'm-3.4,0h6.8m-3.4,-3.4v6.8'],
  ['times', 'm-2.6,-2.6l5.2,5.2m0,-5.2l-5.2,5.2'],
  ['asterisk', 'm0,-3.6v7.2m-3.1,-5.4l6.2,3.6m0,-3.6l-6.2,3.6'],
  ['hexagon', 'm0,-3.4l3,1.7v3.4l-3,1.7l-3,-1.7v-3.4z'],
  ['star', 'm0,-4l1,2.7h2.9l-2.3,1.8l.9,2.8l-2.5,-1.7l-2.5,1.7l.9,-2.8l-2.3,-1.8h2.9z'],
  ['wye', 'm0,3.6v-3.6m-3.1,-1.8l3.1,1.8l3.1,-1.8'],
]

/** The names of shapes for so many series. */
export function shapesOf(series: number): string[] {
  return Array.from({ length: series }, (_, at) => shapeAt(at)[0])
}

/** One path with the shape of the series `at` at each of the points. */
export function pathOf(at: number, points: Iterable<readonly [number, number]>): string {
  const [, shape] = shapeAt(at)
  let path = ''
  for (const [x, y] of points) {
    path += `M${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}${shape}`
  }
  return path
}

function shapeAt(at: number): readonly [string, string] {
  return SHAPES[at % SHAPES.length] ?? ['circle', '']
}
