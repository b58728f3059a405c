/** The words of TPC-H's data, from the lists of its specification (clauses 4.2.2 and 4.2.3). */

type Words = readonly [string, ...string[]]

export const REGIONS: Words = ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST']

/** Names by key, each with the key of its region. */
export const NATIONS: readonly (readonly [string, number])[] = [
  ['ALGERIA', 0],
  ['ARGENTINA', 1],
  ['BRAZIL', 1],
  ['CANADA', 1],
  ['EGYPT', 4],
  ['ETHIOPIA', 0],
  ['FRANCE', 3],
  ['GERMANY', 3],
  ['INDIA', 2],
  ['INDONESIA', 2],
  ['IRAN', 4],
  ['IRAQ', 4],
  ['JAPAN', 2],
  ['JORDAN', 4],
  ['KENYA', 0],
  ['MOROCCO', 0],
  ['MOZAMBIQUE', 0],
  ['PERU', 1],
  ['CHINA', 2],
  ['ROMANIA', 3],
  ['SAUDI ARABIA', 4],
  ['VIETNAM', 2],
  ['RUSSIA', 3],
  ['UNITED KINGDOM', 3],
  ['UNITED STATES', 1],
]

export const SEGMENTS: Words = ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD']
export const PRIORITIES: Words = ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW']
export const INSTRUCTIONS: Words = ['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN']
export const MODES: Words = ['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB']

/** A type is one of each. */
export const TYPES: readonly Words[] = [
  ['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'],
  ['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'],
  ['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'],
]

/** A container is one of each. */
export const CONTAINERS: readonly Words[] = [
  ['SM', 'LG', 'MED', 'JUMBO', 'WRAP'],
  ['CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'],
]

/** Some of the words that names of parts are made of. */
export const COLOURS: readonly string[] = (
  'almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood burnished chartreuse chiffon ' +
  'chocolate coral cornflower cornsilk cream cyan dark deep dim dodger drab firebrick floral forest frosted gainsboro ghost ' +
  'goldenrod green grey honeydew hot indian ivory khaki lace lavender lawn lemon light lime linen magenta maroon medium'
).split(' ')

const SUBJECTS: Words = ['packages', 'requests', 'accounts', 'deposits', 'foxes', 'ideas', 'theodolites', 'instructions']
const VERBS: Words = ['sleep', 'wake', 'haggle', 'nag', 'cajole', 'use', 'detect', 'integrate']
const ADVERBS: Words = ['quickly', 'slyly', 'carefully', 'furiously', 'blithely', 'daringly', 'ruthlessly']

/** A short text for the row with this number. */
export function comment(number: number): string {
  const word = (words: Words, step: number) => words[Math.floor(number / step) % words.length] ?? words[0]
  return `${word(SUBJECTS, 1)} ${word(VERBS, 3)} ${word(ADVERBS, 7)}`
}
