/** The samples that there are. */

import { CHAT } from './chat.js'
import { FLIGHTS, FLIGHTS_LARGE } from './flights.js'
import { sampleOf } from './load.js'
import type { Recipe, Sample } from './sample.js'
import { TPCH } from './tpch.js'

const RECIPES: readonly Recipe[] = [FLIGHTS, CHAT, TPCH, FLIGHTS_LARGE]

export const SAMPLES: readonly Sample[] = RECIPES.map(sampleOf)
