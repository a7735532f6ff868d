import { LocalDateTime } from 'graphweft';
import { z } from 'zod';

const WALL_CLOCK = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)$/;

/** The TLC writes New York's wall clock without a zone: text in CSV files, a timestamp in Parquet files. */
const localDateTime = z.union([
  z.instanceof(LocalDateTime),
  z
    .string()
    .regex(WALL_CLOCK, 'not a date and time like 2024-01-31 12:34:56')
    .transform((text) => new LocalDateTime(Date.parse(`${text.replace(' ', 'T')}Z`) / 1000)),
]);

const zone = z.coerce.number().int().min(1).max(265);
const amount = z.coerce.number();
/** Left blank for trips that were not recorded on the road. */
const optionalCount = z.preprocess((value) => value ?? undefined, z.coerce.number().optional());

/** What a row of a yellow-cab file must be; what the graph does not hold is only passed over. */
export const trip = z.object({
  VendorID: z.coerce.number().int(),
  tpep_pickup_datetime: localDateTime,
  tpep_dropoff_datetime: localDateTime,
  passenger_count: optionalCount,
  trip_distance: amount.min(0),
  PULocationID: zone,
  DOLocationID: zone,
  fare_amount: amount,
  total_amount: amount,
});
