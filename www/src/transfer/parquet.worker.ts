/** Makes CSV of Parquet files away from the page. */

import type { Piece } from '../samples/rows/csv.js'
import { serve } from '../samples/rows/serve.js'
import { csvOfParquet } from './parquet-rows.js'

serve<File, Piece>(csvOfParquet, ({ bytes }) => [bytes.buffer])
